"""Oja's rule: Hebb's rule that keeps the weight vector at length one."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neuro.clock import Clock
from neuro.ops import Array
from neuro.rules._base import Rule, Weight, parameter, w_max, w_min
from neuro.rules._traces import Trace, keep, within
from neuro.units import ms


class Oja(Rule):
    """The weights of a linear unit come to the first principal component of its input.

        tau dx/dt = -x,  tau dy/dt = -y;   each jumps by 1 / tau at a spike of its side: rates in Hz
        postsynaptic spike:  w <- w + eta (x - y w),   then w is held in [w_min, w_max]

    On average dw/dt = eta nu_post (nu_pre - nu_post w). The component is that of the matrix of
    mean products of rates; rates are positive, so it includes their mean.

    Source: Oja, J. Mathematical Biology 15 (1982); Gerstner, Kistler, Naud & Paninski,
    Neuronal Dynamics (2014), section 19.2, with spikes in the place of the postsynaptic rate.
    """

    eta: float = parameter(default=1e-5, unit="s", meaning="change by a postsynaptic spike, per Hz")
    tau: float = parameter(default=20 * ms, unit="s", meaning="time constant of rates", above=0)
    w_min: float = w_min(-np.inf)
    w_max: float = w_max(np.inf)

    Pre = Trace
    Post = Trace

    class Coefficients(NamedTuple):
        keep: Array
        jump: Array
        eta: Array
        w_min: Array
        w_max: Array

    def derive(self, clock: Clock) -> Oja.Coefficients:
        return Oja.Coefficients(
            keep(self.tau, clock), 1 / self.tau, self.eta, self.w_min, self.w_max
        )

    @staticmethod
    def pre_flow(x: Trace, p: Coefficients) -> Trace:
        return Trace(p.keep * x.x)

    @staticmethod
    def pre_spike(x: Trace, p: Coefficients) -> Trace:
        return Trace(x.x + p.jump)

    @staticmethod
    def post_flow(y: Trace, p: Coefficients, u: Any) -> Trace:
        return Trace(p.keep * y.x)

    @staticmethod
    def post_spike(y: Trace, p: Coefficients) -> Trace:
        return Trace(y.x + p.jump)

    @staticmethod
    def on_post(s: Weight, x: Trace, y: Trace, m: Any, p: Coefficients) -> Weight:
        return Weight(within(s.w + p.eta * (x.x - y.x * s.w), p))
