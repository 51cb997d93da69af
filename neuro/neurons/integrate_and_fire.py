"""Perfect (non-leaky) integrate-and-fire."""

from __future__ import annotations

from typing import Any, NamedTuple

from neuro.clock import Clock
from neuro.neurons._base import Current, Neuron, Value, parameter
from neuro.neurons._reset import reset_membrane, reset_option
from neuro.ops import Array


class IF(Neuron):
    """Perfect integrator that spikes above threshold; what rate-converted networks run on.

        dv/dt = 0,   v <- v + input,   spike when v > v_th

    Source: Lapicque (1907), without leak; Gerstner et al., Neuronal Dynamics (2014), section 1.3.
    """

    v_th: Value = parameter(default=1.0, unit="1", meaning="firing threshold")
    v_reset: Value = parameter(
        default=0.0, unit="1", meaning="potential after a spike when reset='zero'"
    )
    reset: str = reset_option()

    class State(NamedTuple):
        v: Array  # membrane potential

    class Coefficients(NamedTuple):
        v_th: Array
        v_reset: Array
        reset: str

    def lazy(self) -> bool:
        return True

    @staticmethod
    def derive(p: Any, clock: Clock) -> IF.Coefficients:
        return IF.Coefficients(p.v_th, p.v_reset, p.reset)

    @staticmethod
    def rest(p: IF.Coefficients) -> IF.State:
        return IF.State(v=0.0)

    @staticmethod
    def flow(s: IF.State, p: IF.Coefficients, h: int) -> IF.State:
        return s

    @staticmethod
    def receive(s: IF.State, p: IF.Coefficients, x: Current) -> IF.State:
        return IF.State(v=s.v + x.current)

    @staticmethod
    def fire(s: IF.State, p: IF.Coefficients) -> Array:
        return s.v - p.v_th

    @staticmethod
    def jump(s: IF.State, p: IF.Coefficients, z: Array) -> IF.State:
        return IF.State(v=reset_membrane(s.v, p, z))
