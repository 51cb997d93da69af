"""Coarser sensors and coarser ticks: every event stays, in a larger pixel or a longer tick."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.transforms._base import Transform, flat, moved, number
from neuro.transforms.crop import window


@dataclass(frozen=True)
class Downsample(Transform):
    """Join neighbouring pixels: as many events as before, on a smaller sensor.

    Pixel i of n goes to floor(i / factor) of ceil(n / factor); with `size`, to floor(i m / n) of m.
    Several events of one new pixel in one tick all stay. On a recording of one axis, units take the
    place of columns.

    Args:
        factor: old pixels per new one along rows and columns, >= 1; (rows, columns) if they
            differ. Factors that are not whole make pixels of unequal size.
        size: (rows, columns) of the new sensor, in place of `factor`.

    Raises:
        InvalidValue: both or none are given, or a new sensor would be larger than the old one.
    """

    factor: float | tuple[float, float] | None = None
    size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if (self.factor is None) == (self.size is None):
            raise InvalidValue("Downsample: expected either factor or size")
        if self.size is not None:
            object.__setattr__(self, "size", window("Downsample", self.size))
            return
        if isinstance(self.factor, tuple | list):
            if len(self.factor) != 2:
                raise InvalidValue(
                    f"Downsample.factor: got {self.factor!r}, expected one number or two"
                )
            object.__setattr__(self, "factor", tuple(self.factor))
        for one in self.factor if isinstance(self.factor, tuple) else (self.factor,):
            number("Downsample.factor", one, 1)

    def __call__(self, events: Events) -> Events:
        axes = (-2, -1) if len(events.shape) > 1 else (-1,)
        coordinates, shape = list(events.coordinates), list(events.shape)
        for axis in axes:
            place, shape[axis] = self._map(axis, shape[axis])
            coordinates[axis] = place[coordinates[axis]]
        return moved(events, unit=flat(coordinates, tuple(shape)), shape=tuple(shape))

    def _map(self, axis: int, length: int) -> tuple[np.ndarray, int]:
        """New index of each old one, and how many there are."""
        if self.size is not None:
            new = self.size[axis]
            if new > length:
                raise InvalidValue(
                    f"Downsample.size: got {self.size}, but axis {axis} has {length} pixels only"
                )
            return np.arange(length) * new // length, new
        factor = self.factor[axis] if isinstance(self.factor, tuple) else self.factor
        exact = Fraction(f"{float(factor):.12g}")  # type: ignore[arg-type]  # as it was written
        place = [math.floor(i / exact) for i in range(length)]
        return np.array(place), math.ceil(length / exact)


@dataclass(frozen=True)
class Coarsen(Transform):
    """Count time in longer ticks, as `events.on(step)`; a partial last tick is kept.

    Args:
        step: the new clock, a whole multiple of the recording's.
    """

    step: Clock

    def __post_init__(self) -> None:
        if not isinstance(self.step, Clock):
            raise InvalidValue(f"Coarsen.step: got {self.step!r}, expected e.g. Clock(1 * ms)")

    def __call__(self, events: Events) -> Events:
        return events.on(self.step)
