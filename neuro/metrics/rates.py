"""How often each unit fires."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.clock import Clock
from neuro.errors import InvalidValue


def firing_rates(spikes: ArrayLike, clock: Clock) -> NDArray[np.float64]:
    """Mean firing rate of each unit in Hz, shape [*units]: spikes per second over all samples.

    Args:
        spikes: counts [T, B, *units], e.g. `record.array("hid1.spikes")`.
        clock: its step, e.g. `record.clock`.

    Raises:
        InvalidValue: fewer than three axes, no steps or samples, or counts that are negative or
            not finite.
    """
    counts = np.asarray(spikes)
    if counts.ndim < 3:
        raise InvalidValue(f"firing_rates.spikes: got shape {counts.shape}, expected [T, B, N...]")
    steps, samples = counts.shape[:2]
    if not steps or not samples:
        raise InvalidValue(
            f"firing_rates.spikes: got shape {counts.shape}, expected at least one step and sample"
        )
    if not np.isfinite(counts).all() or (counts < 0).any():
        raise InvalidValue("firing_rates.spikes: expected finite counts >= 0")
    total = counts.sum(axis=(0, 1), dtype=np.float64)
    return total / (samples * float(clock.seconds(steps)))
