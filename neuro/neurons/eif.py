"""Exponential integrate-and-fire."""

from __future__ import annotations

from typing import Any, NamedTuple

from neuro import ops
from neuro.clock import Clock
from neuro.neurons._base import Current, Neuron
from neuro.neurons._exponential import ExponentialMembrane, check_membrane, resting_potential, rise
from neuro.neurons._step import smallest
from neuro.ops import Array


class EIF(ExponentialMembrane, Neuron):
    """Leaky integrate-and-fire whose spike starts exponentially instead of at a sharp threshold.

        C dv/dt = -g_leak (v - e_leak) + g_leak delta_t exp((v - v_t) / delta_t) + I
        spike when v > v_peak, then v <- v_reset

    The input of a tick is the current I in amperes. Integrator: forward Euler; the exponent is
    capped at v_peak. `fire` measures the distance in units of delta_t, on which surrogate
    derivatives of width about 1 work. A cell without a resting potential (v_t near e_leak or
    below) starts near v_t and fires by itself.

    Source: Fourcaud-Trocme, Hansel, van Vreeswijk, Brunel, J. Neurosci. 23 (2003), eq. 13;
    Neuronal Dynamics (2014), eq. 5.6. The defaults are those of `AdEx`.

    Raises:
        InvalidValue: the tick is longer than the membrane time constant C / g_leak; above a tenth
            of it a warning, `CoarseStep`, states the error.
    """

    class State(NamedTuple):
        v: Array  # membrane potential, V

    class Coefficients(NamedTuple):
        leak: Array  # dt g_leak / C
        drive: Array  # dt / C
        e_leak: Array
        v_t: Array
        delta_t: Array
        v_peak: Array
        v_reset: Array

    @staticmethod
    def derive(p: Any, clock: Clock) -> EIF.Coefficients:
        check_membrane("EIF", clock, smallest(p.capacitance / p.g_leak))
        return EIF.Coefficients(
            clock.dt * p.g_leak / p.capacitance, clock.dt / p.capacitance, p.e_leak, p.v_t,
            p.delta_t, p.v_peak, p.v_reset,
        )  # fmt: skip

    @staticmethod
    def rest(p: EIF.Coefficients) -> EIF.State:
        return EIF.State(v=resting_potential(p, 1.0))

    @staticmethod
    def flow(s: EIF.State, p: EIF.Coefficients, h: int) -> EIF.State:
        (v,) = s
        for _ in range(h):
            v = v + rise(v, p)
        return EIF.State(v=v)

    @staticmethod
    def receive(s: EIF.State, p: EIF.Coefficients, x: Current) -> EIF.State:
        return EIF.State(v=s.v + p.drive * x.current)

    @staticmethod
    def fire(s: EIF.State, p: EIF.Coefficients) -> Array:
        return (s.v - p.v_peak) / p.delta_t

    @staticmethod
    def jump(s: EIF.State, p: EIF.Coefficients, z: Array) -> EIF.State:
        return EIF.State(v=ops.where(ops.stop(z) > 0, p.v_reset, s.v))
