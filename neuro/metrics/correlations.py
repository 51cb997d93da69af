"""Do units fire together? Pairwise correlations of spike counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.metrics.counts import checked_units, spike_counts, whole_bins
from neuro.units import ms


class Correlations(NamedTuple):
    """Correlation coefficients between units of one population."""

    matrix: NDArray[np.float64]  # [n, n], symmetric, ones on the diagonal
    units: NDArray[np.int64]  # flat index of each row, ascending when they were drawn [n]
    silent: int  # units of the population that never fired and so could not be drawn

    @property
    def pairs(self) -> NDArray[np.float64]:
        """The coefficient of each pair once, [n (n - 1) / 2]."""
        return self.matrix[np.triu_indices(len(self.matrix), 1)]


def count_correlations(
    events: Events,
    *,
    bin_width: float = 2 * ms,
    units: int | Sequence[int] = 200,
    seed: int = 0,
) -> Correlations:
    """Pearson correlation coefficients of binned spike counts, of some units of a population.

    Independent Poisson processes give coefficients around 0 with a standard deviation of
    1 / sqrt(K) for K bins. Silent units have no coefficient: they are never drawn.

    Args:
        events: spikes of a population.
        bin_width: seconds, a whole multiple of the events' tick.
        units: how many to draw among those that fired (all of them if they are fewer), or which.
        seed: of the draw.

    Raises:
        InvalidValue: fewer than two units fired, a listed unit does not exist or has the same
            count in every bin (e.g. is silent), or the width is no whole number of ticks.

    Source: the defaults are those of van Albada et al., Front. Neurosci. 12:291 (2018), for the
    microcircuit of Potjans and Diesmann: 200 units a population, bins of 2 ms.
    """
    ticks, bins = whole_bins("count_correlations", events, bin_width)
    active = np.unique(events.unit[events.t < ticks * bins]).astype(np.int64)
    if isinstance(units, (int, np.integer)):
        chosen = _drawn(int(units), active, np.random.default_rng(seed))
    else:
        chosen = checked_units("count_correlations.units", units, events.size)
    counts = spike_counts(events, bin_width=bin_width, units=chosen.tolist())
    steady = counts.min(axis=0) == counts.max(axis=0)
    if steady.any() or len(chosen) < 2:
        reason = (
            f"unit {chosen[steady.argmax()]} has the same count in every bin"
            if steady.any()
            else f"got {len(chosen)} unit, expected at least two"
        )
        raise InvalidValue(f"count_correlations.units: {reason}, so it has no correlation")
    matrix = np.asarray(np.corrcoef(counts.T.astype(np.float64)))
    return Correlations(matrix, chosen, events.size - len(active))


def _drawn(
    count: int, active: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:  # fmt: skip
    if count < 2:
        raise InvalidValue(f"count_correlations.units: got {count}, expected at least 2")
    if len(active) < 2:
        raise InvalidValue(
            f"count_correlations.events: {len(active)} units fired, expected at least two"
        )
    return np.sort(rng.choice(active, min(count, len(active)), replace=False))
