"""Leaky integrate-and-fire with conductance-based synapses."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neuro import ops
from neuro.clock import Clock
from neuro.neurons._base import Neuron, Value, parameter, whole_ticks
from neuro.neurons._phi import phi
from neuro.neurons._step import check_step, smallest
from neuro.ops import Array
from neuro.units import ms


class CobaLIF(Neuron):
    """LIF whose inputs open excitatory and inhibitory conductances.

        tau_mem dv/dt = (v_leak - v) + g_exc (e_exc - v) + g_inh (e_inh - v)
        tau_exc dg_exc/dt = -g_exc,   g_exc <- max(g_exc + excitation, 0)
        tau_inh dg_inh/dt = -g_inh,   g_inh <- max(g_inh + inhibition, 0)
        spike when v > v_th,   then v <- v_reset

    Potentials are in volt, conductances relative to the leak, so weights are of order 1 and
    should not be negative. Integrator: exponential Euler with each conductance at its mean over
    the tick, of second order and stable for any step. ERROR While refractory, v
    is held and the conductances go on. The distance above threshold is (v - v_th) / scale, for
    surrogates of a width near 1.

    Source: Vogels & Abbott, Journal of Neuroscience 25 (2005), eqs. 1 to 3; defaults of
    benchmark 1 of Brette et al., Journal of Computational Neuroscience 23 (2007).
    """

    tau_mem: Value = parameter(default=20 * ms, unit="s", meaning="membrane time constant", above=0)
    tau_exc: Value = parameter(default=5 * ms, unit="s", meaning="decay of excitation", above=0)
    tau_inh: Value = parameter(default=10 * ms, unit="s", meaning="decay of inhibition", above=0)
    v_leak: Value = parameter(default=-60e-3, unit="V", meaning="resting potential")
    e_exc: Value = parameter(default=0.0, unit="V", meaning="reversal potential of excitation")
    e_inh: Value = parameter(default=-80e-3, unit="V", meaning="reversal potential of inhibition")
    v_th: Value = parameter(default=-50e-3, unit="V", meaning="firing threshold")
    v_reset: Value = parameter(default=-60e-3, unit="V", meaning="potential after a spike")
    refractory: Value = parameter(
        default=0.0,
        unit="s",
        meaning="absolute refractory period, on the clock's grid",
        at_least=0,
        learnable=False,
    )
    scale: Value = parameter(
        default=10e-3, unit="V", meaning="unit of the distance", above=0, learnable=False
    )

    class Inputs(NamedTuple):
        excitation: Array
        inhibition: Array

    class State(NamedTuple):
        v: Array  # membrane potential
        g_exc: Array  # conductances, in units of the leak
        g_inh: Array
        hold: Array  # ticks until v moves again

    class Coefficients(NamedTuple):
        rate: Array  # dt / tau_mem
        keep_exc: Array  # decay of g_exc in one tick
        keep_inh: Array
        mean_exc: Array  # mean of g_exc over a tick, of what it is at the start
        mean_inh: Array
        v_leak: Array
        e_exc: Array
        e_inh: Array
        v_th: Array
        v_reset: Array
        pause: Array  # `hold` right after a spike
        refractory: bool
        scale: Array

    @staticmethod
    def derive(p: Any, clock: Clock) -> CobaLIF.Coefficients:
        fastest = min(smallest(p.tau_exc), smallest(p.tau_inh))
        check_step("CobaLIF", clock, coarse=0.5 * fastest, error="ERR")
        ticks = whole_ticks(p.refractory, clock, "CobaLIF.refractory")
        refractory = bool(np.any(ticks > 0))
        pause = ops.where(ticks > 0, ticks + 1, 0.0) if refractory else 0.0
        exc, inh = -clock.dt / p.tau_exc, -clock.dt / p.tau_inh
        return CobaLIF.Coefficients(
            clock.dt / p.tau_mem, ops.exp(exc), ops.exp(inh), phi(exc), phi(inh),
            p.v_leak, p.e_exc, p.e_inh, p.v_th, p.v_reset, pause, refractory, p.scale,
        )  # fmt: skip

    @staticmethod
    def rest(p: CobaLIF.Coefficients) -> CobaLIF.State:
        return CobaLIF.State(v=p.v_leak, g_exc=0.0, g_inh=0.0, hold=0.0)

    @staticmethod
    def flow(s: CobaLIF.State, p: CobaLIF.Coefficients, h: int) -> CobaLIF.State:
        for _ in range(h - 1):
            s = CobaLIF.flow(s, p, 1)
        g_exc = p.mean_exc * s.g_exc
        g_inh = p.mean_inh * s.g_inh
        total = 1 + g_exc + g_inh
        v_inf = (p.v_leak + g_exc * p.e_exc + g_inh * p.e_inh) / total
        v = v_inf + (s.v - v_inf) * ops.exp(-p.rate * total)
        hold = s.hold
        if p.refractory:
            v = ops.where(s.hold > 1, s.v, v)
            hold = ops.maximum(s.hold - 1, 0.0)
        return CobaLIF.State(v=v, g_exc=p.keep_exc * s.g_exc, g_inh=p.keep_inh * s.g_inh, hold=hold)

    @staticmethod
    def receive(s: CobaLIF.State, p: CobaLIF.Coefficients, x: CobaLIF.Inputs) -> CobaLIF.State:
        return s._replace(
            g_exc=ops.maximum(s.g_exc + x.excitation, 0.0),
            g_inh=ops.maximum(s.g_inh + x.inhibition, 0.0),
        )

    @staticmethod
    def fire(s: CobaLIF.State, p: CobaLIF.Coefficients) -> Array:
        return (s.v - p.v_th) / p.scale

    @staticmethod
    def jump(s: CobaLIF.State, p: CobaLIF.Coefficients, z: Array) -> CobaLIF.State:
        v = ops.where(z > 0, p.v_reset, s.v)
        if p.refractory:
            return s._replace(v=v, hold=ops.where(z > 0, p.pause, s.hold))
        return s._replace(v=v)
