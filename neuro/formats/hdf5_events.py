"""Camera events in HDF5 columns, as DSEC, M3ED, V2E, E2VID and Prophesee's tools lay them out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.errors import CorruptFile, InvalidValue
from neuro.events import Events
from neuro.formats._base import PIECE, Damage, Fact, Header, Options, Piece, Raw
from neuro.formats._hdf5 import is_hdf5, members
from neuro.formats.isolated import Part, run
from neuro.units import us

_TASK = "neuro.formats._camera_child:camera"
_NAMES = {  # of columns, as they are written by different tools
    "t": ("t", "ts", "timestamp", "timestamps", "time"),
    "x": ("x", "xs"),
    "y": ("y", "ys"),
    "p": ("p", "ps", "pol", "polarity"),
}
_CHUNK = 1 << 16  # rows that are packed together


@dataclass(frozen=True)
class _Place:
    """Where the events of one camera lie: a group or data set, and its column names."""

    path: str
    columns: dict[str, str]


class _Hdf5Events:
    """Columns t, x, y, p in a group, a compound data set, or a matrix of four columns.

    Whole numbers as times are microseconds (or ticks of the clock that is given), floats seconds.
    Where a file holds several cameras, `sample` counts them in the order of their names.
    """

    name = "hdf5_events"
    title = "camera events in HDF5 columns"
    suffixes = (".events.h5", ".h5", ".hdf5")
    writable = True

    def recognises(self, head: bytes, path: Path) -> bool:
        return is_hdf5(head) and bool(_places(members(path)))

    def open(self, path: Path, raw: Raw, options: Options) -> _Decoder:
        return _Decoder(path, len(raw), options)

    def write(self, path: Path, events: Events) -> None:
        shape = events.shape
        if len(shape) != 3 or shape[0] != 2 or max(shape) > 1 << 16 or events.value is not None:
            raise InvalidValue(
                f"hdf5_events: events of shape {shape}{', graded' * (events.value is not None)}, "
                "expected (2, rows, columns) of plain events, at most 65536 rows and columns"
            )
        polarity, y, x = events.coordinates
        columns = {"t": events.t, "x": x.astype("<u2"), "y": y.astype("<u2"),
                   "p": polarity.astype("u1")}  # fmt: skip
        packed = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
        with h5py.File(path, "w", libver=("earliest", "v110")) as file:
            group = file.create_group("events")
            group.attrs.update({"height": shape[1], "width": shape[2], "duration": events.duration,
                                "tick": str(events.clock.tick)})  # fmt: skip
            for name, column in columns.items():
                chunk = (min(_CHUNK, len(column)),)
                more: dict[str, Any] = {"chunks": chunk, **packed} if len(column) else {}
                group.create_dataset(name, data=column, **more)


class _Decoder:
    def __init__(self, path: Path, size: int, options: Options) -> None:
        places = _places(members(path))
        if not places:
            raise CorruptFile(
                f"{path}: no columns t, x, y, p; the file holds {', '.join(members(path)[:20])}"
            )
        if not 0 <= options.sample < len(places):
            listed = ", ".join(p.path for p in places)
            raise InvalidValue(f"{path}: sample {options.sample}, the file holds {listed}")
        place = places[options.sample]
        self.path, self.size = path, size
        parts = run(_TASK, path, limit=options.limit, place=place.path, columns=place.columns,
                    size=PIECE)  # fmt: skip
        self.stated, _ = next(parts)
        self.parts: Iterator[Part] = parts
        self.floats = self.stated["kind"] == "f"
        facts: dict[str, Fact] = {"place": place.path}
        if len(places) > 1:
            facts["cameras"] = len(places)
        if "t_offset" in self.stated:
            facts["t_offset"] = self.stated["t_offset"]
        shape = _shape(self.stated)
        # another tool's duration may be in any unit
        duration = _whole(self.stated.get("duration")) if "tick" in self.stated else None
        self.header = Header(shape, self._clock(options), duration=duration, facts=facts)

    def _clock(self, options: Options) -> Clock:
        if options.clock is not None:
            return options.clock
        try:
            return Clock(Fraction(str(self.stated.get("tick", "1/1000000"))))
        except (ValueError, ZeroDivisionError):  # another tool's attribute of this name
            return Clock(1 * us)

    def pieces(self, size: int) -> Iterator[Piece | Damage]:
        reached = 0
        while True:
            try:
                facts, arrays = next(self.parts)
            except StopIteration:
                return
            except CorruptFile as error:
                yield Damage(reached, self.size - reached, str(error))
                return
            if "damage" in facts:
                reached = facts["byte"]
                yield Damage(reached, self.stated["row"] * facts["rows"], facts["damage"])
                continue
            *columns, starts = arrays
            reached = int(starts[0])
            # read in pieces of a fixed size, so a smaller one is cut here
            for at in range(0, len(columns[0]), size):
                rows = np.s_[at : at + size]
                yield self._piece([c[rows] for c in columns], at, facts, starts)

    def _piece(
        self, columns: Sequence[NDArray[Any]], at: int, facts: dict[str, Any], starts: NDArray[Any]
    ) -> Piece:
        t, x, y, p = columns
        first, chunk, width = facts["first"] + at, facts["chunk"], facts["width"]

        def byte(i: int) -> int:
            if not chunk:
                return int(starts[0]) + (at + i) * width
            number = (first + i) // chunk - facts["first"] // chunk
            return int(starts[min(number, len(starts) - 1)])

        ticks = self._ticks(t)
        polarity = _whole_numbers(p)
        if polarity.dtype.kind == "i":
            polarity = np.where(polarity == -1, 0, polarity)
        axes = (_narrow(polarity, np.uint8), _narrow(_whole_numbers(y), np.uint16),
                _narrow(_whole_numbers(x), np.uint16))  # fmt: skip
        return Piece(ticks, axes, byte, self.stated["row"])

    def _ticks(self, t: NDArray[Any]) -> NDArray[np.int64]:
        if self.floats:
            try:
                return self.header.clock.ticks(t, what=f"{self.path}: t")
            except InvalidValue as error:
                raise CorruptFile(str(error)) from error
        if t.dtype.kind == "u" and len(t) and int(t.max()) >= 2**62:
            raise CorruptFile(f"{self.path}: time stamp {t.max()}, expected less than 2^62")
        return t.astype(np.int64)


def _places(held: tuple[str, ...]) -> list[_Place]:
    """Everything in a file that looks like a camera's events."""
    names = set(held)
    root = _matched([n for n in held if "/" not in n])
    found = [_Place("/", root)] if root else []
    for entry in held:
        path, _, rest = entry.partition("[")
        if rest:
            fields = _matched(rest.rstrip("]").split(","))
            if fields:
                found.append(_Place(path, fields))
        elif entry.endswith("/"):
            columns = _matched([n[len(entry) :] for n in names if n.startswith(entry)])
            if columns:
                found.append(_Place(entry.rstrip("/"), columns))
        elif entry.endswith("{4}") and entry[:-3].rpartition("/")[2] == "events":
            # V2E writes t, x, y, p as whole numbers; MVSEC x, y, t, p as floats
            found.append(_Place(entry[:-3], {"t": "0", "x": "1", "y": "2", "p": "3"}))
        elif entry.endswith("{4f}") and entry[:-4].rpartition("/")[2] == "events":
            found.append(_Place(entry[:-4], {"x": "0", "y": "1", "t": "2", "p": "3"}))
    return found


