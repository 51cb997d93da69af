"""Context-gated two-point neuron: feedforward input drives, context only modulates."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from neuro import ops
from neuro.clock import Clock
from neuro.neurons._base import Neuron, Value, option, parameter
from neuro.neurons._reset import reset_membrane, reset_option
from neuro.ops import Array
from neuro.units import ms


class TwoPoint(Neuron):
    """LIF whose input R is amplified where it agrees with the apical context C.

        tau_context dC/dt = -C,   C <- C + context,   c = C / theta_c
        tau_mem dv/dt = v_leak - v,   v <- v + f(R, c),   spike when v > v_th

        modulation="tm3" (default)  f = R (1 + gain tanh(R c))
        modulation="tm1"            f = R (1 + exp(R c)) / 2
        modulation="tm2"            f = R + R c
        modulation="tm4"            f = R 2^(R c)
        modulation="coop"           f = min(6, max(0, R^2 + 2 R + k_ctx c (1 + |R|)))

    R is the input of this tick. In tm1 to tm4 context alone cannot drive: f = 0 where R = 0. The
    cooperation law "coop" is the exception, as published: f = min(6, max(0, k_ctx c)) at R = 0.
    Exponents are clipped at +-16. Bursts are not modelled.

    Source: Adeel et al., Context-sensitive neocortical neurons transform the effectiveness and
    efficiency of neural information processing, arXiv 2211.01950; the functions are those of this
    line of work, quoted second-hand (k_ctx is 2 or 1 there). The spiking form, a membrane behind
    f and a trace of context, is ours.
    """

    tau_mem: Value = parameter(default=20 * ms, unit="s", meaning="membrane time constant", above=0)
    tau_context: Value = parameter(
        default=20 * ms, unit="s", meaning="time constant of the context", above=0
    )
    theta_c: Value = parameter(default=1.0, unit="1", meaning="scale of the context", above=0)
    gain: Value = parameter(default=1.0, unit="1", meaning="largest amplification of tm3, less 1")
    k_ctx: Value = parameter(default=2.0, unit="1", meaning="weight of context in coop")
    v_th: Value = parameter(default=1.0, unit="1", meaning="firing threshold")
    v_leak: Value = parameter(default=0.0, unit="1", meaning="resting potential")
    v_reset: Value = parameter(
        default=0.0, unit="1", meaning="potential after a spike when reset='zero'"
    )
    modulation: str = option(
        default="tm3",
        choices=("tm1", "tm2", "tm3", "tm4", "coop"),
        meaning="how context modulates the input",
    )
    reset: str = reset_option()

    class Inputs(NamedTuple):
        current: Array  # feedforward input R
        context: Array

    class State(NamedTuple):
        v: Array  # membrane potential
        apical: Array  # context C

    class Coefficients(NamedTuple):
        alpha: Array  # decay of v in one tick
        rho: Array  # decay of the context in one tick
        theta_c: Array
        gain: Array
        k_ctx: Array
        v_th: Array
        v_leak: Array
        v_reset: Array
        modulation: str
        reset: str

    def lazy(self) -> bool:
        # In "coop" context alone moves the membrane.
        below = bool(np.all(np.less_equal(self.v_leak, self.v_th)))
        return below and self.modulation != "coop"

    @staticmethod
    def derive(p: Any, clock: Clock) -> TwoPoint.Coefficients:
        alpha, rho = ops.exp(-clock.dt / p.tau_mem), ops.exp(-clock.dt / p.tau_context)
        return TwoPoint.Coefficients(
            alpha, rho, p.theta_c, p.gain, p.k_ctx, p.v_th, p.v_leak, p.v_reset,
            p.modulation, p.reset,
        )  # fmt: skip

    @staticmethod
    def rest(p: TwoPoint.Coefficients) -> TwoPoint.State:
        return TwoPoint.State(v=p.v_leak, apical=0.0)

    @staticmethod
    def flow(s: TwoPoint.State, p: TwoPoint.Coefficients, h: int) -> TwoPoint.State:
        v = p.v_leak + (s.v - p.v_leak) * ops.power(p.alpha, h)
        return TwoPoint.State(v=v, apical=s.apical * ops.power(p.rho, h))

    @staticmethod
    def receive(s: TwoPoint.State, p: TwoPoint.Coefficients, x: TwoPoint.Inputs) -> TwoPoint.State:
        apical = s.apical + x.context
        c = apical / p.theta_c
        r = x.current
        drive = modulated(r, c, p)
        return TwoPoint.State(v=s.v + drive, apical=apical)

    @staticmethod
    def fire(s: TwoPoint.State, p: TwoPoint.Coefficients) -> Array:
        return s.v - p.v_th

    @staticmethod
    def jump(s: TwoPoint.State, p: TwoPoint.Coefficients, z: Array) -> TwoPoint.State:
        return s._replace(v=reset_membrane(s.v, p, z))


def modulated(r: Array, c: Array, p: Any) -> Array:
    """The input r as the context c lets it through; p holds `modulation`, `gain` and `k_ctx`."""
    if p.modulation == "coop":
        return ops.minimum(ops.maximum(r * r + 2 * r + p.k_ctx * c * (1 + abs(r)), 0.0), 6.0)
    if p.modulation == "tm2":
        return r + r * c
    if p.modulation == "tm3":
        return r * (1 + p.gain * ops.tanh(r * c))
    # 9 million fold amplification at most, still far from overflow
    coherence = ops.minimum(ops.maximum(r * c, -16.0), 16.0)
    if p.modulation == "tm1":
        return r * (1 + ops.exp(coherence)) / 2
    return r * ops.exp(coherence * math.log(2))
