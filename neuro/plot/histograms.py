"""Histograms of firing rates and of weights, one panel each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import InvalidValue
from neuro.network import Network
from neuro.plot import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PER_ROW = 3


def rates(layers: Mapping[str, ArrayLike]) -> Figure:
    """Firing rates of the units of each layer, with median and share of silent units.

    Args:
        layers: population -> rates in Hz of any shape, as from `neuro.metrics.firing_rates`, in
            the order of the network (the first one is drawn as input).

    Raises:
        InvalidValue: no layers, or rates that are negative or not finite.
        MissingExtra: matplotlib is not installed.
    """
    values = {name: _checked("rates", name, v) for name, v in layers.items()}
    for name, v in values.items():
        if (v < 0).any():
            raise InvalidValue(f"rates[{name!r}]: got {v.min():g} Hz, expected rates >= 0")
    figure, axes = _panels("rates", len(values))
    colors = style.layer_colors(values)
    for ax, (name, v) in zip(axes, values.items(), strict=False):
        top = float(v.max()) or 1.0
        _steps(ax, v, _edges(0, top, v.size), colors[name])
        ax.axvline(float(np.median(v)), color=style.INK, linewidth=1.1, linestyle=(0, (4, 3)))
        silent = float((v == 0).mean())
        remark = f"median {np.median(v):.3g} Hz\n{silent:.0%} of {v.size} silent"
        style.note(ax, remark)
        style.finish(ax, title=name, x="firing rate (Hz)", y="units")
    return figure


def weights(network: Network) -> Figure:
    """Weights of each synapse, with mean and standard deviation; biases are left out.

    Raises:
        InvalidValue: the network has no synapses.
        MissingExtra: matplotlib is not installed.
    """
    values = {
        s.name: (s.post, _checked("weights", s.name, s.topology.arrays()["weight"]))
        for s in network.synapses
    }
    figure, axes = _panels("weights", len(values))
    colors = style.layer_colors(network.populations)
    for ax, (name, (post, w)) in zip(axes, values.items(), strict=False):
        reach = float(np.abs(w).max()) or 1.0
        _steps(ax, w, _edges(-reach, reach, w.size), colors[post])
        ax.axvline(0, color=style.INK, linewidth=1.1, linestyle=(0, (4, 3)))
        style.note(ax, f"mean {w.mean():.2g}\ns.d. {w.std():.2g}".replace("-", "\N{MINUS SIGN}"))
        style.finish(ax, title=name.replace("->", " → "), x="weight", y="synapses"
                     if w.ndim == 2 else "kernel weights")  # fmt: skip
    return figure


def _checked(figure: str, name: str, values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if not array.size or not np.isfinite(array).all():
        raise InvalidValue(
            f"{figure}[{name!r}]: got shape {array.shape}, expected at least one finite value"
        )
    return array


def _panels(what: str, count: int) -> tuple[Figure, list[Axes]]:
    if not count:
        raise InvalidValue(f"{what}: nothing to draw, expected at least one layer")
    rows, columns = -(-count // _PER_ROW), min(count, _PER_ROW)
    width = style.WIDTH * (columns / _PER_ROW if columns < 2 else 1)
    figure = style.new_figure(max(width, 3.4), 0.1 + 2.1 * rows)
    grid = figure.subplots(rows, columns, squeeze=False)
    for ax in grid.flat[count:]:
        ax.set_axis_off()
    return figure, list(grid.flat[:count])


def _edges(low: float, high: float, size: int) -> NDArray[np.float64]:
    """Equal bins, 2 n^(1/3) of them (the Rice rule), but no more than a panel can show."""
    return np.linspace(low, high, min(round(2 * size ** (1 / 3)), 48) + 1)


def _steps(ax: Axes, values: NDArray[np.float64], edges: NDArray[np.float64], color: str) -> None:
    from matplotlib.ticker import MaxNLocator

    counts, _ = np.histogram(values, edges)
    ax.stairs(counts, edges, fill=True, color=color, alpha=0.35, linewidth=0)
    ax.stairs(counts, edges, color=color, linewidth=1.3, baseline=None)
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(0, counts.max() * 1.35)  # room for the remark
    ax.xaxis.set_major_locator(MaxNLocator(4))
    ax.yaxis.set_major_locator(MaxNLocator(4, integer=True))
