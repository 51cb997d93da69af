"""The membrane with an exponential spike onset, which EIF and AdEx share."""
# ruff: noqa: RUF009  # `parameter` makes a dataclass field

from __future__ import annotations

import dataclasses
import math
from typing import Any

from neuro import ops
from neuro.clock import Clock
from neuro.neurons._base import Value, parameter
from neuro.neurons._step import check_step, decay_error
from neuro.ops import Array

_COARSE = 0.1  # time constants in a tick from which the error, 5 %, is worth a warning


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class ExponentialMembrane:
    """The part of the parameter table that belongs to the membrane and its spike."""

    capacitance: Value = parameter(default=281e-12, unit="F", meaning="of the membrane", above=0)
    g_leak: Value = parameter(default=30e-9, unit="S", meaning="leak conductance", above=0)
    e_leak: Value = parameter(default=-70.6e-3, unit="V", meaning="leak reversal potential")
    v_t: Value = parameter(default=-50.4e-3, unit="V", meaning="rheobase threshold")
    delta_t: Value = parameter(default=2e-3, unit="V", meaning="sharpness of the onset", above=0)
    v_peak: Value = parameter(default=-40e-3, unit="V", meaning="cut-off of a spike")
    v_reset: Value = parameter(default=-70.6e-3, unit="V", meaning="potential after a spike")


def rise(v: Array, p: Any) -> Array:
    """Change of v in one tick by leak and onset."""
    onset = p.delta_t * ops.exp((ops.minimum(v, p.v_peak) - p.v_t) / p.delta_t)
    return p.leak * (onset - (v - p.e_leak))


def resting_potential(p: Any, pull: Array) -> Array:
    """Where onset and `pull` leaks balance: a few fixed-point steps from the leak potential."""
    v = p.e_leak
    for _ in range(30):
        v = p.e_leak + p.delta_t * ops.exp((ops.minimum(v, p.v_t) - p.v_t) / p.delta_t) / pull
    return v


def check_membrane(neuron: str, clock: Clock, tau: float, limit: float = math.inf) -> None:
    """Refuse or warn of a tick that is too long for Euler steps with the time constant tau."""
    x = clock.dt / tau
    check_step(
        neuron, clock, coarse=_COARSE * tau, limit=min(tau, limit),
        error=f"decays over the shortest time constant ({tau:.2g} s) to be off by "
        f"{decay_error(1 - x, x):.1%}",
        why="Euler steps overshoot the resting state there",
    )  # fmt: skip
