"""NIR graph -> network from its fields alone, for files of any writer."""

from __future__ import annotations

from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.distributions import Distribution
from neuro.errors import Unsupported, require
from neuro.export.nir_chain import Link, link
from neuro.export.nir_flat import Flat, flatten
from neuro.export.nir_metadata import NIR_STEP
from neuro.network import Input, Network, Synapse
from neuro.neurons import IF, LI, LIF, Neuron

if TYPE_CHECKING:
    import nir

Field = NDArray[np.float64]
_KNOWN = ("Input", "Output", "LIF", "LI", "IF", "Linear", "Affine", "Conv2d", "SumPool2d",
          "Flatten", "Delay")  # fmt: skip


def network_from_fields(graph: nir.NIRGraph, clock: Clock, dt: float | None) -> Network:
    """The network that a graph's nodes and edges describe; `dt` is explained in `from_nir`.

    Raises:
        Unsupported: a node or value that a Network cannot express exactly.
        InvalidValue: a value is out of bounds or shapes do not fit.
    """
    nir = require("nir", "nir")
    flat = flatten(graph)
    step = NIR_STEP if dt is None else dt
    populations: dict[str, Input | Neuron] = {}
    gains: dict[str, Field] = {}
    for name, node in flat.nodes.items():
        if type(node).__name__ not in _KNOWN:
            raise Unsupported(
                f"NIR node {name!r}", "type", f"{type(node).__name__} has no counterpart in a "
                "Network", f"express it by {', '.join(_KNOWN[2:])}",
            )  # fmt: skip
        if isinstance(node, nir.Input) and name not in flat.relays:
            populations[name] = Input(tuple(int(n) for n in node.input_type["input"]))
        elif isinstance(node, nir.LIF | nir.LI | nir.IF):
            populations[name], gains[name] = _neuron(nir, name, node, clock, dt)
    synapses: list[Synapse] = []
    for post in populations:
        for pre, chain in _chains(flat, post, populations):
            found = link(f"{pre!r} -> {post!r}", populations[pre].units, chain, flat.nodes, step)
            if post in gains:
                found = found.scaled(gains[post])
            synapses.append(_synapse(synapses, pre, post, chain, found, clock))
    outputs = _outputs(nir, flat, populations)
    _check_loops(synapses)
    return Network(populations, tuple(synapses), outputs, clock)


@dataclass(frozen=True)
class _Reading:
    """The coefficients of one step: v <- v_leak + (v - v_leak) alpha + gain * input."""

    tau_mem: Field  # seconds, with alpha = exp(-tick / tau_mem)
    gain: Field


def _neuron(nir: Any, name: str, node: Any, clock: Clock, dt: float | None) -> tuple[Neuron, Field]:
    """The neuron, and the gain that its input weights still have to take up."""
    where = f"NIR node {name!r}"
    values = {key: _vector(where, key, v) for key, v in vars(node).items() if _is_parameter(key)}
    shape = next(iter(values.values())).shape
    gain = values["r"] * (NIR_STEP if dt is None else dt)  # of an IF
    tau_mem = np.ones(shape)
    if not isinstance(node, nir.IF):
        reading = _leaky(where, values["tau"], values["r"], clock, dt)
        tau_mem, gain = reading.tau_mem, reading.gain
    if dt is None:
        # as exact as the numbers in the file are
        precision = 8 * max(np.finfo(np.asarray(node.r).dtype).eps, np.finfo(np.float64).eps)
        _refuse_gain(
            where, gain, abs(gain - 1) > precision, "expected 1 in steps of 1e-4 s",
            "pass dt=, the seconds of NIR time in one step (dt=1 where the writer counted steps "
            "and r is 1)",
        )  # fmt: skip
        gain = np.ones(shape)
    if isinstance(node, nir.LI):
        leak = _scalar(values["v_leak"])
        return LI(shape, tau_mem=_scalar(tau_mem), v_leak=leak), gain
    _refuse_gain(
        where, gain, gain <= 0, "expected a positive factor", "turn the signs of the weights"
    )
    v = {key: _scalar(values[key] / gain) for key in values if key.startswith("v_")}
    if isinstance(node, nir.IF):
        neuron: Neuron = IF(shape, v_th=v["v_threshold"], v_reset=v["v_reset"])
    else:
        neuron = LIF(
            shape, tau_mem=_scalar(tau_mem), v_th=v["v_threshold"], v_leak=v["v_leak"],
            v_reset=v["v_reset"],
        )  # fmt: skip
    return neuron, np.ones(shape)


