"""Leaky integrate-and-fire with an alpha-function synapse."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from neuro import ops
from neuro.clock import Clock
from neuro.neurons._base import Current, Neuron, Value, parameter, whole_ticks
from neuro.neurons._phi import carried, phi_slope
from neuro.neurons._reset import reset_membrane, reset_option
from neuro.ops import Array
from neuro.units import ms


class AlphaLIF(Neuron):
    """LIF behind a second-order synapse: an input's current rises, peaks after tau_syn and decays.

        tau_syn dj/dt = -j,       j <- j + input
        tau_syn di/dt = e j - i
        tau_mem dv/dt = v_leak - v + r i,   spike when v > v_th

    An input w thus makes the current w (t / tau_syn) exp(1 - t / tau_syn), whose peak is w.
    Integrator: exact for any step, all equations together. While refractory, v is held and the
    currents go on.

    Source: Rotter & Diesmann, Biological Cybernetics 81 (1999), section 3.1.2 (exact integration
    of alpha-function currents); Gerstner, Kistler, Naud, Paninski, Neuronal Dynamics (2014),
    eq. 1.5.
    """

    tau_mem: Value = parameter(default=20 * ms, unit="s", meaning="membrane time constant", above=0)
    tau_syn: Value = parameter(default=5 * ms, unit="s", meaning="time to the peak", above=0)
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

    class State(NamedTuple):
        v: Array  # membrane potential
        i: Array  # synaptic current
        j: Array  # what the current rises from
        hold: Array  # ticks until v moves again

    class Coefficients(NamedTuple):
        alpha: Array  # decay of v in one tick
        beta: Array  # decay of i and j in one tick
        rise: Array  # what j adds to i in one tick, before its decay
        kappa: Array  # what i adds to v in one tick
        kappa_j: Array  # what j adds to v in one tick
        v_th: Array
        v_leak: Array
        v_reset: Array
        pause: Array  # `hold` right after a spike
        refractory: bool
        reset: str

    @staticmethod
    def derive(p: Any, clock: Clock) -> AlphaLIF.Coefficients:
        ticks = whole_ticks(p.refractory, clock, "AlphaLIF.refractory")
        refractory = bool(np.any(ticks > 0))
        pause = ops.where(ticks > 0, ticks + 1, 0.0) if refractory else 0.0
        mem, syn = clock.dt / p.tau_mem, clock.dt / p.tau_syn
        alpha, rise = ops.exp(-mem), math.e * syn
        return AlphaLIF.Coefficients(
            alpha, ops.exp(-syn), rise, p.r * carried(clock.dt, p.tau_mem, p.tau_syn),
            p.r * rise * mem * alpha * phi_slope(mem - syn),
            p.v_th, p.v_leak, p.v_reset, pause, refractory, p.reset,
        )  # fmt: skip

    @staticmethod
    def rest(p: AlphaLIF.Coefficients) -> AlphaLIF.State:
        return AlphaLIF.State(v=p.v_leak, i=0.0, j=0.0, hold=0.0)

    @staticmethod
    def flow(s: AlphaLIF.State, p: AlphaLIF.Coefficients, h: int) -> AlphaLIF.State:
        for _ in range(h - 1):
            s = AlphaLIF.flow(s, p, 1)
        v = p.v_leak + (s.v - p.v_leak) * p.alpha + p.kappa * s.i + p.kappa_j * s.j
        i = p.beta * (s.i + p.rise * s.j)
        j = p.beta * s.j
        if p.refractory:
            v = ops.where(s.hold > 1, s.v, v)
            return AlphaLIF.State(v=v, i=i, j=j, hold=ops.maximum(s.hold - 1, 0.0))
        return AlphaLIF.State(v=v, i=i, j=j, hold=s.hold)

    @staticmethod
    def receive(s: AlphaLIF.State, p: AlphaLIF.Coefficients, x: Current) -> AlphaLIF.State:
        return s._replace(j=s.j + x.current)

    @staticmethod
    def fire(s: AlphaLIF.State, p: AlphaLIF.Coefficients) -> Array:
        return s.v - p.v_th

    @staticmethod
    def jump(s: AlphaLIF.State, p: AlphaLIF.Coefficients, z: Array) -> AlphaLIF.State:
        v = reset_membrane(s.v, p, z)
        if p.refractory:
            return s._replace(v=v, hold=ops.where(z > 0, p.pause, s.hold))
        return s._replace(v=v)
