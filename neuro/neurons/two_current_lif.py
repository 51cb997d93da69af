"""Leaky integrate-and-fire with an excitatory and an inhibitory current."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neuro import ops
from neuro.clock import Clock
from neuro.neurons._base import Neuron, Value, parameter, whole_ticks
from neuro.neurons._phi import carried
from neuro.neurons._reset import reset_membrane, reset_option
from neuro.ops import Array
from neuro.units import ms


class TwoCurrentLIF(Neuron):
    """LIF with two exponentially decaying currents, each with a port and a time constant.

        tau_exc di_exc/dt = -i_exc,  tau_inh di_inh/dt = -i_inh,  i <- i + input
        tau_mem dv/dt = v_leak - v + r (i_exc + i_inh),   spike when v > v_th

    Weights of inhibitory synapses are negative. Integrator: exact for any step, all equations
    together. An input moves its current at once and the membrane from the next tick on. While
    refractory, v is held and the currents go on.

    Source: Vogels & Abbott, J. Neurosci. 25 (2005), whose network with currents has these neurons;
    Brette et al., J. Comput. Neurosci. 23 (2007), benchmark 2; exact integration: Rotter &
    Diesmann, Biological Cybernetics 81 (1999), section 3.2.
    """

    tau_mem: Value = parameter(default=20 * ms, unit="s", meaning="membrane time constant", above=0)
    tau_exc: Value = parameter(default=5 * ms, unit="s", meaning="decay of i_exc", above=0)
    tau_inh: Value = parameter(default=10 * ms, unit="s", meaning="decay of i_inh", above=0)
    r: Value = parameter(default=1.0, unit="1", meaning="membrane resistance")
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

    class Inputs(NamedTuple):
        excitation: Array
        inhibition: Array

    class State(NamedTuple):
        v: Array  # membrane potential
        i_exc: Array  # synaptic currents
        i_inh: Array
        hold: Array  # ticks until v moves again

    class Coefficients(NamedTuple):
        alpha: Array  # decay of v in one tick
        beta_exc: Array  # decay of the currents in one tick
        beta_inh: Array
        kappa_exc: Array  # what a current of 1 adds to v in one tick
        kappa_inh: Array
        v_th: Array
        v_leak: Array
        v_reset: Array
        pause: Array  # `hold` right after a spike
        refractory: bool
        reset: str

    @staticmethod
    def derive(p: Any, clock: Clock) -> TwoCurrentLIF.Coefficients:
        ticks = whole_ticks(p.refractory, clock, "TwoCurrentLIF.refractory")
        refractory = bool(np.any(ticks > 0))
        # One more than the ticks held, since `flow` counts down before `receive` looks.
        pause = ops.where(ticks > 0, ticks + 1, 0.0) if refractory else 0.0
        return TwoCurrentLIF.Coefficients(
            ops.exp(-clock.dt / p.tau_mem),
            ops.exp(-clock.dt / p.tau_exc), ops.exp(-clock.dt / p.tau_inh),
            p.r * carried(clock.dt, p.tau_mem, p.tau_exc),
            p.r * carried(clock.dt, p.tau_mem, p.tau_inh),
            p.v_th, p.v_leak, p.v_reset, pause, refractory, p.reset,
        )  # fmt: skip

    @staticmethod
    def rest(p: TwoCurrentLIF.Coefficients) -> TwoCurrentLIF.State:
        return TwoCurrentLIF.State(v=p.v_leak, i_exc=0.0, i_inh=0.0, hold=0.0)

    @staticmethod
    def flow(s: TwoCurrentLIF.State, p: TwoCurrentLIF.Coefficients, h: int) -> TwoCurrentLIF.State:
        for _ in range(h - 1):
            s = TwoCurrentLIF.flow(s, p, 1)
        driven = p.kappa_exc * s.i_exc + p.kappa_inh * s.i_inh
        v = p.v_leak + (s.v - p.v_leak) * p.alpha + driven
        i_exc, i_inh = p.beta_exc * s.i_exc, p.beta_inh * s.i_inh
        if p.refractory:
            v = ops.where(s.hold > 1, s.v, v)
            return TwoCurrentLIF.State(v, i_exc, i_inh, ops.maximum(s.hold - 1, 0.0))
        return TwoCurrentLIF.State(v, i_exc, i_inh, s.hold)

    @staticmethod
    def receive(
        s: TwoCurrentLIF.State, p: TwoCurrentLIF.Coefficients, x: Inputs
    ) -> TwoCurrentLIF.State:
        return s._replace(i_exc=s.i_exc + x.excitation, i_inh=s.i_inh + x.inhibition)

    @staticmethod
    def fire(s: TwoCurrentLIF.State, p: TwoCurrentLIF.Coefficients) -> Array:
        return s.v - p.v_th

    @staticmethod
    def jump(
        s: TwoCurrentLIF.State, p: TwoCurrentLIF.Coefficients, z: Array
    ) -> TwoCurrentLIF.State:
        v = reset_membrane(s.v, p, z)
        if p.refractory:
            return s._replace(v=v, hold=ops.where(z > 0, p.pause, s.hold))
        return s._replace(v=v)
