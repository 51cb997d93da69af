"""Reading event files: whole, in chunks, and what to do with damage."""

from __future__ import annotations

import math
import mmap
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.compiled import compiled
from neuro.errors import CorruptFile, DamagedFile, InvalidValue
from neuro.events import Events
from neuro.formats._base import LIMIT, PIECE, Damage, Fact, Format, Header, Options, Piece
from neuro.formats._columns import Columns, ahead
from neuro.formats.detect import by_name, detect
from neuro.shape import shape_of

_LARGE = 1 << 22  # bytes above which decoding runs in a thread of its own

Errors = Literal["raise", "keep"]


@dataclass(frozen=True)
class Recording:
    """An event file that has been read.

    Args:
        events: what it holds.
        format: name of its format.
        facts: what the file says about itself.
        skipped: bytes that could not be read (only with errors="keep").
        problems: what was wrong with them, the first few.
    """

    events: Events
    format: str
    facts: dict[str, Fact]
    skipped: int = 0
    problems: tuple[str, ...] = ()


def read_events(path: str | os.PathLike[str], **how: Any) -> Events:
    """The events of a file of any format that neuro knows; arguments as for `read_recording`."""
    return read_recording(path, **how).events


def read_recording(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    sensor: tuple[int, ...] | None = None,
    clock: Clock | None = None,
    duration: int | None = None,
    errors: Errors = "raise",
    order: Literal["check", "sort"] = "check",
    rebase: bool = False,
    sample: int = 0,
    limit: int = LIMIT,
) -> Recording:
    """Read an event file: its events, and what it says about itself.

    Args:
        path: the file.
        format: name of its format; by default it is found by content.
        sensor: shape of the sensor, (2, rows, columns) or (units,). Needed where the file does not
            say; by default such a file gets the smallest sensor that holds its events, and
            `facts["sensor_from"]` is "events".
        clock: of the time stamps, where the format does not define it (text, arrays).
        duration: ticks that the recording lasts; by default what the file says, or up to its last
            event.
        errors: "raise" refuses a damaged file and names the byte; "keep" keeps all that can be
            read, warns, and counts the bytes that cannot.
        order: "check" takes time that runs backwards for damage; "sort" brings the events in order,
            for files whose writer did not.
        rebase: count time from the first event. By default time stamps are kept as they are; those
            of some cameras count from 1970.
        sample: number of the recording, for files that hold several.
        limit: bytes that the file may unpack to.

    Raises:
        FileNotFoundError: there is no such file.
        CorruptFile: the file is of no known format, or damaged. The message gives the byte.
        InvalidValue: an argument is out of range, or `duration` ends before the last event.
    """
    with _Reading(path, format, sensor, clock, errors, order, sample, limit) as reading:
        header, shape = reading.header, reading.shape
        columns = Columns(reading.size)
        if shape is None:  # known only when all events are
            parts = list(reading.pieces(PIECE))
            shape = reading.smallest(parts)
            for part in parts:
                columns.append(_flattened(part, shape))
        else:
            for part in reading.pieces(PIECE, columns):
                columns.append(part)
    t, _ = columns.columns()
    first = int(t.min()) if len(t) and rebase else 0
    length = duration
    if length is None:
        last = int(t[-1] if columns.in_order else t.max()) if len(t) else -1
        length = max(last + 1, header.duration or 0) - first
    events = columns.events(shape, header.clock, length, first)
    facts = {**header.facts, **reading.notes}
    return Recording(events, reading.format.name, facts, reading.skipped, tuple(reading.problems))


