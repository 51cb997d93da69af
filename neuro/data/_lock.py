"""A lock on a file: one process at a time works on it, and a lock dies with its owner."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

_PAUSE = 0.1  # seconds between two looks

if sys.platform == "win32":
    import msvcrt

    def _try(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _try(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def locked(path: Path, *, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold the lock that belongs to `path`, waiting for another holder to end.

    The lock is a small hidden file beside `path` that stays: removing it could give the lock to
    two. It is released by the system when its owner ends, however that happens.

    Args:
        path: what is worked on; it need not exist.
        waiting: called once if another process or thread holds the lock.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o666)
    told = False
    try:
        while True:
            try:
                _try(handle)
                break
            except OSError:
                if waiting is not None and not told:
                    waiting()
                told = True
                time.sleep(_PAUSE)
        yield
    finally:
        os.close(handle)  # which also releases the lock
