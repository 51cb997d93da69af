"""MATLAB's Level 5 files read in pieces, with every length checked and nothing unpacked at once.

A packed variable is inflated as a stream; what is wanted of it is found in one pass over all of it,
which also compares its checksum, and read in another.

Layout: MathWorks, "MAT-File Format", chapter 1.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.formats._base import Raw

_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8",
          13: "u8", 16: "u1", 17: "u2", 18: "u4"}  # fmt: skip
_MATRIX, _PACKED = 14, 15
_STRUCT, _OBJECT, _NUMBERS = 2, 3, range(6, 16)
_BLOCK = 1 << 16  # bytes inflated at a time
_DEEP = 8  # nested structures


class Broken(Exception):
    """Damage at a byte of the file."""

    def __init__(self, offset: int, why: str) -> None:
        super().__init__(why)
        self.offset, self.why = offset, why


@dataclass(frozen=True)
class Column:
    """An array of numbers in a variable: where its values lie, in the order of MATLAB (columns)."""

    dims: tuple[int, ...]
    kind: np.dtype[Any]
    element: int
    end: int
    packed: bool
    start: int

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.dims)

    def byte(self, value: int) -> int:
        """Byte of a value in the file; of a packed variable, where it begins."""
        return self.element if self.packed else self.start + value * self.kind.itemsize


@dataclass
class Struct:
    """A structure: its fields by name; None for what holds no plain numbers."""

    fields: dict[str, Column | Struct | None] = field(default_factory=dict)


class Source:
    """Bytes of one variable from its tag on, inflated if they are packed."""

    def __init__(self, raw: Raw, element: int, start: int, end: int, packed: bool) -> None:
        self.raw, self.element, self.packed = raw, element, packed
        self.next, self.end, self.at = start, end, 0 if packed else start
        self.zlib = zlib.decompressobj() if packed else None
        self.held = b""

    def read(self, count: int) -> bytes:
        """Exactly so many bytes."""
        if self.zlib is None:
            if count > self.end - self.at:
                raise Broken(self.at, f"{count} bytes wanted, {self.end - self.at} are left")
            data = self.raw[self.at : self.at + count].tobytes()
        else:
            parts, missing = [], count
            while missing:
                block = self._block(missing)
                parts.append(block)
                missing -= len(block)
            data = b"".join(parts)
        self.at += count
        return data

    def skip(self, count: int) -> None:
        """Pass over bytes without keeping them."""
        if self.zlib is None:
            if count > self.end - self.at:
                raise Broken(self.at, f"{count} bytes wanted, {self.end - self.at} are left")
            self.at += count
            return
        stop = self.at + count
        while self.at < stop:
            self.read(min(stop - self.at, _BLOCK))

    def _block(self, most: int) -> bytes:
        while not self.held:
            if self._ended():
                raise Broken(self.element, "the packed variable ends before its values do")
            self._inflate()
        block, self.held = self.held[:most], self.held[most:]
        return block

    def _ended(self) -> bool:
        return self.zlib is None or self.zlib.eof

    def _inflate(self) -> None:
        assert self.zlib is not None
        given = self.zlib.unconsumed_tail
        if not given:
            if self.next >= self.end:
                raise Broken(self.element, "the packed variable is cut")
            stop = min(self.next + _BLOCK, self.end)
            given, self.next = self.raw[self.next : stop].tobytes(), stop
        try:
            self.held = self.zlib.decompress(given, _BLOCK)
        except zlib.error as error:
            raise Broken(self.element, f"the packed variable is damaged: {error}") from error

    def finish(self) -> None:
        """Refuse a packed variable whose checksum is not reached, or that goes on."""
        while not self.held and not self._ended():
            self._inflate()
        if self.held:
            raise Broken(self.element, "the packed variable goes on after its values")


def variables(raw: Raw, limit: int) -> dict[str, Column | Struct | None]:
    """Everything that a file holds, by name; values are not read.

    Raises:
        Broken: the file is damaged.
    """
    order = {b"IM": "<", b"MI": ">"}.get(bytes(raw[126:128]), "")
    if len(raw) < 128 or not order:
        raise Broken(min(len(raw), 126), "no Level 5 header of 128 bytes")
    version = int(np.frombuffer(raw[124:126].tobytes(), f"{order}u2")[0])
    if version != 0x100:
        raise Broken(124, f"version {version:#x}, expected 0x100")
    found: dict[str, Column | Struct | None] = {}
    at = 128
    while at < len(raw):
        if len(raw) - at < 8:
            raise Broken(at, f"{len(raw) - at} bytes, expected the tag of a variable")
        kind, size = (int(v) for v in np.frombuffer(raw[at : at + 8].tobytes(), f"{order}u4"))
        end = at + 8 + size
        if kind not in (_MATRIX, _PACKED):
            raise Broken(at, f"a variable of type {kind}, expected 14 or 15")
        if end > len(raw):
            raise Broken(at, f"a variable of {size} bytes, the file has {len(raw) - at - 8} left")
        packed = kind == _PACKED
        source = Source(raw, at, at + 8 if packed else at, end, packed)
        kind, size, _ = _tag(source, order)
        if kind != _MATRIX or size > limit:
            raise Broken(at, f"type {kind} of {size} bytes, expected a variable up to {limit}")
        name, value = _matrix(source, order, source.at + size, 0)
        source.finish()
        found[name] = value
        at = end
    return found


def values(raw: Raw, column: Column, count: int) -> Iterator[NDArray[Any]]:
    """The values of a column, about `count` at a time."""
    if column.packed:
        source = Source(raw, column.element, column.element + 8, column.end, True)
    else:
        source = Source(raw, column.element, column.start, len(raw), False)
    source.skip(column.start - source.at)
    for first in range(0, column.size, count):
        number = min(count, column.size - first)
        yield np.frombuffer(source.read(number * column.kind.itemsize), column.kind)


def _tag(source: Source, order: str) -> tuple[int, int, int]:
    """Type, bytes of the data, and bytes that fill it up to a whole word."""
    word = source.read(4)
    kind = int.from_bytes(word, "little" if order == "<" else "big")
    if kind >> 16:  # a small element: the data are in the tag
        return kind & 0xFFFF, kind >> 16, 4 - (kind >> 16)
    size = int.from_bytes(source.read(4), "little" if order == "<" else "big")
    return kind, size, -size % 8


def _matrix(source: Source, order: str, end: int, depth: int) -> tuple[str, Column | Struct | None]:
    """Name and content of a variable whose tag was read."""
    flags = _numbers(source, order)
    dims = tuple(_numbers(source, order))
    name = bytes(v & 255 for v in _numbers(source, order)).decode("latin-1")
    if not flags or len(dims) < 2 or any(n < 0 for n in dims):
        raise Broken(source.element, f"variable {name!r} has dimensions {dims}")
    kind, one = flags[0] & 255, math.prod(dims) == 1
    value: Column | Struct | None = None
    if kind in _NUMBERS and not flags[0] & 0x800:
        value = _column(source, order, dims, name)
    elif kind == _STRUCT and one and depth < _DEEP:
        value = _struct(source, order, depth)
    if source.at > end:
        raise Broken(source.element, f"variable {name!r} is longer than it declares")
    source.skip(end - source.at)
    return name, value


def _numbers(source: Source, order: str) -> list[int]:
    """A short list of whole numbers: flags, dimensions, a name."""
    kind, size, fill = _tag(source, order)
    if kind not in (1, 2, 5, 6, 16) or size > 1 << 16 or fill < 0:
        raise Broken(source.element, f"type {kind} of {size} bytes, expected part of a header")
    data = source.read(size)
    source.skip(fill)
    dtype = np.dtype(f"{order}{_TYPES[kind]}")
    return np.frombuffer(data[: size // dtype.itemsize * dtype.itemsize], dtype).tolist()


def _column(source: Source, order: str, dims: tuple[int, ...], name: str) -> Column:
    kind, size, fill = _tag(source, order)
    dtype = np.dtype(f"{order}{_TYPES.get(kind, 'u1')}")
    if kind not in _TYPES or fill < 0 or size != math.prod(dims) * dtype.itemsize:
        raise Broken(
            source.element,
            f"variable {name!r} of {dims} has {size} bytes of type {kind}",
        )
    start = source.at
    source.skip(size + fill)
    return Column(dims, dtype, source.element, source.end, source.packed, start)


def _struct(source: Source, order: str, depth: int) -> Struct:
    lengths = _numbers(source, order)
    length = lengths[0] if lengths else 0
    text = bytes(v & 255 for v in _numbers(source, order))
    if not 0 < length <= 64:
        raise Broken(source.element, f"names of {length} letters in a structure")
    found = Struct()
    for at in range(0, len(text), length):
        name = text[at : at + length].split(b"\0")[0].decode("latin-1")
        kind, size, _ = _tag(source, order)
        if kind != _MATRIX:
            raise Broken(source.element, f"field {name!r} of type {kind}, expected 14")
        if size:
            found.fields[name] = _matrix(source, order, source.at + size, depth + 1)[1]
    return found
