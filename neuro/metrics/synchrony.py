"""How much of what units do, they do at the same time."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.metrics.counts import spike_counts
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

    Source: Golomb, Neuronal synchrony measures, Scholarpedia 2(1):1347 (2007), eqs. 5 to 8; Golomb
    & Rinzel, Physica D 72 (1994).
    """
    values = (
        spike_counts(signal, bin_width=bin_width) if isinstance(signal, Events) else signal
    )  # fmt: skip
    array = np.asarray(values, dtype=np.float64)
    if array.ndim < 2 or not array.size or not np.isfinite(array).all():
        raise InvalidValue(
            f"synchrony_chi.signal: got shape {array.shape}, expected finite values [T, N...]"
        )
    flat: NDArray[np.float64] = array.reshape(len(array), -1)
    each = float(flat.var(axis=0).mean())
    if not each:
        raise InvalidValue("synchrony_chi.signal: no unit varies over time, so chi is undefined")
    return float(np.sqrt(flat.mean(axis=1).var() / each))


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
