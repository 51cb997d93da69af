"""How much of what units do, they do at the same time."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.metrics.counts import whole_bins
from neuro.metrics.rates import population_rate
from neuro.units import ms


def synchrony_chi(signal: Events | ArrayLike, *, bin_width: float = 1 * ms) -> float:
    """Golomb's synchrony measure chi: 1 if all units do the same, about 1 / sqrt(N) if each is
    independent of the others.

        chi^2 = variance over time of the mean over units / mean over units of their variances

    Units that never vary, such as silent ones, are among the N and add nothing.

    Args:
        signal: a signal [T, *units] of one sample, usually the membrane; or spikes, of which the
            counts in bins are taken.
        bin_width: of those bins, in seconds.

    Raises:
        InvalidValue: fewer than two axes, values that are not finite, or no unit varies.

    Source: Golomb, Neuronal synchrony measures, Scholarpedia 2(1):1347 (2007); Golomb
    & Rinzel, Physica D 72 (1994).
    """
    if isinstance(signal, Events):
        each, together = _count_variances(signal, bin_width)
    else:
        array = np.asarray(signal, dtype=np.float64)
        if array.ndim < 2 or not array.size or not np.isfinite(array).all():
            raise InvalidValue(
                f"synchrony_chi.signal: got shape {array.shape}, expected finite values [T, N...]"
            )
        flat = array.reshape(len(array), -1)
        each, together = float(flat.var(axis=0).mean()), float(flat.mean(axis=1).var())
    if not each:
        raise InvalidValue("synchrony_chi.signal: no unit varies over time, so chi is undefined")
    return float(np.sqrt(together / each))


def synchrony_index(events: Events, *, bin_width: float = 3 * ms) -> float:
    """Variance over mean of the population's spike count: 1 for independent Poisson processes.

    It grows with the number of units if they are synchronous, so compare populations of one size
    only.

    Args:
        events: spikes of a population.
        bin_width: seconds, a whole multiple of the events' tick.

    Raises:
        InvalidValue: the population is silent, or the width is no whole number of ticks.

    Source: Potjans & Diesmann, Cerebral Cortex 24 (2014), which takes 1000 units and 3 ms.
    """
    rate = population_rate(events, bin_width=bin_width).rate
    counts = rate * (events.size * bin_width)
    if not counts.any():
        raise InvalidValue("synchrony_index.events: the population is silent, so it has no index")
    return float(counts.var() / counts.mean())


def _count_variances(events: Events, bin_width: float) -> tuple[float, float]:
    """Mean variance of the units' counts, and variance of their mean; without an array [K, N]."""
    ticks, bins = whole_bins("synchrony_chi", events, bin_width)
    inside = events.t < ticks * bins
    cell = events.t[inside] // ticks * events.size + events.unit[inside]
    cells, count = np.unique(cell, return_counts=True)
    unit = cells % events.size
    mean = np.bincount(unit, count, events.size) / bins
    square = np.bincount(unit, count.astype(np.float64) ** 2, events.size) / bins
    population = np.bincount(cells // events.size, count, bins) / events.size
    return float((square - mean**2).mean()), float(population.var())
