"""Compiled edit distance of spike trains."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]


@njit(nogil=True, cache=True)
def edit_costs(
    times: Array, starts: Array, others: Array, other_starts: Array, cost: float, result: Array
) -> None:
    """Victor and Purpura's distance of each pair of trains, into `result`.

    Args:
        times: float64, spike times of all trains one after another; train i owns starts[i] to
            starts[i + 1].
        starts: int64 [N + 1].
        others, other_starts: the same for the M other trains.
        cost: per second.
        result: float64 [N, M], written.
    """
    widest = 0
    for j in range(len(other_starts) - 1):
        widest = max(widest, other_starts[j + 1] - other_starts[j])
    row = np.empty(widest + 1)
    for i in range(len(starts) - 1):
        for j in range(len(other_starts) - 1):
            low, high = other_starts[j], other_starts[j + 1]
            for k in range(high - low + 1):
                row[k] = k
            for s in range(starts[i], starts[i + 1]):
                diagonal = row[0]
                row[0] += 1
                for k in range(1, high - low + 1):
                    moved = diagonal + cost * abs(times[s] - others[low + k - 1])
                    diagonal = row[k]
                    row[k] = min(min(row[k], row[k - 1]) + 1, moved)
            result[i, j] = row[high - low]
