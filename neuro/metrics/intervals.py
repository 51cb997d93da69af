"""Inter-spike intervals, and how irregular they are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.errors import InvalidValue
from neuro.events import Events


class Intervals(NamedTuple):
    """Inter-spike intervals of all units, in order of units and then of time."""

    seconds: NDArray[np.float64]  # [M]
    unit: NDArray[np.int32]  # flat index of the unit that each belongs to [M]


def interspike_intervals(events: Events) -> Intervals:
    """Time between successive spikes of the same unit.

    A unit with fewer than two spikes has no interval and does not occur. The times from the start
    of the recording to the first spike and from the last one to its end are no intervals.
    """
    order = np.lexsort((events.t, events.unit))
    t, unit = events.t[order], events.unit[order]
    same = unit[1:] == unit[:-1]
    return Intervals(events.clock.seconds(np.diff(t)[same]), unit[1:][same])


def cv(events: Events, *, min_intervals: int = 2) -> NDArray[np.float64]:
    """Coefficient of variation of each unit's inter-spike intervals, [*shape].

    Standard deviation (divided by n) over mean: 1 for a Poisson process, 0 for a clock. It is
    biased towards 0 when a unit has few intervals. A unit with fewer than `min_intervals` has
    none: NaN, which `numpy.nanmean` leaves out.

    Args:
        events: spikes of a population.
        min_intervals: at least 2.

    Raises:
        InvalidValue: `min_intervals` is below 2.

    Source: Dayan & Abbott, Theoretical Neuroscience (2001), section 1.4.
    """
    _at_least_two("cv", min_intervals)
    intervals = interspike_intervals(events)
    n = np.bincount(intervals.unit, minlength=events.size)
    mean = np.bincount(intervals.unit, intervals.seconds, events.size) / np.maximum(n, 1)
    off = (intervals.seconds - mean[intervals.unit]) ** 2
    spread = np.sqrt(np.bincount(intervals.unit, off, events.size) / np.maximum(n, 1))
    result = np.full(events.size, np.nan)
    defined = (n >= min_intervals) & (mean > 0)
    result[defined] = spread[defined] / mean[defined]
    return result.reshape(events.shape)


def cv2(events: Events, *, min_intervals: int = 2) -> NDArray[np.float64]:
    """Irregularity from neighbouring intervals, [*shape]: mean of 2 |I' - I| / (I' + I).

    1 for a Poisson process, whose rate may change slowly without any effect on it. A unit with
    fewer than `min_intervals` has none: NaN.

    Raises:
        InvalidValue: `min_intervals` is below 2, or a unit fires three times in one tick.

    Source: Holt, Softky, Koch & Douglas, J. Neurophysiol. 75 (1996).
    """
    first, second, unit = _neighbours("cv2", events)
    return _mean(2 * np.abs(second - first) / (second + first), unit, events, "cv2", min_intervals)


def lv(
    events: Events, *, refractory: float = 0.0, min_intervals: int = 2
) -> NDArray[np.float64]:  # fmt: skip
    """Local variation Lv of each unit, [*shape], or its revision LvR with a refractory time R.

        3 mean of (1 - 4 I I' / (I + I')^2) (1 + 4 R / (I + I')) over neighbouring intervals I, I'

    1 for a Poisson process, 0 for a clock, 3 / (2 k + 1) for a gamma process of shape k (R = 0).
    A unit with fewer than `min_intervals` has none: NaN.

    Args:
        events: spikes of a population.
        refractory: R in seconds: 0 gives Lv (2003), 5 ms the LvR of 2009.
        min_intervals: at least 2.

    Raises:
        InvalidValue: `min_intervals` is below 2, R is negative, or a unit fires three times in one
            tick.

    Source: Shinomoto, Shima & Tanji, Neural Computation 15 (2003), Lv; Shinomoto et al., PLoS
    Comput. Biol. 5:e1000433 (2009), LvR.
    """
    if not 0 <= refractory < np.inf:
        raise InvalidValue(f"lv.refractory: got {refractory!r} s, expected >= 0 s")
    first, second, unit = _neighbours("lv", events)
    both = first + second
    terms = 3 * (1 - 4 * first * second / both**2) * (1 + 4 * refractory / both)
    return _mean(terms, unit, events, "lv", min_intervals)


def _neighbours(
    where: str, events: Events
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int32]]:
    """Pairs of successive intervals of one unit."""
    seconds, unit = interspike_intervals(events)
    same = unit[1:] == unit[:-1]
    first, second, unit = seconds[:-1][same], seconds[1:][same], unit[1:][same]
    nothing = first + second == 0
    if nothing.any():
        raise InvalidValue(
            f"{where}: unit {unit[nothing.argmax()]} fires three times in one tick, so that "
            "neighbouring intervals are both 0. Record with a finer clock."
        )
    return first, second, unit


def _mean(
    terms: NDArray[np.float64], unit: NDArray[np.int32], events: Events, where: str, least: int
) -> NDArray[np.float64]:
    """Mean of the pairs of each unit; n intervals make n - 1 pairs."""
    _at_least_two(where, least)
    pairs = np.bincount(unit, minlength=events.size)
    total = np.bincount(unit, terms, events.size)
    result = np.full(events.size, np.nan)
    defined = pairs >= least - 1
    result[defined] = total[defined] / pairs[defined]
    return result.reshape(events.shape)


def _at_least_two(where: str, least: int) -> None:
    if least < 2:
        raise InvalidValue(f"{where}.min_intervals: got {least}, expected at least 2")