def _matched(names: list[str]) -> dict[str, str]:
    """Which name holds which column; nothing unless all four are there."""
    chosen = {c: next((n for n in known if n in names), "") for c, known in _NAMES.items()}
    return chosen if all(chosen.values()) else {}


def _shape(stated: dict[str, Any]) -> tuple[int, int, int] | None:
    """(2, rows, columns), if the file says so."""
    height, width = _whole(stated.get("height")), _whole(stated.get("width"))
    resolution = stated.get("sensor_resolution")
    if height is None and isinstance(resolution, list) and len(resolution) == 2:
        height, width = resolution  # E2VID: rows, columns
    geometry = re.fullmatch(r"(\d{1,5})x(\d{1,5})", str(stated.get("geometry", "")))
    if height is None and geometry:
        width, height = int(geometry[1]), int(geometry[2])
    if not height or not width or height < 1 or width < 1 or 2 * height * width >= 2**31:
        return None
    return (2, height, width)


def _whole(stated: Any) -> int | None:
    """A whole number, as text or as an array of one."""
    if isinstance(stated, list) and len(stated) == 1:
        return int(stated[0])
    return int(stated) if isinstance(stated, str) and stated.isdigit() else None


def _whole_numbers(column: NDArray[Any]) -> NDArray[Any]:
    """Floats of a matrix as whole numbers; what is none becomes -1, which no sensor has."""
    if column.dtype.kind != "f":
        return column.astype(np.uint8) if column.dtype.kind == "b" else column
    whole = np.isfinite(column) & (column == np.rint(column)) & (np.abs(column) < 2**31)
    return np.where(whole, column, -2).astype(np.int64)


def _narrow(column: NDArray[Any], kind: type[np.unsignedinteger[Any]]) -> NDArray[Any]:
    """The type that compiled checks know, unless a value does not fit it."""
    if column.dtype == kind:
        return column
    if len(column) and (column.min() < 0 or column.max() > np.iinfo(kind).max):
        return column.astype(np.int64)
    return column.astype(kind)


HDF5_EVENTS = _Hdf5Events()
