"""Adaptive leaky integrate-and-fire (moving threshold)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neuro import ops
from neuro.clock import Clock
from neuro.neurons._base import Current, Neuron, Value, parameter
from neuro.neurons._reset import reset_membrane, reset_option
from neuro.ops import Array
from neuro.units import ms


class ALIF(Neuron):
    """LIF whose threshold rises with each spike and decays back: v_th + beta * b.

        tau_mem dv/dt = v_leak - v,   tau_adapt db/dt = -b,   spike when v > v_th + beta b
        at a spike: b <- b + 1, and v is reset by v_th (not by the moving threshold)

    Source: Bellec et al., A solution to the learning dilemma for recurrent networks of spiking
    neurons, Nature Communications 11 (2020), eqs. 6 to 10.
    """

    tau_mem: Value = parameter(default=20 * ms, unit="s", meaning="membrane time constant", above=0)
    tau_adapt: Value = parameter(
        default=200 * ms, unit="s", meaning="time constant of the adaptation", above=0
    )
    beta: Value = parameter(
        default=0.1, unit="1", meaning="rise of the threshold per spike", at_least=0
    )
    v_th: Value = parameter(default=1.0, unit="1", meaning="firing threshold at rest")
    v_leak: Value = parameter(default=0.0, unit="1", meaning="resting potential")
    v_reset: Value = parameter(
        default=0.0, unit="1", meaning="potential after a spike when reset='zero'"
    )
    reset: str = reset_option(default="subtract")

    class State(NamedTuple):
        v: Array  # membrane potential
        b: Array  # adaptation

    class Coefficients(NamedTuple):
        alpha: Array  # decay of v in one tick
        rho: Array  # decay of b in one tick
        beta: Array
        v_th: Array
        v_leak: Array
        v_reset: Array
        reset: str

    def lazy(self) -> bool:
        # v must fall faster than the threshold.
        slower = np.greater_equal(self.tau_adapt, self.tau_mem)
        return bool(np.all(slower & np.less_equal(self.v_leak, self.v_th)))

    @staticmethod
    def derive(p: Any, clock: Clock) -> ALIF.Coefficients:
        alpha, rho = ops.exp(-clock.dt / p.tau_mem), ops.exp(-clock.dt / p.tau_adapt)
        return ALIF.Coefficients(alpha, rho, p.beta, p.v_th, p.v_leak, p.v_reset, p.reset)

    @staticmethod
    def rest(p: ALIF.Coefficients) -> ALIF.State:
        return ALIF.State(v=p.v_leak, b=0.0)

    @staticmethod
    def flow(s: ALIF.State, p: ALIF.Coefficients, h: int) -> ALIF.State:
        v = p.v_leak + (s.v - p.v_leak) * ops.power(p.alpha, h)
        return ALIF.State(v=v, b=s.b * ops.power(p.rho, h))

    @staticmethod
    def receive(s: ALIF.State, p: ALIF.Coefficients, x: Current) -> ALIF.State:
        return s._replace(v=s.v + x.current)

    @staticmethod
    def fire(s: ALIF.State, p: ALIF.Coefficients) -> Array:
        return s.v - (p.v_th + p.beta * s.b)

    @staticmethod
    def jump(s: ALIF.State, p: ALIF.Coefficients, z: Array) -> ALIF.State:
        return ALIF.State(v=reset_membrane(s.v, p, z), b=s.b + ops.stop(z))
