"""Padding: a larger sensor with silent margins, and silence at the end."""

from __future__ import annotations

from dataclasses import dataclass

from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.transforms._base import Transform, flat, moved, spatial, ticks, whole

Margins = tuple[int, int]


@dataclass(frozen=True)
class Pad(Transform):
    """Give a recording a larger sensor and a silent end; every event stays where it was seen.

    On a recording of one axis, `x` pads the units.

    Args:
        y: rows added (above, below).
        x: columns added (left, right).
        until: seconds that the recording shall last at least; a whole number of ticks.

    Raises:
        InvalidValue: a number is negative or not whole, or there are no rows to pad.
    """

    y: Margins = (0, 0)
    x: Margins = (0, 0)
    until: float = 0.0

    def __post_init__(self) -> None:
        for name in ("y", "x"):
            given = getattr(self, name)
            if not isinstance(given, tuple | list) or len(given) != 2:
                raise InvalidValue(f"Pad.{name}: got {given!r}, expected (before, after)")
            for margin in given:
                whole(f"Pad.{name}", margin)
            object.__setattr__(self, name, (int(given[0]), int(given[1])))

    def __call__(self, events: Events) -> Events:
        last = ticks("Pad.until", self.until, events.clock, 0)
        coordinates, shape = list(events.coordinates), list(events.shape)
        if self.y != (0, 0):
            spatial("Pad.y", events)
        for axis, margins in ((-2, self.y), (-1, self.x)):
            if margins != (0, 0):
                coordinates[axis] = coordinates[axis] + margins[0]
                shape[axis] += sum(margins)
        return moved(
            events, unit=flat(coordinates, tuple(shape)), shape=tuple(shape),
            duration=max(events.duration, last),
        )  # fmt: skip
