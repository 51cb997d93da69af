"""IDX files, the arrays that MNIST and its followers are stored in."""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.errors import CorruptFile

LIMIT = 1 << 30  # bytes that a file may unpack to, unless the caller allows more
_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: str | os.PathLike[str], *, limit: int = LIMIT) -> NDArray[Any]:
    """Read an IDX file, packed with gzip or not (told by content, not by name).

    Two zero bytes, a type, the number of axes, their sizes in four bytes each, then the numbers,
    all big endian.

    Args:
        path: the file.
        limit: bytes that it may unpack to; what a damaged or hostile file claims costs no memory.

    Returns:
        The array in the machine's own byte order, e.g. uint8 [60000, 28, 28].

    Raises:
        FileNotFoundError: there is no such file.
        CorruptFile: it is no IDX file, is cut off or has bytes left over; the message names the
            byte.
    """
    where = Path(path)
    if not where.is_file():
        raise FileNotFoundError(f"read_idx: no file {where}")
    raw = _content(where, limit)
    if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] not in _TYPES:
        raise CorruptFile(
            f"{where}: byte 0: got {raw[:4].hex(' ') or 'nothing'}, expected 00 00 and a type "
            "(08, 09, 0b to 0e); this is no IDX file"
        )
    dtype, axes = np.dtype(_TYPES[raw[2]]), raw[3]
    start = 4 + 4 * axes
    if axes == 0 or axes > 32 or len(raw) < start:
        raise CorruptFile(
            f"{where}: byte 3: {axes} axes need {start} bytes of header, the file has {len(raw)} "
            "bytes. Copy or download it again."
        )
    shape = tuple(int(n) for n in np.frombuffer(raw, ">u4", axes, 4))
    expected = start + math.prod(shape) * dtype.itemsize  # exact: Python's integers do not wrap
    if len(raw) != expected:
        fault = "is cut off" if len(raw) < expected else "has bytes left over"
        raise CorruptFile(
            f"{where}: byte {min(len(raw), expected)}: the file {fault}, its header says shape "
            f"{shape} of {dtype}, {expected} bytes, and there are {len(raw)}. Copy or download it "
            "again."
        )
    array = np.frombuffer(raw, dtype, offset=start).reshape(shape)
    return array.astype(dtype.newbyteorder("="))


def _content(where: Path, limit: int) -> bytes:
    with where.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(where) if packed else where.open("rb") as file:
            raw = file.read(limit + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        size = where.stat().st_size
        raise CorruptFile(
            f"{where}: the gzip stream of {size} bytes is damaged or cut off ({error}). Copy or "
            "download it again."
        ) from error
    if len(raw) > limit:
        raise CorruptFile(
            f"{where}: unpacks to more than {limit} bytes. Remedy: if that is meant, pass a larger "
            "limit"
        )
    return raw
