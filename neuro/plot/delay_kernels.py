"""How the kernels of a few connections narrow and move while delays are learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.plot import style
from neuro.units import ms

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PER_ROW = 4


def delay_kernels(
    kernels: ArrayLike,
    epochs: Sequence[float] | None = None,
    *,
    names: Sequence[str] = (),
    centres: ArrayLike | None = None,
    clock: Clock | None = None,
    scale: Literal["row", "all"] = "row",
    title: str = "",
) -> Figure:
    """How the kernels of a few connections narrow and move: epochs downwards, delay to the right.

    Vermillion is a positive weight, blue a negative one. A kernel that narrows grows as it keeps
    its sum, so each row is drawn by default relative to its own largest value.

    Args:
        kernels: [epochs, connections, taps]; tap k acts after k ticks.
        epochs: number of each row, growing; counted from 0 by default.
        names: of the connections, e.g. "in 3 → hid 7".
        centres: delays in ticks [epochs, connections], drawn as a line.
        clock: for delays in ms; without it they are in ticks.
        scale: colours relative to the largest value of the "row", or to that of "all" rows of a
            connection.
        title: of the figure.

    Raises:
        InvalidValue: a wrong shape, values that are not finite, or an unknown scale.
        MissingExtra: matplotlib is not installed.
    """
    where = "delay_kernels"
    values, rows, middle = _kernel_arrays(where, kernels, epochs, centres)
    count = values.shape[1]
    if names and len(names) != count:
        raise InvalidValue(f"{where}.names: got {len(names)}, expected {count}, one a connection")
    if scale not in ("row", "all"):
        raise InvalidValue(f"{where}.scale: got {scale!r}, expected 'row' or 'all'")
    step = 1.0 if clock is None else clock.dt / ms
    columns = min(count, _PER_ROW)
    lines = -(-count // columns)
    figure = style.new_figure(max(style.WIDTH * columns / _PER_ROW, 3.4), 0.4 + 2.3 * lines)
    from matplotlib.ticker import MaxNLocator  # new_figure has explained it if it is missing

    grid = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)
    for ax in grid.flat[count:]:
        ax.set_axis_off()
    edges = _row_edges(rows)
    taps = (np.arange(values.shape[2] + 1) - 0.5) * step
    for i in range(count):
        ax, shown = grid.flat[i], values[:, i]
        reach = np.abs(shown).max(axis=1, keepdims=True) if scale == "row" else np.abs(shown).max()
        relative = shown / np.where(reach > 0, reach, 1.0)
        ax.pcolormesh(taps, edges, relative, cmap=style.diverging(), vmin=-1, vmax=1,
                      rasterized=True)  # fmt: skip
        if middle is not None:
            ax.plot(middle[:, i] * step, rows, color=style.INK, linewidth=1.0)
        if names:
            ax.set_title(style.plain(names[i]), fontsize=style.LABEL, color=style.INK, loc="left",
                         pad=3)  # fmt: skip
        style.finish(ax)
        ax.tick_params(labelbottom=i + columns >= count)
    grid.flat[0].yaxis.set_major_locator(MaxNLocator(5, integer=True))
    grid.flat[0].set_xlim(taps[0], taps[-1])
    grid.flat[0].set_ylim(edges[-1], edges[0])
    unit = "ticks" if clock is None else "ms"
    figure.supxlabel(f"delay ({unit})", fontsize=style.LABEL, color=style.INK)
    figure.supylabel("epoch", fontsize=style.LABEL, color=style.INK)
    if title:
        figure.suptitle(style.plain(title), fontsize=style.TITLE, color=style.INK,
                        fontweight="bold", ha="left", x=0.01)  # fmt: skip
    return figure


def _kernel_arrays(
    where: str, kernels: ArrayLike, epochs: Sequence[float] | None, centres: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None]:
    values = np.asarray(kernels, dtype=np.float64)
    if values.ndim != 3 or not values.size or not np.isfinite(values).all():
        raise InvalidValue(
            f"{where}.kernels: got shape {values.shape}, expected finite values [epochs, "
            "connections, taps]"
        )
    rows = np.arange(len(values), dtype=np.float64) if epochs is None else np.asarray(epochs, float)
    if rows.shape != values.shape[:1] or not (np.diff(rows) > 0).all():
        raise InvalidValue(
            f"{where}.epochs: got {rows.size}, expected {len(values)} growing numbers, one a row "
            "of the kernels"
        )
    if centres is None:
        return values, rows, None
    middle = np.asarray(centres, dtype=np.float64)
    if middle.shape != values.shape[:2] or not np.isfinite(middle).all():
        raise InvalidValue(
            f"{where}.centres: got shape {middle.shape}, expected finite delays in ticks "
            f"{values.shape[:2]}"
        )
    return values, rows, middle


def _row_edges(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Borders half way between rows, and as far beyond the first and the last."""
    if len(rows) == 1:
        return np.array([rows[0] - 0.5, rows[0] + 0.5])
    middle = (rows[1:] + rows[:-1]) / 2
    return np.concatenate([[2 * rows[0] - middle[0]], middle, [2 * rows[-1] - middle[-1]]])
