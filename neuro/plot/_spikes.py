"""What the figures of spikes share: reading their input and drawing one raster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.plot import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Spikes = Events | ArrayLike
_MANY = 1000  # marks above which a vector figure embeds them as an image
_MAX_GRAIN = 9.0  # height of a spike mark in points where there is room


def as_events(where: str, spikes: Spikes, clock: Clock | None) -> Events:
    """Spikes of one sample as Events.

    Raises:
        InvalidValue: an array without clock, of the wrong shape, or not whole numbers >= 0.
    """
    if isinstance(spikes, Events):
        return spikes
    counts = np.asarray(spikes)
    if counts.ndim < 2:
        raise InvalidValue(
            f"{where}: got shape {counts.shape}, expected Events or counts [T, N...] of one sample"
        )
    if clock is None:
        raise InvalidValue(f"{where}: an array has no time axis of its own; pass clock=")
    return Events.from_dense(counts, clock)


def milliseconds(events: Events) -> float:
    """How long a recording lasts."""
    return 1e3 * float(events.clock.seconds(events.duration))


def by_first_spike(events: Events) -> NDArray[np.int64]:
    """Row of each unit when units are ranked by their first spike; silent units come last."""
    first = np.full(events.size, events.duration, dtype=np.int64)
    np.minimum.at(first, events.unit, events.t)
    rank = np.empty(events.size, dtype=np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(events.size)
    return rank


def draw_raster(
    ax: Axes, events: Events, color: str, *, height: float, rows: NDArray[np.int64] | None = None
) -> None:
    """One mark for each spike: time in ms against unit. `height` of the axes in inches."""
    grain = float(np.clip(0.8 * 72 * height / events.size, 1.3, _MAX_GRAIN))
    unit = events.unit if rows is None else rows[events.unit]
    ax.scatter(
        1e3 * events.seconds, unit, s=grain**2, marker="|" if grain > 2.5 else "s", color=color,
        linewidths=1.1 if grain > 2.5 else 0, rasterized=len(events) > _MANY, clip_on=False,
    )  # fmt: skip
    ax.set_xlim(0, milliseconds(events) or 1.0)
    ax.set_ylim(-0.5, events.size - 0.5)
    ax.invert_yaxis()
    if rows is None and len(events.shape) == 3 and 1 < events.shape[0] <= 32:
        _mark_channels(ax, events.shape)
    else:
        _whole_ticks(ax)


def _mark_channels(ax: Axes, shape: tuple[int, ...]) -> None:
    """Hairlines between the channels of a (channel, y, x) population, and their numbers."""
    channels, each = shape[0], shape[1] * shape[2]
    for edge in range(1, channels):
        ax.axhline(edge * each - 0.5, color=style.HAIRLINE, linewidth=0.6, zorder=0)
    every = -(-channels // 5)
    shown = range(0, channels, every)
    ax.set_yticks([(c + 0.5) * each - 0.5 for c in shown], [str(c) for c in shown])
    ax.tick_params(axis="y", length=0)


def _whole_ticks(ax: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.yaxis.set_major_locator(MaxNLocator(4, integer=True, min_n_ticks=2))


def unit_label(events: Events, sorted_rows: bool = False) -> str:
    """Name of the vertical axis."""
    if sorted_rows:
        return "unit, by first spike"
    return "channel" if len(events.shape) == 3 and 1 < events.shape[0] <= 32 else "unit"
