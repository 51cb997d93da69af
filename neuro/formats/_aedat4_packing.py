"""Packing and unpacking the packets of AEDAT 4, never beyond a given size."""

from __future__ import annotations

from neuro.errors import require
from neuro.formats._base import Raw

_STEP = 1 << 22  # bytes that are unpacked at a time


class DoesNotUnpack(ValueError):
    """A packet that is damaged, or unpacks to more than is allowed."""


def unpack(packed: Raw, compression: int, limit: int) -> bytes:
    """The bytes of a packet.

    Args:
        packed: as in the file.
        compression: 0 none, 1 and 2 LZ4, 3 and 4 Zstandard.
        limit: bytes that it may unpack to.

    Raises:
        DoesNotUnpack: it is damaged, cut off or too large.
    """
    if compression == 0:
        data, whole = packed.tobytes(), True
    elif compression <= 2:
        data, whole = _lz4(packed, limit)
    else:
        data, whole = _zstd(packed, limit)
    if len(data) > limit:
        raise DoesNotUnpack(f"it unpacks to more than the limit allows, {limit} bytes more")
    if not whole:
        raise DoesNotUnpack(f"its compressed data end after {len(data)} bytes, before their end")
    return data


def _lz4(packed: Raw, limit: int) -> tuple[bytes, bool]:
    frame = require("lz4.frame", "events")
    worker = frame.LZ4FrameDecompressor()
    # room for what packets of events mostly unpack to; there may be several steps
    step = min(_STEP, 4 * len(packed) + 4096)
    parts: list[bytes] = []
    size, given = 0, packed.tobytes()
    try:
        while not worker.eof and size <= limit:
            part = worker.decompress(given, max_length=step)
            given = b""
            if not part:
                break
            parts.append(part)
            size += len(part)
    except (RuntimeError, ValueError, EOFError) as error:
        raise DoesNotUnpack(f"its LZ4 data are damaged ({error})") from error
    return (parts[0] if len(parts) == 1 else b"".join(parts)), worker.eof


def _zstd(packed: Raw, limit: int) -> tuple[bytes, bool]:
    zstandard = require("zstandard", "events")
    worker = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
    parts: list[bytes] = []
    size = 0
    given = packed.tobytes()
    # small helpings bound what one call can return: Zstandard makes up to 128 kB of 4 bytes
    try:
        for at in range(0, len(given), 1024):
            if worker.eof or size > limit:
                break
            parts.append(worker.decompress(given[at : at + 1024]))
            size += len(parts[-1])
    except zstandard.ZstdError as error:
        raise DoesNotUnpack(f"its Zstandard data are damaged ({error})") from error
    return b"".join(parts), worker.eof


def pack(data: bytes) -> bytes:
    """The bytes of a packet, compressed with LZ4."""
    return require("lz4.frame", "events").compress(data, content_checksum=False)
