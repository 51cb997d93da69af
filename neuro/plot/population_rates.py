"""Rates of populations over time, one panel each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from neuro.events import Events
from neuro.metrics import firing_rates
from neuro.plot import style
from neuro.plot._populations import checked_populations, draw_rate, fit_rates, series
from neuro.units import ms

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ROW = 0.95  # inches


def population_rates(
    populations: Mapping[str, Events],
    *,
    window: tuple[float, float] | None = None,
    bin_width: float = 5 * ms,
    sigma: float | None = None,
    title: str = "",
) -> Figure:
    """Spikes per second and unit over time; each panel has its own scale and names the mean.

    Args:
        populations: name -> Events of one recording.
        window: seconds to show, (start, stop); all by default.
        bin_width: seconds, a whole multiple of the events' ticks.
        sigma: of a Gaussian that smooths the rates, in seconds.
        title: of the figure.

    Raises:
        InvalidValue: no populations, recordings of different length, or a window outside of them.
        MissingExtra: matplotlib is not installed.
    """
    from matplotlib.ticker import MaxNLocator

    shown = checked_populations("population_rates", populations, window)
    start = window[0] if window else 0.0
    figure = style.new_figure(style.WIDTH, 0.6 + _ROW * len(shown))
    rows = figure.subplots(len(shown), 1, squeeze=False, sharex=True)[:, 0]
    for ax, (name, events), look in zip(rows, shown.items(), series(shown).values(), strict=True):
        solid = look._replace(line="-")
        draw_rate(ax, events, solid, bin_width=bin_width, sigma=sigma, start=start)
        fit_rates(ax, room=0.4)  # for the remark
        ax.yaxis.set_major_locator(MaxNLocator(3))
        style.note(ax, f"{style.plain(name)}: mean {firing_rates(events).mean():.3g} Hz")
        style.finish(ax)
    length = max(float(e.clock.seconds(e.duration)) for e in shown.values())
    rows[-1].set_xlim(1e3 * start, 1e3 * (start + length))
    style.finish(rows[0], title=title)
    style.finish(rows[-1], x="time (ms)")
    figure.supylabel("rate (Hz)", fontsize=style.LABEL, color=style.INK)
    return figure
