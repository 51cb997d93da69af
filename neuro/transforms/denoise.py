"""Background activity: drop events that no neighbour supports."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from neuro.errors import InvalidValue, require
from neuro.events import Events
from neuro.transforms._base import Transform, kept, ticks, whole


@dataclass(frozen=True)
class Denoise(Transform):
    """Keep the events that have company: neighbours that fired shortly before, or in the same tick.

    An event at time t stays if at least `support` of the other pixels within `radius` rows and
    columns had an event of either polarity in [t - window, t]. Events that this filter drops lend
    support as well. The pixel's own events do not count, so a hot pixel cannot support itself. On a
    recording of one axis, the neighbours are the units up to `radius` away. The first event of a
    movement has no company and is lost.

    Source: Delbruck 2008, "Frame-free dynamic digital vision" (background activity filter).

    Args:
        window: seconds, a whole number of ticks.
        radius: pixels; 1 gives the eight nearest.
        support: neighbours that must have fired.

    Raises:
        InvalidValue: a number is not whole or too small, or there are not `support` neighbours.
        MissingExtra: Numba is not installed (`neuro[events]`).
    """

    window: float
    radius: int = 1
    support: int = 1

    def __post_init__(self) -> None:
        whole("Denoise.radius", self.radius, 1)
        whole("Denoise.support", self.support, 1)
        most = (2 * self.radius + 1) ** 2 - 1
        if self.support > most:
            raise InvalidValue(
                f"Denoise.support: got {self.support}, but there are at most {most} neighbours "
                f"within radius {self.radius}"
            )

    def __call__(self, events: Events) -> Events:
        window = ticks("Denoise.window", self.window, events.clock)
        require("numba", "events")
        from neuro.transforms._filter_kernels import supported

        rows, columns = (1, *events.shape)[-2:]
        keep = np.zeros(len(events), bool)
        last = np.full(math.prod((rows, columns)), -window - 1, np.int64)
        supported(
            events.t, events.unit, rows, columns, window, self.radius, self.support, last, keep
        )
        return kept(events, keep)
