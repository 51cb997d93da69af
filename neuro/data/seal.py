"""A checksum over a whole HDF5 file, kept in its user block.

HDF5 itself checks only parts of a file, and some damaged files make its library loop for ever. So
the file is verified before HDF5 sees it. The first 512 bytes (the user block, which HDF5 skips)
hold one line, `<format> sha256 <hexadecimal digest of all bytes after the block>`, then zeros.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from neuro.errors import CorruptFile

BLOCK = 512  # bytes; the smallest user block that HDF5 allows


def seal(path: Path, kind: str) -> None:
    """Write the checksum into the user block of a finished file."""
    with open(path, "rb+") as file:
        file.seek(BLOCK)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        file.write(f"{kind} sha256 {digest}\n".encode().ljust(BLOCK, b"\0"))


def verify(path: Path, kind: str) -> None:
    """Refuse a file that is not exactly as `seal` left it.

    Raises:
        CorruptFile: the file is of another kind, truncated or damaged.
    """
    with open(path, "rb") as file:
        block = file.read(BLOCK)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if not block.startswith(kind.encode() + b" sha256 "):
        raise CorruptFile(
            f"{path}: not a {kind} file, or one that is damaged at its start: it begins with "
            f"{block[:24]!r}. Write or download it again."
        )
    if block != f"{kind} sha256 {digest}\n".encode().ljust(BLOCK, b"\0"):
        raise CorruptFile(
            f"{path}: truncated or damaged, its {path.stat().st_size} bytes do not match the "
            "SHA-256 that it begins with. Write or download it again."
        )
