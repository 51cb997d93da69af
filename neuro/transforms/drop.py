"""Random losses, for training that does not lean on single events, units, places or moments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuro.events import Events
from neuro.transforms._base import RandomTransform, Seed, generator, kept, number, spatial


@dataclass(frozen=True)
class DropEvents(RandomTransform):
    """Drop each event by itself with the same probability.

    Args:
        probability: from 0 (none) to 1 (all).
    """

    probability: float

    def __post_init__(self) -> None:
        number("DropEvents.probability", self.probability, 0, 1)

    def __call__(self, events: Events, seed: Seed = 0) -> Events:
        return kept(events, generator(seed).random(len(events)) >= self.probability)


@dataclass(frozen=True)
class DropTime(RandomTransform):
    """Drop all events of one span of time, at a random place; the recording keeps its duration.

    Source: Gu et al., IJCAI 2021, "EventDrop" (drop by time).

    Args:
        fraction: length of the span as part of the duration, from 0 to 1.
    """

    fraction: float

    def __post_init__(self) -> None:
        number("DropTime.fraction", self.fraction, 0, 1)

    def __call__(self, events: Events, seed: Seed = 0) -> Events:
        length = round(self.fraction * events.duration)
        start = int(generator(seed).integers(0, events.duration - length + 1))
        return kept(events, (events.t < start) | (events.t >= start + length))


@dataclass(frozen=True)
class DropArea(RandomTransform):
    """Drop all events of one rectangle of the sensor, at a random place.

    Its sides have the sensor's proportions, rounded to pixels. Source: Gu et al., IJCAI 2021,
    "EventDrop" (drop by area).

    Args:
        fraction: area of the rectangle as part of the sensor, from 0 to 1.
    """

    fraction: float

    def __post_init__(self) -> None:
        number("DropArea.fraction", self.fraction, 0, 1)

    def __call__(self, events: Events, seed: Seed = 0) -> Events:
        rng = generator(seed)
        inside = np.ones(len(events), bool)
        spatial("DropArea", events)
        for axis in (-2, -1):
            length = events.shape[axis]
            side = round(self.fraction**0.5 * length)
            first = int(rng.integers(0, length - side + 1))
            place = events.coordinates[axis]
            inside &= (place >= first) & (place < first + side)
        return kept(events, ~inside)


@dataclass(frozen=True)
class DropUnits(RandomTransform):
    """Silence whole units (of a camera: pixels of one polarity), each with the same probability.

    Args:
        probability: from 0 (none) to 1 (all).
    """

    probability: float

    def __post_init__(self) -> None:
        number("DropUnits.probability", self.probability, 0, 1)

    def __call__(self, events: Events, seed: Seed = 0) -> Events:
        alive = generator(seed).random(events.size) >= self.probability
        return kept(events, alive[events.unit])
