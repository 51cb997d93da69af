"""Spikes of several populations in coloured bands, with their rates below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.plot import style
from neuro.plot._populations import checked_populations, draw_rate, fit_rates, moved_apart, series
from neuro.units import ms

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LINES = 3  # rates that can be told apart in one panel
_BAND = 0.07  # opacity of a population's background


def population_raster(
    populations: Mapping[str, Events],
    *,
    window: tuple[float, float] | None = None,
    max_units: int = 2000,
    bin_width: float = 1 * ms,
    sigma: float | None = None,
    title: str = "",
) -> Figure:
    """One mark for each spike, populations from top to bottom; their rates over time below.

    Rates are those of all units. Up to three populations have a line each; of more, the mean over
    all units is drawn (`population_rates` gives each its own panel).

    Args:
        populations: name -> Events of one recording.
        window: seconds to show, (start, stop); all by default.
        max_units: rows to show. Larger networks show evenly spaced units, the same share of every
            population, and say so.
        bin_width: of the rates in seconds, a whole multiple of the events' ticks.
        sigma: of a Gaussian that smooths them, in seconds.
        title: of the figure.

    Raises:
        InvalidValue: no populations, recordings of different length, a window outside of them, or
            fewer rows than populations.
        MissingExtra: matplotlib is not installed.
    """
    shown = checked_populations("population_raster", populations, window)
    if max_units < len(shown):
        raise InvalidValue(
            f"population_raster.max_units: got {max_units}, expected at least {len(shown)}, one "
            "for each population"
        )
    start = window[0] if window else 0.0
    figure = style.new_figure(style.WIDTH, 4.6)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3.2, 1))
    style.finish(top, title=title)
    draw_bands(top, shown, start=start, max_units=max_units, height=2.8)
    draw_rates(bottom, shown, start=start, bin_width=bin_width, sigma=sigma)
    style.finish(bottom, x="time (ms)", y="rate (Hz)")
    return figure


def draw_bands(
    ax: Axes, populations: Mapping[str, Events], *, start: float, max_units: int, height: float
) -> None:
    """The rasters of all populations above each other; `height` of the axes in inches."""
    units = sum(events.size for events in populations.values())
    step = max(1, -(-units // max_units))
    rows = {name: -(-events.size // step) for name, events in populations.items()}
    grain = float(np.clip(0.8 * 72 * height / sum(rows.values()), 1.0, 5.0))
    places, below = [], 0
    for (name, events), look in zip(populations.items(), series(populations).values(), strict=True):
        kept = events.unit % step == 0
        ax.scatter(
            1e3 * (start + events.seconds[kept]), below + events.unit[kept] // step,
            s=grain**2, marker="|" if grain > 2.5 else "s", color=look.color,
            linewidths=0.9 if grain > 2.5 else 0, rasterized=int(kept.sum()) > 1000, clip_on=True,
        )  # fmt: skip
        ax.axhspan(below - 0.5, below + rows[name] - 0.5, color=look.color, alpha=_BAND, lw=0)
        places.append(below + (rows[name] - 1) / 2)
        below += rows[name]
    length = max(float(e.clock.seconds(e.duration)) for e in populations.values())
    ax.set_xlim(1e3 * start, 1e3 * (start + length))
    ax.set_ylim(below - 0.5, -0.5)
    _name_bands(ax, populations, places, below, height)
    if step > 1:
        text = f"every {_ordinal(step)} unit"
        ax.annotate(text, (1, 1), xycoords="axes fraction", xytext=(0, 3), ha="right", va="bottom",
                    textcoords="offset points", fontsize=style.NOTE, color=style.INK)  # fmt: skip


def draw_rates(
    ax: Axes, populations: Mapping[str, Events], *, start: float, bin_width: float,
    sigma: float | None,
) -> None:  # fmt: skip
    """Rates of all populations in one panel, or their mean if they are many."""
    if len(populations) <= _LINES:
        for (name, events), look in zip(
            populations.items(), series(populations).values(), strict=True
        ):
            solid = look._replace(line="-") if sigma is None else look
            draw_rate(ax, events, solid, bin_width=bin_width, sigma=sigma, start=start, label=name)
        if len(populations) > 1:
            _legend_above(ax, len(populations))
        fit_rates(ax)
        return
    ink = style.Series(style.INK, "-", "", "")
    draw_rate(ax, joined(populations), ink, bin_width=bin_width, sigma=sigma, start=start)
    style.note(ax, "mean over all units")
    fit_rates(ax, room=0.3)


def joined(populations: Mapping[str, Events]) -> Events:
    """All populations as one, on the clock they share.

    Raises:
        InvalidValue: their clocks differ.
    """
    first = next(iter(populations.values()))
    if any(events.clock != first.clock for events in populations.values()):
        raise InvalidValue("populations: their clocks differ; count them in one: events.on(clock)")
    offsets = np.cumsum([0, *(events.size for events in populations.values())])
    return Events.sorted(
        np.concatenate([e.t for e in populations.values()]),
        np.concatenate([e.unit + o for e, o in zip(populations.values(), offsets, strict=False)]),
        shape=int(offsets[-1]), clock=first.clock,
        duration=max(e.duration for e in populations.values()),
    )  # fmt: skip


def _name_bands(
    ax: Axes, populations: Mapping[str, Events], places: list[float], rows: int, height: float
) -> None:
    """Names beside the bands, moved apart where bands are thinner than a line of text."""
    line = rows * (style.TICK + 2.5) / (72 * height)
    names = [f"{style.plain(n)} ({e.size})" for n, e in populations.items()]
    ax.set_yticks(moved_apart(places, line, rows), names)
    ax.tick_params(axis="y", length=0)


def _legend_above(ax: Axes, columns: int) -> None:
    ax.legend(
        loc="lower right", bbox_to_anchor=(1, 0.98), ncols=columns, frameon=False, borderpad=0,
        fontsize=style.NOTE, handlelength=1.8, columnspacing=1.2,
    )  # fmt: skip


def _ordinal(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"
