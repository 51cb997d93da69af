"""NIR graph with our metadata -> the very network that was written."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import numpy as np

from neuro.errors import InvalidValue
from neuro.export.nir_delays import merged
from neuro.export.nir_metadata import stated_structure
from neuro.export.nir_write import to_nir
from neuro.network import Network

if TYPE_CHECKING:
    import nir

_DERIVED = ("tau", "r", "delay")  # computed fields; the exponential may differ in its last bit


def network_from_metadata(graph: nir.NIRGraph) -> Network:
    """The very network that was written: parameters from the metadata, weights from the nodes.

    Raises:
        InvalidValue: the network that the metadata describe would not have been written as this
            graph; the message names the field, its value and the value that was expected.
    """
    structure = stated_structure(graph)
    nodes = structure.pop("nodes")
    arrays = dict(graph.metadata["neuro"].get("arrays", {}))
    for synapse in structure["synapses"]:
        names = nodes[synapse["name"]]
        names = [names] if isinstance(names, str) else names
        for key in synapse["arrays"] if names else ():
            own = names if key == "weight" else names[:1]  # a bias is in the first branch
            found = [getattr(graph.nodes.get(name), key, None) for name in own]
            for name, array in zip(own, found, strict=True):
                if array is None:
                    _disagree(f"{name}.{key}", "absent", "present")
            arrays[f"{synapse['name']}.{key}"] = merged(found)  # type: ignore[arg-type]
    network = Network.from_plain(structure, arrays)
    _compare(graph, to_nir(network, max_branches=len(graph.nodes)))  # as many as there are
    return network


def _compare(given: nir.NIRGraph, expected: nir.NIRGraph) -> None:
    for name in sorted(given.nodes.keys() | expected.nodes.keys()):
        if name not in given.nodes or name not in expected.nodes:
            _differ_in_presence(f"node {name!r}", name in given.nodes)
        a, b = given.nodes[name], expected.nodes[name]
        if type(a) is not type(b):
            _disagree(f"{name}.type", type(a).__name__, type(b).__name__)
        ours = a.to_dict(), b.to_dict()
        for field in sorted(ours[1].keys() - {"metadata", "type"}):
            x, y = (np.asarray(d[field]) for d in ours)
            if x.shape != y.shape:
                _disagree(f"{name}.{field}", f"shape {x.shape}", f"shape {y.shape}")
            same = np.isclose(x, y, rtol=1e-9, atol=0) if field in _DERIVED else x == y
            if not np.all(same):
                at = tuple(int(i[0]) for i in np.nonzero(~same)) if x.ndim else ()
                _disagree(f"{name}.{field}{list(at) if at else ''}", x[at], y[at])
    for edge in sorted(set(map(tuple, given.edges)) ^ set(expected.edges)):
        _differ_in_presence(f"edge {edge[0]!r} -> {edge[1]!r}", edge in map(tuple, given.edges))


def _differ_in_presence(what: str, in_graph: bool) -> NoReturn:
    _disagree(what, *(("present", "absent") if in_graph else ("absent", "present")))


def _disagree(what: str, field: object, stated: object) -> NoReturn:
    raise InvalidValue(
        f"NIR {what}: the graph says {field}, its metadata (metadata.neuro.network) say {stated}. "
        "Remedy: export again; or, if the fields were changed on purpose, delete "
        "graph.metadata['neuro'] and pass clock= to from_nir"
    )
