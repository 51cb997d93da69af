"""STDP that only counts if a reward follows: three factors and an eligibility trace."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

from neuro.clock import Clock
from neuro.ops import Array
from neuro.rules._base import Rule, every, parameter, w_max, w_min
from neuro.rules._traces import Trace, keep, pairing, raised, within
from neuro.units import ms, second


class RewardSTDP(Rule):
    """Pairs of spikes make a synapse eligible; reward turns eligibility into change.

        traces x (tau_plus) and y (tau_minus) as in PairSTDP
        presynaptic spike:   c <- c - a_minus y
        postsynaptic spike:  c <- c + a_plus x
        dc/dt = -c / tau_c
        dm/dt = -m / tau_m,  m <- m + what the modulator emits    (tau_m = 0: m is what it emits)
        dw/dt = eta c (m + baseline),   then w is held in [w_min, w_max]

    The modulator is the population that `Synapse(..., modulator=...)` names: spikes of dopamine
    cells, or graded values of either sign (reward minus what was expected). It has one unit, or one
    for each postsynaptic unit. A synapse changes only while it is eligible and m + baseline is not
    0.

    w and c move every `every`: between two such moments m is added up, so no reward is lost, and c
    is taken as constant but for spikes, which is off by at most every / tau_c. With tau_m = 0 the
    integral of a value emitted in one tick is value * tick.

    Source: Izhikevich, Cerebral Cortex 17 (2007), the equations of c, s and d ("izhikevich_2007");
    Florian, Neural Computation 19 (2007), reward-modulated STDP with eligibility trace (MSTDPET,
    "florian_2007"); Fremaux & Gerstner, Frontiers in Neural Circuits 9 (2016).
    """

    eta: float = parameter(default=1.0, unit="Hz", meaning="change by eligibility times reward")
    a_plus: float = parameter(default=0.1, unit="1", meaning="eligibility by a pre-post pair")
    a_minus: float = parameter(
        default=0.15, unit="1", meaning="eligibility lost by a post-pre pair"
    )
    tau_plus: float = parameter(
        default=20 * ms, unit="s", meaning="time constant of potentiation", above=0
    )
    tau_minus: float = parameter(
        default=20 * ms, unit="s", meaning="time constant of depression", above=0
    )
    tau_c: float = parameter(
        default=1 * second, unit="s", meaning="time constant of eligibility", above=0
    )
    tau_m: float = parameter(
        default=200 * ms, unit="s", meaning="time constant of the modulator", at_least=0
    )
    baseline: float = parameter(default=0.0, unit="1", meaning="third factor without reward")
    w_min: float = w_min()
    w_max: float = w_max()
    every: float = every(1 * ms)
    pairing: str = pairing()

    presets: ClassVar = {
        "izhikevich_2007": {
            "a_plus": 0.1, "a_minus": 0.15, "tau_plus": 20 * ms, "tau_minus": 20 * ms,
            "tau_c": 1 * second, "tau_m": 200 * ms, "pairing": "nearest",
        },
        "florian_2007": {
            "a_plus": 1.0, "a_minus": 1.0, "tau_plus": 20 * ms, "tau_minus": 20 * ms,
            "tau_c": 25 * ms, "tau_m": 0.0, "pairing": "all",
        },
    }  # fmt: skip

    Pre = Trace
    Post = Trace

    class Synapse(NamedTuple):
        w: Array
        c: Array  # eligibility

    class Modulator(NamedTuple):
        m: Array

    class Coefficients(NamedTuple):
        keep_plus: Array
        keep_minus: Array
        keep_c: Array  # over the time `every`
        keep_m: Array
        a_plus: Array
        a_minus: Array
        rate: Array  # eta times a tick
        tonic: Array  # baseline, summed over the ticks of `every`
        w_min: Array
        w_max: Array
        pairing: str

    def derive(self, clock: Clock) -> RewardSTDP.Coefficients:
        ticks = self.slow(clock)
        return RewardSTDP.Coefficients(
            keep(self.tau_plus, clock), keep(self.tau_minus, clock),
            keep(self.tau_c, clock) ** ticks, keep(self.tau_m, clock) if self.tau_m > 0 else 0.0,
            self.a_plus, self.a_minus, self.eta * clock.dt, self.baseline * ticks,
            self.w_min, self.w_max, self.pairing,
        )  # fmt: skip

    @staticmethod
    def pre_flow(x: Trace, p: Coefficients) -> Trace:
        return Trace(p.keep_plus * x.x)

    @staticmethod
    def pre_spike(x: Trace, p: Coefficients) -> Trace:
        return Trace(raised(x.x, p.pairing))

    @staticmethod
    def post_flow(y: Trace, p: Coefficients, u: Any) -> Trace:
        return Trace(p.keep_minus * y.x)

    @staticmethod
    def post_spike(y: Trace, p: Coefficients) -> Trace:
        return Trace(raised(y.x, p.pairing))

    @staticmethod
    def modulate(m: Modulator, z: Array, p: Coefficients) -> Modulator:
        return RewardSTDP.Modulator(p.keep_m * m.m + z)

    @staticmethod
    def on_pre(s: Synapse, x: Trace, y: Trace, m: Any, p: Coefficients) -> Synapse:
        return s._replace(c=s.c - p.a_minus * y.x)

    @staticmethod
    def on_post(s: Synapse, x: Trace, y: Trace, m: Any, p: Coefficients) -> Synapse:
        return s._replace(c=s.c + p.a_plus * x.x)

    @staticmethod
    def drift(s: Synapse, x: Trace, y: Trace, m: Modulator, p: Coefficients) -> Synapse:
        w = within(s.w + p.rate * s.c * (m.m + p.tonic), p)
        return RewardSTDP.Synapse(w, p.keep_c * s.c)
