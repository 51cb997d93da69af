"""Event Stream files (.es): camera events of five bytes that count time from one to the next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neuro.errors import CorruptFile, require
from neuro.events import Events
from neuro.formats._base import Damage, Fact, Header, Options, Piece, Raw
from neuro.formats._camera_fit import TICK, refuse_unfit
from neuro.formats._decoding import Coding, decoded

_MAGIC = b"Event Stream"
_KINDS = {
    1: {0: "dvs", 1: "atis", 2: "display", 3: "color", 4: "generic", 5: "liquid"},
    2: {0: "generic", 1: "dvs", 2: "atis", 3: "display", 4: "color"},
}
_READ = {(1, "dvs"), (1, "atis"), (2, "dvs"), (2, "atis"), (2, "color")}
_SIDE = 1 << 16
_STOP = 1 << 36  # 19 hours; a pause takes a byte for each 127 us
_BUFFER = 1 << 22  # bytes that are written at a time


@dataclass(frozen=True)
class _Decoder:
    raw: Raw
    header: Header
    coding: Coding
    state: tuple[int, ...]

    def pieces(self, size: int) -> Iterator[Piece | Damage]:
        state = np.array(self.state, np.int64)
        return decoded(self.coding, self.raw, self.header.start, len(self.raw), state, size)


class _ES:
    """Event Stream of versions 2 (with the size of the sensor) and 1 (without).

    - "dvs" streams are events of a camera.
    - "atis" streams hold events of a camera and threshold crossings, which measure exposure. The
      events are read, the crossings stepped over.
    - "color" streams of version 2 become graded events of shape (3, rows, columns): each stored
      event gives its pixel's red, green and blue, with values from 0 to 255.
    - Other streams hold no camera's events and are refused.

    Rows are numbered as stored; the specification does not say whether row 0 is at the top, and
    writers differ. Nothing marks where an event begins, so all that follows a lost byte is read
    wrongly; what then lies outside the sensor counts as damage.

    Source: "Event Stream" specification, versions 1.0 and 2.0.
    """

    name = "es"
    title = "Event Stream"
    suffixes: tuple[str, ...] = (".es",)
    writable = True

    def recognises(self, head: bytes, path: Path) -> bool:
        return head.startswith(_MAGIC)

    def open(self, path: Path, raw: Raw, options: Options) -> _Decoder:
        head = raw[:20].tobytes()
        if not head.startswith(_MAGIC):
            raise CorruptFile(f"{path}: begins with {head[:12]!r}, expected {_MAGIC!r}")
        if len(head) < 15:
            raise _cut(path, len(head))
        major = head[12]
        if major not in _KINDS:
            raise CorruptFile(
                f"{path}: byte 12 says version {major}, expected 1 or 2. Convert the file"
            )
        place = 13 + major  # of the kind; version 2 has one more byte of version
        if len(head) <= place:
            raise _cut(path, len(head))
        kind = _KINDS[major].get(head[place], "unknown")
        if (major, kind) not in _READ:
            raise CorruptFile(
                f"{path}: byte {place} is {head[place]}: a stream of {kind} events in version "
                f"{major}, expected camera events: dvs, atis, or color in version 2"
            )
        facts: dict[str, Fact] = {"stream": kind, "version": ".".join(map(str, head[12:place]))}
        size = None
        if major == 2:
            if len(head) < 20:
                raise _cut(path, len(head))
            columns, rows = (int(n) for n in np.frombuffer(head[16:20], "<u2"))
            if not rows or not columns:
                raise CorruptFile(f"{path}: byte 16 says {columns} columns and {rows} rows")
            size = (3 if kind == "color" else 2, rows, columns)
        header = Header(size, TICK, place + 1 if size is None else 20, facts=facts)
        if kind == "color":
            given = options.sensor if options.sensor and len(options.sensor) == 3 else size
            _, rows, columns = given or (3, 0, 0)
            why = (f"color event outside the sensor of {rows} rows and {columns} columns",)
            coding = Coding(_kernels().read_colors, "u1", 8, 3, why, _ends(8), graded=True)
            return _Decoder(raw, header, coding, (0, rows, columns))
        read = _kernels().read_events2 if major == 2 else _kernels().read_events1
        width = 5 if major == 2 else 3
        state = (0, int(kind == "atis"))
        return _Decoder(raw, header, Coding(read, "u1", width, 1, (), _ends(width)), state)

    def write(self, path: Path, events: Events) -> None:
        """Write a "dvs" stream of version 2.0.0.

        Raises:
            InvalidValue: not a camera's events in microseconds, on more than 65535 rows or columns,
                or so late that the file would be mostly bytes that only pass the time.
        """
        refuse_unfit(self.name, events, _SIDE - 1, _SIDE - 1, _STOP)
        _, rows, columns = events.shape
        size, state = np.array(events.shape, np.int64), np.zeros(1, np.int64)
        out = np.empty(min(_BUFFER, 64 + 64 * len(events)), np.uint8)
        with open(path, "wb") as file:
            file.write(_MAGIC + bytes((2, 0, 0, 1)))
            file.write(np.array([columns, rows], "<u2").tobytes())
            done = 0
            while done < len(events):
                done, count = _kernels().write_dvs(events.t, events.unit, size, done, state, out)
                file.write(out[:count].data)


def _kernels() -> Any:
    require("numba", "events")
    from neuro.formats import _es_kernels

    return _es_kernels


def _cut(path: Path, length: int) -> CorruptFile:
    return CorruptFile(
        f"{path}: ends at byte {length}, in the middle of the header. Copy or download it again"
    )


def _ends(width: int) -> str:
    return f"the file ends in the middle of an event of {width} bytes"


ES = _ES()
