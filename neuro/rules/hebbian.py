"""Hebb's rule."""

from __future__ import annotations

from typing import Any, NamedTuple

from neuro.clock import Clock
from neuro.ops import Array
from neuro.rules._base import Rule, Weight, parameter, w_max, w_min
from neuro.rules._traces import Trace, keep, within
from neuro.units import ms


class Hebbian(Rule):
    """What fires together, wires together: dw/dt = eta nu_pre nu_post on average.

        tau dx/dt = -x,   x <- x + 1 / tau at a presynaptic spike: its rate in Hz
        postsynaptic spike:  w <- w + eta x,   then w is held in [w_min, w_max]

    Nothing but the bounds stops the growth; add `HeterosynapticNormalisation` for competition.

    Source: Hebb, The Organization of Behavior (1949); Gerstner, Kistler, Naud & Paninski, Neuronal
    Dynamics (2014), section 19.2.1 (c_corr), with spikes in the place of the postsynaptic rate.
    """

    eta: float = parameter(default=1e-5, unit="s", meaning="change by a postsynaptic spike, per Hz")
    tau: float = parameter(default=20 * ms, unit="s", meaning="time constant of the rate", above=0)
    w_min: float = w_min()
    w_max: float = w_max()

    Pre = Trace

    class Coefficients(NamedTuple):
        keep: Array
        jump: Array
        eta: Array
        w_min: Array
        w_max: Array

    def derive(self, clock: Clock) -> Hebbian.Coefficients:
        return Hebbian.Coefficients(
            keep(self.tau, clock), 1 / self.tau, self.eta, self.w_min, self.w_max
        )

    @staticmethod
    def pre_flow(x: Trace, p: Coefficients) -> Trace:
        return Trace(p.keep * x.x)

    @staticmethod
    def pre_spike(x: Trace, p: Coefficients) -> Trace:
        return Trace(x.x + p.jump)

    @staticmethod
    def on_post(s: Weight, x: Trace, y: Any, m: Any, p: Coefficients) -> Weight:
        return Weight(within(s.w + p.eta * x.x, p))
