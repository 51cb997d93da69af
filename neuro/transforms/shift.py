"""Shifted pictures: by given pixels, or so that the activity is in the middle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.transforms._base import Transform, flat, moved, one_of, spatial

Leaving = Literal["refuse", "drop", "wrap"]
_LEAVING = ("refuse", "drop", "wrap")


@dataclass(frozen=True)
class Shift(Transform):
    """Move all events by whole pixels; the sensor keeps its size.

    On a recording of one axis, `x` moves the units.

    Args:
        y: rows down (negative: up).
        x: columns to the right (negative: to the left).
        border: what happens if events would leave the sensor: "refuse" raises, "drop" loses them,
            "wrap" brings them in at the other side.

    Raises:
        InvalidValue: events would leave and `border` is "refuse", or there are no rows to move.
    """

    y: int = 0
    x: int = 0
    border: Leaving = "refuse"

    def __post_init__(self) -> None:
        for name in ("y", "x"):
            if not isinstance(getattr(self, name), int | np.integer):
                raise InvalidValue(
                    f"Shift.{name}: got {getattr(self, name)!r}, expected whole pixels"
                )
        one_of("Shift.border", self.border, _LEAVING)

    def __call__(self, events: Events) -> Events:
        steps = {-1: self.x}
        if self.y or len(events.shape) > 1:
            spatial("Shift.y", events)
            steps[-2] = self.y
        return _shift(events, steps, self.border, "Shift")


@dataclass(frozen=True)
class Centre(Transform):
    """Move a recording by whole pixels so that its mean row and column lie in the middle.

    A silent recording stays as it is. On a recording of one axis the units are moved.

    Args:
        border: as in `Shift`.
    """

    border: Leaving = "refuse"

    def __post_init__(self) -> None:
        one_of("Centre.border", self.border, _LEAVING)

    def __call__(self, events: Events) -> Events:
        if not len(events):
            return events
        steps = {}
        for axis in (-2, -1) if len(events.shape) > 1 else (-1,):
            middle = (events.shape[axis] - 1) / 2
            steps[axis] = round(middle - float(events.coordinates[axis].mean()))
        return _shift(events, steps, self.border, "Centre")


def _shift(events: Events, steps: dict[int, int], border: Leaving, where: str) -> Events:
    coordinates = list(events.coordinates)
    inside = np.ones(len(events), bool)
    for axis, step in steps.items():
        place, length = coordinates[axis] + step, events.shape[axis]
        inside &= (place >= 0) & (place < length)
        coordinates[axis] = place % length
    if border == "refuse" and not inside.all():
        raise InvalidValue(
            f"{where}: {np.count_nonzero(~inside)} of {len(events)} events would leave the sensor. "
            f'Remedy: Pad first, or choose border="drop" or "wrap"'
        )
    rows = inside if border == "drop" else None
    return moved(events, unit=flat(coordinates, events.shape), rows=rows)
