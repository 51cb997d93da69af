"""A balanced network on one page: raster, rates, irregularity and correlations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neuro.errors import InvalidValue, UnknownName
from neuro.events import Events
from neuro.metrics import count_correlations, cv, firing_rates
from neuro.plot import style
from neuro.plot._populations import checked_populations, series
from neuro.plot.population_raster import draw_bands, draw_rates
from neuro.units import ms

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_QUANTITIES = {
    "rate": "firing rate (Hz)",
    "cv": "CV of intervals",
    "correlation": "correlation coefficient",
}
Reference = Mapping[str, Mapping[str, float]]


def network_summary(
    populations: Mapping[str, Events],
    *,
    reference: Reference | None = None,
    reference_name: str = "published mean",
    window: tuple[float, float] | None = None,
    max_units: int = 2000,
    bin_width: float = 1 * ms,
    correlation_bin: float = 2 * ms,
    units: int = 200,
    seed: int = 0,
    title: str = "",
) -> Figure:
    """Left the raster with rates below; right box plots of the units of each population.

    A box is the middle half, its line the median, the whiskers reach to the 5th and 95th percentile
    and the white diamond is the mean; a cross is the reference. Rates are of all units, CVs of
    those with at least two intervals, correlations of pairs of some units that fired. A population
    in which no unit qualifies has no box.

    Args:
        populations: name -> Events of one recording; the box plots use all of it.
        reference: "rate", "cv" or "correlation" -> population -> the mean that is to be compared.
        reference_name: of that cross in the legend, e.g. "Potjans & Diesmann".
        window: seconds that the raster shows; by default the last 400 ms.
        max_units: rows of the raster.
        bin_width: seconds of one bin of the rates over time.
        correlation_bin, units, seed: as in `neuro.metrics.count_correlations`.
        title: of the figure.

    Raises:
        InvalidValue: no populations, recordings of different length, or a window outside of them.
        UnknownName: a reference for another quantity or population.
        MissingExtra: matplotlib is not installed.

    Source: the layout is that of figure 6 of Potjans & Diesmann, Cerebral Cortex 24 (2014).
    """
    everything = checked_populations("network_summary", populations)
    _check_reference(reference or {}, everything)
    length = min(float(e.clock.seconds(e.duration)) for e in everything.values())
    start, stop = window or (max(0.0, length - 0.4), length)
    shown = checked_populations("network_summary", populations, (start, stop))
    figure = style.new_figure(style.WIDTH + 1.2, 5.4)
    left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=(1.55, 1))[0]
    top, bottom = left.subplots(2, 1, sharex=True, height_ratios=(3.6, 1))
    style.finish(top, title=title)
    draw_bands(top, shown, start=start, max_units=max_units, height=3.6)
    draw_rates(bottom, shown, start=start, bin_width=bin_width, sigma=None)
    style.finish(bottom, x="time (ms)", y="rate (Hz)")

    measured = {
        "rate": {name: firing_rates(e).ravel() for name, e in everything.items()},
        "cv": {name: _defined(cv(e)) for name, e in everything.items()},
        "correlation": {
            name: _correlated(e, correlation_bin, units, seed) for name, e in everything.items()
        },
    }
    axes = right.subplots(3, 1)
    for ax, (quantity, label) in zip(axes, _QUANTITIES.items(), strict=True):
        expected = (reference or {}).get(quantity, {})
        _boxes(ax, measured[quantity], expected, everything, reference_name)
        style.finish(ax, x=label)
        ax.tick_params(axis="y", length=0)
    handles, labels = axes[0].get_legend_handles_labels()
    axes[0].legend(
        handles, labels, loc="lower right", bbox_to_anchor=(1, 1.0), ncols=2, frameon=False,
        fontsize=style.NOTE, borderpad=0, handletextpad=0.3, columnspacing=1.0,
    )  # fmt: skip
    return figure


def _boxes(
    ax: Axes, values: Mapping[str, NDArray[np.float64]], reference: Mapping[str, float],
    populations: Mapping[str, Events], reference_name: str,
) -> None:  # fmt: skip
    """One horizontal box a population, the first on top."""
    from matplotlib.ticker import MaxNLocator

    names = list(values)
    for place, (name, look) in enumerate(series(populations).items()):
        if not values[name].size:
            continue
        box = ax.boxplot(
            [values[name]], positions=[place], orientation="horizontal", widths=0.62,
            whis=(5, 95), showfliers=False, patch_artist=True, manage_ticks=False,
            medianprops={"color": style.INK, "linewidth": 1.3},
            whiskerprops={"color": style.GREY}, capprops={"color": style.GREY},
        )  # fmt: skip
        box["boxes"][0].set(facecolor=look.color, alpha=0.55, edgecolor=look.color)
    drawn = [(i, values[n].mean()) for i, n in enumerate(names) if values[n].size]
    if drawn:
        place, mean = zip(*drawn, strict=True)
        ax.scatter(mean, place, marker="D", s=16, facecolor="white", edgecolor=style.INK,
                   linewidths=0.8, zorder=4, label="mean here")  # fmt: skip
    if reference:
        ax.scatter(
            list(reference.values()), [names.index(n) for n in reference], marker="x", s=26,
            color=style.INK, linewidths=1.4, zorder=5, label=style.plain(reference_name),
        )  # fmt: skip
    ax.set_yticks(range(len(names)), [style.plain(n) for n in names])
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.xaxis.set_major_locator(MaxNLocator(5))


def _correlated(events: Events, bin_width: float, units: int, seed: int) -> NDArray[np.float64]:
    """Coefficients of pairs; none if fewer than two units fired."""
    if len(np.unique(events.unit)) < 2:
        return np.empty(0)
    return count_correlations(events, bin_width=bin_width, units=units, seed=seed).pairs


def _defined(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[np.isfinite(values)]


def _check_reference(reference: Reference, populations: Mapping[str, Events]) -> None:
    for quantity, table in reference.items():
        if quantity not in _QUANTITIES:
            raise UnknownName("network_summary.reference", quantity, _QUANTITIES)
        for name, value in table.items():
            if name not in populations:
                raise UnknownName(f"network_summary.reference[{quantity!r}]", name, populations)
            if not np.isfinite(value):
                raise InvalidValue(
                    f"network_summary.reference[{quantity!r}][{name!r}]: got {value}, expected a "
                    "finite number"
                )
