"""Several transforms one after another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.transforms._base import RandomTransform, Seed, Transform


@dataclass(frozen=True, init=False)
class Compose(RandomTransform):
    """Apply transforms in order: `Compose([Denoise(10 * ms), Flip("x", 0.5)])(events, seed=3)`.

    Step i of a call with seed s draws from (s, i), so no two steps share random numbers, and
    changing one step leaves the draws of the others as they are.

    Args:
        steps: the transforms, first one first; none at all changes nothing.

    Raises:
        InvalidValue: a step is not a Transform.
    """

    steps: tuple[Transform, ...] = ()

    def __init__(self, steps: Iterable[Transform] = ()) -> None:
        steps = tuple(steps)
        for i, step in enumerate(steps):
            if not isinstance(step, Transform):
                raise InvalidValue(
                    f"Compose.steps[{i}]: got {step!r}, expected a transform, e.g. Denoise(10 * ms)"
                )
        object.__setattr__(self, "steps", steps)

    def __call__(self, events: Events, seed: Seed = 0) -> Events:
        first = (int(seed),) if isinstance(seed, int | np.integer) else tuple(seed)
        for i, step in enumerate(self.steps):
            if isinstance(step, RandomTransform):
                events = step(events, (*first, i))
            else:
                events = step(events)
        return events
