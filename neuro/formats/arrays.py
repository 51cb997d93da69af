"""NumPy files of events: neuro's own .npz, and structured arrays or columns that others saved."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.errors import CorruptFile, InvalidValue
from neuro.events import Events
from neuro.formats._array_columns import AXES, Names, columns_of, rows_of
from neuro.formats._base import Damage, Decoder, Header, Options, Piece, Raw
from neuro.formats._npy import MAGIC, Archive, Stored, in_file
from neuro.units import us

_MICROSECOND = Clock(1 * us)
_OWN = frozenset({"t", "unit", "shape", "duration", "clock"})
_DATE = (1980, 1, 1, 0, 0, 0)  # of every member, so that equal events make equal files


class _Npz:
    name = "npz"
    title = "NumPy .npz"
    suffixes = (".npz",)
    writable = True

    def recognises(self, head: bytes, path: Path) -> bool:
        return head.startswith(b"PK\x03\x04") and b".npy" in head[30:286]

    def open(self, path: Path, raw: Raw, options: Options) -> Decoder:
        archive = Archive(path, raw, options.limit)
        if set(archive.arrays) >= _OWN:
            return _own(path, archive)
        arrays = archive.arrays
        tables = [a for a in arrays.values() if a.dtype.names is not None]
        if len(tables) == 1:
            return _Table(path, tables[0], options, archive.pieces, archive.byte(tables[0].name))
        names = columns_of(path, {name: a for name, a in arrays.items() if len(a.shape) == 1})
        if isinstance(names, str):
            listed = ", ".join(f"{n} {a.dtype} {list(a.shape)}" for n, a in arrays.items())
            raise InvalidValue(f"{path}: {names}. It holds: {listed or 'nothing'}")
        sizes = {arrays[name].shape[0] for name in names.given}
        if len(sizes) != 1:
            lengths = ", ".join(f"{name} {arrays[name].shape[0]}" for name in names.given)
            raise CorruptFile(f"{path}: columns of different lengths: {lengths}")
        return _Columns(archive, _foreign(names, options), names)

    def write(self, path: Path, events: Events) -> None:
        """Write neuro's own layout: t, unit, shape, duration, clock (a fraction) and value."""
        tick = events.clock.tick
        arrays: dict[str, NDArray[Any]] = {
            "shape": np.array(events.shape, np.int64),
            "duration": np.array(events.duration, np.int64),
            "clock": np.array(f"{tick.numerator}/{tick.denominator}"),
            "t": events.t,
            "unit": events.unit,
        }
        if events.duration > np.iinfo(np.int64).max:
            raise InvalidValue(f"{self.title}: duration {events.duration}, expected int64")
        if events.value is not None:
            arrays["value"] = events.value
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for name, array in arrays.items():
                member = zipfile.ZipInfo(f"{name}.npy", _DATE)
                with archive.open(member, "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, np.asarray(array), allow_pickle=False)


class _Npy:
    name = "npy"
    title = "NumPy .npy (structured array)"
    suffixes = (".npy",)
    writable = True

    def recognises(self, head: bytes, path: Path) -> bool:
        return head.startswith(MAGIC)

    def open(self, path: Path, raw: Raw, options: Options) -> Decoder:
        stored = in_file(raw, f"{path}: at byte 0")
        if stored.dtype.names is None:
            raise InvalidValue(
                f"{path}: an array {stored.dtype} {list(stored.shape)} without names of columns, "
                "so their order cannot be known. Load it with numpy, and build "
                "Events.sorted(t, unit, shape=..., clock=...) from its columns"
            )
        if stored.declared > options.limit:
            raise CorruptFile(
                f"{path}: at byte 0: it declares {stored.declared} bytes, more than the limit of "
                f"{options.limit}"
            )

        def pieces(_: str, size: int) -> Iterator[NDArray[Any]]:
            width = stored.dtype.itemsize
            whole = min(stored.declared, stored.length) // width
            for start in range(0, whole, size):
                n = min(size, whole - start)
                at = stored.offset + start * width
                yield raw[at : at + n * width].view(stored.dtype)

        return _Table(path, stored, options, pieces, None)

    def write(self, path: Path, events: Events) -> None:
        """Write fields t, x, y, p, or t and unit. Shape, duration and clock are not stored."""
        shape = events.shape
        if len(shape) not in (1, 3) or (len(shape) == 3 and shape[0] != 2):
            raise InvalidValue(
                f"{self.title}: events have shape {shape}, expected (units,) or (2, rows, columns)"
            )
        if events.value is not None:
            raise InvalidValue(f"{self.title}: graded events; write .npz instead")
        if events.clock != _MICROSECOND:
            raise InvalidValue(
                f"{self.title}: events have {events.clock!r}, expected Clock(1 * us). Write .npz"
            )
        fields: list[tuple[str, Any]] = [("t", np.int64)]
        fields += [("unit", np.int32)] if len(shape) == 1 else [
            ("x", np.int32), ("y", np.int32), ("p", np.bool_)
        ]  # fmt: skip
        table = np.zeros(len(events), fields)
        table["t"] = events.t
        for name, column in zip(AXES[len(shape)], events.coordinates, strict=True):
            table[name] = column
        with open(path, "wb") as file:
            np.lib.format.write_array(file, table, allow_pickle=False)


def _foreign(names: Names, options: Options) -> Header:
    clock = options.clock or _MICROSECOND
    return Header(None, clock, 0, None, {"time": "seconds" if names.seconds else "ticks"})


class _Table:
    """One structured array."""

    def __init__(
        self,
        path: Path,
        stored: Stored,
        options: Options,
        read: Callable[[str, int], Iterator[NDArray[Any]]],
        byte: int | None,
    ) -> None:
        if len(stored.shape) != 1:
            raise InvalidValue(f"{path}: an array of shape {list(stored.shape)}, expected one axis")
        fields = stored.dtype.fields or {}
        columns = {n: Stored(n, f[0], f[0].shape or (0,), 0, 0) for n, f in fields.items()}
        names = columns_of(path, columns)
        if isinstance(names, str):
            raise InvalidValue(f"{path}: {names}. Its fields are: {', '.join(columns)}")
        self.stored, self.names, self.read, self.byte = stored, names, read, byte
        self.header = _foreign(names, options)

    def pieces(self, size: int) -> Iterator[Piece | Damage]:
        stored, width, start = self.stored, self.stored.dtype.itemsize, 0

        def at(row: int) -> int:
            return stored.offset + row * width if self.byte is None else self.byte

        for rows in self.read(stored.name, size):
            columns = {name: rows[name] for name in self.names.given}
            yield from rows_of(columns, self.names, self.header.clock, at, start, width)
            start += len(rows)
        missing = stored.declared - stored.length
        if self.byte is None and missing:
            cut = stored.offset + start * width
            extra = max(0, stored.offset + stored.length - cut)
            yield Damage(
                cut, extra,
                f"shape {list(stored.shape)} takes {stored.declared} bytes, but "
                f"{stored.length} are there",
            )  # fmt: skip


class _Columns:
    """One array for each column."""

    def __init__(self, archive: Archive, header: Header, names: Names, value: bool = False) -> None:
        self.archive, self.header, self.names, self.value = archive, header, names, value

    def pieces(self, size: int) -> Iterator[Piece | Damage]:
        archive, names, start = self.archive, self.names, 0
        given = (*names.given, "value") if self.value else names.given
        width = sum(archive.arrays[name].dtype.itemsize for name in given)
        byte = archive.byte(names.given[0])
        parts: Mapping[str, Iterator[NDArray[Any]]] = {n: archive.pieces(n, size) for n in given}
        clock = self.header.clock
        while True:
            try:
                columns = {name: next(part, None) for name, part in parts.items()}
            except CorruptFile as error:
                why = str(error).removeprefix(f"{archive.where}: ")
                yield Damage(byte, len(archive.raw) - byte, why)
                return
            if any(column is None for column in columns.values()):
                return
            found: dict[str, NDArray[Any]] = {n: c for n, c in columns.items() if c is not None}
            value = found.pop("value", None)
            yield from rows_of(found, names, clock, lambda _: byte, start, width, value)
            start += len(found[names.given[0]])


def _own(path: Path, archive: Archive) -> Decoder:
    """A file that neuro wrote."""
    arrays = archive.arrays
    shape = archive.whole("shape")
    duration = archive.whole("duration")
    words = archive.whole("clock", 1 << 10)
    if shape.ndim != 1 or shape.dtype.kind not in "iu" or not 1 <= len(shape) <= 32:
        raise CorruptFile(f"{path}: shape {shape!r}, expected whole numbers, e.g. [2, 34, 34]")
    sizes = tuple(int(n) for n in shape)
    total = 1
    for n in sizes:
        total *= n
    if min(sizes) < 1 or total > 1 << 31:
        raise CorruptFile(f"{path}: shape {sizes}, expected positive numbers of at most 2^31 units")
    if duration.ndim or duration.dtype.kind not in "iu" or duration < 0:
        raise CorruptFile(f"{path}: duration {duration!r}, expected a whole number >= 0")
    try:
        if words.dtype.kind != "U":
            raise ValueError(f"dtype {words.dtype}")
        clock = Clock(Fraction(str(words)))
    except (ValueError, ZeroDivisionError, ArithmeticError) as error:
        raise CorruptFile(
            f"{path}: clock {str(words)[:80]!r} ({error}), expected a fraction of a second, e.g. "
            "1/1000000"
        ) from error
    value = "value" in arrays
    expected = {"t": "i", "unit": "i", **({"value": "f"} if value else {})}
    for name, kind in expected.items():
        if arrays[name].dtype.kind != kind or len(arrays[name].shape) != 1:
            stored = arrays[name]
            raise CorruptFile(
                f"{path}: {name} is {stored.dtype} {list(stored.shape)}, expected one column"
            )
    if len({arrays[name].shape for name in expected}) != 1:
        raise CorruptFile(f"{path}: columns of different lengths")
    header = Header(sizes, clock, 0, int(duration), {})
    return _Columns(archive, header, Names("t", ("unit",), False), value)


NPZ = _Npz()
NPY = _Npy()
