"""Uniform noise: events that belong to nothing, added at random."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.transforms._base import RandomTransform, Seed, generator, number


@dataclass(frozen=True)
class UniformNoise(RandomTransform):
    """Add events of a Poisson process that is the same for all units; the given ones all stay.

    Args:
        rate: added events per second and unit (`0.1 * Hz`).

    Raises:
        InvalidValue: the rate is negative, or the recording has graded events.
    """

    rate: float

    def __post_init__(self) -> None:
        number("UniformNoise.rate", self.rate, 0)

    def __call__(self, events: Events, seed: Seed = 0) -> Events:
        if events.value is not None:
            raise InvalidValue("UniformNoise: graded events; noise would have no size")
        rng = generator(seed)
        seconds = float(events.clock.seconds(events.duration))
        count = int(rng.poisson(self.rate * events.size * seconds))
        t = rng.integers(0, max(events.duration, 1), count)
        unit = rng.integers(0, events.size, count).astype(np.int32)
        return Events.sorted(
            np.concatenate([events.t, t]), np.concatenate([events.unit, unit]),
            shape=events.shape, clock=events.clock, duration=events.duration,
        )  # fmt: skip
