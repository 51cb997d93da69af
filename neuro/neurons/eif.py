"""Exponential integrate-and-fire."""

from __future__ import annotations

from typing import Any, NamedTuple

from neuro import ops
from neuro.clock import Clock
from neuro.neurons._base import Current, Neuron, Value, parameter
from neuro.neurons._exponential import resting_potential, upstroke
from neuro.neurons._step import check_step, smallest
from neuro.ops import Array
from neuro.units import ms


class EIF(Neuron):
    """LIF with an exponential spike onset at v_rheo instead of a sharp threshold.

        tau_mem dv/dt = v_leak - v + delta_t exp((v - v_rheo) / delta_t),   v <- v + input
        spike when v > v_th,   then v <- v_reset

    Integrator: exponential Euler, exact in the leak and of first order in the upstroke, stable for
    any step. The exponent is capped at 10, which delays a spike by less than tau_mem / 1000.
    ERROR

    Source: Fourcaud-Trocme, Hansel, van Vreeswijk, Brunel, Journal of Neuroscience 23 (2003),
    eqs. 1 and 5; Gerstner, Kistler, Naud, Paninski, Neuronal Dynamics (2014), eq. 5.6.
    """

    tau_mem: Value = parameter(default=20 * ms, unit="s", meaning="membrane time constant", above=0)
    delta_t: Value = parameter(default=0.1, unit="1", meaning="width of the spike onset", above=0)
    v_leak: Value = parameter(default=0.0, unit="1", meaning="potential the leak pulls to")
    v_rheo: Value = parameter(default=1.0, unit="1", meaning="where the upstroke starts")
    v_th: Value = parameter(default=1.5, unit="1", meaning="where the spike is cut off")
    v_reset: Value = parameter(default=0.0, unit="1", meaning="potential after a spike")

    class State(NamedTuple):
        v: Array  # membrane potential

    class Coefficients(NamedTuple):
        alpha: Array  # decay of v in one tick
        delta_t: Array
        v_leak: Array
        v_rheo: Array
        v_th: Array
        v_reset: Array
        v_rest: Array

    @staticmethod
    def derive(p: Any, clock: Clock) -> EIF.Coefficients:
        tau = smallest(p.tau_mem)
        check_step("EIF", clock, coarse=0.1 * tau, error="ERR")
        return EIF.Coefficients(
            ops.exp(-clock.dt / p.tau_mem), p.delta_t, p.v_leak, p.v_rheo, p.v_th, p.v_reset,
            resting_potential(p.v_leak, p.v_rheo, p.delta_t),
        )  # fmt: skip

    @staticmethod
    def rest(p: EIF.Coefficients) -> EIF.State:
        return EIF.State(v=p.v_rest)

    @staticmethod
    def flow(s: EIF.State, p: EIF.Coefficients, h: int) -> EIF.State:
        for _ in range(h - 1):
            s = EIF.flow(s, p, 1)
        target = p.v_leak + upstroke(s.v, p.v_rheo, p.delta_t)
        return EIF.State(v=target + (s.v - target) * p.alpha)

    @staticmethod
    def receive(s: EIF.State, p: EIF.Coefficients, x: Current) -> EIF.State:
        return EIF.State(v=s.v + x.current)

    @staticmethod
    def fire(s: EIF.State, p: EIF.Coefficients) -> Array:
        return s.v - p.v_th

    @staticmethod
    def jump(s: EIF.State, p: EIF.Coefficients, z: Array) -> EIF.State:
        return EIF.State(v=ops.where(z > 0, p.v_reset, s.v))
