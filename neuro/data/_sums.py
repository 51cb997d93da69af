"""Checksums of files."""

from __future__ import annotations

import hashlib
from pathlib import Path

from neuro.errors import CorruptFile


def digests(path: Path) -> tuple[str, str]:
    """MD5 and SHA-256 of a file, in hexadecimal."""
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            md5.update(piece)
            sha256.update(piece)
    return md5.hexdigest(), sha256.hexdigest()


def check_sums(path: Path, md5: str | None, sha256: str | None) -> tuple[str, str]:
    """MD5 and SHA-256 of a file that must have these sums.

    Raises:
        CorruptFile: it has others.
    """
    found = digests(path)
    for what, got, wanted in (("MD5", found[0], md5), ("SHA-256", found[1], sha256)):
        if wanted is not None and got != wanted:
            raise CorruptFile(
                f"{path}: {what} {got}, expected {wanted}; damaged or another version. "
                "Remove it and get it again"
            )
    return found
