"""Membrane potentials of a few units, with their threshold and spikes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.plot import style
from neuro.plot._spikes import Spikes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW = 0.85  # inches of one unit


def traces(
    v: ArrayLike,
    clock: Clock,
    *,
    threshold: ArrayLike | None = None,
    spikes: Spikes | None = None,
    units: Sequence[int] | None = None,
    recorded: Sequence[int] | None = None,
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
        spikes: counts of the same shape as `v`, or the population's Events; no strokes if None.
        units: flat indices; by default four, from the most to the least active of those that
            spiked, or of all if none did or `spikes` is None (activity is then the membrane's
            range).
        recorded: which units of the population the columns of `v` [T, n] are, if only some were
            recorded (a Probe's units); `units` then names some of these.
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
    names = _names(recorded, shape, spikes)
    fired = None if spikes is None else _spike_times(spikes, names, membrane.shape, clock, recorded)
    limits = None if threshold is None else _per_unit(threshold, shape)
    chosen = _chosen(units, names, flat, fired)

    figure = style.new_figure(style.WIDTH, 0.75 + _ROW * len(chosen))
    rows: list[Axes] = list(
        figure.subplots(len(chosen), 1, squeeze=False, sharex=True, sharey=True)[:, 0]
    )
    time = 1e3 * clock.seconds(np.arange(steps))  # start of each step, as in a raster
    stroke = 0.4 * float(np.ptp(flat[:, chosen])) or 1.0
    for ax, column in zip(rows, chosen, strict=True):
        ax.plot(time, flat[:, column], color=color, linewidth=1.3, solid_joinstyle="round")
        limit = None if limits is None else float(limits[column])
        if limit is not None:
            ax.axhline(limit, color=style.GREY, linewidth=1.0, linestyle=(0, (4, 3)))
        if fired is not None:
            foot = limit if limit is not None else float(flat[:, column].max())
            ax.vlines(1e3 * fired[column], foot, foot + stroke, color=style.INK, linewidth=1.2)
        whole = spikes.shape if recorded is not None and isinstance(spikes, Events) else shape
        place = _place(names[column], whole) if recorded is None or len(whole) > 1 else (
            str(names[column])
        )  # fmt: skip
        style.finish(ax, y=f"unit {place}")
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


def _names(
    recorded: Sequence[int] | None, shape: tuple[int, ...], spikes: Spikes | None
) -> list[int]:
    """The unit of the population that each column of v is."""
    size = int(np.prod(shape))
    if recorded is None:
        return list(range(size))
    names = [int(u) for u in recorded]
    if len(shape) != 1 or len(names) != size or len(set(names)) < size or min(names) < 0:
        raise InvalidValue(
            f"traces.recorded: got {len(names)} units for v [T, {', '.join(map(str, shape))}], "
            "expected each column's own, a flat index >= 0"
        )
    if isinstance(spikes, Events) and max(names) >= spikes.size:
        raise InvalidValue(
            f"traces.recorded: got unit {max(names)}, but the Events have {spikes.size} units"
        )
    return names


def _spike_times(
    spikes: Spikes, names: list[int], shape: tuple[int, ...], clock: Clock,
    recorded: Sequence[int] | None,
) -> list[NDArray[np.float64]]:  # fmt: skip
    """Seconds at which the unit of each column fires."""
    if not isinstance(spikes, Events):
        counts = np.asarray(spikes)
        if counts.shape != shape:
            raise InvalidValue(
                f"traces.spikes: got shape {counts.shape}, expected that of v, {shape}"
            )
        counts = counts.reshape(len(counts), -1)
        return [clock.seconds(np.flatnonzero(column > 0)) for column in counts.T]
    if recorded is None and spikes.shape != shape[1:]:
        raise InvalidValue(
            f"traces.spikes: got Events of shape {spikes.shape}, expected that of v, {shape[1:]}; "
            "if v was recorded of some units only, say which: recorded=[...]"
        )
    end = float(clock.seconds(shape[0]))
    inside = spikes.seconds < end
    seconds, unit = spikes.seconds[inside], spikes.unit[inside]
    return [seconds[unit == name] for name in names]


def _per_unit(threshold: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    try:
        return np.broadcast_to(np.asarray(threshold, dtype=np.float64), shape).ravel()
    except ValueError:
        raise InvalidValue(
            f"traces.threshold: shape {np.shape(threshold)} does not broadcast to the units {shape}"
        ) from None


def _chosen(
    units: Sequence[int] | None,
    names: list[int],
    flat: NDArray[np.float64],
    fired: list[NDArray[np.float64]] | None,
) -> list[int]:
    """Columns to draw."""
    if units is None:
        spikes = np.array([len(times) for times in fired or ()])
        activity = spikes if spikes.any() else np.ptp(flat, axis=0)
        ranked = np.argsort(-activity, kind="stable")[: int((activity > 0).sum()) or None]
        picks = np.linspace(0, len(ranked) - 1, min(4, len(ranked))).round().astype(int)
        return [int(u) for u in ranked[picks]]
    column = {name: i for i, name in enumerate(names)}
    bad = [u for u in units if int(u) not in column]
    if bad or not len(units):
        known = f"flat indices below {len(names)}" if names == list(range(len(names))) else names
        raise InvalidValue(f"traces.units: got {list(units)}, expected {known}")
    return [column[int(u)] for u in units]


def _place(unit: int, shape: tuple[int, ...]) -> str:
    """A flat index as the reader knows it, e.g. "3,10,4" in (channel, y, x)."""
    return ",".join(str(int(i)) for i in np.unravel_index(unit, shape))
