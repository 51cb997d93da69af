"""Network -> NIR graph, in the portable form that `neuro.export.nir` describes."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.clock import Clock
from neuro.errors import InvalidValue, Unsupported, require
from neuro.export.nir_delays import MAX_BRANCHES, branches, is_branched
from neuro.export.nir_metadata import NIR_STEP, metadata
from neuro.network import Input, Network, Synapse
from neuro.neurons import IF, LI, LIF, Neuron
from neuro.sources import Source
from neuro.synapses import Conv2d, Dense, Sparse, Topology

if TYPE_CHECKING:
    import nir

# The neurons that have a node in NIR, each with the options and parameters of which NIR knows but
# one value, and why.
NIR_NEURONS: dict[type[Neuron], dict[str, tuple[str | float, str]]] = {
    LIF: {
        "reset": ("zero", "NIR only resets v to v_reset"),
        "refractory": (0, "NIR has no refractory period; train anew without"),
    },
    LI: {},
    IF: {"reset": ("zero", "NIR only resets v to v_reset")},
}


def to_nir(network: Network, *, max_branches: int = MAX_BRANCHES) -> nir.NIRGraph:
    """The network as a NIR graph that gives the same spikes, tick by tick.

    A population keeps its name. The weights of a synapse become the node "pre_to_post", its delay
    "pre_to_post_delay", and "pre_to_post_flat" flattens a population with several axes before
    dense weights. A delay for each connection of a `Dense` or `Sparse` becomes branches of
    matrices, "pre_to_post_branch1" and so on, see `neuro.export.nir_delays`; `lowering` says how
    many. Outputs are "output", or "output_<name>" if there are several.

    Args:
        network: it is not changed.
        max_branches: how many branches a synapse may have at most, 1 or more.

    Raises:
        Unsupported: a neuron or an option that is not in `NIR_NEURONS`, a port other than the
            first, dense weights into a population with several axes, more branches than
            `max_branches`, or a name that HDF5 cannot hold. Nothing is approximated.
        InvalidValue: max_branches is below 1.
        MissingExtra: the package nir is not installed.
    """
    if max_branches < 1:
        raise InvalidValue(f"to_nir.max_branches: got {max_branches}, expected 1 or more")
    nir = require("nir", "nir")
    for synapse in network.synapses:
        _check_synapse(network, synapse)
    nodes: dict[str, nir.NIRNode] = {}
    for name, population in network.populations.items():
        _check_name(f"Network[{name!r}]", name)
        if isinstance(population, Source):
            raise Unsupported(
                f"Network[{name!r}]", population.name, "NIR graphs are fed, and have no sources",
                "make it an Input",
            )  # fmt: skip
        nodes[name] = (
            nir.Input(np.array(population.units))
            if isinstance(population, Input)
            else _neuron(nir, f"Network[{name!r}]", population, network.clock)
        )
    edges: list[tuple[str, str]] = []
    weights: dict[str, list[str]] = {}  # synapse -> nodes that hold its very arrays
    for synapse in network.synapses:
        base = _free(f"{synapse.pre}_to_{synapse.post}", nodes)
        parts = _parts(network, synapse, max_branches)
        single = len(parts) == 1
        names = [
            _add_chain(
                nir, network, synapse, base if single else _free(f"{base}_branch{number}", nodes),
                ticks, topology, nodes, edges,
            )
            for number, (ticks, topology) in enumerate(parts, 1)
        ]  # fmt: skip
        weights[synapse.name] = [] if isinstance(synapse.topology, Sparse) else names
    for name in dict.fromkeys(network.outputs):
        wanted = "output" if len(set(network.outputs)) == 1 else f"output_{name}"
        node = _free(wanted, nodes)
        nodes[node] = nir.Output(np.array(network.populations[name].units))
        edges.append((name, node))
    # The type check of nir 1.0.8 takes the kernel's height for its width and forgets the groups
    # of a convolution; a Network has had all its shapes checked.
    return nir.NIRGraph(nodes, edges, metadata=metadata(network, weights), type_check=False)


def _neuron(nir: Any, where: str, neuron: Neuron, clock: Clock) -> Any:
    kind = type(neuron)
    if kind not in NIR_NEURONS:
        *first, last = (k.__name__ for k in NIR_NEURONS)
        remedy = f"use {', '.join(first)} or {last}"
        raise Unsupported(where, "neuron", f"NIR has no node for {neuron.name}", remedy)
    for field, (only, why) in NIR_NEURONS[kind].items():
        value = getattr(neuron, field)
        if np.any(np.asarray(value) != only):
            raise Unsupported(where, field, f"is {value!r}; {why}", f"{field}={_quoted(only)}")

    def vector(value: ArrayLike) -> NDArray[np.float64]:
        return np.broadcast_to(np.asarray(value, np.float64), neuron.units).copy()

    if isinstance(neuron, IF):
        return nir.IF(
            r=vector(1 / NIR_STEP), v_threshold=vector(neuron.v_th), v_reset=vector(neuron.v_reset)
        )
    tau_mem = vector(neuron.tau_mem)  # type: ignore[attr-defined]  # LIF and LI have it
    tau = NIR_STEP / -np.expm1(-clock.dt / tau_mem)
    r, v_leak = tau / NIR_STEP, vector(neuron.v_leak)  # type: ignore[attr-defined]
    if isinstance(neuron, LIF):
        v_th, v_reset = vector(neuron.v_th), vector(neuron.v_reset)
        return nir.LIF(tau=tau, r=r, v_leak=v_leak, v_threshold=v_th, v_reset=v_reset)
    return nir.LI(tau=tau, r=r, v_leak=v_leak)


def _quoted(value: str | float) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _parts(
    network: Network, synapse: Synapse, most: int
) -> list[tuple[NDArray[np.int64], Topology]]:
    """Delay in ticks, a number or one for each presynaptic unit, and weights of each branch."""
    if not is_branched(network, synapse):
        return [(network.delay_ticks(synapse), synapse.topology)]
    shape, bias = network.populations[synapse.pre].units, synapse.topology.arrays().get("bias")
    return [
        (ticks.reshape(shape), Dense(weight, None if number else bias))
        for number, (ticks, weight) in enumerate(branches(network, synapse, most))
    ]


def _add_chain(
    nir: Any, network: Network, synapse: Synapse, base: str, ticks: NDArray[np.int64],
    topology: Topology, nodes: dict[str, Any], edges: list[tuple[str, str]],
) -> str:  # fmt: skip
    """Add the nodes and edges of a synapse or branch; returns the node with its weights, `base`."""
    shape = network.populations[synapse.pre].units
    chain: dict[str, Any] = {}
    implicit = synapse.pre == synapse.post and bool((ticks == 1).all())
    if ticks.any() and not implicit:
        delay = np.broadcast_to(ticks * NIR_STEP, shape).copy()
        chain[_free(f"{base}_delay", nodes)] = nir.Delay(delay)
    if isinstance(topology, Conv2d):
        # NIR's convolution always has a bias
        none = np.zeros(len(topology.weight), np.float32)
        bias = none if topology.bias is None else topology.bias
        chain[base] = nir.Conv2d(
            input_shape=shape[1:], weight=topology.weight, stride=topology.stride,
            padding=topology.padding, dilation=topology.dilation, groups=topology.groups, bias=bias,
        )  # fmt: skip
    elif isinstance(topology, Dense):
        if len(shape) > 1:  # NIR has no batch axis, so the first axis is axis 0
            flat = nir.Flatten({"input": np.array(shape)}, start_dim=0, end_dim=-1)
            chain[_free(f"{base}_flat", nodes)] = flat
        chain[base] = (
            nir.Linear(topology.weight)
            if topology.bias is None
            else nir.Affine(topology.weight, topology.bias)
        )
    nodes.update(chain)
    stops = [synapse.pre, *chain, synapse.post]
    edges += pairwise(stops)
    return base


def _check_synapse(network: Network, synapse: Synapse) -> None:
    where = f"Synapse[{synapse.name!r}]"
    _check_name(where, synapse.name)
    post = network.populations[synapse.post]
    ports = post.Inputs._fields if isinstance(post, Neuron) else ("",)
    if synapse.port not in ("", ports[0]):
        raise Unsupported(
            where, "port", f"is {synapse.port!r}; a NIR node has a single input",
            f"use the port {ports[0]!r}",
        )  # fmt: skip
    if synapse.rule is not None:
        raise Unsupported(
            where, "rule", f"NIR has no plasticity, and {type(synapse.rule).__name__} would change "
            "the spikes", "write the network with rule=None",
        )  # fmt: skip
    if type(synapse.topology) not in (Dense, Conv2d, Sparse):
        kind = type(synapse.topology).__name__
        raise Unsupported(
            where, "topology", f"NIR has no node for {kind}", "use Dense, Sparse or Conv2d"
        )
    if isinstance(synapse.topology, Dense) and len(synapse.topology.post) > 1:
        raise Unsupported(
            where, "topology.post", f"is {synapse.topology.post}; NIR cannot unflatten a vector",
            f"give {synapse.post!r} the shape ({post.size},)",
        )  # fmt: skip


def _check_name(where: str, name: str) -> None:
    # HDF5 splits names at "/"; control characters and lone surrogates do not survive its strings
    if "/" in name or not name.isprintable():
        raise Unsupported(where, "name", f"{name!r} cannot name a node in HDF5", "rename it")


def _free(name: str, taken: dict[str, Any]) -> str:
    """The name, or the first of name_2, name_3, ... that is not taken."""
    count, candidate = 1, name
    while candidate in taken:
        count += 1
        candidate = f"{name}_{count}"
    return candidate
