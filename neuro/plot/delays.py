"""Histograms of delays before and after learning, and how far each one moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neuro.errors import InvalidValue
from neuro.network import Network
from neuro.plot import style
from neuro.plot._delays import Delays, Given, every
from neuro.plot._panels import bin_edges, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BINS = 48  # as many as a panel can show
_MANY = 6000  # dots that can still be told apart


def delay_histogram(
    after: Given, before: Given | None = None, *, weighted: bool = False, title: str = ""
) -> Figure:
    """Delays of each synapse, one panel each; a dashed line shows what they were before.

    Delays on the grid of a clock are counted in bins of whole ticks.

    Args:
        after: a Network, whose synapses with several delays are drawn; or synapse -> delays in
            seconds, of any shape; or the delays of one synapse.
        before: the same before learning, e.g. the network that training began with.
        weighted: count each delay as much as the size of its weight, as a share of all weights.
            Strong connections say what was learned, weak ones stay where they began.
        title: of the figure.

    Raises:
        InvalidValue: no delays, delays that are negative or not finite, other synapses before
            than after, or weights asked for where there are none.
        MissingExtra: matplotlib is not installed.
    """
    now, then = _both("delay_histogram", before, after)
    for which, given in (("after", now), ("before", then)):
        for name, found in given.items():
            if weighted and found.weight is None:
                raise InvalidValue(
                    f"delay_histogram.weighted: the delays {which} of {name!r} come without "
                    "weights; pass a Network with one delay for each connection"
                )
    figure, axes = panels("delay_histogram", len(now))
    colors = _colors(after, now)
    for ax, (name, found) in zip(axes, now.items(), strict=False):
        old = then.get(name)
        edges = _edges([d for d in (found, old) if d is not None])
        counts = _counts(found, edges, weighted)
        ax.stairs(counts, edges, fill=True, color=colors[name], alpha=0.35, linewidth=0)
        ax.stairs(counts, edges, color=colors[name], linewidth=1.3, baseline=None, label="after")
        top = counts.max()
        if old is not None:
            earlier = _counts(old, edges, weighted)
            top = max(top, earlier.max())
            ax.stairs(earlier, edges, color=style.INK, linewidth=1.1, linestyle=(0, (4, 2)),
                      baseline=None, label="before")  # fmt: skip
            ax.legend(loc="upper left", ncols=2, frameon=False, fontsize=style.NOTE, borderpad=0.1,
                      handlelength=1.4, columnspacing=1.0)  # fmt: skip
        ax.set_xlim(edges[0], edges[-1])
        ax.set_ylim(0, 1.3 * top)
        _whole_counts(ax, weighted)
        y = "share of weight" if weighted else found.of
        style.finish(ax, title=_shown(name), x="delay (ms)", y=y)
    _entitle(figure, title)
    return figure


def delay_drift(before: Given, after: Given, *, title: str = "") -> Figure:
    """Where each delay began (to the right) and where it is (upwards), one panel a synapse.

    On the line a delay stayed; a note says how far the middle one moved. The size of a dot is that
    of the weight after learning, where weights are known. Of many delays the densities of dots
    are drawn.

    Args:
        before, after: a Network each, whose synapses with several delays are drawn; or synapse ->
            delays in seconds; or the delays of one synapse. Equal shapes, in equal order.
        title: of the figure.

    Raises:
        InvalidValue: no delays, delays that are negative or not finite, or other synapses or
            shapes before than after.
        MissingExtra: matplotlib is not installed.
    """
    now, then = _both("delay_drift", before, after)
    for name, found in now.items():
        if found.values.shape != then[name].values.shape:
            raise InvalidValue(
                f"delay_drift[{name!r}]: {then[name].values.size} delays before and "
                f"{found.values.size} after, expected the same connections"
            )
    figure, axes = panels("delay_drift", len(now))
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height * 1.15)
    colors = _colors(after, now)
    for ax, (name, found) in zip(axes, now.items(), strict=False):
        _drift(ax, then[name].values, found, colors[name])
        style.finish(ax, title=_shown(name), x="delay before (ms)", y="after (ms)")
    _entitle(figure, title)
    return figure


def _drift(ax: Axes, old: NDArray[np.float64], found: Delays, color: str) -> None:
    new, top = found.values, 1.04 * max(float(old.max()), float(found.values.max())) or 1.0
    low = -0.04 * top
    ax.plot((0, top), (0, top), color=style.GREY, linewidth=0.9, linestyle=(0, (4, 2)), zorder=1)
    if new.size > _MANY:
        ax.hexbin(old, new, gridsize=34, extent=(0, top, 0, top), cmap=_fading(color), bins="log",
                  mincnt=1, linewidths=0)  # fmt: skip
    else:
        weight = np.ones(new.size) if found.weight is None else found.weight
        area = 3 + 21 * weight / (weight.max() or 1.0)
        order = np.argsort(-area, kind="stable")  # small dots lie on large ones
        ax.scatter(old[order], new[order], s=area[order], color=color, alpha=0.45, linewidths=0)
    ax.set_xlim(low, top)
    ax.set_ylim(low, 1.25 * top)  # room for the note
    moved = np.abs(new - old)
    style.note(ax, f"median move {np.median(moved):.3g} ms\n{(moved > 0).mean():.0%} moved", x=0.0)


def _both(
    figure: str, before: Given | None, after: Given
) -> tuple[dict[str, Delays], dict[str, Delays]]:
    now = every(f"{figure}.after", after)
    if before is None:
        return now, {}
    then = every(f"{figure}.before", before)
    if then.keys() != now.keys():
        raise InvalidValue(
            f"{figure}.before: has the synapses {', '.join(map(repr, then))}, expected those after "
            f"learning, {', '.join(map(repr, now))}"
        )
    return now, then


def _edges(found: list[Delays]) -> NDArray[np.float64]:
    """Bins that hold all values: whole ticks around the middle one, or equal parts."""
    low = min(float(d.values.min()) for d in found)
    high = max(float(d.values.max()) for d in found)
    tick = found[0].tick
    if any(d.tick != tick for d in found) or tick is None:
        size = max(d.values.size for d in found)
        return bin_edges(0.0, high or 1.0, size)
    first, last = round(low / tick), round(high / tick)
    step = -(-(last - first + 1) // _BINS)
    return np.asarray((np.arange(first, last + step + 1, step) - 0.5) * tick, np.float64)


def _counts(found: Delays, edges: NDArray[np.float64], weighted: bool) -> NDArray[np.float64]:
    share = found.weight if weighted else np.ones(found.values.size)
    assert share is not None
    counts = np.histogram(found.values, edges, weights=share)[0]
    return np.asarray(counts / (share.sum() or 1.0) if weighted else counts, dtype=np.float64)


def _whole_counts(ax: Axes, weighted: bool) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.yaxis.set_major_locator(MaxNLocator(4, integer=not weighted))
    if weighted:
        ax.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.3g}%"))


def _colors(given: Given, found: dict[str, Delays]) -> dict[str, str]:
    """Of a network the colour of the population that a synapse reaches, as in other figures."""
    if not isinstance(given, Network):
        return dict.fromkeys(found, style.OKABE_ITO["blue"])
    layers = style.layer_colors(given.populations)
    return {s.name: layers[s.post] for s in given.synapses if s.name in found}


def _fading(color: str):  # type: ignore[no-untyped-def]
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("fading", ("#E8EEF3", color))


def _shown(name: str) -> str:
    return name.replace("->", " → ")


def _entitle(figure: Figure, title: str) -> None:
    if title:
        figure.suptitle(style.plain(title), fontsize=style.TITLE, color=style.INK,
                        fontweight="bold", ha="left", x=0.01)  # fmt: skip
