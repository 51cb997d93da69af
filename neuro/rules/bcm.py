"""The rule of Bienenstock, Cooper and Munro, with a threshold that slides."""

from __future__ import annotations

from typing import Any, NamedTuple

from neuro.clock import Clock
from neuro.ops import Array
from neuro.rules._base import Rule, Weight, parameter, w_max, w_min
from neuro.rules._traces import Trace, keep, within
from neuro.units import Hz, ms, second


class BCM(Rule):
    """Activity above a threshold potentiates, below it depresses; units become selective.

        tau dx/dt = -x,  tau dy/dt = -y;   each jumps by 1 / tau at a spike of its side: rates in Hz
        tau_theta dtheta/dt = y^2 / rate - theta
        postsynaptic spike:  w <- w + eta x (y - theta),   then w is held in [w_min, w_max]

    On average dw/dt = eta nu_pre nu_post (nu_post - theta). theta is the mean of y^2 over `rate`;
    the variance of y, nu / (2 tau) for Poisson spikes, counts in it. tau_theta must be much shorter
    than the time in which weights change, or rates oscillate.

    Source: Bienenstock, Cooper & Munro, J. Neuroscience 2 (1982); Intrator & Cooper, Neural
    Networks 5 (1992), for phi = y (y - theta) and theta = E[y^2]; Gerstner, Kistler, Naud &
    Paninski, Neuronal Dynamics (2014), section 19.2.
    """

    eta: float = parameter(default=1e-7, unit="s2", meaning="change by a spike, per Hz^2")
    tau: float = parameter(default=50 * ms, unit="s", meaning="time constant of rates", above=0)
    tau_theta: float = parameter(
        default=5 * second, unit="s", meaning="time constant of the threshold", above=0
    )
    rate: float = parameter(
        default=10 * Hz, unit="Hz", meaning="rate at which the threshold equals the rate", above=0
    )
    w_min: float = w_min()
    w_max: float = w_max()

    Pre = Trace

    class Post(NamedTuple):
        y: Array  # rate
        theta: Array  # threshold

    class Coefficients(NamedTuple):
        keep: Array
        jump: Array
        follow: Array  # 1 - decay of theta
        inverse_rate: Array
        eta: Array
        w_min: Array
        w_max: Array

    def derive(self, clock: Clock) -> BCM.Coefficients:
        return BCM.Coefficients(
            keep(self.tau, clock), 1 / self.tau, 1 - keep(self.tau_theta, clock), 1 / self.rate,
            self.eta, self.w_min, self.w_max,
        )  # fmt: skip

    def post_rest(self, p: Coefficients) -> Post:
        """The threshold starts where it would be at the rate `rate`."""
        return BCM.Post(0.0, 1 / p.inverse_rate)

    @staticmethod
    def pre_flow(x: Trace, p: Coefficients) -> Trace:
        return Trace(p.keep * x.x)

    @staticmethod
    def pre_spike(x: Trace, p: Coefficients) -> Trace:
        return Trace(x.x + p.jump)

    @staticmethod
    def post_flow(y: Post, p: Coefficients, u: Any) -> Post:
        theta = y.theta + p.follow * (y.y * y.y * p.inverse_rate - y.theta)
        return BCM.Post(p.keep * y.y, theta)

    @staticmethod
    def post_spike(y: Post, p: Coefficients) -> Post:
        return y._replace(y=y.y + p.jump)

    @staticmethod
    def on_post(s: Weight, x: Trace, y: Post, m: Any, p: Coefficients) -> Weight:
        return Weight(within(s.w + p.eta * x.x * (y.y - y.theta), p))