def stream_events(
    path: str | os.PathLike[str],
    *,
    chunk: int = PIECE,
    format: str | None = None,
    sensor: tuple[int, ...] | None = None,
    clock: Clock | None = None,
    errors: Errors = "raise",
    sample: int = 0,
    limit: int = LIMIT,
) -> Iterator[Events]:
    """The events of a file about `chunk` at a time, for files larger than memory.

    Time stamps are those of the file; a chunk's duration ends with its last event. All events of a
    tick are in one chunk, so the chunks one after another are the whole file. Arguments are those
    of `read_recording`, but the sensor must be known from the file or given.

    Raises:
        CorruptFile: as for `read_recording`; what was yielded before stays valid.
        InvalidValue: the file does not say its sensor, and none is given.
    """
    if chunk < 1:
        raise InvalidValue(f"stream_events.chunk: got {chunk}, expected at least 1 event")
    with _Reading(path, format, sensor, clock, errors, "check", sample, limit) as reading:
        shape = reading.shape
        if shape is None:
            raise InvalidValue(
                f"stream_events: {path} does not say how large its sensor is. "
                "Pass sensor=(2, rows, columns)"
            )
        clock = reading.header.clock
        held = Columns(0)
        for part in reading.pieces(chunk):
            held.append(part)
            if held.count < chunk:
                continue
            t, _ = held.columns()
            cut = int(np.searchsorted(t, t[-1]))  # the last tick may go on in the next piece
            if cut:
                whole, held = held.parted(cut)
                yield whole.events(shape, clock, int(whole.columns()[0][-1]) + 1, 0)
        if held.count:
            yield held.events(shape, clock, int(held.columns()[0][-1]) + 1, 0)


