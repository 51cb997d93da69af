"""Leaky integrate-and-fire with synaptic conductances."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from neuro import ops
from neuro.clock import Clock
from neuro.neurons._base import Neuron, Value, parameter, whole_ticks
from neuro.neurons._step import check_step, smallest
from neuro.ops import Array
from neuro.units import ms


class CobaLIF(Neuron):
    """Conductance-based LIF with an excitatory and an inhibitory port.

        tau_mem dv/dt = (e_leak - v) + g_exc (e_exc - v) + g_inh (e_inh - v)
        tau_exc dg_exc/dt = -g_exc,  tau_inh dg_inh/dt = -g_inh,  g <- g + input

    Conductances are in units of the leak conductance. Integrator: exponential Euler, exact for
    conductances held over the tick; stable for any tick, but a tick above a fifth of a synaptic
    time constant warns (`CoarseStep`) of the charge it adds. While refractory, v stays at v_reset.
    `fire` measures the distance in units of
    that between v_th and e_leak.

    Source: Vogels and Abbott, J. Neurosci. 25 (2005), eq. 1; the defaults are the benchmark of
    Brette et al., J. Comput. Neurosci. 23 (2007).
    """

    tau_mem: Value = parameter(default=20 * ms, unit="s", meaning="membrane time constant", above=0)
    tau_exc: Value = parameter(default=5 * ms, unit="s", meaning="decay of g_exc", above=0)
    tau_inh: Value = parameter(default=10 * ms, unit="s", meaning="decay of g_inh", above=0)
    e_leak: Value = parameter(default=-60e-3, unit="V", meaning="resting potential")
    e_exc: Value = parameter(default=0.0, unit="V", meaning="excitatory reversal potential")
    e_inh: Value = parameter(default=-80e-3, unit="V", meaning="inhibitory reversal potential")
    v_th: Value = parameter(default=-50e-3, unit="V", meaning="firing threshold")
    v_reset: Value = parameter(default=-60e-3, unit="V", meaning="potential after a spike")
    refractory: Value = parameter(
        default=0.0, unit="s", meaning="absolute refractory period, on the clock's grid",
        at_least=0, learnable=False,
    )  # fmt: skip

    conductances = ("excitation", "inhibition")

    class Inputs(NamedTuple):
        excitation: Array
        inhibition: Array

    class State(NamedTuple):
        v: Array  # membrane potential, V
        g_exc: Array  # conductances over the leak's
        g_inh: Array
        hold: Array  # ticks until the membrane moves again

    class Coefficients(NamedTuple):
        leak: Array  # dt / tau_mem
        decay_exc: Array
        decay_inh: Array
        e_leak: Array
        e_exc: Array
        e_inh: Array
        v_th: Array
        v_reset: Array
        pause: Array  # `hold` right after a spike

    @staticmethod
    def derive(p: Any, clock: Clock) -> CobaLIF.Coefficients:
        tau = min(smallest(p.tau_exc), smallest(p.tau_inh))
        x = clock.dt / tau
        check_step(
            "CobaLIF", clock, coarse=0.2 * tau,
            error=f"each input to carry {-x / math.expm1(-x) - 1:.1%} too much charge",
        )  # fmt: skip
        return CobaLIF.Coefficients(
            clock.dt / p.tau_mem, ops.exp(-clock.dt / p.tau_exc), ops.exp(-clock.dt / p.tau_inh),
            p.e_leak, p.e_exc, p.e_inh, p.v_th, p.v_reset,
            whole_ticks(p.refractory, clock, "CobaLIF.refractory"),
        )  # fmt: skip

    @staticmethod
    def rest(p: CobaLIF.Coefficients) -> CobaLIF.State:
        return CobaLIF.State(v=p.e_leak, g_exc=0.0, g_inh=0.0, hold=0.0)

    @staticmethod
    def flow(s: CobaLIF.State, p: CobaLIF.Coefficients, h: int) -> CobaLIF.State:
        v, g_exc, g_inh, hold = s
        for _ in range(h):
            total = 1.0 + g_exc + g_inh
            goal = (p.e_leak + g_exc * p.e_exc + g_inh * p.e_inh) / total
            moved = goal + (v - goal) * ops.exp(-(total * p.leak))
            v = ops.where(hold > 0, v, moved)
            g_exc, g_inh = g_exc * p.decay_exc, g_inh * p.decay_inh
            hold = ops.maximum(hold - 1, 0)
        return CobaLIF.State(v=v, g_exc=g_exc, g_inh=g_inh, hold=hold)

    @staticmethod
    def receive(s: CobaLIF.State, p: CobaLIF.Coefficients, x: Inputs) -> CobaLIF.State:
        return s._replace(g_exc=s.g_exc + x.excitation, g_inh=s.g_inh + x.inhibition)

    @staticmethod
    def fire(s: CobaLIF.State, p: CobaLIF.Coefficients) -> Array:
        span = p.v_th - p.e_leak
        return (s.v - p.v_th) / ops.sqrt(span * span)

    @staticmethod
    def jump(s: CobaLIF.State, p: CobaLIF.Coefficients, z: Array) -> CobaLIF.State:
        spiked = ops.stop(z) > 0
        return s._replace(
            v=ops.where(spiked, p.v_reset, s.v), hold=ops.where(spiked, p.pause, s.hold)
        )
