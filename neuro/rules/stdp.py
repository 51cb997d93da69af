"""Spike-timing dependent plasticity of spike pairs, with a label that opens the gate.

A pair whose postsynaptic spike comes D after the presynaptic one changes the weight by

    a_plus exp(-D / tau_plus) if D >= 0,   -a_minus exp(D / tau_minus) if D < 0

Every presynaptic spike pairs with every postsynaptic one. D = 0 belongs to potentiation because
input arrives before the unit fires within a tick: the input spike is one of the causes.

Source: Song, Miller & Abbott, Nature Neuroscience 3 (2000), the window F and its default ratio
a_minus / a_plus; they keep weights between 0 and a largest value, e.g. by `numpy.clip`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.units import ms

Floats = NDArray[np.float64]


class Window(NamedTuple):
    """Size and reach (seconds) of potentiation and depression."""

    a_plus: float = 1.0
    a_minus: float = 1.05
    tau_plus: float = 20 * ms
    tau_minus: float = 20 * ms


WINDOW = Window()


def pair(delay: ArrayLike, window: Window = WINDOW) -> Floats:
    """Change of a weight by one pair whose postsynaptic spike comes `delay` seconds later.

    Raises:
        InvalidValue: a time constant of the window is not above 0.
    """
    _check(window)
    d = np.asarray(delay, np.float64)
    up = window.a_plus * np.exp(-np.abs(d) / window.tau_plus)
    down = window.a_minus * np.exp(-np.abs(d) / window.tau_minus)
    return np.where(d >= 0, up, -down)


def change(
    pre: ArrayLike, post: ArrayLike, clock: Clock,
    *, gate: ArrayLike = 1.0, window: Window = WINDOW,
) -> Floats:  # fmt: skip
    """Sum over all pairs and trials of the weights' change, [M, N].

    Args:
        pre: presynaptic spikes [T, B, N].
        post: postsynaptic spikes [T, B, M].
        gate: what a trial's change counts for each postsynaptic unit, broadcast to [B, M]: 1 for
            the units that the label names and 0 for the others; -1 reverses the rule.

    Raises:
        InvalidValue: shapes do not fit, or a time constant of the window is not above 0.
    """
    _check(window)
    x, z = np.asarray(pre, np.float64), np.asarray(post, np.float64)
    if x.ndim != 3 or z.ndim != 3 or x.shape[:2] != z.shape[:2]:
        raise InvalidValue(
            f"stdp.change: got pre {x.shape} and post {z.shape}, expected [T, B, N] and [T, B, M]"
        )
    try:
        opened = np.broadcast_to(np.asarray(gate, np.float64), z.shape[1:])
    except ValueError as error:
        raise InvalidValue(
            f"stdp.change.gate: got shape {np.shape(gate)}, expected [B, M] = {z.shape[1:]}"
        ) from error
    keep_pre = np.exp(-clock.dt / window.tau_plus)
    keep_post = np.exp(-clock.dt / window.tau_minus)
    heard, fired = np.zeros(x.shape[1:]), np.zeros(z.shape[1:])  # traces of spikes
    total = np.zeros((z.shape[2], x.shape[2]))
    for arrived, sent in zip(x, z, strict=True):
        heard, fired = heard * keep_pre + arrived, fired * keep_post
        total += window.a_plus * (opened * sent).T @ heard
        total -= window.a_minus * (opened * fired).T @ arrived
        fired = fired + sent
    return total


def _check(window: Window) -> None:
    for name in ("tau_plus", "tau_minus"):
        if not getattr(window, name) > 0:
            raise InvalidValue(
                f"stdp.Window.{name}: got {getattr(window, name)} s, expected a time above 0"
            )
