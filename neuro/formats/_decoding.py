"""Running a decoding kernel over a mapped file: events in pieces, and the damage between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.formats._base import Damage, Piece, Raw

BAD = 1024  # damaged stretches that a kernel notes before it returns
IN_ORDER = 256  # damaged stretches after which events no longer wait for the damage before them

Kernel = Callable[..., tuple[int, int, int]]


@dataclass(frozen=True)
class Coding:
    """How a kernel is called, and what it reads.

    A kernel is called as `kernel(data, at, end, state, limit, t, polarity, y, x, [value,] bad)` and
    returns where it stopped, the number of events and that of damaged stretches. It reads words
    from byte `at` on, fills the columns, keeps what it must remember in `state`, and notes damage
    in rows of `bad` (offset, bytes, reason, events before it). It stops after the word that brings
    event number `limit`, when `bad` is full, or before a word that `end` cuts.

    Args:
        kernel: the compiled kernel.
        item: dtype in which the kernel sees the bytes; it counts them from the first.
        word: bytes of a word that holds events; the word ends where the kernel stops.
        spread: events that one word may hold.
        why: wording of each reason.
        cut: wording for a word that the end of the file cuts.
        graded: the kernel also fills a column of values.
    """

    kernel: Kernel
    item: str
    word: int
    spread: int
    why: tuple[str, ...]
    cut: str
    graded: bool = False


def decoded(
    coding: Coding, raw: Raw, begin: int, end: int, state: NDArray[np.int64], size: int
) -> Iterator[Piece | Damage]:
    """The events of bytes `begin` to `end`, about `size` at a time; `state` is carried on."""
    step = np.dtype(coding.item).itemsize
    data = raw[begin : begin + (end - begin) // step * step].view(coding.item)
    at, end, noted = 0, end - begin, 0
    bad = np.empty((BAD, 4), np.int64)
    while at < end:
        before = state.copy()
        limit = min(size, (end - at) // coding.word * coding.spread) - 1
        columns = _columns(limit + 1 + coding.spread, coding)
        after, n, damages = coding.kernel(data, at, end, state, max(limit, 0), *columns, bad)
        if n < (limit + 1) // 2:  # give the rest of the columns back
            columns = tuple(c[:n].copy() for c in columns)
        run = _Run(coding, data, begin, at, end, before)
        first = 0
        for offset, length, reason, ahead in bad[:damages].tolist():
            if noted < IN_ORDER and ahead > first:
                yield _piece(columns, first, ahead, run)
                first = ahead
            noted += 1
            if noted <= IN_ORDER:
                yield Damage(begin + offset, length, coding.why[reason])
        if n > first:
            yield _piece(columns, first, n, run)
        if noted > IN_ORDER:
            for offset, length, reason, _ in bad[max(0, damages - noted + IN_ORDER) : damages]:
                yield Damage(begin + int(offset), int(length), coding.why[reason])
        if after == at:
            break
        at = after
    if at < end:
        yield Damage(begin + at, end - at, coding.cut)


@dataclass(frozen=True)
class _Run:
    """One call of a kernel, which can be made again to find where an event lies."""

    coding: Coding
    data: NDArray[Any]
    begin: int
    at: int
    end: int
    state: NDArray[np.int64]

    def byte(self, event: int) -> int:
        columns = _columns(event + 1 + self.coding.spread, self.coding)
        bad = np.empty((BAD, 4), np.int64)
        after, _, _ = self.coding.kernel(
            self.data, self.at, self.end, self.state.copy(), event, *columns, bad
        )
        return self.begin + after - self.coding.word


def _columns(length: int, coding: Coding) -> tuple[NDArray[Any], ...]:
    kinds = (np.int64, np.uint8, np.uint16, np.uint16, np.float32)
    return tuple(np.empty(length, kind) for kind in kinds[: 5 if coding.graded else 4])


def _piece(columns: tuple[NDArray[Any], ...], first: int, stop: int, run: _Run) -> Piece:
    t, polarity, y, x, *value = (c[first:stop] for c in columns)
    return Piece(
        t, (polarity, y, x), lambda i: run.byte(first + i), run.coding.word,
        value[0] if value else None,
    )  # fmt: skip
