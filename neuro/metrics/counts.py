"""Spike counts in bins, and how much they vary: the Fano factor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.units import ms


def spike_counts(
    events: Events, *, bin_width: float, units: Sequence[int] | None = None
) -> NDArray[np.int64]:
    """Spikes of each unit in each whole bin, [K, *shape], or [K, n] of some units.

    What is left over at the end and does not fill a bin is not counted. Graded events count as one.

    Args:
        events: spikes of a population.
        bin_width: seconds, a whole multiple of the events' tick.
        units: flat indices of the units to count; all by default.

    Raises:
        InvalidValue: the width is no whole number of ticks or longer than the recording, or a
            unit does not exist.
    """
    ticks, bins = whole_bins("spike_counts", events, bin_width)
    column = np.full(events.size, -1, np.int64)
    if units is None:
        shape = events.shape
        column[:] = np.arange(events.size)
    else:
        chosen = checked_units("spike_counts.units", units, events.size)
        shape = (len(chosen),)
        column[chosen] = np.arange(len(chosen))
    size = int(np.prod(shape))
    place, at = events.t // ticks, column[events.unit]
    kept = (place < bins) & (at >= 0)
    cell = place[kept] * size + at[kept]
    return np.bincount(cell, minlength=bins * size).reshape(bins, *shape)


def fano_factor(
    trials: Events | Sequence[Events], *, window: float = 100 * ms
) -> NDArray[np.float64]:
    """Variance over mean of each unit's spike counts, [*shape]: 1 for a Poisson process.

    Counts are those of all whole windows of all trials; with windows as long as the trials it is
    the Fano factor over trials. The variance is that of the sample (divided by n). A unit that is
    silent throughout has none: NaN, which `numpy.nanmean` leaves out.

    Args:
        trials: one recording or several of the same population.
        window: seconds, a whole multiple of the events' tick.

    Raises:
        InvalidValue: no trials, shapes differ, fewer than two windows, or as `spike_counts`.

    Source: Fano, Phys. Rev. 72 (1947); Nawrot et al., J. Neurosci. Methods 169 (2008).
    """
    each = [trials] if isinstance(trials, Events) else list(trials)
    if len({trial.shape for trial in each}) != 1:
        raise InvalidValue(
            f"fano_factor.trials: got shapes {[trial.shape for trial in each]}, expected at least "
            "one trial, and the same population in all"
        )
    counts = np.concatenate([spike_counts(trial, bin_width=window) for trial in each])
    if len(counts) < 2:
        raise InvalidValue(
            f"fano_factor.window: {window:g} s fits the recording once, expected at least two "
            "windows. Use a shorter window or more trials."
        )
    return _ratio(counts.var(axis=0), counts.mean(axis=0))


def whole_bins(where: str, events: Events, bin_width: float) -> tuple[int, int]:
    """Ticks of one bin, and how many whole bins the recording has.

    Raises:
        InvalidValue: the width is no whole number of ticks or longer than the recording.
    """
    try:
        ticks = events.clock.per(Clock(bin_width))
    except InvalidValue as error:
        raise InvalidValue(
            f"{where}: got a bin of {bin_width!r} s, expected a whole multiple of the events' tick "
            f"of {events.clock.dt:g} s"
        ) from error
    bins = events.duration // ticks
    if not bins:
        length = float(events.clock.seconds(events.duration))
        raise InvalidValue(
            f"{where}: a bin of {bin_width:g} s is longer than the recording of {length:g} s"
        )
    return ticks, bins


def checked_units(where: str, units: Sequence[int], size: int) -> NDArray[np.int64]:
    """Flat indices of units, each at most once.

    Raises:
        InvalidValue: none, one that does not exist, or one twice.
    """
    chosen = np.asarray(units)
    if chosen.ndim != 1 or not chosen.size or chosen.dtype.kind not in "iu":
        raise InvalidValue(f"{where}: got {units!r}, expected a list of flat unit indices")
    bad = chosen[(chosen < 0) | (chosen >= size)]
    if bad.size:
        raise InvalidValue(f"{where}: got unit {bad[0]}, expected 0 <= unit < {size}")
    if len(np.unique(chosen)) < len(chosen):
        raise InvalidValue(f"{where}: a unit is listed twice")
    return chosen.astype(np.int64)


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    """above / below, NaN where below is 0."""
    return np.divide(above, below, out=np.full(below.shape, np.nan), where=below > 0)
