"""Spike raster of one population."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.plot import style
from neuro.plot._spikes import Spikes, as_events, by_first_spike, draw_raster, unit_label

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def raster(
    spikes: Spikes,
    clock: Clock | None = None,
    *,
    title: str = "",
    order: Literal["unit", "first spike"] = "unit",
    color: str = style.OKABE_ITO["blue"],
) -> Figure:
    """One mark for each spike of one sample, time in ms against unit.

    Args:
        spikes: Events, or counts [T, *units].
        clock: step of an array; Events carry their own.
        title: name of the population.
        order: rows by unit number (channels of a (channel, y, x) population are set apart), or
            by the time of the first spike.
        color: of the marks.

    Raises:
        InvalidValue: wrong shape, counts that are not whole, an array without clock, or an
            unknown order.
        MissingExtra: matplotlib is not installed.
    """
    if order not in ("unit", "first spike"):
        raise InvalidValue(f"raster.order: got {order!r}, expected 'unit' or 'first spike'")
    events = as_events("raster.spikes", spikes, clock)
    figure = style.new_figure(style.WIDTH, 2.6)
    ax = figure.add_subplot()
    rows = by_first_spike(events) if order == "first spike" else None
    draw_raster(ax, events, color, height=2.0, rows=rows)
    style.finish(ax, title=title, x="time (ms)", y=unit_label(events, rows is not None))
    return figure
