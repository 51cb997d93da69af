"""What an HDF5 file holds, found in a child process."""

from __future__ import annotations

import functools
from pathlib import Path

from neuro.formats.isolated import run

MAGIC = b"\x89HDF\r\n\x1a\n"


def is_hdf5(head: bytes) -> bool:
    """Whether a file begins so, or behind a user block of 512 to 2048 bytes."""
    return any(head[at : at + 8] == MAGIC for at in (0, 512, 1024, 2048))


def members(path: Path) -> tuple[str, ...]:
    """Names of the upper three levels: groups end in "/", compounds list their fields.

    A matrix of four columns is marked "{4}", or "{4f}" of floats.

    Raises:
        CorruptFile: the file is damaged.
    """
    state = path.stat()
    return _members(path.absolute(), state.st_mtime_ns, state.st_size)


@functools.lru_cache(maxsize=8)  # detection asks once a format, and each answer costs a process
def _members(path: Path, changed: int, size: int) -> tuple[str, ...]:
    facts, _ = next(run("neuro.formats._hdf5_child:members", path, limit=1 << 28))
    return tuple(facts["members"])
