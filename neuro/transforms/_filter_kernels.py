"""One pass over sorted events: which of them have support nearby, and which come too early."""

from __future__ import annotations

from numba import njit


@njit(nogil=True, cache=True)
def supported(t, unit, rows, columns, window, radius, support, last, keep):
    """Mark in `keep` [E] the events with enough neighbours that fired within `window` ticks.

    `last` [rows * columns] is work space, filled with a time before -window. All events of a tick
    are entered before any is judged, so their order does not matter.
    """
    size, n, i = rows * columns, len(t), 0
    while i < n:
        j = i
        while j < n and t[j] == t[i]:
            last[unit[j] % size] = t[j]
            j += 1
        for k in range(i, j):
            place = unit[k] % size
            y, x = place // columns, place % columns
            found = 0
            for row in range(max(0, y - radius), min(rows, y + radius + 1)):
                for column in range(max(0, x - radius), min(columns, x + radius + 1)):
                    if row == y and column == x:
                        continue
                    if t[k] - last[row * columns + column] <= window:
                        found += 1
            keep[k] = found >= support
        i = j


@njit(nogil=True, cache=True)
def rested(t, place, period, last, keep):
    """Mark in `keep` [E] the events at least `period` ticks after the last kept one of a place.

    `last` is work space, one entry a place, filled with a time before -period.
    """
    for i in range(len(t)):
        if t[i] - last[place[i]] >= period:
            keep[i] = True
            last[place[i]] = t[i]
        else:
            keep[i] = False
