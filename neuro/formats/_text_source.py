"""The text of a file in blocks of bounded size, plain or unpacked from gzip on the way."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from neuro.formats._base import Damage, Raw

GZIP = b"\x1f\x8b"
_GIVEN = 1 << 16  # packed bytes that are handed to zlib at a time
_AUTO = 16 + zlib.MAX_WBITS  # with gzip's header and check sum


def head_of(raw: Raw, size: int = 4096) -> bytes:
    """The first bytes of the text; as many as can be read."""
    given = raw[:size].tobytes()
    if not given.startswith(GZIP):
        return given
    try:
        return zlib.decompressobj(_AUTO).decompress(given, size)
    except zlib.error:
        return b""


def blocks(raw: Raw, size: int, limit: int) -> Iterator[bytes | Damage]:
    """The text, about `size` bytes at a time.

    Args:
        raw: the file.
        size: bytes of a block; memory is bounded by it.
        limit: bytes that a packed file may unpack to.
    """
    if raw[:2].tobytes() != GZIP:
        for at in range(0, len(raw), size):
            yield raw[at : at + size].tobytes()
        return
    worker = zlib.decompressobj(_AUTO)
    at, total = 0, 0
    given = b""
    while True:
        if not given:
            given = raw[at : at + _GIVEN].tobytes()
            at += len(given)
        if worker.eof:
            given = (worker.unused_data or given).lstrip(b"\0")  # files may be padded with zeros
            if not given:
                if at < len(raw):
                    continue
                return
            worker = zlib.decompressobj(_AUTO)  # gzip files one after another are one text
        if not given:
            yield Damage(len(raw), 0, "the packed data end before their end: the file is cut off")
            return
        try:
            part = worker.decompress(given, size)
        except zlib.error as error:
            offset = at - len(given)
            yield Damage(offset, len(raw) - offset, f"the packed data are damaged ({error})")
            return
        given = worker.unconsumed_tail
        total += len(part)
        if total > limit:
            offset = at - len(given)
            yield Damage(
                offset, len(raw) - offset,
                f"the file unpacks to more than {limit} bytes. Pass a larger limit=",
            )  # fmt: skip
            return
        if part:
            yield part