def _leaky(where: str, tau: Field, r: Field, clock: Clock, dt: float | None) -> _Reading:
    if (tau <= 0).any():
        raise Unsupported(where, "tau", f"is {tau.min():g} s; a time constant is above 0")
    if dt is not None:
        return _Reading(tau * (clock.dt / dt), -np.expm1(-dt / tau) * r)
    decay = NIR_STEP / tau
    if (decay >= 1).any():
        raise Unsupported(
            where, "tau", f"is {tau.min():g} s; a forward Euler step of 1e-4 s does not decay",
            "pass dt= to integrate the equations exactly",
        )  # fmt: skip
    return _Reading(-clock.dt / np.log1p(-decay), decay * r)


def _refuse_gain(
    where: str, gain: Field, bad: NDArray[np.bool_], expected: str, remedy: str
) -> None:
    if bad.any():
        factor = gain[bad].ravel()[0]
        raise Unsupported(
            where, "r", f"makes an input move the membrane by {factor:g} times its size a step, "
            f"{expected}", remedy,
        )  # fmt: skip


def _is_parameter(key: str) -> bool:
    return key in ("tau", "r", "v_leak", "v_threshold", "v_reset")


def _vector(where: str, field: str, value: Any) -> Field:
    array = np.asarray(value, np.float64)
    if array.ndim == 0:
        raise Unsupported(
            where, field, "is a single number; NIR takes a population's shape from it",
            "write one value per unit",
        )  # fmt: skip
    return array


def _scalar(values: Field) -> float | Field:
    """One number where all units share it."""
    return float(values.flat[0]) if (values == values.flat[0]).all() else values


def _chains(
    flat: Flat, post: str, populations: dict[str, Input | Neuron]
) -> list[tuple[str, list[str]]]:
    """Every way from a population to `post`: its start, and the nodes between in order."""
    found: list[tuple[str, list[str]]] = []
    for first in flat.before(post):
        chain: list[str] = []
        node = first
        while node not in populations:
            before = flat.before(node)
            if node in chain:
                raise Unsupported(f"NIR node {node!r}", "edges", "a loop without any neuron")
            if len(before) != 1:
                raise Unsupported(
                    f"NIR node {node!r}", "edges", f"receives {len(before)} edges, expected one",
                    "give each source its own weights; a neuron may receive many edges",
                )  # fmt: skip
            chain.insert(0, node)
            node = before[0]
        found.append((node, chain))
    return found


def _synapse(
    others: list[Synapse], pre: str, post: str, chain: list[str], found: Link, clock: Clock
) -> Synapse:
    name = f"{pre}->{post}"
    if any(s.name == name for s in others):
        name = f"{name} ({chain[-1] if chain else 'direct'})"
    ticks = found.delay
    if pre == post and not ticks.any():
        ticks = np.array(1)  # the one step that every reader inserts here
    return Synapse(pre, post, found.topology, clock.seconds(ticks), name=name)


def _outputs(nir: Any, flat: Flat, populations: dict[str, Input | Neuron]) -> tuple[str, ...]:
    names: list[str] = []
    for name, node in flat.nodes.items():
        if isinstance(node, nir.Output) and name not in flat.relays:
            before = flat.before(name)
            if len(before) != 1 or before[0] not in populations:
                raise Unsupported(
                    f"NIR node {name!r}", "edges", f"comes from {before}, expected one population",
                    "end in a neuron, e.g. nir.LI",
                )  # fmt: skip
            names.append(before[0])
    return tuple(dict.fromkeys(names))


def _check_loops(synapses: list[Synapse]) -> None:
    instant: dict[str, list[str]] = {}
    for synapse in synapses:
        assert not isinstance(synapse.delay, Distribution)  # a NIR graph has none
        if not np.min(synapse.delay):
            instant.setdefault(synapse.post, []).append(synapse.pre)
    try:
        TopologicalSorter(instant).prepare()
    except CycleError as error:
        loop = " -> ".join(error.args[1])
        raise Unsupported(
            f"NIR loop {loop}", "edges", "NIR does not say which of its edges takes a step",
            "put a nir.Delay of one step on one of them",
        ) from error  # fmt: skip
