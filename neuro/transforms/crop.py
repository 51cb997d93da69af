"""Crops: a part of the sensor, given, in the middle or drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.transforms._base import (
    RandomTransform,
    Seed,
    Transform,
    flat,
    generator,
    moved,
    spatial,
    whole,
)

Range = tuple[int, int]


@dataclass(frozen=True)
class Crop(Transform):
    """Keep the events of a part of the sensor; the sensor becomes that small.

    Args:
        y: (first, last + 1) row; None keeps all.
        x: (first, last + 1) column; None keeps all.
        units: (first, last + 1) along the only axis of a recording without rows and columns.

    Raises:
        InvalidValue: a range is empty, leaves the sensor, or names an axis that is not there.
    """

    y: Range | None = None
    x: Range | None = None
    units: Range | None = None

    def __post_init__(self) -> None:
        if self.units is not None and (self.y is not None or self.x is not None):
            raise InvalidValue("Crop: got units and y or x; units is for recordings of one axis")
        for name in ("y", "x", "units"):
            given = getattr(self, name)
            if given is None:
                continue
            if not isinstance(given, tuple | list) or len(given) != 2:
                raise InvalidValue(f"Crop.{name}: got {given!r}, expected (first, last + 1)")
            for end in given:
                whole(f"Crop.{name}", end)
            object.__setattr__(self, name, (int(given[0]), int(given[1])))

    def __call__(self, events: Events) -> Events:
        ranges: dict[int, Range] = {}
        if self.units is not None:
            if len(events.shape) != 1:
                raise InvalidValue(
                    f"Crop.units: the recording has shape {events.shape}; use y and x"
                )
            ranges[-1] = self._inside("units", self.units, events.shape[-1])
        elif self.y is not None or self.x is not None:
            rows, columns = spatial("Crop", events)
            ranges[-2] = self._inside("y", self.y, rows)
            ranges[-1] = self._inside("x", self.x, columns)
        return _cut(events, ranges)

    @staticmethod
    def _inside(name: str, given: Range | None, length: int) -> Range:
        first, last = (0, length) if given is None else given
        if not 0 <= first < last <= length:
            raise InvalidValue(
                f"Crop.{name}: got ({first}, {last}), expected 0 <= first < last <= {length}"
            )
        return first, last


@dataclass(frozen=True)
class CentreCrop(Transform):
    """Keep the events of a window in the middle of the sensor.

    Where the rest is odd, the window lies nearer to row and column 0.

    Args:
        size: (rows, columns) of the window.
    """

    size: tuple[int, int]

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", window("CentreCrop", self.size))

    def __call__(self, events: Events) -> Events:
        free = room("CentreCrop", events, self.size)
        return _window(events, self.size, (free[0] // 2, free[1] // 2))


@dataclass(frozen=True)
class RandomCrop(RandomTransform):
    """Keep the events of a window at a random place of the sensor, all places equally likely.

    Args:
        size: (rows, columns) of the window.
    """

    size: tuple[int, int]

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", window("RandomCrop", self.size))

    def __call__(self, events: Events, seed: Seed = 0) -> Events:
        free = room("RandomCrop", events, self.size)
        y, x = generator(seed).integers(0, np.array(free) + 1)
        return _window(events, self.size, (int(y), int(x)))


def window(where: str, size: object) -> tuple[int, int]:
    """(rows, columns) as two whole numbers above 0."""
    if not isinstance(size, tuple | list) or len(size) != 2:
        raise InvalidValue(f"{where}.size: got {size!r}, expected (rows, columns)")
    for length in size:
        whole(f"{where}.size", length, 1)
    return int(size[0]), int(size[1])


def room(where: str, events: Events, size: tuple[int, int]) -> tuple[int, int]:
    """By how many rows and columns the sensor is larger than a window."""
    rows, columns = spatial(where, events)
    if size[0] > rows or size[1] > columns:
        raise InvalidValue(
            f"{where}.size: got {size}, but the sensor has {rows} rows and {columns} columns"
        )
    return rows - size[0], columns - size[1]


def _window(events: Events, size: tuple[int, int], corner: tuple[int, int]) -> Events:
    y, x = corner
    return _cut(events, {-2: (y, y + size[0]), -1: (x, x + size[1])})


def _cut(events: Events, ranges: dict[int, Range]) -> Events:
    coordinates, shape = list(events.coordinates), list(events.shape)
    inside = np.ones(len(events), bool)
    for axis, (first, last) in ranges.items():
        inside &= (coordinates[axis] >= first) & (coordinates[axis] < last)
        coordinates[axis] = coordinates[axis] - first
        shape[axis] = last - first
    unit = flat([c[inside] for c in coordinates], tuple(shape))
    whole_column = np.zeros(len(events), np.int64)
    whole_column[inside] = unit
    return moved(events, unit=whole_column, shape=tuple(shape), rows=inside)
