"""Parts that several rules share: a trace of spikes, weights within bounds, powers of weights."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neuro import ops
from neuro.clock import Clock
from neuro.neurons._base import option
from neuro.ops import Array


class Trace(NamedTuple):
    """One trace of a unit's spikes."""

    x: Array


def keep(tau: float, clock: Clock) -> float:
    """What is left of a trace after a tick."""
    return float(np.exp(-clock.dt / tau))


def pairing() -> Any:
    """The option that says which spikes pair."""
    return option(
        default="all", choices=("all", "nearest"),
        meaning="all pairs of spikes, or each with the nearest of the other side",
    )  # fmt: skip


def raised(x: Array, pairing: str) -> Array:
    """A trace after a spike: one more, or exactly one."""
    return x + 1.0 if pairing == "all" else 1.0 + 0.0 * x


def within(w: Array, p: Any) -> Array:
    """A weight held between p.w_min and p.w_max."""
    return ops.minimum(ops.maximum(w, p.w_min), p.w_max)


def power(u: Array, mu: Array, at_zero: float) -> Array:
    """u^mu for u in [0, 1]; `at_zero` is what it is at u = 0."""
    return ops.where(u > 0.0, ops.exp(mu * ops.log(ops.maximum(u, 1e-30))), at_zero)
