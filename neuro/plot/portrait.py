"""A neuron's portrait: what it does with a step, a ramp and noise, and its f-I curve."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.neurons import Neuron
from neuro.plot import style
from neuro.plot._stimulus import Response, duration_of, responses, suited_clock
from neuro.plot.fi_curve import measure_fi_curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COUNTERS = {"hold", "tick", "luck", "above"}  # bookkeeping, which says nothing to the eye
_ROWS = 4  # state variables shown at most
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SCALES = {"V": (1e3, "mV"), "A": (1e9, "nA"), "S": (1e9, "nS")}


def portrait(neuron: Neuron, clock: Clock | None = None) -> Figure:
    """State and spikes of one unit under three inputs, beside its f-I curve.

    The strength of each input is found by trying (rates near 20 Hz). Dashed: threshold, where
    `fire` depends on a state variable linearly, moving if it moves. A graded neuron shows its
    state, and the largest value that it sends in place of the rate.

    Args:
        neuron: one unit, e.g. `LIF(1)`; an empty shape is taken as 1.
        clock: by default the coarsest of 1, 0.5, 0.1, 0.05 and 0.01 ms that the neuron accepts
            without a warning (10 ms for a cell with a time constant above 0.5 s).

    Raises:
        InvalidValue: more than one unit, or no clock suits.
        MissingExtra: PyTorch or matplotlib is not installed.
    """
    neuron = neuron.replace(shape=1) if neuron.units == () else neuron
    clock = suited_clock(neuron) if clock is None else clock
    return draw(neuron, clock, responses(neuron, clock))


def draw(neuron: Neuron, clock: Clock, shown: tuple[Response, ...]) -> Figure:
    """The figure of `portrait` from responses that were measured already."""
    rows = _variables(neuron, shown)
    heights = [0.55, *[1.0 if i == 0 else 0.7 for i in range(len(rows))]]
    figure = style.new_figure(style.WIDTH, 0.9 + 0.95 * sum(heights))
    outer = figure.add_gridspec(1, 2, width_ratios=[3.4, 1])
    grid = outer[0].subgridspec(len(heights), len(shown), height_ratios=heights)
    axes = grid.subplots(sharex=True, sharey="row", squeeze=False)
    port = type(neuron).Inputs._fields[0]
    strongest = max(r.strength for r in shown)
    by, power = _power(strongest)
    color = {name: style.SERIES[i].color for i, name in enumerate(rows)}
    long = duration_of(neuron) > 5
    for column, response in enumerate(shown):
        time = clock.dt * np.arange(len(response.input)) * (1 if long else 1e3)
        top: Axes = axes[0, column]
        top.plot(time, by * response.input, color=style.INPUT, linewidth=1.0)
        rate = "" if np.isnan(response.rate) else f", {response.rate:.0f} Hz"
        style.finish(
            top, title=f"{response.stimulus}{rate}", y=f"{port}{power}" if column == 0 else ""
        )
        for row, name in enumerate(rows, start=1):
            ax: Axes = axes[row, column]
            factor, unit = _unit(neuron, name, max(abs(r.state[name]).max() for r in shown))
            ax.plot(time, factor * response.state[name], color=color[name], linewidth=1.0)
            limit = _threshold(neuron, clock, name, response)
            if limit is not None:
                ax.plot(
                    time, factor * limit, color=style.GREY, linewidth=0.9, linestyle=(0, (4, 3))
                )
            style.finish(ax, y=f"{name}{unit}" if column == 0 else "")
        if neuron.emits == "spikes":
            at = time[response.sent > 0]
            ax = axes[1, column]
            ax.vlines(at, 1.0, 1.1, transform=ax.get_xaxis_transform(), color=style.INK,
                      linewidth=0.9, clip_on=False)  # fmt: skip
        style.finish(axes[-1, column], x="time (s)" if long else "time (ms)")
        top.set_xlim(0, time[-1])
    for ax in axes.ravel():
        ax.label_outer()
        ax.locator_params(axis="y", nbins=3)
        ax.locator_params(axis="x", nbins=3)
    figure.align_ylabels(axes[:, 0])
    _draw_curve(figure.add_subplot(outer[1]), neuron, clock, shown[0])
    return figure


def _draw_curve(ax: Axes, neuron: Neuron, clock: Clock, step: Response) -> None:
    currents = np.linspace(0.0, 2.5 * step.strength, 61)
    spikes = neuron.emits == "spikes"
    length = duration_of(neuron) * (2 if spikes else 0.75)
    settle = length / 4 if spikes else 0.0
    curve = measure_fi_curve(neuron, currents, clock, duration=length, settle=settle)
    by, power = _power(currents[-1])
    ax.plot(by * currents, curve, color=style.INK, linewidth=1.3)
    ax.axvline(by * step.strength, color=style.GREY, linewidth=0.8, linestyle=":")
    title = "f-I curve" if spikes else "input to output"
    sends = "firing rate (Hz)" if spikes else f"largest {neuron.emits}"
    style.finish(ax, title=title, x=f"constant input {power.strip()}".strip(), y=sends)
    ax.set_xlim(0, by * currents[-1])
    ax.locator_params(nbins=4)


def _variables(neuron: Neuron, shown: tuple[Response, ...]) -> list[str]:
    """What to show: the variable that decides on spikes first, nothing that stays as it is."""
    moving = [
        name for name in type(neuron).State._fields
        if name not in _COUNTERS and any(np.ptp(r.state[name]) > 0 for r in shown)
    ]  # fmt: skip
    first = "v" if neuron.emits == "spikes" else neuron.emits
    return sorted(moving, key=lambda name: name != first)[:_ROWS]


def _unit(neuron: Neuron, name: str, largest: float) -> tuple[float, str]:
    """Factor to the unit that a state variable is shown in, and its label, if the table knows."""
    units = {row.name: row.unit for row in neuron.table()}
    known = [unit for key, unit in units.items() if key.startswith(f"{name}_") or key == name]
    if not known or known[0] in ("1", "s", "Hz"):
        return _power(largest)
    factor, unit = _SCALES.get(known[0], (1.0, known[0]))
    return factor, f" ({unit})"


def _power(largest: float) -> tuple[float, str]:
    """Factor that makes numbers of this size easy to read, and its mark for the label."""
    if largest == 0 or 1e-2 <= largest < 1e4:
        return 1.0, ""
    exponent = 3 * math.floor(math.log10(largest) / 3)
    digits = str(exponent).translate(_SUPERSCRIPT)
    return 10.0**-exponent, f"\n(10{digits})"


def _threshold(
    neuron: Neuron, clock: Clock, name: str, response: Response
) -> NDArray[np.float64] | None:
    """The value of a state variable above which the unit spikes, in every tick."""
    kind: Any = type(neuron)
    if not kind.spiking():
        return None
    p = kind.derive(neuron, clock)
    state = kind.State(**response.state)
    size = float(np.ptp(response.state[name])) or 1.0
    distance = kind.fire(state, p)
    slopes = [
        (kind.fire(state._replace(**{name: response.state[name] + h}), p) - distance) / h
        for h in (size, -size)
    ]
    slope = float(np.mean(slopes))
    if slope <= 0 or not np.allclose(slopes, slope, rtol=1e-6):  # it does not depend so simply
        fixed = neuron.values().get(f"{name}_th")
        return None if fixed is None else np.full(len(response.input), np.max(fixed))
    return response.state[name] - distance / slope
