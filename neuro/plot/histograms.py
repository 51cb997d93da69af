"""Histograms of firing rates and of weights, one panel each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import InvalidValue
from neuro.network import Network
from neuro.plot import style
from neuro.plot._panels import bin_edges, draw_histogram, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
    figure, axes = panels("rates", len(values))
    colors = style.layer_colors(values)
    for ax, (name, v) in zip(axes, values.items(), strict=False):
        top = float(v.max()) or 1.0
        draw_histogram(ax, v, bin_edges(0, top, v.size), colors[name])
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
    figure, axes = panels("weights", len(values))
    colors = style.layer_colors(network.populations)
    for ax, (name, (post, w)) in zip(axes, values.items(), strict=False):
        reach = float(np.abs(w).max()) or 1.0
        draw_histogram(ax, w, bin_edges(-reach, reach, w.size), colors[post])
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
