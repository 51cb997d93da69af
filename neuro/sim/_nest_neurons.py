"""The neurons that NEST integrates as neuro does, with their parameters in NEST's units.

A potential of 1 in neuro is 1 mV in NEST if it has no unit, and 1 V is 1000 mV; a current is in pA.
NEST fires at v >= v_th, neuro at v > v_th: they differ for potentials that meet the threshold
exactly, as whole numbers do and measured ones do not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from neuro.clock import Clock
from neuro.errors import Unsupported
from neuro.neurons import ALIF, IF, LI, LIF, AlphaLIF, CubaLIF, Izhikevich, Neuron, TwoCurrentLIF

NEVER = 1e300  # mV, a threshold that nothing reaches


class Counterpart(NamedTuple):
    """A NEST model that takes the same steps as a neuron."""

    model: str
    parameters: dict[str, Any]  # in NEST's units: numbers, or arrays over the population
    rest: dict[str, Any]  # state variables before the first tick
    signals: dict[str, str]  # state variables of ours -> what NEST calls them
    ports: Mapping[str, int] = MappingProxyType({})  # the sign of what a port takes, if it has one


def counterpart(name: str, neuron: Neuron, clock: Clock) -> Counterpart:
    """The NEST model of a population.

    Raises:
        Unsupported: there is none that gives the same spikes; the message says why.
    """
    kind = type(neuron)
    if kind not in _TABLE:
        why = _REASONS.get(kind.__name__, f"NEST has no counterpart of {kind.__name__}")
        listed = ", ".join(k.__name__ for k in _TABLE)
        raise Unsupported(
            name, "neuron", why, f"use engine='compiled' or 'brian2', or one of {listed}"
        )
    found = _TABLE[kind](name, neuron, clock)
    own = found.parameters
    if "V_reset" in own and np.any(np.greater_equal(own["V_reset"], own["V_th"])):
        raise Unsupported(
            name, "v_reset", "NEST wants the reset potential below the threshold",
            "lower v_reset, or raise v_th",
        )  # fmt: skip
    return found


def _refuse(name: str, neuron: Any, option: str, wanted: str) -> None:
    given = getattr(neuron, option)
    if given != wanted:
        raise Unsupported(
            name, option, f"NEST has no counterpart of {type(neuron).__name__}({option}={given!r})",
            f"use {option}={wanted!r}, or engine='compiled' or 'brian2'",
        )  # fmt: skip


def _leaky(neuron: Any) -> dict[str, Any]:
    """Parameters of a leaky membrane with a hard reset and a refractory period."""
    return {
        "tau_m": neuron.tau_mem * 1e3, "E_L": neuron.v_leak, "V_th": neuron.v_th,
        "V_reset": neuron.v_reset, "t_ref": neuron.refractory * 1e3,
    }  # fmt: skip


def _soft(name: str, neuron: Any) -> dict[str, Any]:
    """Parameters of a leaky membrane from which a spike takes v_th, as in the e-prop models."""
    for field in ("v_leak", "refractory"):
        if np.any(np.not_equal(getattr(neuron, field, 0.0), 0)):
            raise Unsupported(
                name, field, "with reset='subtract', NEST's only counterparts (eprop_iaf and "
                "eprop_iaf_adapt) take the distance from rest to threshold away, and their "
                "membrane goes on while refractory", f"use {field}=0, or reset='zero'",
            )  # fmt: skip
    return {"tau_m": neuron.tau_mem * 1e3, "E_L": 0.0, "V_th": neuron.v_th, "t_ref": 0.0}


def _lif(name: str, n: LIF, clock: Clock) -> Counterpart:
    if n.reset == "subtract":
        return Counterpart("eprop_iaf", _soft(name, n), {"V_m": 0.0}, {"v": "V_m"})
    _refuse(name, n, "reset", "zero")
    return Counterpart("iaf_psc_delta", _leaky(n), {"V_m": n.v_leak}, {"v": "V_m"})


def _if(name: str, n: IF, clock: Clock) -> Counterpart:
    _refuse(name, n, "reset", "zero")
    endless = {"tau_m": 1e30, "E_L": 0.0, "t_ref": 0.0}  # decays by 1 - 1e-30, which is 1
    return Counterpart(
        "iaf_psc_delta", {**endless, "V_th": n.v_th, "V_reset": n.v_reset}, {"V_m": 0.0},
        {"v": "V_m"},
    )  # fmt: skip


def _li(name: str, n: LI, clock: Clock) -> Counterpart:
    silent = {"V_th": NEVER, "V_reset": n.v_leak, "t_ref": 0.0}
    return Counterpart(
        "iaf_psc_delta", {"tau_m": n.tau_mem * 1e3, "E_L": n.v_leak, **silent},
        {"V_m": n.v_leak}, {"v": "V_m"},
    )  # fmt: skip


def _alif(name: str, n: ALIF, clock: Clock) -> Counterpart:
    # NEST's adaptation jumps after it has decayed, ours decays after it has jumped: b = rho a.
    beta = {"adapt_tau": n.tau_adapt * 1e3, "adapt_beta": n.beta * np.exp(-clock.dt / n.tau_adapt)}
    rest = {"V_m": n.v_leak, "adaptation": 0.0}
    if n.reset == "subtract":
        return Counterpart("eprop_iaf_adapt", _soft(name, n) | beta, rest, {"v": "V_m"})
    _refuse(name, n, "reset", "zero")
    hard = {"tau_m": n.tau_mem * 1e3, "E_L": n.v_leak, "V_th": n.v_th, "V_reset": n.v_reset}
    own = {**hard, "t_ref": 0.0, **beta}
    return Counterpart("eprop_iaf_psc_delta_adapt", own, rest, {"v": "V_m"})


def _current_based(name: str, n: Any, exc: str, inh: str) -> dict[str, Any]:
    _refuse(name, n, "reset", "zero")
    if np.any(np.less_equal(n.r, 0)):
        raise Unsupported(
            name, "r", "NEST has a capacitance, tau_mem / r, which must be above 0",
            "turn the sign of the weights instead",
        )  # fmt: skip
    taus = {"tau_syn_ex": getattr(n, exc) * 1e3, "tau_syn_in": getattr(n, inh) * 1e3}
    return {**_leaky(n), "C_m": n.tau_mem * 1e3 / n.r, **taus}


def _cuba(name: str, n: CubaLIF, clock: Clock) -> Counterpart:
    _refuse(name, n, "arrival", "next")
    own = _current_based(name, n, "tau_syn", "tau_syn")
    return Counterpart("iaf_psc_exp", own, {"V_m": n.v_leak}, {"v": "V_m"})


def _two_currents(name: str, n: TwoCurrentLIF, clock: Clock) -> Counterpart:
    own = _current_based(name, n, "tau_exc", "tau_inh")
    signals = {"v": "V_m", "i_exc": "I_syn_ex", "i_inh": "I_syn_in"}
    signs = {"excitation": 1, "inhibition": -1}
    return Counterpart("iaf_psc_exp", own, {"V_m": n.v_leak}, signals, ports=signs)


def _alpha(name: str, n: AlphaLIF, clock: Clock) -> Counterpart:
    own = _current_based(name, n, "tau_syn", "tau_syn")
    return Counterpart("iaf_psc_alpha", own, {"V_m": n.v_leak}, {"v": "V_m"})


def _izhikevich(name: str, n: Izhikevich, clock: Clock) -> Counterpart:
    _refuse(name, n, "integrator", "halved")  # NEST's other one uses the old v in the equation of u
    for field, value in (("linear", 5.0), ("constant", 140.0)):
        if np.any(np.not_equal(getattr(n, field), value)):
            raise Unsupported(name, field, f"it is {value:g} in NEST", "use engine='brian2'")
    rest = Izhikevich.rest(Izhikevich.derive(n, clock))
    own = {"a": n.a, "b": n.b, "c": n.c, "d": n.d, "V_th": n.v_th, "consistent_integration": False}
    return Counterpart("izhikevich", own, {"V_m": rest.v, "U_m": rest.u}, {"v": "V_m", "u": "U_m"})


_TABLE: dict[type[Neuron], Callable[[str, Any, Clock], Counterpart]] = {
    LIF: _lif, IF: _if, LI: _li, ALIF: _alif, CubaLIF: _cuba, AlphaLIF: _alpha,
    TwoCurrentLIF: _two_currents, Izhikevich: _izhikevich,
}  # fmt: skip

_ADAPTIVE = (
    "NEST takes adaptive Runge-Kutta steps, so spikes come at other times than with {}; the two "
    "agree only in the limit of short ticks"
)
_REASONS = {
    "CobaLIF": _ADAPTIVE.format("exponential Euler"),
    "EIF": _ADAPTIVE.format("forward Euler"),
    "AdEx": _ADAPTIVE.format("forward Euler"),
    "HodgkinHuxley": _ADAPTIVE.format("exponential Euler")
    + ", and hh_psc_alpha has other rate constants",
    "MAT": "mat2_psc_exp has exponential synapses, MAT has delta input",
    "GIF": "it fires by chance, and NEST draws other numbers",
}
