"""Connectivity matrix: who reaches whom, and how strongly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import InvalidValue
from neuro.network import Network
from neuro.plot import style
from neuro.plot._populations import moved_apart
from neuro.plot._synapse_entries import Entries, of_matrix, of_network, senders_and_receivers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Sizes = Mapping[str, int]
_WIDTH = 4.6  # inches of the matrix


def connectivity(
    weights: Network | ArrayLike | Any,
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
        weights: [post, pre] as an array, or a SciPy sparse matrix; or a Network, whose synapses
            are drawn a stretch at a time and added up where a pair has several.
        pre, post: name -> number of units of the populations, in the order of the columns and of
            the rows; `post` defaults to `pre` where the matrix is square.
        unit: of the weights, e.g. "pA", for the colour bar.
        max_cells: cells a side.
        title: of the figure.

    Raises:
        InvalidValue: not two axes, weights that are not finite, or populations that do not add up
            to the matrix; a network without synapses.
        MissingExtra: matplotlib is not installed.
    """
    if isinstance(weights, Network):
        if pre is not None or post is not None:
            raise InvalidValue("connectivity: a Network has populations of its own; leave out pre=")
        pre, post = senders_and_receivers(weights)
        shape, entries = (sum(post.values()), sum(pre.values())), of_network(weights)
    else:
        shape, entries = of_matrix(weights)
    post = pre if post is None and shape[0] == shape[1] else post
    for name, sizes, length in (("post", post, shape[0]), ("pre", pre, shape[1])):
        if sizes is not None and sum(sizes.values()) != length:
            raise InvalidValue(
                f"connectivity.{name}: populations have {sum(sizes.values())} units, expected the "
                f"{length} of the matrix [post, pre] {shape}"
            )
    if max_cells < 1:
        raise InvalidValue(f"connectivity.max_cells: got {max_cells}, expected at least 1")
    picture, block, synapses = _blocks(shape, entries, max_cells)
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
    remark = f"synapses per pair: {synapses / (shape[0] * shape[1]):.3g}"
    if coarse:
        remark += f"; a cell is {block[0]} by {block[1]} units"
    ax.annotate(remark, (1, 1), xycoords="axes fraction", xytext=(0, 3), ha="right", va="bottom",
                textcoords="offset points", fontsize=style.NOTE, color=style.INK)  # fmt: skip
    return figure


class _Picture(NamedTuple):
    """Mean weight of each block of units."""

    cells: NDArray[np.float64]
    block: tuple[int, int]  # units that a cell stands for: post, pre
    synapses: int  # with a weight other than 0


def _blocks(shape: tuple[int, int], entries: Iterable[Entries], max_cells: int) -> _Picture:
    """The last row and column of blocks may stand for fewer units."""
    block = (-(-shape[0] // max_cells), -(-shape[1] // max_cells))
    high, wide = -(-shape[0] // block[0]), -(-shape[1] // block[1])
    total, synapses = np.zeros(high * wide), 0
    for rows, columns, weights in entries:
        total += np.bincount(rows // block[0] * wide + columns // block[1], weights, high * wide)
        synapses += int(np.count_nonzero(weights))
    tall, broad = (
        np.minimum(b, n - b * np.arange(count))
        for b, n, count in zip(block, shape, (high, wide), strict=True)
    )
    return _Picture(total.reshape(high, wide) / np.outer(tall, broad), block, synapses)


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
