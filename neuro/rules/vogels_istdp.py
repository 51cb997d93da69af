"""Inhibitory plasticity that balances a neuron's excitation."""

from __future__ import annotations

from typing import Any, NamedTuple

from neuro.clock import Clock
from neuro.ops import Array
from neuro.rules._base import Rule, Weight, option, parameter, w_max, w_min
from neuro.rules._traces import Trace, keep, within
from neuro.units import Hz, ms


class VogelsISTDP(Rule):
    """Inhibition grows by near-coincident spikes and shrinks by lone presynaptic ones.

        dx/dt = -x / tau, likewise y;   each jumps by 1 at a spike of its side
        presynaptic spike:   g <- g + eta (y - alpha),   alpha = 2 rate tau
        postsynaptic spike:  g <- g + eta x,             then |w| = g is held in [w_min, w_max]

    The postsynaptic unit comes to fire at `rate`. Weights are g for a conductance (sign="positive")
    or -g where inhibition is a negative current (sign="negative"); the bounds are those of g.

    Source: Vogels, Sprekeler, Zenke, Clopath & Gerstner, Science 334 (2011), with its supplement.
    """

    eta: float = parameter(default=0.005, unit="1", meaning="change by a pair of spikes")
    tau: float = parameter(default=20 * ms, unit="s", meaning="time constant of traces", above=0)
    rate: float = parameter(
        default=5 * Hz, unit="Hz", meaning="rate that the postsynaptic unit comes to", at_least=0
    )
    w_min: float = w_min()
    w_max: float = w_max()
    sign: str = option(
        default="positive", choices=("positive", "negative"), meaning="sign of the weights"
    )

    Pre = Trace
    Post = Trace

    class Coefficients(NamedTuple):
        keep: Array
        eta: Array  # with the sign of the weights
        alpha: Array
        w_min: Array
        w_max: Array

    def bounds(self) -> tuple[float, float]:
        if self.sign == "negative":
            return -self.w_max, 0.0 - self.w_min
        return self.w_min, self.w_max

    def derive(self, clock: Clock) -> VogelsISTDP.Coefficients:
        eta = self.eta if self.sign == "positive" else -self.eta
        return VogelsISTDP.Coefficients(
            keep(self.tau, clock), eta, 2 * self.rate * self.tau, *self.bounds()
        )

    @staticmethod
    def pre_flow(x: Trace, p: Coefficients) -> Trace:
        return Trace(p.keep * x.x)

    @staticmethod
    def pre_spike(x: Trace, p: Coefficients) -> Trace:
        return Trace(x.x + 1.0)

    @staticmethod
    def post_flow(y: Trace, p: Coefficients, u: Any) -> Trace:
        return Trace(p.keep * y.x)

    @staticmethod
    def post_spike(y: Trace, p: Coefficients) -> Trace:
        return Trace(y.x + 1.0)

    @staticmethod
    def on_pre(s: Weight, x: Trace, y: Trace, m: Any, p: Coefficients) -> Weight:
        return Weight(within(s.w + p.eta * (y.x - p.alpha), p))

    @staticmethod
    def on_post(s: Weight, x: Trace, y: Trace, m: Any, p: Coefficients) -> Weight:
        return Weight(within(s.w + p.eta * x.x, p))
