"""Connectivity matrix: who reaches whom, and how strongly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import InvalidValue
from neuro.plot import style
from neuro.plot._populations import moved_apart

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Sizes = Mapping[str, int]
_WIDTH = 4.6  # inches of the matrix


def connectivity(
    weights: ArrayLike | Any,
    *,
    pre: Sizes | None = None,
    post: Sizes | None = None,
    unit: str = "",
    max_cells: int = 300,
    title: str = "",
) -> Figure:
    """Heat map of weights: postsynaptic units downwards, presynaptic ones to the right.

    Vermillion is above 0 and blue below; 0 and absent synapses are white. A matrix with more than
    `max_cells` a side is drawn in blocks: each cell is the mean over a block, absent synapses
    counted as 0, and the figure says how large a block is. Populations are set apart by lines.

    Args:
        weights: [post, pre] as an array, or a SciPy sparse matrix.
        pre, post: name -> number of units of the populations, in the order of the columns and of
            the rows; `post` defaults to `pre` where the matrix is square.
        unit: of the weights, e.g. "pA", for the colour bar.
        max_cells: cells a side.
        title: of the figure.

    Raises:
        InvalidValue: not two axes, weights that are not finite, or populations that do not add up
            to the matrix.
        MissingExtra: matplotlib is not installed.
    """
    rows, columns, values, shape = _entries(weights)
    post = pre if post is None and shape[0] == shape[1] else post
    for name, sizes, length in (("post", post, shape[0]), ("pre", pre, shape[1])):
        if sizes is not None and sum(sizes.values()) != length:
            raise InvalidValue(
                f"connectivity.{name}: populations have {sum(sizes.values())} units, expected the "
                f"{length} of the matrix [post, pre] {shape}"
            )
    if max_cells < 1:
        raise InvalidValue(f"connectivity.max_cells: got {max_cells}, expected at least 1")
    block = (-(-shape[0] // max_cells), -(-shape[1] // max_cells))
    picture = _blocks(rows, columns, values, shape, block)
    height = float(np.clip(_WIDTH * shape[0] / shape[1], 1.4, 6.0))
    figure = style.new_figure(6.0, height + 0.9)
    ax = figure.add_subplot()
    reach = float(np.abs(picture).max()) or 1.0
    image = ax.imshow(
        picture, cmap=style.diverging(), vmin=-reach, vmax=reach, interpolation="nearest",
        extent=(-0.5, shape[1] - 0.5, shape[0] - 0.5, -0.5), aspect="auto",
    )  # fmt: skip
    bar = figure.colorbar(image, ax=ax, fraction=0.04, pad=0.02)
    bar.ax.tick_params(labelsize=style.TICK, labelcolor=style.INK, color=style.GREY)
    bar.outline.set_visible(False)  # type: ignore[operator]
    coarse = block != (1, 1)
    label = f"{'mean weight' if coarse else 'weight'}{f' ({unit})' if unit else ''}"
    bar.set_label(style.plain(label), fontsize=style.LABEL, color=style.INK)
    _separate(ax, pre, post, height)
    style.finish(ax, title=title, x="presynaptic unit", y="postsynaptic unit")
    ax.spines[:].set(visible=True, color=style.GREY, linewidth=0.8)
    if pre is not None or post is not None:
        ax.tick_params(length=0)
    density = np.count_nonzero(values) / (shape[0] * shape[1])
    remark = f"{density:.3g} of pairs connected" if density < 1 else "all pairs connected"
    if coarse:
        remark += f"; a cell is {block[0]} by {block[1]} units"
    ax.annotate(remark, (1, 1), xycoords="axes fraction", xytext=(0, 3), ha="right", va="bottom",
                textcoords="offset points", fontsize=style.NOTE, color=style.INK)  # fmt: skip
    return figure


def _entries(
    weights: Any,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], tuple[int, int]]:
    """Rows, columns, values and shape of the weights that are not 0."""
    if hasattr(weights, "tocoo"):
        sparse = weights.tocoo()
        rows, columns, values = sparse.row, sparse.col, np.asarray(sparse.data, np.float64)
        shape = (int(sparse.shape[0]), int(sparse.shape[1]))
    else:
        array = np.asarray(weights, dtype=np.float64)
        if array.ndim != 2 or not array.size:
            raise InvalidValue(
                f"connectivity.weights: got shape {array.shape}, expected [post, pre]"
            )
        rows, columns = np.nonzero(array)
        values, shape = array[rows, columns], (array.shape[0], array.shape[1])
    if not np.isfinite(values).all():
        raise InvalidValue("connectivity.weights: expected finite weights")
    return rows.astype(np.int64), columns.astype(np.int64), values, shape


def _blocks(
    rows: NDArray[np.int64], columns: NDArray[np.int64], values: NDArray[np.float64],
    shape: tuple[int, int], block: tuple[int, int],
) -> NDArray[np.float64]:  # fmt: skip
    """Mean weight of each block; the last row and column of blocks may be smaller."""
    high, wide = -(-shape[0] // block[0]), -(-shape[1] // block[1])
    cell = rows // block[0] * wide + columns // block[1]
    total = np.bincount(cell, values, high * wide).reshape(high, wide)
    sizes = [
        np.minimum(b, n - b * np.arange(count))
        for b, n, count in zip(block, shape, (high, wide), strict=True)
    ]
    return total / np.outer(*sizes)


def _separate(ax: Axes, pre: Sizes | None, post: Sizes | None, height: float) -> None:
    """Lines between populations, and their names instead of numbers."""
    if pre is not None:
        ends, centres = _borders(pre)
        for end in ends:
            ax.axvline(end, color=style.GREY, linewidth=0.7)
        crowded = len(pre) > 5
        gap = ends[-1] * (style.TICK + 2.5) / (72 * _WIDTH) if crowded else 0.0
        ax.set_xticks(moved_apart(centres, gap, ends[-1]), [style.plain(n) for n in pre],
                      rotation=90 if crowded else 0)  # fmt: skip
    if post is not None:
        ends, centres = _borders(post)
        for end in ends:
            ax.axhline(end, color=style.GREY, linewidth=0.7)
        gap = ends[-1] * (style.TICK + 2.5) / (72 * height)
        ax.set_yticks(moved_apart(centres, gap, ends[-1]), [style.plain(n) for n in post])


def _borders(sizes: Sizes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where populations end, and their middles."""
    each = np.array(list(sizes.values()), dtype=np.float64)
    ends = each.cumsum() - 0.5
    return ends, ends - each / 2
