"""Dead time: drop events that follow too soon on one of the same unit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from neuro.errors import require
from neuro.events import Events
from neuro.transforms._base import Transform, kept, one_of, ticks


@dataclass(frozen=True)
class Refractory(Transform):
    """After an event that stays, drop those of the same unit for `period`.

    An event exactly `period` after the last kept one stays. Of several events of one unit in one
    tick the first stays.

    Args:
        period: seconds, a whole number of ticks.
        per: "unit" treats each entry of the shape by itself, so ON and OFF are separate; "pixel"
            lets an event of either polarity silence the whole pixel (the last two axes).

    Raises:
        InvalidValue: `period` is not a whole number of ticks above 0, or `per` is another word.
        MissingExtra: Numba is not installed (`neuro[events]`).
    """

    period: float
    per: Literal["unit", "pixel"] = "unit"

    def __post_init__(self) -> None:
        one_of("Refractory.per", self.per, ("unit", "pixel"))

    def __call__(self, events: Events) -> Events:
        period = ticks("Refractory.period", self.period, events.clock)
        require("numba", "events")
        from neuro.transforms._filter_kernels import rested

        places = math.prod(events.shape[-2:]) if self.per == "pixel" else events.size
        keep = np.zeros(len(events), bool)
        rested(events.t, events.unit % places, period, np.full(places, -period, np.int64), keep)
        return kept(events, keep)
