"""Spike logs: who fired, tick by tick, as actors write and read it while a chunk of ticks runs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Entries = tuple[Ints, NDArray[np.int32], NDArray[Any]]  # index, unit, value (none if not graded)


class Log:
    """The log of one population: a list for each part, in the order of units.

    Index k of a log is the tick first + k - history of a chunk that starts at `first`: the last
    `history` ticks before it are kept, so that delayed spikes can still be read. Row q of `table`
    has the addresses of the units, marks and values of part q, its capacity, and the most that
    one tick can add. Entries of index k are marks[k] to marks[k + 1].

    Args:
        bounds: int64 [parts + 1], units of each part.
        history: ticks before a chunk that stay readable.
        ticks: longest chunk.
        most: entries that one unit can make in a tick.
        dtype: of values, for populations that emit graded events; None for spikes.
    """

    def __init__(
        self, bounds: Ints, history: int, ticks: int, most: int = 1, dtype: Any = None
    ) -> None:
        self.bounds, self.history, self.graded = bounds, history, dtype is not None
        self.need = np.diff(bounds) * most
        self.dtype = np.dtype(dtype if self.graded else np.int8)
        self.units: list[NDArray[Any]] = [
            np.zeros(max(4 * n, 1 << 16), np.int32) for n in self.need
        ]
        self.values: list[NDArray[Any]] = [
            np.zeros(len(u) if self.graded else 0, self.dtype) for u in self.units
        ]
        self.marks = [np.zeros(history + ticks + 2, np.int64) for _ in self.need]
        self.table = np.zeros((len(self.need), 5), np.int64)
        self._address()

    def _address(self) -> None:
        columns = zip(self.units, self.marks, self.values, strict=True)
        for part, (units, marks, values) in enumerate(columns):
            self.table[part] = (
                units.ctypes.data, marks.ctypes.data, values.ctypes.data if self.graded else 0,
                len(units), self.need[part],
            )  # fmt: skip

    @property
    def parts(self) -> int:
        """Number of lists."""
        return len(self.units)

    def entries(self, low: int, high: int) -> Entries:
        """All entries with low <= index < high, by index, then unit."""
        total = sum(int(m[high] - m[low]) for m in self.marks)
        k, unit = np.empty(total, np.int64), np.empty(total, np.int32)
        value = np.empty(total if self.graded else 0, self.dtype)
        at = np.zeros(high - low + 1, np.int64)
        at[1:] = np.cumsum(sum(np.diff(m[low : high + 1]) for m in self.marks))
        for units, marks, values in zip(self.units, self.marks, self.values, strict=True):
            _place(units, marks, values, low, high, at, k, unit, value)
        return k, unit, value

    def advance(self, ticks: int) -> None:
        """Forget all but the last `history` ticks, after a chunk of `ticks`."""
        for part, marks in enumerate(self.marks):
            begin, end = marks[ticks], marks[ticks + self.history]
            count = int(end - begin)
            room = max(len(self.units[part]), 2 * (count + int(self.need[part])))
            lists: list[list[NDArray[Any]]] = [self.units, self.values]
            for columns in lists[: 1 + self.graded]:
                old = columns[part]
                if room > len(old):
                    columns[part] = np.zeros(2 * room, old.dtype)
                columns[part][:count] = old[begin:end]
            marks[: self.history + 1] = marks[ticks : ticks + self.history + 1] - begin
        self._address()

    def restore(self, k: Ints, unit: NDArray[Any], value: NDArray[Any]) -> None:
        """Put a history back: entries with 0 <= k < history, sorted by k, then unit."""
        for part, need in enumerate(self.need):
            own = (unit >= self.bounds[part]) & (unit < self.bounds[part + 1])
            count = int(own.sum())
            room = max(len(self.units[part]), 2 * (count + int(need)))
            self.units[part] = np.zeros(room, np.int32)
            self.units[part][:count] = unit[own]
            if self.graded:
                self.values[part] = np.zeros(room, self.dtype)
                self.values[part][:count] = value[own]
            self.marks[part][: self.history + 1] = np.searchsorted(
                k[own], np.arange(self.history + 1)
            )
        self._address()

    def fill(self, k: Ints, unit: NDArray[Any], value: NDArray[Any] | None, ticks: int) -> None:
        """Write the entries of a coming chunk of `ticks` that are known beforehand.

        Args:
            k: sorted, history <= k < history + ticks.
            value: of graded entries; 1 each if there is none.
        """
        assert self.parts == 1, "entries that are known beforehand are not split into parts"
        before = int(self.marks[0][self.history])
        size = before + len(unit) + int(self.need[0])
        if size > len(self.units[0]):
            self.units[0] = np.resize(self.units[0], size)
            if self.graded:
                self.values[0] = np.resize(self.values[0], size)
        self.units[0][before : before + len(unit)] = unit
        if self.graded:
            self.values[0][before : before + len(unit)] = 1 if value is None else value
        at = np.arange(self.history, self.history + ticks + 1)
        self.marks[0][at] = before + np.searchsorted(k, at)
        self._address()


@njit(cache=True, nogil=True)
def _place(units, marks, values, low, high, at, k, unit, value):
    for i in range(low, high):
        for j in range(marks[i], marks[i + 1]):
            place = at[i - low]
            k[place], unit[place] = i, units[j]
            if len(value):
                value[place] = values[j]
            at[i - low] += 1
