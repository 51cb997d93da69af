"""Arrays of .npy files and members of .npz files, read in pieces and never as pickles."""

from __future__ import annotations

import io
import math
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError  # numpy filters the headers of old files
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from neuro.errors import CorruptFile
from neuro.formats._base import Raw

MAGIC = b"\x93NUMPY"
_LONGEST = 10_000  # bytes of a header, as numpy itself allows
_RATIO = 400  # an archive of events never packs better than this
_SMALL = 1 << 24  # bytes; below it the ratio is of no concern
# what zipfile raises for damaged archives
BROKEN = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, struct.error, RuntimeError,
    NotImplementedError, OverflowError, KeyError, MemoryError,
)  # fmt: skip


@dataclass(frozen=True)
class Stored:
    """An array in a file.

    Args:
        name: of the member, "" for the array of a .npy file.
        dtype: of its entries; never objects.
        shape: as declared.
        offset: byte of its first entry, in the file or in the unpacked member.
        length: bytes that are there for its entries.
    """

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    offset: int
    length: int

    @property
    def declared(self) -> int:
        """Bytes that the entries take."""
        return math.prod(self.shape) * self.dtype.itemsize


def header_of(stream: IO[bytes], name: str, length: int, where: str) -> Stored:
    """The array whose header is next in a stream of so many bytes.

    Raises:
        CorruptFile: no header, objects in the array, or a shape that is none.
    """
    try:
        version = npy.read_magic(stream)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # headers of Python 2 are read more slowly
            if version == (1, 0):
                shape, fortran, dtype = npy.read_array_header_1_0(stream, _LONGEST)
            elif version in ((2, 0), (3, 0)):
                shape, fortran, dtype = npy.read_array_header_2_0(stream, _LONGEST)
            else:
                raise ValueError(f"version {version}")
    except (*BROKEN, SyntaxError, TypeError, RecursionError, IndexError, TokenError) as error:
        raise CorruptFile(f"{where}: the header of the array is damaged ({error})") from error
    if dtype.hasobject:
        raise CorruptFile(
            f"{where}: an array of Python objects, which neuro never loads (they may run code). "
            "Save plain columns of numbers"
        )
    if any(not isinstance(n, int) or n < 0 for n in shape):
        raise CorruptFile(f"{where}: shape {shape}, expected whole numbers >= 0")
    if len(shape) > 1 and fortran and min(shape) > 0:
        raise CorruptFile(f"{where}: an array of shape {shape} by columns, expected one column")
    if dtype.itemsize == 0 and math.prod(shape) > 0:
        raise CorruptFile(f"{where}: entries of no bytes")
    offset = stream.tell()
    return Stored(name, dtype, shape, offset, length - offset)


def in_file(raw: Raw, where: str) -> Stored:
    """The array of a .npy file."""
    stream = io.BytesIO(raw[: _LONGEST + 64].tobytes())
    return header_of(stream, "", len(raw), where)


class Archive:
    """The members of a .npz file.

    Args:
        path: the file.
        raw: its bytes.
        limit: bytes that all its arrays may take together.

    Raises:
        CorruptFile: the archive is damaged, or a bomb.
    """

    def __init__(self, path: Path, raw: Raw, limit: int) -> None:
        self.where = str(path)
        try:
            self.zip = zipfile.ZipFile(path)
            members = self.zip.infolist()
        except BROKEN as error:
            raise CorruptFile(
                f"{path}: at byte 0: not a whole .npz archive ({error}). "
                "Copy or download the file again"
            ) from error
        total = sum(m.file_size for m in members)
        if total > limit:
            raise CorruptFile(
                f"{path}: it unpacks to {total} bytes, more than the limit of {limit}. "
                "Pass a larger limit= if you trust it"
            )
        if total > _SMALL and total > _RATIO * len(raw):
            raise CorruptFile(
                f"{path}: {len(raw)} bytes that unpack to {total}, {total // len(raw)} times as "
                f"much; expected at most {_RATIO} times for events"
            )
        self.raw = raw
        self.members = {m.filename.removesuffix(".npy"): m for m in members}
        if len(self.members) != len(members):
            raise CorruptFile(f"{path}: two members have the same name")
        self._compare()
        self.arrays = {
            name: self._header(name) for name, m in self.members.items()
            if m.filename.endswith(".npy")
        }  # fmt: skip

    def close(self) -> None:
        self.zip.close()

    def byte(self, name: str) -> int:
        """Where a member begins in the file."""
        return self.members[name].header_offset

    def _compare(self) -> None:
        """Refuse members that the directory and the place itself name differently."""
        for name, member in self.members.items():
            try:
                self.zip.open(member).close()
            except BROKEN as error:
                where = f"{self.where}: member {name!r} at byte {member.header_offset}"
                raise CorruptFile(f"{where}: damaged ({error})") from error

    def _header(self, name: str) -> Stored:
        where = f"{self.where}: member {name!r} at byte {self.byte(name)}"
        try:
            with self.zip.open(self.members[name]) as stream:
                stored = header_of(stream, name, self.members[name].file_size, where)
        except CorruptFile:
            raise
        except BROKEN as error:
            raise CorruptFile(f"{where}: damaged ({error})") from error
        if stored.declared != stored.length:
            raise CorruptFile(
                f"{where}: shape {stored.shape} takes {stored.declared} bytes, but it has "
                f"{stored.length}. Copy or download the file again"
            )
        return stored

    def whole(self, name: str, most: int = 1 << 16) -> NDArray[Any]:
        """A small array at once.

        Raises:
            CorruptFile: it is damaged or larger than `most` bytes.
        """
        stored = self.arrays[name]
        if stored.declared > most:
            raise CorruptFile(f"{self.where}: member {name!r} has {stored.declared} bytes")
        parts = list(self.pieces(name, most))
        flat = np.concatenate(parts) if parts else np.zeros(0, stored.dtype)
        return flat.reshape(stored.shape)

    def pieces(self, name: str, size: int) -> Iterator[NDArray[Any]]:
        """The entries of an array, `size` at a time; what zipfile finds wrong is raised.

        Raises:
            CorruptFile: the member is damaged, e.g. its check sum is not that of its bytes.
        """
        stored = self.arrays[name]
        left = math.prod(stored.shape)
        where = f"{self.where}: member {name!r} at byte {self.byte(name)}"
        try:
            with self.zip.open(self.members[name]) as stream:
                stream.read(stored.offset)
                while left > 0:
                    n = min(left, size)
                    data = stream.read(n * stored.dtype.itemsize)
                    if len(data) != n * stored.dtype.itemsize:
                        raise EOFError(f"{len(data)} bytes, expected {n * stored.dtype.itemsize}")
                    left -= n
                    if left == 0 and stream.read(1):  # to its end, so that the sum is checked
                        raise ValueError("more bytes than declared")
                    yield np.frombuffer(data, stored.dtype)
        except BROKEN as error:
            raise CorruptFile(f"{where}: damaged ({error})") from error
