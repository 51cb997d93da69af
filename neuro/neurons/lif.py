"""Leaky integrate-and-fire."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neuro import ops
from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.neurons._base import Current, Neuron, Value, parameter, whole_ticks
from neuro.neurons._reset import reset_membrane, reset_option
from neuro.ops import Array
from neuro.units import ms


class LIF(Neuron):
    """Leaky integrate-and-fire with delta synapses: each input moves the membrane at once.

        tau_mem dv/dt = v_leak - v,   v <- v + input,   spike when v > v_th

    The flow is exact for any step. While refractory, v is held at its value and input is ignored.
    With learn=["tau_mem"] this is the parametric LIF (PLIF): its v <- v + (x - v) / tau is ours
    with exp(-dt / tau_mem) = 1 - 1 / tau and inputs x / tau.

    Source: Gerstner, Kistler, Naud, Paninski, Neuronal Dynamics (2014), eqs. 1.5 and 1.6;
    `subtract` is the soft reset of Rueckauer et al. (2017), eq. 4; PLIF: Fang, Yu, Chen,
    Masquelier, Huang, Tian, ICCV 2021, eqs. 4 to 8.
    """

    tau_mem: Value = parameter(default=20 * ms, unit="s", meaning="membrane time constant", above=0)
    v_th: Value = parameter(default=1.0, unit="1", meaning="firing threshold")
    v_leak: Value = parameter(default=0.0, unit="1", meaning="resting potential")
    v_reset: Value = parameter(
        default=0.0, unit="1", meaning="potential after a spike when reset='zero'"
    )
    refractory: Value = parameter(
        default=0.0,
        unit="s",
        meaning="absolute refractory period, on the clock's grid",
        at_least=0,
        learnable=False,
    )
    reset: str = reset_option()

    class State(NamedTuple):
        v: Array  # membrane potential
        hold: Array  # ticks until input is accepted again

    class Coefficients(NamedTuple):
        alpha: Array  # decay of v in one tick
        v_th: Array
        v_leak: Array
        v_reset: Array
        pause: Array  # `hold` right after a spike
        refractory: bool
        reset: str

    @classmethod
    def from_beta(cls, beta: float, *, dt: float, shape: int | tuple[int, ...] = ()) -> LIF:
        """A LIF whose membrane decays by the factor `beta` in a step of `dt` seconds."""
        if not 0 < beta < 1:
            raise InvalidValue(f"LIF.from_beta: got beta={beta}, expected 0 < beta < 1")
        return cls(shape, tau_mem=float(-dt / ops.log(beta)))

    def lazy(self) -> bool:
        return bool(np.all(np.less_equal(self.v_leak, self.v_th)))

    @staticmethod
    def derive(p: Any, clock: Clock) -> LIF.Coefficients:
        ticks = whole_ticks(p.refractory, clock, "LIF.refractory")
        refractory = bool(np.any(ticks > 0))
        alpha = ops.exp(-clock.dt / p.tau_mem)
        # One more than the ticks ignored, since `flow` counts down before `receive` looks.
        pause = ops.where(ticks > 0, ticks + 1, 0.0) if refractory else 0.0
        return LIF.Coefficients(alpha, p.v_th, p.v_leak, p.v_reset, pause, refractory, p.reset)

    @staticmethod
    def rest(p: LIF.Coefficients) -> LIF.State:
        return LIF.State(v=p.v_leak, hold=0.0)

    @staticmethod
    def flow(s: LIF.State, p: LIF.Coefficients, h: int) -> LIF.State:
        if p.refractory:
            free = h - ops.minimum(ops.maximum(s.hold - 1, 0), h)
            v = p.v_leak + (s.v - p.v_leak) * ops.power(p.alpha, free)
            return LIF.State(v=v, hold=ops.maximum(s.hold - h, 0))
        return LIF.State(v=p.v_leak + (s.v - p.v_leak) * ops.power(p.alpha, h), hold=s.hold)

    @staticmethod
    def receive(s: LIF.State, p: LIF.Coefficients, x: Current) -> LIF.State:
        if p.refractory:
            return s._replace(v=ops.where(s.hold > 0, s.v, s.v + x.current))
        return s._replace(v=s.v + x.current)

    @staticmethod
    def fire(s: LIF.State, p: LIF.Coefficients) -> Array:
        return s.v - p.v_th

    @staticmethod
    def jump(s: LIF.State, p: LIF.Coefficients, z: Array) -> LIF.State:
        v = reset_membrane(s.v, p, z)
        if p.refractory:
            return LIF.State(v=v, hold=ops.where(z > 0, p.pause, s.hold))
        return LIF.State(v=v, hold=s.hold)
