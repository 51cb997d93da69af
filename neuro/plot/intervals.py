"""Inter-spike intervals and their irregularity, two histograms for each population."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neuro.events import Events
from neuro.metrics import cv, interspike_intervals
from neuro.plot import style
from neuro.plot._panels import bin_edges, draw_histogram
from neuro.plot._populations import checked_populations, series

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW = 1.45  # inches


def intervals(populations: Mapping[str, Events], *, min_intervals: int = 2) -> Figure:
    """Left the intervals of all units on a logarithmic axis, right the units' CV.

    A dashed line marks the median interval, and CV = 1, that of a Poisson process. Units with fewer
    than `min_intervals` have no CV; the panel says how many have one.

    Args:
        populations: name -> Events of one recording.
        min_intervals: at least 2; more of them bias the CV less.

    Raises:
        InvalidValue: no populations, or recordings of different length.
        MissingExtra: matplotlib is not installed.
    """
    shown = checked_populations("intervals", populations)
    figure = style.new_figure(style.WIDTH, 0.5 + _ROW * len(shown))
    grid = figure.subplots(len(shown), 2, squeeze=False, sharex="col")
    gaps = {name: 1e3 * interspike_intervals(events).seconds for name, events in shown.items()}
    spread = {name: _defined(cv(e, min_intervals=min_intervals)) for name, e in shown.items()}
    everything = np.concatenate([g[g > 0] for g in gaps.values()])
    low, high = (everything.min(), everything.max()) if everything.size else (1.0, 1000.0)
    edges = np.geomspace(low / 1.05, high * 1.05, 41)
    top = max([1.5, *(float(s.max(initial=0)) for s in spread.values())])
    for (left, right), (name, events), look in zip(
        grid, shown.items(), series(shown).values(), strict=True
    ):
        left.set_xscale("log")
        _interval_panel(left, gaps[name], edges, look.color)
        values = spread[name]
        draw_histogram(right, values, bin_edges(0, 1.02 * top, max(values.size, 30)), look.color)
        right.axvline(1, color=style.GREY, linewidth=1.0, linestyle=(0, (4, 3)))
        mean = f"mean {values.mean():.3g}\n" if values.size else ""
        style.note(right, f"{mean}{values.size} of {events.size} units")
        style.finish(left, title=name, y="intervals")
        style.finish(right, y="units")
    style.finish(grid[-1, 0], x="inter-spike interval (ms)")
    style.finish(grid[-1, 1], x="CV of intervals")
    return figure


def _interval_panel(
    ax: Axes, gaps: NDArray[np.float64], edges: NDArray[np.float64], color: str
) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    draw_histogram(ax, gaps[gaps > 0], edges, color)
    ax.xaxis.set_major_locator(LogLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    if not gaps.size:
        style.note(ax, "no intervals")
        return
    ax.axvline(float(np.median(gaps)), color=style.GREY, linewidth=1.0, linestyle=(0, (4, 3)))
    style.note(ax, f"median {np.median(gaps):.3g} ms")


def _defined(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[np.isfinite(values)]
