"""Columns that grow while a file is read: times, flat units and values, checked as they arrive."""

from __future__ import annotations

import math
import queue
import threading
from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.compiled import compiled
from neuro.events import Events
from neuro.formats._base import Piece

Item = TypeVar("Item")


class Columns:
    """Events of one file, in the order of the file as long as that is the order of time.

    Args:
        size: bytes of the file, from which the room is guessed; more is made as needed.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._t, self._unit = np.empty(0, np.int64), np.empty(0, np.int32)
        self._values: list[NDArray[np.float32]] = []
        self.count = 0
        self.in_order = True  # by time and unit

    def take(self, piece: Piece, shape: tuple[int, ...], last: int) -> bool:
        """Append a piece if all of it is right: on the sensor, and not before the tick `last`."""
        from neuro.formats._check_kernels import take_camera, take_line

        self._reserve(len(piece.t), piece.width)
        into = (last, self._t, self._unit, self.count)
        if len(piece.axes) == 3:
            polarity, y, x = piece.axes
            good, in_order = take_camera(piece.t, polarity, y, x, shape, *into)
        else:
            good, in_order = take_line(piece.t, piece.axes[0], math.prod(shape), *into)
        if good < len(piece.t):
            return False
        self._appended(piece, in_order)
        return True

    def append(self, piece: Piece) -> None:
        """Append a piece that is right, whose one axis is the flat unit."""
        self._reserve(len(piece.t), piece.width)
        rows = slice(self.count, self.count + len(piece.t))
        self._t[rows], self._unit[rows] = piece.t, piece.axes[0]
        self._appended(piece, False)

    def events(self, shape: tuple[int, ...], clock: Clock, duration: int, first: int) -> Events:
        """All events, with time counted from `first`; the columns are given away."""
        t, unit = self.columns()
        value = np.concatenate(self._values) if self._values else None
        if first:
            t = t - first
        backwards = not self.in_order and bool((t[1:] < t[:-1]).any())
        if value is not None or backwards or not compiled():
            return Events.sorted(
                t, unit, shape=shape, clock=clock, duration=duration, value=value
            )  # fmt: skip
        if not self.in_order:
            from neuro.formats._check_kernels import order_ties

            order_ties(t, unit)
        t.flags.writeable = unit.flags.writeable = False
        if len(t) and not (t[0] >= 0 and t[-1] < duration):
            return Events(t, unit, shape, duration, clock)  # which says what is wrong
        return Events._of_checked(t, unit, shape, duration, clock)

    def parted(self, cut: int) -> tuple[Columns, Columns]:
        """The first `cut` events, and the rest."""
        halves = []
        values = np.concatenate(self._values) if self._values else None
        for rows in (slice(0, cut), slice(cut, self.count)):
            half = Columns(0)
            half._t, half._unit = self._t[rows].copy(), self._unit[rows].copy()
            half._values = [] if values is None else [values[rows]]
            half.count, half.in_order = len(half._t), self.in_order
            halves.append(half)
        return halves[0], halves[1]

    def columns(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Times and units so far."""
        return self._t[: self.count], self._unit[: self.count]

    def _reserve(self, more: int, width: int) -> None:
        needed, room = self.count + more, len(self._t)
        if needed <= room:
            return
        guess = needed + (self._size // max(width, 1) if not room else needed)
        t, unit = np.empty(guess, np.int64), np.empty(guess, np.int32)
        t[: self.count], unit[: self.count] = self.columns()
        self._t, self._unit = t, unit

    def _appended(self, piece: Piece, in_order: bool) -> None:
        self.count += len(piece.t)
        self.in_order = self.in_order and in_order
        if piece.value is not None:
            self._values.append(piece.value)


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The items, the next ones being made in a second thread while one is looked at."""
    made: queue.Queue[tuple[Item | None, BaseException | None]] = queue.Queue(1)
    enough = threading.Event()

    def make() -> None:
        end: tuple[None, BaseException | None] = (None, None)
        try:
            for item in items:
                if not _put(made, (item, None), enough):
                    return
        except BaseException as error:  # raised again where the items are read
            end = (None, error)
        _put(made, end, enough)

    thread = threading.Thread(target=make, name="decoder", daemon=True)
    thread.start()
    try:
        while True:
            item, error = made.get()
            if error is not None:
                raise error
            if item is None:
                return
            yield item
    finally:
        enough.set()
        thread.join()


def _put(made: queue.Queue[Item], item: Item, enough: threading.Event) -> bool:
    """Whether the item found room before nobody wanted it any more."""
    while not enough.is_set():
        try:
            made.put(item, timeout=0.05)
            return True
        except queue.Full:
            continue
    return False
