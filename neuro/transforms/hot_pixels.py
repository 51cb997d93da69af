"""Hot pixels: units that fire far more often than the others, found and removed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuro.events import Events
from neuro.transforms._base import Transform, kept, number


@dataclass(frozen=True)
class HotPixels(Transform):
    """Remove all events of units that fire far above the rest of the recording.

    A unit is hot if its count exceeds m + factor * max(1.4826 d, sqrt(m)), where m is the median
    count of the units that fired at all and d the median distance from it: the first term is a
    standard deviation that outliers do not move, the second is that of a Poisson count.

    Args:
        factor: robust standard deviations above the median.
    """

    factor: float = 10.0

    def __post_init__(self) -> None:
        number("HotPixels.factor", self.factor, 0, above=True)

    def find(self, events: Events) -> NDArray[np.int64]:
        """The flat index of every hot unit, rising; `np.unravel_index` gives its coordinates."""
        counts = np.bincount(events.unit, minlength=events.size)
        fired = counts[counts > 0]
        if not len(fired):
            return np.zeros(0, np.int64)
        middle = np.median(fired)
        spread = max(1.4826 * np.median(np.abs(fired - middle)), middle**0.5)
        return np.flatnonzero(counts > middle + self.factor * spread)

    def __call__(self, events: Events) -> Events:
        hot = np.zeros(events.size, bool)
        hot[self.find(events)] = True
        return kept(events, ~hot[events.unit])
