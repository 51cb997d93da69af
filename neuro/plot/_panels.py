"""What figures of several small panels share: the grid, and a histogram in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neuro.errors import InvalidValue
from neuro.plot import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PER_ROW = 3


def panels(what: str, count: int, *, share: bool = False) -> tuple[Figure, list[Axes]]:
    """A figure of `count` panels, three in a row, perhaps with shared scales.

    Raises:
        InvalidValue: nothing to draw.
    """
    if not count:
        raise InvalidValue(f"{what}: nothing to draw, expected at least one layer")
    rows, columns = -(-count // PER_ROW), min(count, PER_ROW)
    width = style.WIDTH * (columns / PER_ROW if columns < 2 else 1)
    figure = style.new_figure(max(width, 3.4), 0.1 + 2.1 * rows)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=share, sharey=share)
    for ax in grid.flat[count:]:
        ax.set_axis_off()
    for ax in grid.flat[count - columns : count]:  # the lowest of each column carries the scale
        ax.tick_params(labelbottom=True)
    return figure, list(grid.flat[:count])


def bin_edges(low: float, high: float, size: int) -> NDArray[np.float64]:
    """Equal bins, 2 n^(1/3) of them (the Rice rule), but no more than a panel can show."""
    return np.linspace(low, high, min(round(2 * size ** (1 / 3)), 48) + 1)


def draw_histogram(
    ax: Axes, values: NDArray[np.float64], edges: NDArray[np.float64], color: str
) -> None:
    """Counts as filled steps, with room for a remark above them."""
    from matplotlib.ticker import MaxNLocator

    counts, _ = np.histogram(values, edges)
    ax.stairs(counts, edges, fill=True, color=color, alpha=0.35, linewidth=0)
    ax.stairs(counts, edges, color=color, linewidth=1.3, baseline=None)
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(0, max(counts.max(), 1) * 1.35)
    ax.xaxis.set_major_locator(MaxNLocator(4))
    ax.yaxis.set_major_locator(MaxNLocator(4, integer=True))
