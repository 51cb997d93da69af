"""How often each unit fires, and how the rate of a population goes over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.metrics.counts import whole_bins
from neuro.units import ms

_REACH = 4  # standard deviations after which the Gaussian kernel is cut off


class PopulationRate(NamedTuple):
    """Rate of a population over time."""

    time: NDArray[np.float64]  # centre of each bin in seconds [K]
    rate: NDArray[np.float64]  # spikes per second and unit [K]


def firing_rates(
    spikes: Events | Sequence[Events] | ArrayLike, clock: Clock | None = None
) -> NDArray[np.float64]:
    """Mean firing rate of each unit in Hz, shape [*units]: spikes per second over all samples.

    A silent unit has a rate of 0.

    Args:
        spikes: Events or a list of them, one a sample, e.g. `record.events("hid1.spikes")`; or
            counts [T, B, *units], e.g. `record.array("hid1.spikes")`.
        clock: step of counts, e.g. `record.clock`; Events carry their own.

    Raises:
        InvalidValue: counts without clock, with fewer than three axes, negative or not finite; no
            steps or samples; Events of different populations.
    """
    if isinstance(spikes, Events):
        spikes = [spikes]
    if isinstance(spikes, Sequence) and spikes and all(isinstance(s, Events) for s in spikes):
        return _of_events(spikes)  # type: ignore[arg-type]
    counts = np.asarray(spikes)
    if counts.ndim < 3:
        raise InvalidValue(f"firing_rates.spikes: got shape {counts.shape}, expected [T, B, N...]")
    if clock is None:
        raise InvalidValue("firing_rates: counts have no time axis of their own; pass clock=")
    steps, samples = counts.shape[:2]
    if not steps or not samples:
        raise InvalidValue(
            f"firing_rates.spikes: got shape {counts.shape}, expected at least one step and sample"
        )
    if not np.isfinite(counts).all() or (counts < 0).any():
        raise InvalidValue("firing_rates.spikes: expected finite counts >= 0")
    total = counts.sum(axis=(0, 1), dtype=np.float64)
    return total / (samples * float(clock.seconds(steps)))


def population_rate(
    events: Events, *, bin_width: float = 1 * ms, sigma: float | None = None
) -> PopulationRate:
    """Spikes per second and unit in whole bins, smoothed by a Gaussian if wanted.

    What is left over at the end and does not fill a bin is left out. The Gaussian is cut off after
    four standard deviations and, at the ends of the recording, normalised to the part inside, so
    that a constant rate stays constant.

    Args:
        events: spikes of a population; silent units count as units.
        bin_width: seconds, a whole multiple of the events' tick.
        sigma: standard deviation of the Gaussian in seconds; None does not smooth.

    Raises:
        InvalidValue: the width is no whole number of ticks or longer than the recording, or sigma
            is not above 0.

    Source: Dayan & Abbott, Theoretical Neuroscience (2001), section 1.2.
    """
    ticks, bins = whole_bins("population_rate", events, bin_width)
    place = events.t // ticks
    counts = np.bincount(place[place < bins], minlength=bins)
    rate = counts / (events.size * bin_width)
    if sigma is not None:
        if not 0 < sigma < np.inf:
            raise InvalidValue(f"population_rate.sigma: got {sigma!r} s, expected above 0 s")
        rate = _smoothed(rate, sigma / bin_width)
    time = events.clock.seconds(ticks) * (np.arange(bins) + 0.5)
    return PopulationRate(time, rate)


def _of_events(samples: Sequence[Events]) -> NDArray[np.float64]:
    shapes = {sample.shape for sample in samples}
    if len(shapes) > 1:
        raise InvalidValue(f"firing_rates.spikes: samples differ in shape: {sorted(shapes)}")
    length = sum(float(sample.clock.seconds(sample.duration)) for sample in samples)
    if not length:
        raise InvalidValue("firing_rates.spikes: the recordings have no ticks")
    counts = sum(np.bincount(s.unit, minlength=s.size) for s in samples)
    return np.reshape(counts / length, samples[0].shape)


def _smoothed(rate: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """Gaussian average; `sigma` in bins."""
    reach = int(np.ceil(_REACH * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    inside = slice(reach, reach + len(rate))
    weight = np.convolve(np.ones(len(rate)), kernel)[inside]
    return np.convolve(rate, kernel)[inside] / weight
