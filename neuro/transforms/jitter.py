"""Jitter: events moved a little in time or on the sensor, at random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.transforms._base import (
    Array,
    RandomTransform,
    Seed,
    flat,
    generator,
    moved,
    number,
    one_of,
)

Border = Literal["reflect", "clip", "drop"]
BORDERS = ("reflect", "clip", "drop")


@dataclass(frozen=True)
class TimeJitter(RandomTransform):
    """Move each event by a normal random time, rounded to a tick; then bring them into order.

    Args:
        sigma: standard deviation in seconds.
        border: what happens to an event that would leave [0, duration): "reflect" mirrors it back,
            "clip" puts it into the first or last tick, "drop" loses it.
    """

    sigma: float
    border: Border = "reflect"

    def __post_init__(self) -> None:
        number("TimeJitter.sigma", self.sigma, 0)
        one_of("TimeJitter.border", self.border, BORDERS)

    def __call__(self, events: Events, seed: Seed = 0) -> Events:
        spread = self.sigma / events.clock.dt
        step = np.rint(generator(seed).normal(0, spread, len(events))).clip(-(2.0**61), 2.0**61)
        t, inside = at_border(events.t + step.astype(np.int64), events.duration, self.border)
        return moved(events, t=t, rows=inside)


@dataclass(frozen=True)
class SpatialJitter(RandomTransform):
    """Move each event by a normal random number of pixels; polarity and time stay.

    On a recording of one axis the unit number moves.

    Args:
        sigma: standard deviation in pixels, or (rows, columns).
        border: what happens to an event that would leave the sensor: "reflect" mirrors it back
            (the border pixel is not counted twice), "clip" puts it onto the border, "drop" loses
            it.
    """

    sigma: float | tuple[float, float]
    border: Border = "reflect"

    def __post_init__(self) -> None:
        if isinstance(self.sigma, tuple | list):
            if len(self.sigma) != 2:
                raise InvalidValue(
                    f"SpatialJitter.sigma: got {self.sigma!r}, expected one number or two"
                )
            object.__setattr__(self, "sigma", tuple(self.sigma))
        for one in self.sigma if isinstance(self.sigma, tuple) else (self.sigma,):
            number("SpatialJitter.sigma", one, 0)
        one_of("SpatialJitter.border", self.border, BORDERS)

    def __call__(self, events: Events, seed: Seed = 0) -> Events:
        rng = generator(seed)
        coordinates = list(events.coordinates)
        inside = np.ones(len(events), bool)
        for axis in (-2, -1) if len(events.shape) > 1 else (-1,):
            sigma = self.sigma[axis] if isinstance(self.sigma, tuple) else self.sigma
            step = np.rint(rng.normal(0, sigma, len(events))).astype(np.int64)
            place, here = at_border(coordinates[axis] + step, events.shape[axis], self.border)
            coordinates[axis] = place
            inside &= here
        return moved(events, unit=flat(coordinates, events.shape), rows=inside)


def at_border(place: Array, length: int, border: Border) -> tuple[Array, Array]:
    """Places brought into [0, length), and a mask of those that stay."""
    inside = (place >= 0) & (place < length)
    if border == "reflect" and length > 1:
        period = 2 * (length - 1)
        place = np.abs((place + length - 1) % period - (length - 1))
        return place, np.ones(len(place), bool)
    stay = inside if border == "drop" else np.ones(len(place), bool)
    return np.clip(place, 0, max(length - 1, 0)), stay
