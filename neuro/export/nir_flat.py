"""A NIR graph without nesting, with names that a Network can carry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neuro.errors import InvalidValue, Unsupported, require

if TYPE_CHECKING:
    import nir


@dataclass(frozen=True)
class Flat:
    """Nodes by name and edges between them; the Inputs and Outputs inside nested graphs relay."""

    nodes: dict[str, Any]
    edges: tuple[tuple[str, str], ...]
    relays: frozenset[str]

    def before(self, name: str) -> list[str]:
        """Names of the nodes with an edge to this one, looking through relays."""
        found: list[str] = []
        for pre, post in self.edges:
            if post == name:
                found += self.before(pre) if pre in self.relays else [pre]
        return found


def flatten(graph: nir.NIRGraph) -> Flat:
    """Nested graphs are opened; node "b" of a graph "a" is named "a_b", and "a.b" too.

    Raises:
        Unsupported: a nested graph without exactly one Input and one Output, or two nodes whose
            names become the same.
        InvalidValue: an edge names a node that does not exist.
    """
    package = require("nir", "nir")
    nodes: dict[str, Any] = {}
    relays: set[str] = set()

    def open_graph(inner: Any, prefix: str) -> list[tuple[str, str]]:
        entry: dict[str, str] = {}  # node of `inner` -> where an edge to it leads
        leave: dict[str, str] = {}  # ... and where an edge from it starts
        edges: list[tuple[str, str]] = []
        for name, node in inner.nodes.items():
            full = _plain_name(prefix + name)
            if isinstance(node, package.NIRGraph):
                edges += open_graph(node, f"{full}_")
                entry[name], leave[name] = (
                    _plain_name(f"{full}_{_only(full, ends, kind)}")
                    for ends, kind in ((node.inputs, "Input"), (node.outputs, "Output"))
                )
                continue
            if full in nodes:
                raise Unsupported(
                    f"NIR node {prefix + name!r}", "name", f"another node becomes {full!r} too",
                    "rename one of them",
                )  # fmt: skip
            nodes[full] = node
            entry[name] = leave[name] = full
            if prefix and isinstance(node, package.Input | package.Output):
                relays.add(full)
        for pre, post in inner.edges:
            if pre not in leave or post not in entry:
                raise InvalidValue(
                    f"NIR edge {pre!r} -> {post!r}: names a node that does not exist; nodes are "
                    f"{sorted(inner.nodes)}"
                )
            edges.append((leave[pre], entry[post]))
        return edges

    edges = open_graph(graph, "")
    return Flat(nodes, tuple(edges), frozenset(relays))


def _only(graph: str, ends: dict[str, Any], kind: str) -> str:
    if len(ends) != 1:
        raise Unsupported(
            f"NIR graph {graph!r}", "nodes", f"has {len(ends)} {kind} nodes, expected one",
            "flatten it before reading",
        )  # fmt: skip
    return next(iter(ends))


def _plain_name(name: str) -> str:
    return name.replace("->", "_to_").replace(".", "_").replace("/", "_")
