"""Intrinsic plasticity: a unit's threshold follows its rate."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

from neuro import ops
from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.ops import Array
from neuro.rules._base import Rule, every, parameter
from neuro.rules._traces import Trace, keep
from neuro.units import Hz, ms


class IntrinsicPlasticity(Rule):
    """The threshold rises while a unit fires above its target rate, and falls below it.

        tau dy/dt = -y,   y <- y + 1 / tau at a spike: the rate in Hz
        dv_th/dt = eta (y - rate),   then v_th is held in [low, high]

    The weights do not change. The unit's neuron needs a coefficient `v_th`. A unit with several
    incoming projections has the rule on one of them.

    Source: Lazar, Pipa & Triesch, Frontiers in Computational Neuroscience 3 (2009), with the
    rate over `tau` in the place of the spikes of one step; Desai, Rutherford & Turrigiano, Nature
    Neuroscience 2 (1999).
    """

    adapts: ClassVar[str] = "v_th"

    rate: float = parameter(default=5 * Hz, unit="Hz", meaning="target rate", at_least=0)
    eta: float = parameter(default=1e-3, unit="1", meaning="rise of the threshold by a spike")
    tau: float = parameter(default=100 * ms, unit="s", meaning="time constant of the rate", above=0)
    low: float = parameter(default=0.0, unit="1", meaning="lowest threshold")
    high: float = parameter(default=10.0, unit="1", meaning="highest threshold")
    every: float = every(1 * ms)

    Post = Trace

    class Coefficients(NamedTuple):
        keep: Array
        jump: Array
        step: Array  # eta times `every`
        rate: Array
        low: Array
        high: Array

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.low < self.high:
            raise InvalidValue(
                f"IntrinsicPlasticity: got low={self.low:g} and high={self.high:g}, expected "
                "low < high"
            )

    def derive(self, clock: Clock) -> IntrinsicPlasticity.Coefficients:
        step = self.eta * self.slow(clock) * clock.dt
        return IntrinsicPlasticity.Coefficients(
            keep(self.tau, clock), 1 / self.tau, step, self.rate, self.low, self.high
        )

    def post_rest(self, p: Coefficients) -> Trace:
        """The rate starts at its target."""
        return Trace(p.rate)

    @staticmethod
    def post_flow(y: Trace, p: Coefficients, u: Any) -> Trace:
        return Trace(p.keep * y.x)

    @staticmethod
    def post_spike(y: Trace, p: Coefficients) -> Trace:
        return Trace(y.x + p.jump)

    @staticmethod
    def adapt(value: Array, y: Trace, p: Coefficients) -> Array:
        return ops.minimum(ops.maximum(value + p.step * (y.x - p.rate), p.low), p.high)
