"""One pass over sorted events: count those of each frame and unit."""

from __future__ import annotations

from numba import njit


@njit(nogil=True, cache=True)
def count(unit, bounds, limit, grid, lane):
    """Add the events of frame f, rows bounds[f] to bounds[f + 1], to grid[f, lane] [size].

    Returns False, at once, if a count would exceed `limit`; the grid is then of no use.
    """
    for frame in range(len(bounds) - 1):
        cells = grid[frame, lane]
        for i in range(bounds[frame], bounds[frame + 1]):
            held = cells[unit[i]]
            if held >= limit:
                return False
            cells[unit[i]] = held + 1
    return True
