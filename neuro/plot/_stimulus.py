"""A neuron under a step, a ramp and noise, each as strong as makes it fire as neurons do."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.errors import InvalidValue, NeuroError, require
from neuro.neurons import Neuron

STIMULI = ("step", "ramp", "noise")
CLOCKS = (10e-3, 1e-3, 5e-4, 1e-4, 5e-5, 1e-5)  # ticks to try, in seconds; the first for slow cells
DURATION = 0.5  # s
SLOW = 0.5  # s, a time constant above which DURATION says nothing
RATE, AUDIBLE = 20.0, 5.0  # Hz, the rate to aim at and the least
RESPONSE = 4.0  # of what a graded neuron sends, in multiples of its rest or in its own unit
_STRENGTHS = np.geomspace(1e-13, 1e6, 8 * 19 + 1)
_REFINED = 48

Floats = NDArray[np.float64]


class Response(NamedTuple):
    """What a neuron did with one stimulus."""

    stimulus: str
    input: Floats  # [T]
    state: dict[str, Floats]  # every state variable after each tick, [T]
    sent: Floats  # spikes, or what a graded neuron sends, [T]
    strength: float  # largest input
    rate: float  # spikes a second while the input is on; NaN if graded


def suited_clock(neuron: Neuron) -> Clock:
    """The coarsest clock that the neuron accepts without a warning: 1 ms, or 10 ms for slow cells.

    Raises:
        InvalidValue: it accepts none.
    """
    require("torch", "train")
    from neuro.nn.population import Population

    for tick in CLOCKS if duration_of(neuron) > 10 * DURATION else CLOCKS[1:]:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                Population(neuron, Clock(tick))
            except (NeuroError, UserWarning):
                continue
        return Clock(tick)
    raise InvalidValue(f"{neuron!r}: refused at every tick of {CLOCKS} s; pass clock=")


def duration_of(neuron: Neuron) -> float:
    """How long a recording must be to show the neuron's slowest dynamics, in seconds."""
    slowest = max(
        (float(np.max(getattr(neuron, r.name))) for r in neuron.table() if r.unit == "s"),
        default=0.0,
    )
    return DURATION if slowest < SLOW else 8 * slowest


def responses(neuron: Neuron, clock: Clock) -> tuple[Response, ...]:
    """The neuron's response to each of STIMULI at its first port; its other ports get nothing.

    The strength of each is sought over 19 decades, then refined: from the weakest that makes the
    neuron fire at 5 Hz on, the one at which its rate is nearest to 20 Hz; a graded neuron is to
    depart as far as possible, but not above RESPONSE, from its rest.

    Raises:
        InvalidValue: the population has more than one unit.
    """
    if neuron.size != 1:
        raise InvalidValue(f"{neuron!r}: got {neuron.size} units, expected one, e.g. shape 1")
    patterns = _patterns(round(duration_of(neuron) / clock.dt))
    found = []
    for name, pattern in patterns.items():
        chosen = _strength(neuron, clock, pattern)
        current = pattern * chosen
        sent, state = run(neuron, clock, current[:, None], record=type(neuron).State._fields)
        spikes = neuron.emits == "spikes"
        rate = float(sent.sum() / _on(pattern, clock)) if spikes else math.nan
        traces = {k: v[:, 0] for k, v in state.items()}
        found.append(Response(name, current, traces, sent[:, 0], float(current.max()), rate))
    return tuple(found)


def run(
    neuron: Neuron, clock: Clock, current: Floats, record: Sequence[str] = ()
) -> tuple[Floats, dict[str, Floats]]:
    """One unit on several inputs [T, B]: what it sends, and named state variables, all [T, B]."""
    torch = require("torch", "train")
    from neuro.nn.population import Population

    layer = Population(neuron, clock)
    x = torch.from_numpy(np.ascontiguousarray(current, dtype=np.float64))
    x = x.reshape(*current.shape, *neuron.units)
    with torch.no_grad():
        ports = layer.ports({type(neuron).Inputs._fields[0]: x})
        sent, _, traces = layer.trace(ports, record=record)
    return sent.numpy().reshape(current.shape), {
        k: v.numpy().reshape(current.shape) for k, v in traces.items()
    }


def _strength(neuron: Neuron, clock: Clock, pattern: Floats) -> float:
    coarse = int(np.argmin(_scores(neuron, clock, pattern, _STRENGTHS)))
    low, high = _STRENGTHS[max(coarse - 1, 0)], _STRENGTHS[min(coarse + 1, len(_STRENGTHS) - 1)]
    fine = np.linspace(low, high, _REFINED)
    return float(fine[np.argmin(_scores(neuron, clock, pattern, fine))])


def _scores(neuron: Neuron, clock: Clock, pattern: Floats, strengths: Floats) -> Floats:
    """How far each strength is from a response worth seeing."""
    sent, _ = run(neuron, clock, pattern[:, None] * strengths)
    if neuron.emits == "spikes":
        rate = sent.sum(0) / _on(pattern, clock)
        enough = rate >= AUDIBLE
        weakest = int(np.argmax(enough)) if enough.any() else int(np.argmax(rate))
        # Far above it a model leaves its range, and some fire slowly once more.
        sensible = (strengths >= strengths[weakest]) & (strengths <= 10 * strengths[weakest])
        return np.where(sensible, np.abs(np.log(np.maximum(rate, 1e-3) / RATE)), np.inf)
    rest, _ = run(neuron, clock, np.zeros((1, 1)))
    scale = float(abs(rest[0, 0])) or 1.0
    departure = np.nan_to_num(np.abs(sent - rest[0, 0]).max(0) / scale, nan=np.inf)
    return np.where(departure <= RESPONSE, -departure, np.inf)


def _on(pattern: Floats, clock: Clock) -> float:
    """How long a stimulus lasts, in seconds."""
    return float((pattern > 0).sum()) * clock.dt


def _patterns(steps: int) -> dict[str, Floats]:
    """Stimuli of largest value 1, from 10 to 80 % of the time."""
    on = slice(steps // 10, 8 * steps // 10)
    length = on.stop - on.start
    step, ramp, noise = (np.zeros(steps) for _ in range(3))
    step[on] = 1.0
    ramp[on] = np.arange(1, length + 1) / length
    generator = np.random.default_rng(0)
    filtered, keep = np.zeros(length), math.exp(-50 / length)  # 50 correlation times
    for t in range(1, length):
        filtered[t] = keep * filtered[t - 1] + generator.normal() * math.sqrt(1 - keep * keep)
    # Never negative: a conductance or a count of spikes cannot be. A touch above 0 keeps it "on".
    noise[on] = np.maximum(0.5 + filtered, 1e-3)
    return dict(zip(STIMULI, (step, ramp, noise / noise.max()), strict=True))
