"""Quadratic integrate-and-fire."""

from __future__ import annotations

from typing import Any, NamedTuple

from neuro import ops
from neuro.clock import Clock
from neuro.neurons._base import Current, Neuron, Value, parameter
from neuro.neurons._phi import phi
from neuro.ops import Array
from neuro.units import ms


class QIF(Neuron):
    """Quadratic integrate-and-fire: pulled to v_leak below v_crit, running away above it.

        tau_mem dv/dt = gain (v - v_leak) (v - v_crit),   v <- v + input
        spike when v > v_th,   then v <- v_reset

    Integrator: exact for any step. In the tick in which v would pass infinity, the flow is
    continued as a straight line from 2 v_th on, so that it stays finite and differentiable. v_th is
    where the upstroke is cut off, v_crit the threshold proper; with v_crit = v_leak = 0 it is
    the canonical type I model.

    Source: Gerstner, Kistler, Naud, Paninski, Neuronal Dynamics (2014), eq. 5.16; Ermentrout &
    Kopell, SIAM Journal on Applied Mathematics 46 (1986).
    """

    tau_mem: Value = parameter(default=20 * ms, unit="s", meaning="membrane time constant", above=0)
    gain: Value = parameter(default=1.0, unit="1", meaning="curvature", above=0)
    v_leak: Value = parameter(default=0.0, unit="1", meaning="resting potential")
    v_crit: Value = parameter(default=1.0, unit="1", meaning="potential of the runaway")
    v_th: Value = parameter(default=2.0, unit="1", meaning="where the spike is cut off")
    v_reset: Value = parameter(default=0.0, unit="1", meaning="potential after a spike")

    class State(NamedTuple):
        v: Array  # membrane potential

    class Coefficients(NamedTuple):
        decay: Array  # exp of k = gain (v_crit - v_leak) dt / tau_mem
        bend: Array  # (exp(k) - 1) / (v_crit - v_leak)
        floor: Array  # denominator at which v reaches 2 v_th
        v_leak: Array
        v_th: Array
        v_reset: Array

    @staticmethod
    def derive(p: Any, clock: Clock) -> QIF.Coefficients:
        rate = p.gain * clock.dt / p.tau_mem
        k = rate * (p.v_crit - p.v_leak)
        decay, bend = ops.exp(k), rate * phi(k)
        floor = decay / (1 + 2 * bend * ops.maximum(p.v_th - p.v_leak, 0.0))
        return QIF.Coefficients(decay, bend, floor, p.v_leak, p.v_th, p.v_reset)

    @staticmethod
    def rest(p: QIF.Coefficients) -> QIF.State:
        return QIF.State(v=p.v_leak)

    @staticmethod
    def flow(s: QIF.State, p: QIF.Coefficients, h: int) -> QIF.State:
        for _ in range(h - 1):
            s = QIF.flow(s, p, 1)
        u = s.v - p.v_leak
        return QIF.State(v=p.v_leak + u / ops.maximum(p.decay - p.bend * u, p.floor))

    @staticmethod
    def receive(s: QIF.State, p: QIF.Coefficients, x: Current) -> QIF.State:
        return QIF.State(v=s.v + x.current)

    @staticmethod
    def fire(s: QIF.State, p: QIF.Coefficients) -> Array:
        return s.v - p.v_th

    @staticmethod
    def jump(s: QIF.State, p: QIF.Coefficients, z: Array) -> QIF.State:
        return QIF.State(v=ops.where(z > 0, p.v_reset, s.v))
