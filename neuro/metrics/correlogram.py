"""When does one unit fire relative to another? The cross-correlogram."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.metrics.counts import checked_units, whole_bins
from neuro.units import ms

_PAIRS = 1 << 20  # of spikes that are looked at together
Units = int | Sequence[int]


class Correlogram(NamedTuple):
    """Rate of the target around a spike of the reference."""

    lag: NDArray[np.float64]  # centre of each bin in seconds, from -window to +window [L]
    rate: NDArray[np.float64]  # spikes per second and target unit [L]


def cross_correlogram(
    events: Events,
    reference: Units,
    target: Units,
    *,
    window: float = 50 * ms,
    bin_width: float = 1 * ms,
) -> Correlogram:
    """Firing rate of the target at each lag after (positive) or before a spike of the reference.

    If the two are independent it is the target's own rate at every lag. The bins are centred on
    whole multiples of their width; a lag on the edge of two counts half in each. That there are
    fewer pairs of long lags near the ends of a recording is corrected for. With the same units on
    both sides it is the auto-correlogram, without the pairs of a spike with itself.

    Args:
        events: spikes of a population.
        reference, target: flat indices of one unit or several, whose spikes are pooled.
        window: longest lag in seconds, shorter than the recording.
        bin_width: seconds, a whole multiple of the events' tick.

    Raises:
        InvalidValue: a unit does not exist, the reference never fires, or the window does not fit.

    Source: Perkel, Gerstein & Moore, Biophys. J. 7 (1967), part II.
    """
    width, _ = whole_bins("cross_correlogram", events, bin_width)
    half = round(window / bin_width)
    if not half >= 1 or (half + 1) * width > events.duration:
        raise InvalidValue(
            f"cross_correlogram.window: got {window:g} s, expected from one bin ({bin_width:g} s) "
            "to less than the recording"
        )
    rows = _rows(events, "reference", reference)
    columns = _rows(events, "target", target)
    if not len(rows):
        raise InvalidValue(f"cross_correlogram.reference: unit {reference} never fires")
    targets = len(np.unique(target))
    counts = np.zeros(2 * half + 3)  # one bin more at each end, for halves that fall outside
    for lags in _lags(events.t, rows, columns, (2 * half + 1) * width // 2):
        place, rest = np.divmod(2 * lags + width, 2 * width)
        share = np.where(rest == 0, 0.5, 1.0)
        counts += np.bincount(place + half + 1, share, len(counts))
        counts += np.bincount(place + half, 1 - share, len(counts))
    lag = np.arange(-half, half + 1) * width
    overlap = 1 - np.abs(lag) / events.duration
    rate = counts[1:-1] / (len(rows) * targets * bin_width * overlap)
    return Correlogram(events.clock.seconds(lag), rate)


def _rows(events: Events, name: str, units: Units) -> NDArray[np.int64]:
    """The spikes of some units, as rows of the events."""
    listed = [units] if isinstance(units, (int, np.integer)) else units
    chosen = checked_units(f"cross_correlogram.{name}", listed, events.size)
    return np.flatnonzero(np.isin(events.unit, chosen))


def _lags(
    t: NDArray[np.int64], rows: NDArray[np.int64], columns: NDArray[np.int64], reach: int
) -> Iterator[NDArray[np.int64]]:
    """Target time minus reference time of all pairs within reach, some pairs at a time."""
    times = t[columns]
    first = np.searchsorted(times, t[rows] - reach)
    count = np.searchsorted(times, t[rows] + reach, side="right") - first
    bounds = np.searchsorted(
        np.cumsum(count), np.arange(_PAIRS, count.sum() + _PAIRS, _PAIRS), side="right"
    )
    for some in np.split(np.arange(len(rows)), np.unique(bounds)):
        n = count[some]
        begin = np.repeat(first[some] - np.cumsum(n) + n, n)
        to, source = columns[begin + np.arange(n.sum())], np.repeat(rows[some], n)
        yield (t[to] - t[source])[to != source]
