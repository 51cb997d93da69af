"""Histograms of firing rates and of weights, one panel each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import InvalidValue
from neuro.network import Network, Synapse
from neuro.plot import style
from neuro.plot._panels import bin_edges, draw_histogram, panels
from neuro.synapses import Conv2d, Dense

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MANY = 1_000_000  # weights that a histogram needs at most


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

    Of connection rules with more than a million synapses, those of the first presynaptic units are
    drawn, about a million.

    Raises:
        InvalidValue: the network has no synapses.
        MissingExtra: matplotlib is not installed.
    """
    values = {
        s.name: (s, _checked("weights", s.name, _weights(network, s))) for s in network.synapses
    }
    figure, axes = panels("weights", len(values))
    colors = style.layer_colors(network.populations)
    for ax, (name, (synapse, w)) in zip(axes, values.items(), strict=False):
        reach = 1.05 * float(np.abs(w).max()) or 1.0
        draw_histogram(ax, w, bin_edges(-reach, reach, w.size), colors[synapse.post])
        ax.axvline(0, color=style.INK, linewidth=1.1, linestyle=(0, (4, 3)))
        style.note(ax, f"mean {w.mean():.2g}\ns.d. {w.std():.2g}".replace("-", "\N{MINUS SIGN}"))
        style.finish(ax, title=name.replace("->", " → "), x="weight", y="kernel weights"
                     if isinstance(synapse.topology, Conv2d) else "synapses")  # fmt: skip
    return figure


def _weights(network: Network, synapse: Synapse) -> ArrayLike:
    """All weights of a dense or convolutional synapse; of others at most about a million.

    What rules draw is alike for all presynaptic units, so that the first ones stand for all.
    """
    if isinstance(synapse.topology, (Conv2d, Dense)):
        return synapse.topology.weight
    size = network.populations[synapse.pre].size
    count = max(network.synapse_count(synapse), 1)
    drawn = network.rows(synapse, 0, max(1, min(size, size * _MANY // count)))
    return np.broadcast_to(drawn.weight, drawn.post.shape)


def _checked(figure: str, name: str, values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if not array.size or not np.isfinite(array).all():
        raise InvalidValue(
            f"{figure}[{name!r}]: got shape {array.shape}, expected at least one finite value"
        )
    return array