@dataclass
class _Reading:
    """One file from opening to closing: checks, counts, and words what is wrong."""

    path: Any
    given: str | None
    sensor: tuple[int, ...] | None
    clock: Clock | None
    errors: Errors
    order: str
    sample: int
    limit: int
    skipped: int = 0
    problems: list[str] = field(default_factory=list)
    notes: dict[str, Fact] = field(default_factory=dict)
    last: int = 0

    def __enter__(self) -> _Reading:
        if self.errors not in ("raise", "keep"):
            raise InvalidValue(f"errors: got {self.errors!r}, expected 'raise' or 'keep'")
        if self.order not in ("check", "sort"):
            raise InvalidValue(f"order: got {self.order!r}, expected 'check' or 'sort'")
        self.where = Path(self.path)
        if not self.where.is_file():
            raise FileNotFoundError(f"no file {self.where}")
        sensor = None if self.sensor is None else shape_of("sensor", self.sensor)
        self.format: Format = by_name(self.given) if self.given else detect(self.where)
        raw = mapped(self.where)
        options = Options(sensor, self.clock, self.limit, self.sample)
        self.size = len(raw)
        self.decoder = self.format.open(self.where, raw, options)
        self.header: Header = self.decoder.header
        self.shape = sensor or self.header.shape
        self._numbered(self.shape, "the sensor")
        return self

    def __exit__(self, *_: object) -> None:
        if self.skipped:
            warnings.warn(
                f"{self.where}: {self.skipped} bytes could not be read and were skipped; "
                f"first: {self.problems[0]}",
                DamagedFile,
                stacklevel=4,
            )

    def pieces(self, size: int, columns: Columns | None = None) -> Iterator[Piece]:
        """Checked pieces. Where the shape is known, their one axis is the flat unit already.

        With `columns`, a piece that is right goes into them at once and is not yielded.
        """
        items = self.decoder.pieces(size)
        for item in ahead(items) if self.size > _LARGE else items:
            if isinstance(item, Damage):
                self._bad(item)
            elif len(item.t) and self._fits(item) and not self._taken(item, columns):
                checked = self._checked(item)
                if len(checked.t):
                    yield checked

    def _numbered(self, shape: tuple[int, ...] | None, what: str) -> None:
        """Refuse a sensor with more units than int32 counts: its events could not be told apart."""
        if shape is None or math.prod(shape) <= np.iinfo(np.int32).max:
            return
        text = f"{self.where}: {what} {shape} has {math.prod(shape)} units, expected below 2^31"
        if self.sensor is not None:
            raise InvalidValue(text)
        raise CorruptFile(f"{text}. Pass sensor=(2, rows, columns) if you know it")

    def _fits(self, piece: Piece) -> bool:
        """True; refuses a sensor without rows and columns for events that have them."""
        if self.shape is None or len(piece.axes) != 3 or len(self.shape) == 3:
            return True
        text = f"{self.where}: events at polarity, y, x, but the sensor is {self.shape}, expected "
        if self.sensor is not None:
            raise InvalidValue(f"{text}sensor=(2, rows, columns)")
        raise CorruptFile(f"{text}(2, rows, columns). Pass it as sensor= if you know it")

    def _taken(self, piece: Piece, columns: Columns | None) -> bool:
        if columns is None or self.shape is None or self.order == "sort" or not compiled():
            return False
        if not columns.take(piece, self.shape, self.last):
            return False
        self.last = int(piece.t[-1])
        return True

    def _bad(self, damage: Damage) -> None:
        text = f"at byte {damage.offset}: {damage.why}"
        if self.errors == "raise":
            raise CorruptFile(
                f"{self.where}: {text}. Copy or download the file again, or read what is whole "
                'with errors="keep"'
            )
        self.skipped += damage.length
        if len(self.problems) < 20:
            self.problems.append(text)

    def _checked(self, piece: Piece) -> Piece:
        piece = self._without(piece, piece.t < 0, "time stamp {t}, expected 0 or later")
        names = ("polarity", "y", "x") if len(piece.axes) == 3 else ("unit",)
        for axis, name in enumerate(names):
            column = piece.axes[axis]
            limit = np.iinfo(np.int32).max
            if self.shape is not None:
                limit = self.shape[axis] if len(names) == 3 else math.prod(self.shape)
            outside = (column < 0) | (column >= limit)
            text = f"event at {name}={{c}}, outside the sensor {self.shape}"
            piece = self._without(piece, outside, text, axis)
        if self.order == "check" and len(piece.t):
            latest = np.maximum.accumulate(np.maximum(piece.t, self.last))
            text = "time runs backwards to {t}"
            piece = self._without(piece, piece.t < latest, text)
            if len(piece.t):
                self.last = int(piece.t[-1])
        return piece if self.shape is None else _flattened(piece, self.shape)

    def _without(self, piece: Piece, bad: NDArray[Any], text: str, axis: int = 0) -> Piece:
        if not bad.any():
            return piece
        rows = np.flatnonzero(bad)
        for i in rows[: max(1, 20 - len(self.problems))]:
            why = text.format(t=piece.t[i], c=piece.axes[axis][i])
            if self.order == "check" and "backwards" in text:
                why += ' after later ones (order="sort" brings them in order)'
            self._bad(Damage(piece.at(int(i)), 0, why))
        self.skipped += piece.width * len(rows)
        return _rows(piece, ~bad)

    def smallest(self, parts: list[Piece]) -> tuple[int, ...]:
        """The smallest sensor that holds all events."""
        if not parts:
            raise InvalidValue(
                f"{self.where}: no events, and the file does not say how large its sensor is. "
                "Pass sensor=(2, rows, columns)"
            )
        axes = range(len(parts[0].axes))
        size = [max(int(p.axes[a].max()) for p in parts) + 1 for a in axes]
        if len(size) == 3:
            size[0] = 2
        self.notes["sensor_from"] = "events"
        shape = shape_of(f"{self.where}", tuple(size))
        self._numbered(shape, "the smallest sensor that holds the events,")
        return shape


def mapped(path: Path) -> NDArray[np.uint8]:
    """All bytes of a file, mapped read-only."""
    if path.stat().st_size == 0:
        return np.zeros(0, np.uint8)
    with open(path, "rb") as file:
        return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)


def _rows(piece: Piece, rows: Any) -> Piece:
    count = len(piece.t)
    number = np.arange(count)[rows]
    value = None if piece.value is None else piece.value[rows]
    at = piece.at
    return Piece(
        piece.t[rows], tuple(a[rows] for a in piece.axes),
        lambda i: at(int(number[i])), piece.width, value,
    )  # fmt: skip


def _flattened(piece: Piece, shape: tuple[int, ...]) -> Piece:
    """The piece with its flat units as the one axis."""
    return Piece(piece.t, (_flat(piece.axes, shape),), piece.at, piece.width, piece.value)


def _flat(axes: tuple[NDArray[Any], ...], shape: tuple[int, ...]) -> NDArray[np.int32]:
    flat = axes[0].astype(np.int32)
    if len(axes) == 1:
        return flat  # of any shape: decoders may give flat units
    for column, length in zip(axes[1:], shape[1:], strict=True):
        flat = flat * np.int32(length) + column.astype(np.int32)
    return flat
