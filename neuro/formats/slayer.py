"""SLAYER's binary spike files: five bytes a spike, of numbered neurons (bs1) or a camera (bs2).

    bytes     bs1                            bs2
    0         neuron, high byte              x
    1         neuron, low byte               y
    2, bit 7  1 ON, 0 OFF
    2 to 4    the other 23 bits: microseconds, high byte first

Layout: Shrestha and Orchard 2018, "SLAYER: Spike Layer Error Reassignment in Time", NeurIPS, and
its reader. A file has no mark, so it is known by its ending.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.formats._base import Damage, Header, Options, Piece, Raw
from neuro.units import us

WIDTH = 5  # bytes of a spike
STOP = 1 << 23  # microseconds from which on there is no room
TICK = Clock(1 * us)


class _Slayer:
    """One of the two files; `camera` says which."""

    writable = True

    def __init__(self, name: str, title: str, camera: bool) -> None:
        self.name, self.title, self.camera = name, title, camera
        self.suffixes: tuple[str, ...] = (f".{name}",)

    def recognises(self, head: bytes, path: Path) -> bool:
        page = head.lstrip()[:1] == b"<" and b"html" in head[:1024].lower()
        return path.suffix.lower() == f".{self.name}" and len(head) > 0 and not page

    def open(self, path: Path, raw: Raw, options: Options) -> _Decoder:
        signed = self.camera
        if not self.camera:
            signed = bool((raw[2::WIDTH] < 128).any())
            given = options.sensor
            if signed and given is not None and len(given) != 3:
                raise InvalidValue(
                    f"{path}: sensor {given}, but the file has OFF spikes. "
                    f"Remedy: sensor=(2, 1, {given[0]})"
                )
            signed = signed or (given is not None and len(given) == 3)
        return _Decoder(raw, self.camera, signed)

    def write(self, path: Path, events: Events) -> None:
        """Write (2, rows, columns), or as bs1 also (units,), whose spikes are all ON."""
        first, second, sign = self._axes(events)
        t = _microseconds(self.name, events)
        file = np.empty((len(events), WIDTH), np.uint8)
        file[:, 0], file[:, 1] = first, second
        file[:, 2] = sign << 7 | t >> 16
        file[:, 3], file[:, 4] = t >> 8 & 255, t & 255
        path.write_bytes(file.tobytes())

    def _axes(self, events: Events) -> tuple[NDArray[np.int64], ...]:
        """The first two bytes, and the sign."""
        shape, room = events.shape, 256 if self.camera else 1 << 16
        if events.value is not None:
            raise InvalidValue(f"{self.name}: Events.value is given, the format holds plain spikes")
        line = not self.camera and (len(shape) == 1 or (len(shape) == 3 and shape[:2] == (2, 1)))
        camera = self.camera and len(shape) == 3 and shape[0] == 2 and shape[1] <= room
        if not (line or camera) or shape[-1] > room:
            expected = "(2, rows, columns), at most 256 of each"
            if not self.camera:
                expected = "(units,) or (2, 1, units), at most 65536 units"
            raise InvalidValue(f"{self.name}: Events.shape is {shape}, expected {expected}")
        if len(shape) == 1:
            unit = events.unit.astype(np.int64)
            return unit >> 8, unit & 255, np.ones_like(unit)
        sign, y, x = events.coordinates
        return (x, y, sign) if self.camera else (x >> 8, x & 255, sign)


class _Decoder:
    def __init__(self, raw: Raw, camera: bool, signed: bool) -> None:
        self.raw, self.camera, self.signed = raw, camera, signed
        self.header = Header(None, TICK)

    def pieces(self, size: int) -> Iterator[Piece | Damage]:
        whole = len(self.raw) // WIDTH
        for first in range(0, whole, size):
            stop = min(first + size, whole)
            block = self.raw[first * WIDTH : stop * WIDTH].reshape(-1, WIDTH)
            sign = block[:, 2] >> 7
            t = (block[:, 2] & 127).astype(np.int64) << 16
            t |= block[:, 3].astype(np.int64) << 8
            t |= block[:, 4]
            x, y = block[:, 0].astype(np.uint16), block[:, 1].astype(np.uint16)
            if self.camera:
                axes = (sign, y, x)
            elif self.signed:
                axes = (sign, np.zeros(len(t), np.uint16), x << 8 | y)
            else:
                axes = ((x << 8 | y),)
            yield Piece(t, axes, lambda i, first=first: (first + i) * WIDTH, WIDTH)
        rest = len(self.raw) - whole * WIDTH
        if rest:
            yield Damage(
                whole * WIDTH, rest, f"{rest} bytes, expected {WIDTH} of a spike: the file is cut"
            )


def _microseconds(name: str, events: Events) -> NDArray[np.int64]:
    ratio = events.clock.tick / Fraction(1, 10**6)
    if ratio.denominator != 1:
        raise InvalidValue(
            f"{name}: Events.clock is {events.clock!r}, the format counts whole microseconds"
        )
    if len(events) and int(events.t[-1]) * ratio.numerator >= STOP:
        raise InvalidValue(
            f"{name}: Events.t goes up to {events.t[-1]}, the format holds times below {STOP} us. "
            "Remedy: write slices of the recording"
        )
    return events.t * ratio.numerator


BS1 = _Slayer("bs1", "SLAYER 1-D spikes", camera=False)
BS2 = _Slayer("bs2", "SLAYER 2-D spikes", camera=True)
