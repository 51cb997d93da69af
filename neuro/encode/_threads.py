"""Independent pieces of work on several threads, results in order."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from neuro.errors import InvalidValue

Piece = TypeVar("Piece")
Result = TypeVar("Result")


def parallel(
    function: Callable[[Piece], Result], pieces: Sequence[Piece], threads: int | None, what: str
) -> list[Result]:
    """`function` of every piece, in their order; the number of threads changes nothing else.

    Args:
        function: must not depend on what other calls do.
        pieces: one call each.
        threads: at most so many at once; None for as many as processors may be used.
        what: how an error message calls the caller.

    Raises:
        InvalidValue: `threads` is below 1.
    """
    if threads is not None and (int(threads) != threads or threads < 1):
        raise InvalidValue(f"{what}.threads: got {threads!r}, expected a whole number >= 1")
    count = min(threads or _processors(), len(pieces))
    if count <= 1:
        return [function(piece) for piece in pieces]
    with ThreadPoolExecutor(count, thread_name_prefix="neuro") as pool:
        return list(pool.map(function, pieces))


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
