"""Time turned round, stretched or shifted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.transforms._base import RandomTransform, Seed, Transform, generator, moved, number, ticks
from neuro.transforms.polarity import FlipPolarity


@dataclass(frozen=True)
class TimeReverse(RandomTransform):
    """Play a recording backwards: tick t becomes duration - 1 - t.

    Args:
        flip_polarity: also exchange ON and OFF, as what grew brighter now grows darker; needs a
            first axis of 2.
        probability: with which a recording is reversed; 1 (the default) always does it.
    """

    flip_polarity: bool = False
    probability: float = 1.0

    def __post_init__(self) -> None:
        number("TimeReverse.probability", self.probability, 0, 1)

    def __call__(self, events: Events, seed: Seed = 0) -> Events:
        if generator(seed).random() >= self.probability:
            return events
        back = moved(events, t=events.duration - 1 - events.t)
        return FlipPolarity()(back) if self.flip_polarity else back


@dataclass(frozen=True)
class TimeScale(Transform):
    """Stretch or squeeze time: tick t becomes floor(t factor), the duration ceil(duration factor).

    Every event stays; squeezing puts several into one tick.

    Args:
        factor: above 0; 2 makes a recording last twice as long. A float is read as the decimal
            number it was written as, so no tick is lost to binary rounding.
    """

    factor: float | Fraction

    def __post_init__(self) -> None:
        if not isinstance(self.factor, Fraction):
            number("TimeScale.factor", self.factor, 0, above=True)
        elif self.factor <= 0:
            raise InvalidValue(f"TimeScale.factor: got {self.factor}, expected a number above 0")

    def __call__(self, events: Events) -> Events:
        exact = self.factor
        if not isinstance(exact, Fraction):
            exact = Fraction(f"{float(exact):.12g}")
        up, down = exact.numerator, exact.denominator
        duration = math.ceil(events.duration * exact)
        if max(events.duration * up, duration) >= 2**63:
            raise InvalidValue(
                f"TimeScale.factor: {self.factor} times {events.duration} ticks does not fit "
                "int64. Remedy: a smaller factor, or count in coarser ticks first"
            )
        return moved(events, t=events.t * up // down, duration=duration)


@dataclass(frozen=True)
class TimeShift(Transform):
    """Silence before the first tick: every event comes later, and the recording lasts longer.

    Args:
        delay: seconds, a whole number of ticks >= 0.
    """

    delay: float

    def __call__(self, events: Events) -> Events:
        later = ticks("TimeShift.delay", self.delay, events.clock, 0)
        return moved(events, t=events.t + np.int64(later), duration=events.duration + later)
