"""Membrane potentials of a few units, with their threshold and spikes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.plot import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW = 0.85  # inches of one unit


def traces(
    v: ArrayLike,
    clock: Clock,
    *,
    threshold: ArrayLike | None = None,
    spikes: ArrayLike | None = None,
    units: Sequence[int] | None = None,
    title: str = "",
    color: str = style.OKABE_ITO["blue"],
) -> Figure:
    """Membrane of some units of one sample, one row each, on a shared scale.

    The threshold is a dashed line; a spike is a vertical stroke that starts there, since the
    recorded membrane is that after the reset.

    Args:
        v: membrane [T, *units].
        clock: step of the T axis.
        threshold: a number, or an array that broadcasts to the units; no line if None.
        spikes: counts of the same shape as `v`; no strokes if None.
        units: flat indices; by default four, from the most to the least active of those that
            spiked, or of all if none did or `spikes` is None (activity is then the membrane's
            range).
        title, color: of the figure, of the traces.

    Raises:
        InvalidValue: shapes differ or a unit does not exist.
        MissingExtra: matplotlib is not installed.
    """
    membrane = np.asarray(v, dtype=np.float64)
    if membrane.ndim < 2 or not membrane.size:
        raise InvalidValue(f"traces.v: got shape {membrane.shape}, expected [T, N...]")
    shape, steps = membrane.shape[1:], len(membrane)
    flat = membrane.reshape(steps, -1)
    fired = None if spikes is None else np.asarray(spikes)
    if fired is not None and fired.shape != membrane.shape:
        raise InvalidValue(
            f"traces.spikes: got shape {fired.shape}, expected that of v, {membrane.shape}"
        )
    fired = None if fired is None else fired.reshape(steps, -1)
    limits = None if threshold is None else _per_unit(threshold, shape)
    chosen = _chosen(units, flat, fired)

    figure = style.new_figure(style.WIDTH, 0.75 + _ROW * len(chosen))
    rows: list[Axes] = list(
        figure.subplots(len(chosen), 1, squeeze=False, sharex=True, sharey=True)[:, 0]
    )
    time = 1e3 * clock.seconds(np.arange(steps))  # start of each step, as in a raster
    stroke = 0.4 * float(np.ptp(flat[:, chosen])) or 1.0
    for ax, unit in zip(rows, chosen, strict=True):
        ax.plot(time, flat[:, unit], color=color, linewidth=1.3, solid_joinstyle="round")
        limit = None if limits is None else float(limits[unit])
        if limit is not None:
            ax.axhline(limit, color=style.GREY, linewidth=1.0, linestyle=(0, (4, 3)))
        if fired is not None:
            at = time[fired[:, unit] > 0]
            foot = limit if limit is not None else float(flat[:, unit].max())
            ax.vlines(at, foot, foot + stroke, color=style.INK, linewidth=1.2)
        style.finish(ax, y=f"unit {_place(unit, shape)}")
        ax.yaxis.label.set(rotation=0, ha="right", va="center")
    rows[0].set_xlim(0, 1e3 * float(clock.seconds(steps)))
    style.finish(rows[-1], x="time (ms)")
    style.finish(rows[0], title=f"{title}: membrane v" if title else "membrane v")
    if limits is not None:
        rows[0].annotate(
            "threshold", (1, float(limits[chosen[0]])), xycoords=("axes fraction", "data"),
            xytext=(4, 0), textcoords="offset points", va="center", fontsize=style.NOTE,
            color=style.INK,
        )  # fmt: skip
    return figure


def _per_unit(threshold: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    try:
        return np.broadcast_to(np.asarray(threshold, dtype=np.float64), shape).ravel()
    except ValueError:
        raise InvalidValue(
            f"traces.threshold: shape {np.shape(threshold)} does not broadcast to the units {shape}"
        ) from None


def _chosen(
    units: Sequence[int] | None, flat: NDArray[np.float64], fired: NDArray[np.float64] | None
) -> list[int]:
    size = flat.shape[1]
    if units is None:
        activity = np.ptp(flat, axis=0) if fired is None or not fired.any() else fired.sum(axis=0)
        ranked = np.argsort(-activity, kind="stable")[: int((activity > 0).sum()) or None]
        picks = np.linspace(0, len(ranked) - 1, min(4, len(ranked))).round().astype(int)
        return [int(u) for u in ranked[picks]]
    chosen = [int(u) for u in units]
    bad = [u for u in chosen if not 0 <= u < size]
    if bad or not chosen:
        raise InvalidValue(f"traces.units: got {list(units)}, expected flat indices below {size}")
    return chosen


def _place(unit: int, shape: tuple[int, ...]) -> str:
    """A flat index as the reader knows it, e.g. "3,10,4" in (channel, y, x)."""
    return ",".join(str(int(i)) for i in np.unravel_index(unit, shape))
