"""STDP of spike pairs, with the usual dependences on the weight."""

from __future__ import annotations

from typing import Any, NamedTuple

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.ops import Array
from neuro.rules._base import Rule, Weight, option, parameter, w_max, w_min
from neuro.rules._traces import Trace, keep, pairing, power, raised, within
from neuro.units import ms


class PairSTDP(Rule):
    """A weight grows if the presynaptic spike comes first, and shrinks if it comes last.

        dx/dt = -x / tau_plus,    x <- x + 1 at a presynaptic spike
        dy/dt = -y / tau_minus,   y <- y + 1 at a postsynaptic spike
        postsynaptic spike:  w <- w + a_plus f+(w) x
        presynaptic spike:   w <- w - a_minus f-(w) y,   then w is held in [w_min, w_max]

    with u = (w - w_min) / (w_max - w_min) and, by `dependence`,

        additive        f+ = 1                f- = 1
        multiplicative  f+ = 1 - u            f- = u            (soft bounds)
        guetig          f+ = (1 - u)^mu_plus  f- = u^mu_minus
        power           f+ = u^mu_plus        f- = u^mu_minus

    pairing="all" adds up all pairs; "nearest" sets the traces to 1, so that each spike pairs with
    the last one of the other side only. A pair without distance in time counts as pre before post.

    Source: Song, Miller & Abbott, Nature Neuroscience 3 (2000), additive; van Rossum, Bi &
    Turrigiano, J. Neuroscience 20 (2000), guetig with mu_plus=0, mu_minus=1; Guetig, Aharonov,
    Rotter & Sompolinsky, J. Neuroscience 23 (2003); Morrison, Aertsen & Diesmann, Neural
    Computation 19 (2007), power with mu_plus=0.4, mu_minus=1; Morrison, Diesmann & Gerstner,
    Biological Cybernetics 98 (2008), on traces and pairing.
    """

    a_plus: float = parameter(default=0.005, unit="1", meaning="potentiation by a pair")
    a_minus: float = parameter(default=0.00525, unit="1", meaning="depression by a pair")
    tau_plus: float = parameter(
        default=20 * ms, unit="s", meaning="time constant of potentiation", above=0
    )
    tau_minus: float = parameter(
        default=20 * ms, unit="s", meaning="time constant of depression", above=0
    )
    mu_plus: float = parameter(
        default=1.0, unit="1", meaning="exponent of potentiation", at_least=0
    )
    mu_minus: float = parameter(default=1.0, unit="1", meaning="exponent of depression", at_least=0)
    w_min: float = w_min()
    w_max: float = w_max()
    dependence: str = option(
        default="additive", choices=("additive", "multiplicative", "guetig", "power"),
        meaning="how a change depends on the weight",
    )  # fmt: skip
    pairing: str = pairing()

    Pre = Trace
    Post = Trace

    class Coefficients(NamedTuple):
        keep_plus: Array
        keep_minus: Array
        a_plus: Array
        a_minus: Array
        mu_plus: Array
        mu_minus: Array
        zero_plus: Array  # 0 ^ mu_plus
        zero_minus: Array
        w_min: Array
        w_max: Array
        scale: Array  # 1 / (w_max - w_min)
        dependence: str
        pairing: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.dependence != "additive" and not abs(self.w_min) + abs(self.w_max) < float("inf"):
            raise InvalidValue(
                f"PairSTDP: dependence={self.dependence!r} needs finite bounds, got "
                f"w_min={self.w_min}, w_max={self.w_max}"
            )

    def derive(self, clock: Clock) -> PairSTDP.Coefficients:
        return PairSTDP.Coefficients(
            keep(self.tau_plus, clock), keep(self.tau_minus, clock), self.a_plus, self.a_minus,
            self.mu_plus, self.mu_minus, float(self.mu_plus == 0), float(self.mu_minus == 0),
            self.w_min, self.w_max, 1 / (self.w_max - self.w_min), self.dependence, self.pairing,
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
    def on_pre(s: Weight, x: Trace, y: Trace, m: Any, p: Coefficients) -> Weight:
        change = p.a_minus * y.x
        if p.dependence == "multiplicative":
            change = change * _relative(s.w, p)
        elif p.dependence != "additive":
            change = change * power(_relative(s.w, p), p.mu_minus, p.zero_minus)
        return Weight(within(s.w - change, p))

    @staticmethod
    def on_post(s: Weight, x: Trace, y: Trace, m: Any, p: Coefficients) -> Weight:
        change = p.a_plus * x.x
        if p.dependence == "multiplicative":
            change = change * (1.0 - _relative(s.w, p))
        elif p.dependence == "guetig":
            change = change * power(1.0 - _relative(s.w, p), p.mu_plus, p.zero_plus)
        elif p.dependence == "power":
            change = change * power(_relative(s.w, p), p.mu_plus, p.zero_plus)
        return Weight(within(s.w + change, p))


def _relative(w: Array, p: PairSTDP.Coefficients) -> Array:
    return (w - p.w_min) * p.scale
