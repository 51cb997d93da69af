"""Leaky integrator: a membrane without spikes, the usual readout."""

from __future__ import annotations

from typing import Any, NamedTuple

from neuro import ops
from neuro.clock import Clock
from neuro.neurons._base import Current, Neuron, Value, parameter
from neuro.ops import Array
from neuro.units import ms


class LI(Neuron):
    """Leaky integrator that never spikes; its membrane v is its output.

        tau_mem dv/dt = v_leak - v,   v <- v + input

    Source: Gerstner, Kistler, Naud, Paninski, Neuronal Dynamics (2014), eq. 1.5.
    """

    tau_mem: Value = parameter(default=20 * ms, unit="s", meaning="membrane time constant", above=0)
    v_leak: Value = parameter(default=0.0, unit="1", meaning="resting potential")
    emits = "v"

    class State(NamedTuple):
        v: Array  # membrane potential

    class Coefficients(NamedTuple):
        alpha: Array  # decay of v in one tick
        v_leak: Array

    def lazy(self) -> bool:
        return True

    @staticmethod
    def derive(p: Any, clock: Clock) -> LI.Coefficients:
        return LI.Coefficients(ops.exp(-clock.dt / p.tau_mem), p.v_leak)

    @staticmethod
    def rest(p: LI.Coefficients) -> LI.State:
        return LI.State(v=p.v_leak)

    @staticmethod
    def flow(s: LI.State, p: LI.Coefficients, h: int) -> LI.State:
        return LI.State(v=p.v_leak + (s.v - p.v_leak) * ops.power(p.alpha, h))

    @staticmethod
    def receive(s: LI.State, p: LI.Coefficients, x: Current) -> LI.State:
        return LI.State(v=s.v + x.current)
