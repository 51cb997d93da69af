"""Mirrored sensors: left and right, or top and bottom, exchanged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from neuro.events import Events
from neuro.transforms._base import (
    RandomTransform,
    Seed,
    flat,
    generator,
    moved,
    number,
    one_of,
    spatial,
)


@dataclass(frozen=True)
class Flip(RandomTransform):
    """Mirror a recording along one axis.

    Args:
        axis: "x" exchanges left and right, "y" top and bottom, "unit" the two ends of the last
            axis whatever the shape (e.g. high and low channels of a cochlea).
        probability: with which a recording is mirrored; 1 (the default) always does it.
    """

    axis: Literal["x", "y", "unit"] = "x"
    probability: float = 1.0

    def __post_init__(self) -> None:
        one_of("Flip.axis", self.axis, ("x", "y", "unit"))
        number("Flip.probability", self.probability, 0, 1)

    def __call__(self, events: Events, seed: Seed = 0) -> Events:
        if self.axis != "unit":
            spatial("Flip", events)
        if generator(seed).random() >= self.probability:
            return events
        axis = -2 if self.axis == "y" else -1
        coordinates = list(events.coordinates)
        coordinates[axis] = events.shape[axis] - 1 - coordinates[axis]
        return moved(events, unit=flat(coordinates, events.shape))
