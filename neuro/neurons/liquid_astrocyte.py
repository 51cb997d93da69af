"""Astrocyte that compares the activity of a liquid with that of its input (NALSM)."""

from __future__ import annotations

from typing import Any, NamedTuple

from neuro import ops
from neuro.clock import Clock
from neuro.neurons._base import Neuron, Value, parameter
from neuro.ops import Array
from neuro.units import ms


class LiquidAstrocyte(Neuron):
    """Slow graded cell whose state a sets how much the synapses of a liquid are depressed.

        tau_a da/dt = -a + w_a (n_liquid - n_input) + b,   a(0) = b

    n counts spikes per millisecond, so a spike of the liquid moves a by w_a (1 ms) / tau_a and one
    of the input by as much down, whatever the tick. Wire the populations to the ports `liquid` and
    `input` with weights of 1. Integrator: exact for any step (the published code takes Euler steps
    of 1 ms, a difference of dt / (2 tau_a) = 0.5 % in the decay). w_a suits 1000 units; scale it
    with 1000 / units.

    Source: Ivanov & Michmizos, Increasing liquid state machine performance with edge-of-chaos
    dynamics organized by astrocyte-modulated plasticity, NeurIPS 2021, arXiv 2111.01760.
    """

    tau_a: Value = parameter(default=100 * ms, unit="s", meaning="time constant", above=0)
    w_a: Value = parameter(
        default=0.015, unit="1", meaning="effect of one spike per ms more in the liquid"
    )
    b: Value = parameter(default=0.15, unit="1", meaning="state without activity")
    emits = "a"

    class Inputs(NamedTuple):
        liquid: Array  # spikes of the liquid in this tick
        input: Array  # spikes of the input in this tick

    class State(NamedTuple):
        a: Array

    class Coefficients(NamedTuple):
        alpha: Array  # decay towards b in one tick
        jump: Array  # effect of one spike
        b: Array

    def lazy(self) -> bool:
        return True

    @staticmethod
    def derive(p: Any, clock: Clock) -> LiquidAstrocyte.Coefficients:
        alpha = ops.exp(-clock.dt / p.tau_a)
        return LiquidAstrocyte.Coefficients(alpha, p.w_a * (1 * ms / p.tau_a), p.b)

    @staticmethod
    def rest(p: LiquidAstrocyte.Coefficients) -> LiquidAstrocyte.State:
        return LiquidAstrocyte.State(a=p.b)

    @staticmethod
    def flow(
        s: LiquidAstrocyte.State, p: LiquidAstrocyte.Coefficients, h: int
    ) -> LiquidAstrocyte.State:
        return LiquidAstrocyte.State(a=p.b + (s.a - p.b) * ops.power(p.alpha, h))

    @staticmethod
    def receive(
        s: LiquidAstrocyte.State, p: LiquidAstrocyte.Coefficients, x: LiquidAstrocyte.Inputs
    ) -> LiquidAstrocyte.State:
        return LiquidAstrocyte.State(a=s.a + p.jump * (x.liquid - x.input))
