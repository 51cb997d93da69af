"""WAV files as numbers from -1 to 1."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.errors import CorruptFile, Unsupported

LIMIT = 1 << 30  # bytes, unless the caller allows more
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_BITS = {_PCM: (8, 16, 24, 32), _FLOAT: (32, 64)}


def read_wav(
    path: str | os.PathLike[str], *, limit: int = LIMIT
) -> tuple[NDArray[np.float64], int]:
    """Samples and samples per second of a WAV file.

    Args:
        path: the file: PCM of 8, 16, 24 or 32 bits, or floating point of 32 or 64.
        limit: bytes that it may have.

    Returns:
        float64 [T], or [T, channels] where there are several; full scale of PCM is -1 to 1. And
        the rate in Hz.

    Raises:
        FileNotFoundError: there is no such file.
        CorruptFile: it is no WAV file, or is cut off; the message names the byte.
        Unsupported: its coding is another one.
    """
    where = Path(path)
    if not where.is_file():
        raise FileNotFoundError(f"read_wav: no file {where}")
    size = where.stat().st_size
    if size > limit:
        raise CorruptFile(
            f"{where}: {size} bytes, more than {limit}. Remedy: pass a larger limit, if that is "
            "meant"
        )
    return decode_wav(where.read_bytes(), str(where))


def decode_wav(raw: bytes, where: str) -> tuple[NDArray[np.float64], int]:
    """The same for the bytes of a file; `where` names it in errors."""
    if len(raw) < 12 or raw[:4] != b"RIFF" or raw[8:12] != b"WAVE":
        raise CorruptFile(f"{where}: byte 0: got {raw[:12]!r}, expected RIFF....WAVE")
    at, form = 12, None
    while at + 8 <= len(raw):
        name, length = raw[at : at + 4], struct.unpack_from("<I", raw, at + 4)[0]
        body = at + 8
        if body + length > len(raw):
            raise CorruptFile(
                f"{where}: byte {at}: chunk {name!r} says {length} bytes, {len(raw) - body} are "
                "left. The file is cut off; copy or download it again."
            )
        if name == b"fmt ":
            if length < 16:
                raise CorruptFile(f"{where}: byte {at}: 'fmt ' has {length} bytes, expected 16")
            form = _form(raw, body, length, where)
        elif name == b"data":
            if form is None:
                raise CorruptFile(f"{where}: byte {at}: 'data' comes before 'fmt '")
            return _samples(raw[body : body + length], form, where, body), form[3]
        at = body + length + length % 2
    raise CorruptFile(f"{where}: byte {min(at, len(raw))}: the file ends without a 'data' chunk")


def _form(raw: bytes, body: int, length: int, where: str) -> tuple[int, int, int, int]:
    """Coding, bits, channels and rate."""
    coding, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", raw, body)
    if coding == _EXTENSIBLE and length >= 26:
        coding = struct.unpack_from("<H", raw, body + 24)[0]
    if bits not in _BITS.get(coding, ()):
        raise Unsupported(
            where, "fmt", f"byte {body}: coding {coding} with {bits} bits is not read",
            "convert it to 16 bit PCM",
        )  # fmt: skip
    if channels < 1 or rate < 1:
        raise CorruptFile(f"{where}: byte {body}: {channels} channels at {rate} Hz")
    return coding, bits, channels, rate


def _samples(
    data: bytes, form: tuple[int, int, int, int], where: str, start: int
) -> NDArray[np.float64]:
    coding, bits, channels, _ = form
    frame = bits // 8 * channels
    if len(data) % frame:
        whole = len(data) // frame * frame
        raise CorruptFile(
            f"{where}: byte {start + whole}: {len(data) - whole} bytes are left over, a sample of "
            f"{channels} channels has {frame}"
        )
    x: NDArray[Any]
    if coding == _FLOAT:
        x = np.frombuffer(data, f"<f{bits // 8}").astype(np.float64)
        if not np.isfinite(x).all():
            first = int((~np.isfinite(x)).argmax())
            raise CorruptFile(f"{where}: byte {start + first * bits // 8}: sample {x[first]}")
    elif bits == 8:
        x = (np.frombuffer(data, np.uint8).astype(np.float64) - 128) / 128
    elif bits == 24:
        octets = np.frombuffer(data, np.uint8).reshape(-1, 3)
        padded = np.zeros((len(octets), 4), np.uint8)
        padded[:, 1:] = octets
        x = padded.view("<i4")[:, 0] / 2.0**31
    else:
        x = np.frombuffer(data, f"<i{bits // 8}") / 2.0 ** (bits - 1)
    return x.reshape(-1, channels) if channels > 1 else x
