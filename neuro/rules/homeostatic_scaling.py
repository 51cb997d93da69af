"""Homeostatic scaling: all synapses of a unit grow if it fires too little."""

from __future__ import annotations

from typing import Any, NamedTuple

from neuro.clock import Clock
from neuro.ops import Array
from neuro.rules._base import Rule, Weight, every, parameter, w_max, w_min
from neuro.rules._traces import keep, within
from neuro.units import Hz, ms, second


class HomeostaticScaling(Rule):
    """Weights are multiplied until the unit fires at its target rate.

        tau da/dt = -a,   a <- a + 1 / tau at a postsynaptic spike: its rate in Hz
        de/dt = rate - a
        dw/dt = beta w (rate - a) + gamma w e,   then w is held in [w_min, w_max]

    Ratios of weights stay as they are. gamma=0 is a proportional controller; gamma above 0 removes
    the error that is left, and oscillates if it is large.

    Source: Turrigiano, Leslie, Desai, Rutherford & Nelson, Nature 391 (1998); van Rossum, Bi &
    Turrigiano, J. Neuroscience 20 (2000), whose beta and gamma are the defaults.
    """

    rate: float = parameter(default=5 * Hz, unit="Hz", meaning="target rate", at_least=0)
    beta: float = parameter(default=4e-5, unit="1", meaning="growth per Hz and second", at_least=0)
    gamma: float = parameter(
        default=1e-7, unit="Hz", meaning="growth by the error so far", at_least=0
    )
    tau: float = parameter(
        default=100 * second, unit="s", meaning="time constant of the rate", above=0
    )
    w_min: float = w_min()
    w_max: float = w_max()
    every: float = every(10 * ms)

    class Post(NamedTuple):
        a: Array  # rate
        e: Array  # error, integrated over time

    class Coefficients(NamedTuple):
        keep: Array
        jump: Array
        dt: Array
        rate: Array
        beta: Array  # times `every`
        gamma: Array  # times `every`
        w_min: Array
        w_max: Array

    def derive(self, clock: Clock) -> HomeostaticScaling.Coefficients:
        step = self.slow(clock) * clock.dt
        return HomeostaticScaling.Coefficients(
            keep(self.tau, clock), 1 / self.tau, clock.dt, self.rate, self.beta * step,
            self.gamma * step, self.w_min, self.w_max,
        )  # fmt: skip

    def post_rest(self, p: Coefficients) -> Post:
        """The rate starts at its target, so that nothing changes before it is known."""
        return HomeostaticScaling.Post(p.rate, 0.0)

    @staticmethod
    def post_flow(y: Post, p: Coefficients, u: Any) -> Post:
        return HomeostaticScaling.Post(p.keep * y.a, y.e + p.dt * (p.rate - y.a))

    @staticmethod
    def post_spike(y: Post, p: Coefficients) -> Post:
        return y._replace(a=y.a + p.jump)

    @staticmethod
    def drift(s: Weight, x: Any, y: Post, m: Any, p: Coefficients) -> Weight:
        return Weight(within(s.w + s.w * (p.beta * (p.rate - y.a) + p.gamma * y.e), p))
