"""Quadratic integrate-and-fire."""

from __future__ import annotations

from typing import Any, NamedTuple

from neuro import ops
from neuro.clock import Clock
from neuro.neurons._base import Current, Neuron, Value, parameter
from neuro.neurons._step import check_step, smallest
from neuro.ops import Array
from neuro.units import ms


class QIF(Neuron):
    """Quadratic integrate-and-fire, the normal form of a neuron at a saddle-node bifurcation.

        tau dv/dt = v^2,   v <- v + input,   spike when v > v_th, then v <- v_reset

    Integrator: exact between inputs, v / (1 - v h dt / tau). A constant current I, as in
    tau dv/dt = v^2 + I, is an input of I dt / tau in every tick.

    Source: Ermentrout and Kopell, SIAM J. Appl. Math. 46 (1986);
    Neuronal Dynamics (2014), eq. 5.16.

    Raises:
        InvalidValue: v_th is so high that v would reach infinity within one tick below it; above
            a third of that tick a warning, `CoarseStep`, states how far v passes the cut-off.
    """

    tau: Value = parameter(default=20 * ms, unit="s", meaning="time constant", above=0)
    v_th: Value = parameter(default=5.0, unit="1", meaning="cut-off of a spike", above=0)
    v_reset: Value = parameter(default=-5.0, unit="1", meaning="potential after a spike")

    class State(NamedTuple):
        v: Array  # membrane potential

    class Coefficients(NamedTuple):
        rate: Array  # dt / tau
        v_th: Array
        v_reset: Array

    @staticmethod
    def derive(p: Any, clock: Clock) -> QIF.Coefficients:
        left = smallest(p.tau / p.v_th)  # from the cut-off to infinity
        x = clock.dt / left
        beyond = x / (1 - x) if x < 1 else 0.0
        check_step(
            "QIF", clock, coarse=left / 3, limit=0.999 * left,
            error=f"v to pass the cut-off by up to {beyond:.0%} of v_th before "
            "the spike is seen",
            why=f"v would reach infinity within a tick, since tau / v_th is {left:.2g} s",
        )  # fmt: skip
        return QIF.Coefficients(clock.dt / p.tau, p.v_th, p.v_reset)

    @staticmethod
    def rest(p: QIF.Coefficients) -> QIF.State:
        return QIF.State(v=0.0)

    @staticmethod
    def flow(s: QIF.State, p: QIF.Coefficients, h: int) -> QIF.State:
        return QIF.State(v=s.v / (1.0 - s.v * (p.rate * h)))

    @staticmethod
    def receive(s: QIF.State, p: QIF.Coefficients, x: Current) -> QIF.State:
        return QIF.State(v=s.v + x.current)

    @staticmethod
    def fire(s: QIF.State, p: QIF.Coefficients) -> Array:
        return s.v - p.v_th

    @staticmethod
    def jump(s: QIF.State, p: QIF.Coefficients, z: Array) -> QIF.State:
        return QIF.State(v=ops.where(ops.stop(z) > 0, p.v_reset, s.v))
