"""STDP by the postsynaptic potential instead of postsynaptic spikes."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

from neuro import ops
from neuro.clock import Clock
from neuro.neurons._base import whole_ticks
from neuro.ops import Array
from neuro.rules._base import Rule, Weight, parameter, w_max, w_min
from neuro.rules._traces import Trace, keep, within
from neuro.units import ms


class Clopath(Rule):
    """Depression needs a depolarised cell at a presynaptic spike, potentiation a strong one later.

        tau_x dx/dt = -x,   x <- x + 1 / tau_x at a presynaptic spike
        tau_minus du-/dt = u - u-,   tau_plus du+/dt = u - u+
        presynaptic spike:  w <- w - a_ltd [u- - theta_minus]+
        dw/dt = a_ltp x [u - theta_plus]+ [u+ - theta_minus]+,   then w is held in [w_min, w_max]

    u is the neuron's potential `v`; for `width` from a spike on it counts as `v_peak`, because
    neurons that are reset never show the peak. Potentials are in the neuron's unit (volt in the
    defaults).

    Source: Clopath, Buesing, Vasilaki & Gerstner, Nature Neuroscience 13 (2010), the equations of
    the methods with the values for visual cortex (14e-5 / mV and 8e-5 / mV^2 there), without the
    slow homeostasis of a_ltd.
    """

    reads: ClassVar[tuple[str, ...]] = ("v",)

    a_ltd: float = parameter(default=0.14, unit="1/V", meaning="size of depression", at_least=0)
    a_ltp: float = parameter(default=80.0, unit="1/V2", meaning="size of potentiation", at_least=0)
    theta_minus: float = parameter(default=-70.6e-3, unit="V", meaning="threshold of depression")
    theta_plus: float = parameter(default=-45.3e-3, unit="V", meaning="threshold of potentiation")
    tau_x: float = parameter(default=15 * ms, unit="s", meaning="presynaptic trace", above=0)
    tau_minus: float = parameter(default=10 * ms, unit="s", meaning="filter of u-", above=0)
    tau_plus: float = parameter(default=7 * ms, unit="s", meaning="filter of u+", above=0)
    v_rest: float = parameter(default=-70.6e-3, unit="V", meaning="u- and u+ at the start")
    v_peak: float = parameter(default=29.4e-3, unit="V", meaning="potential during a spike")
    width: float = parameter(
        default=2 * ms, unit="s", meaning="duration of a spike, on the clock's grid", at_least=0
    )
    w_min: float = w_min()
    w_max: float = w_max()

    Pre = Trace

    class Post(NamedTuple):
        low: Array  # u-
        high: Array  # u+
        gain: Array  # [u - theta_plus]+ [u+ - theta_minus]+
        hold: Array  # ticks that the spike still lasts

    class Coefficients(NamedTuple):
        keep_x: Array
        jump_x: Array
        follow_minus: Array
        follow_plus: Array
        a_ltd: Array
        a_ltp: Array  # times a tick
        theta_minus: Array
        theta_plus: Array
        v_rest: Array
        v_peak: Array
        width: Array  # ticks
        w_min: Array
        w_max: Array

    def derive(self, clock: Clock) -> Clopath.Coefficients:
        return Clopath.Coefficients(
            keep(self.tau_x, clock), 1 / self.tau_x, 1 - keep(self.tau_minus, clock),
            1 - keep(self.tau_plus, clock), self.a_ltd, self.a_ltp * clock.dt, self.theta_minus,
            self.theta_plus, self.v_rest, self.v_peak,
            float(whole_ticks(self.width, clock, "Clopath.width")), self.w_min, self.w_max,
        )  # fmt: skip

    def post_rest(self, p: Coefficients) -> Post:
        return Clopath.Post(p.v_rest, p.v_rest, 0.0, 0.0)

    @staticmethod
    def pre_flow(x: Trace, p: Coefficients) -> Trace:
        return Trace(p.keep_x * x.x)

    @staticmethod
    def pre_spike(x: Trace, p: Coefficients) -> Trace:
        return Trace(x.x + p.jump_x)

    @staticmethod
    def post_flow(y: Post, p: Coefficients, u: Any) -> Post:
        v = ops.where(y.hold > 0.0, p.v_peak, u.v)
        gain = ops.maximum(v - p.theta_plus, 0.0) * ops.maximum(y.high - p.theta_minus, 0.0)
        return Clopath.Post(
            y.low + p.follow_minus * (v - y.low), y.high + p.follow_plus * (v - y.high), gain,
            ops.maximum(y.hold - 1.0, 0.0),
        )  # fmt: skip

    @staticmethod
    def post_spike(y: Post, p: Coefficients) -> Post:
        return y._replace(hold=p.width + 0.0 * y.hold)

    @staticmethod
    def on_pre(s: Weight, x: Trace, y: Post, m: Any, p: Coefficients) -> Weight:
        return Weight(within(s.w - p.a_ltd * ops.maximum(y.low - p.theta_minus, 0.0), p))

    @staticmethod
    def drift(s: Weight, x: Trace, y: Post, m: Any, p: Coefficients) -> Weight:
        return Weight(within(s.w + p.a_ltp * (x.x * y.gain), p))

    @staticmethod
    def drifts(y: Post, p: Coefficients) -> Array:
        return y.gain
