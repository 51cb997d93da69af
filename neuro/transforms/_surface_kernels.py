"""Around each event, the fading memory of those before it in the same cell."""

from __future__ import annotations

import math

from numba import njit


@njit(nogil=True, cache=True)
def surfaces(t, group, y, x, window, tau, radius, sums):
    """Add to `sums` [groups, 2r + 1, 2r + 1]; rows are ordered by group, then time."""
    begin = 0
    for i in range(len(t)):
        if group[i] != group[begin]:
            begin = i
        while t[i] - t[begin] > window:
            begin += 1
        j = begin
        while j < i and t[j] < t[i]:
            row, column = y[j] - y[i] + radius, x[j] - x[i] + radius
            if 0 <= row <= 2 * radius and 0 <= column <= 2 * radius:
                sums[group[i], row, column] += math.exp(-(t[i] - t[j]) / tau)
            j += 1
