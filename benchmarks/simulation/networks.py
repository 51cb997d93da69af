"""The networks that are timed, built by neuro, and their description for the other simulators.

A description is plain data: whoever reads it builds the network in the idiom of its own library,
with that library's connection rules. Connections therefore differ by their random draws, and
firing rates agree only as those of two realisations do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro import Network, Synapse
from neuro.build import microcircuit
from neuro.build.balanced import balanced_start, brunel, vogels_abbott
from neuro.distributions import Normal
from neuro.neurons import Neuron
from neuro.rules import PairSTDP
from neuro.sources import Poisson
from neuro.synapses import FixedInDegree, FixedTotal

Start = Mapping[str, NDArray[np.float64]]
IN_DEGREE = 80
PLASTIC = "exc->exc.excitation"
TOP = 2 * 1.62e-3  # V; a plastic synapse begins at half of it


@dataclass(frozen=True)
class Case:
    """A network to be timed.

    Args:
        name: as printed.
        build: the network, or a small one of its kind if True is passed.
        start: its initial state, for `Simulation.set`.
        rounds: if given, turns of each contestant, whatever the number of rounds.
        alone: too large to lie in memory several times; one contestant after the other.
        peers: those that can hold it; None is all.
    """

    name: str
    build: Callable[[bool], Network]
    start: Callable[[Network], Start]
    rounds: int | None = None
    alone: bool = False
    peers: tuple[str, ...] | None = None


def _balanced(kind: Any, neurons: int) -> Callable[[bool], Network]:
    return lambda quick: vogels_abbott(kind, 400 if quick else neurons, IN_DEGREE)


def plastic(quick: bool) -> Network:
    """CUBA whose synapses among excitatory neurons learn: additive STDP of all pairs."""
    network = vogels_abbott("cuba", 400 if quick else 4000, IN_DEGREE)
    rule = PairSTDP(a_plus=0.01 * TOP, a_minus=0.0105 * TOP, w_min=0.0, w_max=TOP)
    synapses = tuple(replace(s, rule=rule) if s.name == PLASTIC else s for s in network.synapses)
    assert any(s.rule for s in synapses), f"no synapse is named {PLASTIC!r}"
    return Network(network.populations, synapses, network.outputs, network.clock)


def _start_microcircuit(network: Network) -> Start:
    return {f"{name}.v": v for name, v in microcircuit.start(network).items()}


CASES: tuple[Case, ...] = (
    Case("cuba-4k", _balanced("cuba", 4_000), balanced_start),
    Case("cuba-16k", _balanced("cuba", 16_000), balanced_start),
    Case("cuba-64k", _balanced("cuba", 64_000), balanced_start),
    Case("coba-4k", _balanced("coba", 4_000), balanced_start),
    Case("brunel-12k", lambda quick: brunel(4.5, 0.9, 500 if quick else 12_500), lambda _: {}),
    Case("stdp-4k", plastic, balanced_start),
    Case(
        "microcircuit-0.1",
        lambda quick: microcircuit.potjans_diesmann(0.01 if quick else 0.1),
        _start_microcircuit,
    ),
    Case(
        "microcircuit-1.0",
        lambda quick: microcircuit.potjans_diesmann(0.02 if quick else 1.0),
        _start_microcircuit,
        rounds=1, alone=True, peers=("nest-1", "nest-2", "brian2-cpp-f32"),
    ),
)  # fmt: skip


def describe(network: Network) -> dict[str, Any]:
    """The network as JSON-ready data, in SI units.

    Keys: "dt"; "cells", populations in order, all of the same model; "projections", where "post"
    is a population or, for synapses of one kind onto every population, None; "drives", one Poisson
    train of its own for each unit of "post".
    """
    cells = [
        {"name": n, "size": p.size, "model": type(p).__name__, "params": _numbers(p)}
        for n, p in network.populations.items()
        if isinstance(p, Neuron)
    ]
    drives, projections = [], []
    for s in network.synapses:
        pre = network.populations[s.pre]
        if isinstance(pre, Poisson):
            drives.append({
                "post": s.post, "rate": float(np.asarray(pre.rate)),
                "weight": float(s.topology.weight),
            })  # fmt: skip
        else:
            projections.append(_projection(s))
    return {
        "dt": network.clock.dt,
        "cells": cells,
        "projections": _merged(projections, [c["name"] for c in cells]),
        "drives": drives,
    }


def _numbers(neuron: Neuron) -> dict[str, float]:
    return {name: float(np.asarray(value)) for name, value in neuron.values().items()}


def _projection(s: Synapse) -> dict[str, Any]:
    rule = s.topology
    assert isinstance(rule, FixedInDegree | FixedTotal), f"{s.name}: {rule!r} is not described"
    learns = None
    if s.rule is not None:
        assert isinstance(s.rule, PairSTDP) and s.rule.dependence == "additive"
        names = ("a_plus", "a_minus", "tau_plus", "tau_minus", "w_min", "w_max")
        learns = {name: float(getattr(s.rule, name)) for name in names}
    return {
        "pre": s.pre, "post": s.post, "port": s.port, "stdp": learns,
        "rule": "in_degree" if isinstance(rule, FixedInDegree) else "total",
        "number": rule.k if isinstance(rule, FixedInDegree) else rule.n,
        "weight": _mean_sd(rule.weight), "delay": _mean_sd(s.delay),
    }  # fmt: skip


def _mean_sd(value: Any) -> list[float]:
    return [value.mean, value.sd] if isinstance(value, Normal) else [float(value), 0.0]


def _merged(projections: list[dict[str, Any]], cells: list[str]) -> list[dict[str, Any]]:
    """Equal in-degrees from one population onto every population, as one projection."""
    kinds: dict[str, list[dict[str, Any]]] = {}
    for p in projections:
        kinds.setdefault(repr({**p, "post": None}), []).append(p)
    merged = []
    for alike in kinds.values():
        if alike[0]["rule"] == "in_degree" and {p["post"] for p in alike} == set(cells):
            alike = [{**alike[0], "post": None}]
        merged += alike
    return merged


def events(network: Network, spikes: Mapping[str, int]) -> float:
    """Synaptic events that so many spikes of each population cause, at the mean fan-out."""
    total = 0.0
    for s in network.synapses:
        if s.pre in spikes:
            fan_out = network.synapse_count(s) / network.populations[s.pre].size
            total += spikes[s.pre] * fan_out
    return total


def bare(network: Network) -> Network:
    """The same neurons and drives without the synapses among neurons."""
    kept = [s for s in network.synapses if isinstance(network.populations[s.pre], Poisson)]
    return Network(network.populations, kept, network.outputs, network.clock)
