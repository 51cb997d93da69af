"""Resonate-and-fire."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from neuro import ops
from neuro.clock import Clock
from neuro.neurons._base import Current, Neuron, Value, parameter
from neuro.neurons._step import check_step, smallest
from neuro.ops import Array
from neuro.units import Hz, ms


class ResonateAndFire(Neuron):
    """A membrane that rings at its own frequency and prefers inputs in that rhythm.

        dw/dt = -w / tau_mem - 2 pi frequency v,   w <- w + input
        dv/dt = -v / tau_mem + 2 pi frequency w
        spike when v > v_th, then w, v <- w_reset, v_reset

    v and w are the imaginary and real part of the paper's z, with b = -1 / tau_mem. Integrator:
    exact for any step, a rotation and a decay; but the threshold is tested at ticks only, so a
    peak of v between two ticks is missed by up to 1 - cos(pi frequency dt) of its height.

    Source: Izhikevich, Resonate-and-fire neurons, Neural Networks 14 (2001), eq. 3 and its reset
    to z = i; the paper's b = -1, omega = 10 is frequency * tau_mem = 1.59.
    """

    tau_mem: Value = parameter(default=40 * ms, unit="s", meaning="decay time of ringing", above=0)
    frequency: Value = parameter(default=40 * Hz, unit="Hz", meaning="of the ringing", above=0)
    v_th: Value = parameter(default=1.0, unit="1", meaning="firing threshold")
    v_reset: Value = parameter(default=1.0, unit="1", meaning="v after a spike")
    w_reset: Value = parameter(default=0.0, unit="1", meaning="w after a spike")

    class State(NamedTuple):
        v: Array  # potential
        w: Array  # current that leads it by a quarter period

    class Coefficients(NamedTuple):
        keep: Array  # decay times cosine of one tick's turn
        turn: Array  # decay times sine of one tick's turn
        v_th: Array
        v_reset: Array
        w_reset: Array

    @staticmethod
    def derive(p: Any, clock: Clock) -> ResonateAndFire.Coefficients:
        period = 1 / -smallest(-p.frequency)
        check_step(
            "ResonateAndFire", clock, coarse=0.1 * period, limit=0.5 * period,
            error="peaks of v between ticks to be missed by up to "
            f"{1 - math.cos(math.pi * clock.dt / period):.1%} of their height",
            why="a tick above half a period cannot show the frequency",
        )  # fmt: skip
        decay, angle = ops.exp(-clock.dt / p.tau_mem), 2 * math.pi * clock.dt * p.frequency
        return ResonateAndFire.Coefficients(
            decay * ops.cos(angle), decay * ops.sin(angle), p.v_th, p.v_reset, p.w_reset
        )

    @staticmethod
    def rest(p: ResonateAndFire.Coefficients) -> ResonateAndFire.State:
        return ResonateAndFire.State(v=0.0, w=0.0)

    @staticmethod
    def flow(
        s: ResonateAndFire.State, p: ResonateAndFire.Coefficients, h: int
    ) -> ResonateAndFire.State:
        for _ in range(h - 1):
            s = ResonateAndFire.flow(s, p, 1)
        return ResonateAndFire.State(
            v=p.turn * s.w + p.keep * s.v,
            w=p.keep * s.w - p.turn * s.v,
        )

    @staticmethod
    def receive(
        s: ResonateAndFire.State, p: ResonateAndFire.Coefficients, x: Current
    ) -> ResonateAndFire.State:
        return s._replace(w=s.w + x.current)

    @staticmethod
    def fire(s: ResonateAndFire.State, p: ResonateAndFire.Coefficients) -> Array:
        return s.v - p.v_th

    @staticmethod
    def jump(
        s: ResonateAndFire.State, p: ResonateAndFire.Coefficients, z: Array
    ) -> ResonateAndFire.State:
        return ResonateAndFire.State(
            v=ops.where(z > 0, p.v_reset, s.v), w=ops.where(z > 0, p.w_reset, s.w)
        )
