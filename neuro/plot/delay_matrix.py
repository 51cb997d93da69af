"""The delay of every connection as a picture, with its weight as opacity or beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import InvalidValue
from neuro.network import Network
from neuro.plot import style
from neuro.plot._delays import checked, chosen
from neuro.units import ms

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

_FULL = 95  # percentile of weights from which on a colour is full: few are much larger than others


def delay_matrix(
    delays: Network | ArrayLike,
    weights: ArrayLike | None = None,
    *,
    synapse: str = "",
    show: Literal["opacity", "beside", "delays"] = "opacity",
    max_cells: int = 300,
    title: str = "",
) -> Figure:
    """Picture of delays: postsynaptic units downwards, presynaptic ones to the right.

    Blue is early and vermillion late. A weak connection is pale, so that those stand out whose
    delay matters: colours are full from the 95th percentile of weights on. Absent connections are
    white. A matrix with more than `max_cells` a side is drawn in blocks: each cell is the mean over
    the connections of a block.

    Args:
        delays: in seconds [post, pre], NaN where there is no connection; or a Network.
        weights: [post, pre], of delays given as an array; a Network has its own.
        synapse: name, of a Network with several synapses that have several delays.
        show: weights as "opacity" of the delays, as a picture "beside" them, or "delays" alone,
            the default where there are no weights.
        max_cells: cells a side.
        title: of the figure.

    Raises:
        InvalidValue: not two axes, delays that are negative or infinite, weights of another shape
            or missing, or an unknown way to show them.
        UnknownName: the network has no synapse of that name.
        MissingExtra: matplotlib is not installed.
    """
    where = "delay_matrix"
    if show not in ("opacity", "beside", "delays"):
        raise InvalidValue(f"{where}.show: got {show!r}, expected 'opacity', 'beside' or 'delays'")
    if max_cells < 1:
        raise InvalidValue(f"{where}.max_cells: got {max_cells}, expected at least 1")
    if isinstance(delays, Network):
        if weights is not None:
            raise InvalidValue(f"{where}.weights: a Network has its own; leave them out")
        entries = _of_network(delays, synapse)
    else:
        entries = _of_arrays(delays, weights, synapse)
    if show == "beside" and entries.weight is None:
        raise InvalidValue(f"{where}.show: got 'beside', expected weights= [post, pre] as well")
    cells = _cells(entries, max_cells)
    pale = show == "opacity" and cells.size is not None
    count = 2 if show == "beside" else 1
    height = _height(entries.shape, count)
    figure = style.new_figure(style.WIDTH if count == 2 else 6.0, height + 0.9)
    axes = list(figure.subplots(1, count, squeeze=False).flat)
    _draw_delays(figure, axes[0], cells, pale=pale)
    if count == 2:
        _draw_weights(figure, axes[1], cells)
    for ax in axes:
        style.finish(ax, x="presynaptic unit", y="postsynaptic unit" if ax is axes[0] else "")
        ax.spines[:].set(visible=True, color=style.GREY, linewidth=0.8)
    if title:
        axes[0].set_title(style.plain(title), fontsize=style.TITLE, color=style.INK, loc="left",
                          fontweight="bold")  # fmt: skip
    if cells.block != (1, 1):
        remark = f"a cell is the mean of {cells.block[0]} by {cells.block[1]} units"
        axes[-1].annotate(
            remark, (1, 1), xycoords="axes fraction", xytext=(0, 3), ha="right", va="bottom",
            textcoords="offset points", fontsize=style.NOTE, color=style.INK,
        )  # fmt: skip
    return figure


class _Entries(NamedTuple):
    """Connections of one synapse."""

    shape: tuple[int, int]  # units: post, pre
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    delay: NDArray[np.float64]  # ms
    weight: NDArray[np.float64] | None


class _Cells(NamedTuple):
    """Means over blocks of units; NaN in `delay` where no connection is."""

    shape: tuple[int, int]
    block: tuple[int, int]  # units that a cell stands for: post, pre
    delay: NDArray[np.float64]
    weight: NDArray[np.float64] | None
    size: NDArray[np.float64] | None  # mean of the sizes of the weights


def _of_network(network: Network, name: str) -> _Entries:
    synapse = chosen("delay_matrix.synapse", network, name)
    pre, post = network.populations[synapse.pre].size, network.populations[synapse.post].size
    drawn = network.rows(synapse, 0, pre)
    if not drawn.post.size:
        raise InvalidValue(f"delay_matrix: {synapse.name!r} has no connections, expected some")
    ticks = drawn.delay
    spread = np.broadcast_to(ticks, drawn.post.shape).astype(np.float64)
    return _Entries(
        (post, pre), drawn.post.astype(np.int64), np.repeat(np.arange(pre), np.diff(drawn.start)),
        spread * (network.clock.dt / ms),
        np.broadcast_to(drawn.weight, drawn.post.shape).astype(np.float64),
    )  # fmt: skip


def _of_arrays(delays: ArrayLike, weights: ArrayLike | None, synapse: str) -> _Entries:
    where = "delay_matrix"
    if synapse:
        raise InvalidValue(f"{where}.synapse: got {synapse!r} for an array, expected a Network")
    array = np.asarray(delays, dtype=np.float64)
    if array.ndim != 2:
        raise InvalidValue(f"{where}.delays: got shape {array.shape}, expected [post, pre]")
    there = ~np.isnan(array)
    checked(f"{where}.delays", array[there])
    rows, columns = np.nonzero(there)
    weight = None
    if weights is not None:
        given = np.asarray(weights, dtype=np.float64)
        if given.shape != array.shape or not np.isfinite(given[there]).all():
            raise InvalidValue(
                f"{where}.weights: got shape {given.shape}, expected finite weights in the shape "
                f"of the delays, {array.shape}"
            )
        weight = given[there]
    return _Entries(
        (array.shape[0], array.shape[1]), rows.astype(np.int64), columns.astype(np.int64),
        array[there] / ms, weight,
    )  # fmt: skip


def _cells(entries: _Entries, max_cells: int) -> _Cells:
    shape = entries.shape
    block = (-(-shape[0] // max_cells), -(-shape[1] // max_cells))
    high, wide = -(-shape[0] // block[0]), -(-shape[1] // block[1])
    cell = entries.rows // block[0] * wide + entries.columns // block[1]
    number = np.bincount(cell, minlength=high * wide)

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        total = np.bincount(cell, values, high * wide)
        return np.where(number > 0, total / np.maximum(number, 1), np.nan).reshape(high, wide)

    weight = entries.weight
    return _Cells(
        shape, block, mean(entries.delay), None if weight is None else mean(weight),
        None if weight is None else mean(np.abs(weight)),
    )  # fmt: skip


def _draw_delays(figure: Figure, ax: Axes, cells: _Cells, *, pale: bool) -> None:
    from matplotlib.colors import Normalize

    low, high = float(np.nanmin(cells.delay)), float(np.nanmax(cells.delay))
    high = high if high > low else low + 1.0
    norm = Normalize(low, high)
    colors = _early_to_late()
    picture = colors(norm(np.ma.masked_invalid(cells.delay)))
    picture[..., 3] = np.isfinite(cells.delay)
    most = 1.0
    if pale:
        assert cells.size is not None
        most = float(np.nanpercentile(cells.size, _FULL)) or float(np.nanmax(cells.size)) or 1.0
        picture[..., 3] *= np.clip(np.nan_to_num(cells.size) / most, 0.0, 1.0)
    ax.imshow(picture, interpolation="nearest", aspect="auto", extent=_extent(cells.shape))
    if not pale:
        from matplotlib.cm import ScalarMappable

        bar = figure.colorbar(ScalarMappable(norm, colors), ax=ax, fraction=0.05, pad=0.02)
        _finish_bar(bar, "delay (ms)")
        return
    key = ax.inset_axes((1.04, 0.0, 0.09, 1.0))  # delay upwards, weight to the right
    ladder = np.linspace(0, 1, 64)
    shades = np.broadcast_to(colors(ladder)[:, None], (64, 32, 4)).copy()
    shades[..., 3] = np.linspace(0, 1, 32)
    key.imshow(shades, origin="lower", aspect="auto", extent=(0, most, low, high))
    key.yaxis.tick_right()
    key.yaxis.set_label_position("right")
    key.set_xticks([0, most], ["0", f"≥{most:.2g}"])
    style.finish(key, x="|weight|", y="delay (ms)")
    key.spines[:].set(visible=True, color=style.GREY, linewidth=0.8)


def _draw_weights(figure: Figure, ax: Axes, cells: _Cells) -> None:
    assert cells.weight is not None
    reach = float(np.nanmax(np.abs(cells.weight))) or 1.0
    image = ax.imshow(
        np.ma.masked_invalid(cells.weight), cmap=style.diverging(), vmin=-reach, vmax=reach,
        interpolation="nearest", aspect="auto", extent=_extent(cells.shape),
    )  # fmt: skip
    _finish_bar(figure.colorbar(image, ax=ax, fraction=0.05, pad=0.02), "weight")


def _finish_bar(bar, label: str) -> None:  # type: ignore[no-untyped-def]
    bar.ax.tick_params(labelsize=style.TICK, labelcolor=style.INK, color=style.GREY)
    bar.outline.set_visible(False)
    bar.set_label(label, fontsize=style.LABEL, color=style.INK)


def _early_to_late() -> LinearSegmentedColormap:
    """Hues of about one lightness, which leaves lightness free to show weights."""
    from matplotlib.colors import LinearSegmentedColormap

    stops = (style.OKABE_ITO["blue"], "#7A6FB0", "#B5657F", style.OKABE_ITO["vermillion"])
    return LinearSegmentedColormap.from_list("early to late", stops)


def _extent(shape: tuple[int, int]) -> tuple[float, float, float, float]:
    return (-0.5, shape[1] - 0.5, shape[0] - 0.5, -0.5)


def _height(shape: tuple[int, int], count: int) -> float:
    return float(np.clip((4.6 if count == 1 else 2.8) * shape[0] / shape[1], 1.6, 5.0))
