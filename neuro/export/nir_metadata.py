"""What a NIR graph of ours says about itself beyond NIR's fields."""

from __future__ import annotations

import hashlib
import json
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from neuro import __version__
from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.network import Network

if TYPE_CHECKING:
    import nir

_FORMAT = "neuro.nir/1"
_BRANCHED = "neuro.nir/2"  # some synapse has its weights in several nodes, or in the metadata
_RECIPE = (
    "One tick of the network is one forward Euler step of 1e-4 s of NIR time: "
    "tau = 1e-4 / (1 - exp(-tick / tau_mem)), r = tau / 1e-4 (IF: r = 1e4), Delay = ticks * 1e-4. "
    "Units start at v_leak. An edge from a population to itself without a Delay takes one tick, "
    "all others none. Where connections of one synapse have different delays, it is the sum of "
    "branches with a Delay each. 'network' holds the exact parameters in seconds."
)
NIR_STEP = 1e-4  # seconds of NIR time in one tick; what its readers assume


def metadata(network: Network, weights: dict[str, list[str]]) -> dict[str, Any]:
    """Metadata of a graph: {"neuro": {...}}.

    Args:
        network: what the graph describes.
        weights: synapse name -> names of the nodes that hold its weights, one for each branch; none
            if the metadata shall hold them.
    """
    structure, arrays = network.plain()
    in_nodes = {
        f"{s.name}.{key}"
        for s in network.synapses
        if weights[s.name]
        for key in s.topology.arrays()
    }
    branched = any(len(nodes) != 1 for nodes in weights.values())
    named = {name: nodes[0] if len(nodes) == 1 else nodes for name, nodes in weights.items()}
    text = json.dumps({**structure, "nodes": named})
    return {
        "neuro": {
            "format": _BRANCHED if branched else _FORMAT,
            "version": __version__,
            "recipe": _RECIPE,
            "tick_seconds": network.clock.dt,
            "nir_seconds_per_tick": NIR_STEP,
            "network": text,
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
            "arrays": {name: a for name, a in arrays.items() if name not in in_nodes},
        }
    }


def stated_clock(graph: nir.NIRGraph) -> Clock | None:
    """The clock in the metadata; None if the graph is not of ours.

    Raises:
        InvalidValue: the metadata are damaged.
    """
    return (
        None if "neuro" not in graph.metadata else Clock(Fraction(*stated_structure(graph)["tick"]))
    )


def stated_structure(graph: nir.NIRGraph) -> dict[str, Any]:
    """Structure in the metadata, as `Network.plain` gives it, and "nodes": synapse -> the
    node with its weights, or the list of those of its branches, empty if its weights are in the
    metadata.

    Raises:
        InvalidValue: the metadata are damaged or of another format.
    """
    own = graph.metadata["neuro"]
    try:
        text, kind = str(own["network"]), own["format"]
        intact = hashlib.sha256(text.encode()).hexdigest() == own["sha256"]
    except (KeyError, TypeError) as error:
        raise InvalidValue(f"NIR metadata.neuro: damaged, {error} is missing") from error
    if kind not in (_FORMAT, _BRANCHED):
        raise InvalidValue(
            f"NIR metadata.neuro.format: got {kind!r}, expected {_FORMAT!r} or {_BRANCHED!r}. "
            f"Remedy: update neuro (this is {__version__}), or delete graph.metadata['neuro'] and "
            "pass clock="
        )
    if not intact:
        raise InvalidValue(
            "NIR metadata.neuro.network: its sha256 does not match. Remedy: export again, or "
            "delete graph.metadata['neuro'] and pass clock= to read the fields alone"
        )
    return json.loads(text)
