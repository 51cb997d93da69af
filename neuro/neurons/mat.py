"""Multi-timescale adaptive threshold (MAT)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neuro import ops
from neuro.clock import Clock
from neuro.neurons._base import Current, Neuron, Value, parameter
from neuro.ops import Array
from neuro.units import ms


class MAT(Neuron):
    """LIF without reset whose threshold jumps at each spike and decays on two time scales.

        tau_mem dv/dt = v_leak - v,   v <- v + input,   spike when v > v_th + b1 + b2
        tau_1 db1/dt = -b1,  tau_2 db2/dt = -b2;  at a spike b1 <- b1 + a1, b2 <- b2 + a2

    Integrator: exact.

    Source: Kobayashi, Tsubo, Shinomoto, Frontiers in Computational Neuroscience 3:9 (2009),
    eqs. 1 to 3, in units of the distance from rest to threshold.
    """

    tau_mem: Value = parameter(default=5 * ms, unit="s", meaning="membrane time constant", above=0)
    tau_1: Value = parameter(default=10 * ms, unit="s", meaning="fast decay of threshold", above=0)
    tau_2: Value = parameter(default=200 * ms, unit="s", meaning="slow decay of threshold", above=0)
    a1: Value = parameter(default=1.5, unit="1", meaning="fast rise of the threshold per spike")
    a2: Value = parameter(default=0.1, unit="1", meaning="slow rise of the threshold per spike")
    v_th: Value = parameter(default=1.0, unit="1", meaning="firing threshold at rest")
    v_leak: Value = parameter(default=0.0, unit="1", meaning="resting potential")

    class State(NamedTuple):
        v: Array  # membrane potential
        b1: Array  # fast part of the threshold
        b2: Array  # slow part

    class Coefficients(NamedTuple):
        alpha: Array  # decay of v, b1, b2 in one tick
        rho_1: Array
        rho_2: Array
        a1: Array
        a2: Array
        v_th: Array
        v_leak: Array

    def lazy(self) -> bool:
        # v must fall faster than every part of the threshold, and no part may be negative.
        slower = np.less_equal(self.tau_mem, np.minimum(self.tau_1, self.tau_2))
        raised = np.greater_equal(np.minimum(self.a1, self.a2), 0)
        return bool(np.all(slower & raised & np.less_equal(self.v_leak, self.v_th)))

    @staticmethod
    def derive(p: Any, clock: Clock) -> MAT.Coefficients:
        alpha, rho_1, rho_2 = (ops.exp(-clock.dt / tau) for tau in (p.tau_mem, p.tau_1, p.tau_2))
        return MAT.Coefficients(alpha, rho_1, rho_2, p.a1, p.a2, p.v_th, p.v_leak)

    @staticmethod
    def rest(p: MAT.Coefficients) -> MAT.State:
        return MAT.State(v=p.v_leak, b1=0.0, b2=0.0)

    @staticmethod
    def flow(s: MAT.State, p: MAT.Coefficients, h: int) -> MAT.State:
        v = p.v_leak + (s.v - p.v_leak) * ops.power(p.alpha, h)
        return MAT.State(v=v, b1=s.b1 * ops.power(p.rho_1, h), b2=s.b2 * ops.power(p.rho_2, h))

    @staticmethod
    def receive(s: MAT.State, p: MAT.Coefficients, x: Current) -> MAT.State:
        return s._replace(v=s.v + x.current)

    @staticmethod
    def fire(s: MAT.State, p: MAT.Coefficients) -> Array:
        return s.v - (p.v_th + s.b1 + s.b2)

    @staticmethod
    def jump(s: MAT.State, p: MAT.Coefficients, z: Array) -> MAT.State:
        z = ops.stop(z)
        return s._replace(b1=s.b1 + z * p.a1, b2=s.b2 + z * p.a2)
