"""Firing rate against constant input: the f-I curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.neurons import Neuron
from neuro.plot import _stimulus, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def measure_fi_curve(
    neuron: Neuron,
    currents: ArrayLike,
    clock: Clock,
    *,
    duration: float = 1.0,
    settle: float = 0.2,
) -> NDArray[np.float64]:
    """Firing rate in Hz at each constant input; the largest value that a graded neuron sends.

    Args:
        neuron: one unit, e.g. `LIF(1)`.
        currents: input of each tick at the first port [K].
        clock: duration of a tick.
        duration: how long to count, in seconds, after `settle` seconds whose spikes are not.

    Returns:
        Rates [K].

    Raises:
        InvalidValue: more than one unit, or times that are not positive.
        MissingExtra: PyTorch is not installed.
    """
    if neuron.size != 1:
        raise InvalidValue(f"fi_curve: {neuron!r} has {neuron.size} units, expected one: shape 1")
    if not duration > 0 or not settle >= 0:
        raise InvalidValue(
            f"fi_curve: got duration={duration}, settle={settle}, expected duration > 0 s and "
            "settle >= 0 s"
        )
    values = np.asarray(currents, dtype=np.float64).reshape(-1)
    skipped, counted = round(settle / clock.dt), round(duration / clock.dt)
    sent, _ = _stimulus.run(neuron, clock, np.tile(values, (skipped + counted, 1)))
    if neuron.emits != "spikes":
        return sent.max(axis=0)
    return sent[skipped:].mean(axis=0) / clock.dt


def fi_curve(
    neuron: Neuron,
    currents: ArrayLike,
    clock: Clock,
    *,
    duration: float = 1.0,
    settle: float = 0.2,
) -> Figure:
    """The curve of `measure_fi_curve` as a figure; same arguments and errors."""
    values = np.asarray(currents, dtype=np.float64).reshape(-1)
    measured = measure_fi_curve(neuron, values, clock, duration=duration, settle=settle)
    figure = style.new_figure(0.55 * style.WIDTH, 2.4)
    ax = figure.subplots()
    ax.plot(values, measured, color=style.OKABE_ITO["blue"], linewidth=1.5)
    port = type(neuron).Inputs._fields[0]
    sends = "firing rate (Hz)" if neuron.emits == "spikes" else f"largest {neuron.emits}"
    style.finish(ax, title=neuron.name, x=f"{port}, each tick", y=sends)
    ax.margins(x=0)
    return figure
