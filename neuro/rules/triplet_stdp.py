"""STDP of spike triplets."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

from neuro.clock import Clock
from neuro.ops import Array
from neuro.rules._base import Rule, Weight, parameter, w_max, w_min
from neuro.rules._traces import keep, pairing, raised, within
from neuro.units import ms


class TripletSTDP(Rule):
    """Pairs and triplets of spikes; explains why pairs at high rates potentiate.

        presynaptic traces r1 (tau_plus) and r2 (tau_x), postsynaptic o1 (tau_minus) and o2 (tau_y)
        presynaptic spike:   w <- w - o1 (a2_minus + a3_minus r2)
        postsynaptic spike:  w <- w + r1 (a2_plus + a3_plus o2),   then w is held in [w_min, w_max]

    r2 and o2 are as they were just before the spike. Traces jump by 1 (pairing="all") or to 1
    ("nearest").

    Source: Pfister & Gerstner, J. Neuroscience 26 (2006), eqs. 3 and 4; presets from tables 3
    (visual cortex) and 4 (hippocampal culture), full model.
    """

    a2_plus: float = parameter(default=5e-10, unit="1", meaning="potentiation by a pair")
    a3_plus: float = parameter(default=6.2e-3, unit="1", meaning="potentiation by a triplet")
    a2_minus: float = parameter(default=7e-3, unit="1", meaning="depression by a pair")
    a3_minus: float = parameter(default=2.3e-4, unit="1", meaning="depression by a triplet")
    tau_plus: float = parameter(default=16.8 * ms, unit="s", meaning="time constant of r1", above=0)
    tau_x: float = parameter(default=101 * ms, unit="s", meaning="time constant of r2", above=0)
    tau_minus: float = parameter(
        default=33.7 * ms, unit="s", meaning="time constant of o1", above=0
    )
    tau_y: float = parameter(default=125 * ms, unit="s", meaning="time constant of o2", above=0)
    w_min: float = w_min()
    w_max: float = w_max()
    pairing: str = pairing()

    presets: ClassVar = {
        "visual_cortex": {
            "a2_plus": 5e-10, "a3_plus": 6.2e-3, "a2_minus": 7e-3, "a3_minus": 2.3e-4,
            "tau_x": 101 * ms, "tau_y": 125 * ms, "pairing": "all",
        },
        "visual_cortex_nearest": {
            "a2_plus": 8.8e-11, "a3_plus": 5.3e-2, "a2_minus": 6.6e-3, "a3_minus": 3.1e-3,
            "tau_x": 714 * ms, "tau_y": 40 * ms, "pairing": "nearest",
        },
        "hippocampal": {
            "a2_plus": 6.1e-3, "a3_plus": 6.7e-3, "a2_minus": 1.6e-3, "a3_minus": 1.4e-3,
            "tau_x": 946 * ms, "tau_y": 27 * ms, "pairing": "all",
        },
        "hippocampal_nearest": {
            "a2_plus": 4.6e-3, "a3_plus": 9.1e-3, "a2_minus": 3.0e-3, "a3_minus": 7.5e-9,
            "tau_x": 575 * ms, "tau_y": 47 * ms, "pairing": "nearest",
        },
    }  # fmt: skip

    class Pre(NamedTuple):
        r1: Array
        r2: Array

    class Post(NamedTuple):
        o1: Array
        o2: Array

    class Coefficients(NamedTuple):
        a2_plus: Array
        a3_plus: Array
        a2_minus: Array
        a3_minus: Array
        keep_plus: Array
        keep_x: Array
        keep_minus: Array
        keep_y: Array
        w_min: Array
        w_max: Array
        pairing: str

    def derive(self, clock: Clock) -> TripletSTDP.Coefficients:
        return TripletSTDP.Coefficients(
            self.a2_plus, self.a3_plus, self.a2_minus, self.a3_minus,
            keep(self.tau_plus, clock), keep(self.tau_x, clock), keep(self.tau_minus, clock),
            keep(self.tau_y, clock), self.w_min, self.w_max, self.pairing,
        )  # fmt: skip

    @staticmethod
    def pre_flow(x: Pre, p: Coefficients) -> Pre:
        return TripletSTDP.Pre(p.keep_plus * x.r1, p.keep_x * x.r2)

    @staticmethod
    def pre_spike(x: Pre, p: Coefficients) -> Pre:
        return TripletSTDP.Pre(raised(x.r1, p.pairing), raised(x.r2, p.pairing))

    @staticmethod
    def post_flow(y: Post, p: Coefficients, u: Any) -> Post:
        return TripletSTDP.Post(p.keep_minus * y.o1, p.keep_y * y.o2)

    @staticmethod
    def post_spike(y: Post, p: Coefficients) -> Post:
        return TripletSTDP.Post(raised(y.o1, p.pairing), raised(y.o2, p.pairing))

    @staticmethod
    def on_pre(s: Weight, x: Pre, y: Post, m: Any, p: Coefficients) -> Weight:
        return Weight(within(s.w - y.o1 * (p.a2_minus + p.a3_minus * x.r2), p))

    @staticmethod
    def on_post(s: Weight, x: Pre, y: Post, m: Any, p: Coefficients) -> Weight:
        return Weight(within(s.w + x.r1 * (p.a2_plus + p.a3_plus * y.o2), p))
