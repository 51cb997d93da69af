"""Stage 1: read a neuron's laws into a graph of elementary operations.

The laws are called once with symbols instead of arrays. Each operation on a symbol adds a node to
a `Graph`; equal nodes are made once. The order of the operations is kept as written, so a back
end that emits the nodes one by one rounds exactly as PyTorch does when it runs the same laws.
"""

from __future__ import annotations

import math
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from neuro.errors import Unsupported
from neuro.lower import formats
from neuro.neurons import Neuron
from neuro.surrogate import Surrogate

BOOLEAN = {"lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not"}
# Where a value lives. A plain number of the laws is computed in float64, like Python does, and
# rounded when it meets an array; everything else is computed in the arrays' own format.
HOST, UNIFORM, COLUMN, STEP = range(4)


class Node:
    """One value of the graph: an operation and what it is applied to. Behaves like an array."""

    __array_ufunc__ = None  # NumPy leaves arithmetic with a symbol to the symbol
    __slots__ = ("args", "graph", "high", "level", "low", "op", "value")

    def __init__(self, graph: Graph, op: str, args: tuple[Node, ...], value: Any, level: int):
        self.graph, self.op, self.args, self.value, self.level = graph, op, args, value, level
        self.low, self.high = -math.inf, math.inf  # bounds, where they are known

    @property
    def neuro_symbol(self) -> Graph:
        """Marks a symbol for `neuro.ops`."""
        return self.graph

    @property
    def boolean(self) -> bool:
        """Whether the value is a condition."""
        return self.op in BOOLEAN

    def __repr__(self) -> str:
        inner = ", ".join(map(repr, self.args)) if self.args else repr(self.value)
        return f"{self.op}({inner})"

    def __add__(self, other: Any) -> Node:
        return self.graph.binary("add", self, other)

    def __radd__(self, other: Any) -> Node:
        return self.graph.binary("add", other, self)

    def __sub__(self, other: Any) -> Node:
        return self.graph.binary("sub", self, other)

    def __rsub__(self, other: Any) -> Node:
        return self.graph.binary("sub", other, self)

    def __mul__(self, other: Any) -> Node:
        return self.graph.binary("mul", self, other)

    def __rmul__(self, other: Any) -> Node:
        return self.graph.binary("mul", other, self)

    def __truediv__(self, other: Any) -> Node:
        return self.graph.divide(self, other)

    def __rtruediv__(self, other: Any) -> Node:
        return self.graph.divide(other, self)

    def __neg__(self) -> Node:
        return self.graph.node("neg", self)

    def __abs__(self) -> Node:
        return self.graph.node("abs", self)

    def __pow__(self, n: Any) -> Node:
        if isinstance(n, Node):
            return self.graph.power(self, n)
        if n in (2, 3):
            return self * self if n == 2 else self * self * self
        if n == 0.5:
            return self.graph.sqrt(self)
        raise _refused(
            f"** {n!r}", "only ** 2, ** 3 and ** 0.5 are the same in every back end",
            "use ops.power for a number of ticks, ops.exp and ops.log for the rest",
        )  # fmt: skip

    def __rpow__(self, other: Any) -> Node:
        raise _refused("** symbol", "it is not the same in every back end", "use ops.power")

    def __lt__(self, other: Any) -> Node:
        return self.graph.binary("lt", self, other)

    def __le__(self, other: Any) -> Node:
        return self.graph.binary("le", self, other)

    def __gt__(self, other: Any) -> Node:
        return self.graph.binary("gt", self, other)

    def __ge__(self, other: Any) -> Node:
        return self.graph.binary("ge", self, other)

    def __eq__(self, other: Any) -> Any:
        return self.graph.binary("eq", self, other)

    def __ne__(self, other: Any) -> Any:
        return self.graph.binary("ne", self, other)

    __hash__ = object.__hash__

    def __and__(self, other: Any) -> Node:
        return self.graph.binary("and", self, other)

    def __or__(self, other: Any) -> Node:
        return self.graph.binary("or", self, other)

    def __invert__(self) -> Node:
        return self.graph.node("not", self)

    def __bool__(self) -> bool:
        raise _refused("if", "a law branches on data", "use ops.where(condition, yes, no)")

    def __float__(self) -> float:
        raise _refused("float()", "a law takes a number out of an array", "use neuro.ops")

    __int__ = __index__ = __float__  # type: ignore[assignment]

    def _in_place(self, other: Any) -> Node:
        raise _refused("in-place operator", "a law changes its argument", "write v = v + x")

    __iadd__ = __isub__ = __imul__ = __itruediv__ = __ipow__ = _in_place

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "requires_grad":
            raise AttributeError(name)
        raise _refused(f".{name}", "a law uses a method of arrays", "use arithmetic and neuro.ops")

    def __getitem__(self, key: Any) -> Any:
        raise _refused("[]", "a law indexes an array; laws are elementwise", "use named state")


def _refused(what: str, why: str, remedy: str) -> Unsupported:
    """An error that says where in the law it happened."""
    inside = ("neuro/lower/trace.py", "neuro/lower/formats.py", "neuro/ops.py")
    frames = [f for f in traceback.extract_stack() if not f.filename.endswith(inside)]
    law = frames[-1]
    return Unsupported(f"{law.filename}:{law.lineno}", what, why, remedy)


@dataclass(eq=False)
class Graph:
    """All nodes in the order in which they were made, which is an order to compute them in."""

    nodes: list[Node] = field(default_factory=list)
    _known: dict[Any, Node] = field(default_factory=dict)

    # -- making nodes -------------------------------------------------------------------------

    def leaf(self, name: str, level: int) -> Node:
        """A named value that comes from outside."""
        return self._node("leaf", (), name, level)

    def constant(self, value: float) -> Node:
        """A number that stands in a law."""
        node = self._node("const", (), float(value), HOST)
        node.low = node.high = float(value)
        return node

    def node(self, op: str, *args: Any) -> Node:
        """The result of an operation."""
        operands = tuple(self.symbol(a) for a in args)
        return self._node(op, operands, None, max(a.level for a in operands))

    def _node(self, op: str, args: tuple[Node, ...], value: Any, level: int) -> Node:
        key = (op, tuple(map(id, args)), repr(value))
        if key not in self._known:
            self._known[key] = Node(self, op, args, value, level)
            self.nodes.append(self._known[key])
        return self._known[key]

    def symbol(self, value: Any) -> Node:
        """The value itself, or a constant."""
        if isinstance(value, Node):
            return value
        if isinstance(value, (bool, int, float)) or getattr(value, "ndim", None) == 0:
            return self.constant(float(value))
        raise _refused(
            type(value).__name__, "a law uses an array that is not among its arguments",
            "make it a coefficient in `derive`",
        )  # fmt: skip

    def binary(self, op: str, x: Any, y: Any) -> Node:
        """x op y, with the bounds that sums and differences keep."""
        x, y = self.symbol(x), self.symbol(y)
        node = self.node(op, x, y)
        if op == "add":
            node.low, node.high = x.low + y.low, x.high + y.high
        elif op == "sub":
            node.low, node.high = x.low - y.high, x.high - y.low
        return node

    def divide(self, x: Any, y: Any) -> Node:
        """x / y; PyTorch divides a plain number by an array as number times reciprocal."""
        x, y = self.symbol(x), self.symbol(y)
        if x.level == HOST and y.level > HOST and not (x.op == "const" and x.value == 1.0):
            return self.binary("mul", self.binary("div", 1.0, y), x)
        return self.binary("div", x, y)

    # -- neuro.ops on symbols -------------------------------------------------------------------

    def exp(self, x: Node) -> Node:
        return self.node("exp", x)

    def log(self, x: Node) -> Node:
        return self.node("log", x)

    def sqrt(self, x: Node) -> Node:
        return self.node("sqrt", x)

    def floor(self, x: Node) -> Node:
        return self.node("floor", x)

    def round(self, x: Node) -> Node:
        return self.node("round", x)

    def stop(self, x: Node) -> Node:
        return self.node("stop", x)

    def tanh(self, x: Node) -> Node:
        return formats.tanh(x, self)

    def sigmoid(self, x: Node) -> Node:
        return formats.sigmoid(x, self)

    def sin(self, x: Node) -> Node:
        raise _refused("sin", "it is not the same in every back end", "use it in `derive` only")

    cos = sin

    def where(self, condition: Any, yes: Any, no: Any) -> Node:
        if not isinstance(condition, Node):
            return self.symbol(yes if condition else no)
        return self.node("where", condition, yes, no)

    def maximum(self, x: Any, y: Any) -> Node:
        x, y = self.symbol(x), self.symbol(y)
        node = self.where(x >= y, x, y)
        node.low, node.high = max(x.low, y.low), max(x.high, y.high)
        return node

    def minimum(self, x: Any, y: Any) -> Node:
        x, y = self.symbol(x), self.symbol(y)
        node = self.where(x <= y, x, y)
        node.low, node.high = min(x.low, y.low), min(x.high, y.high)
        return node

    def power(self, x: Any, n: Any) -> Node:
        """A number of ticks between 0 and 1, as in the clock-driven step, needs no power."""
        n = self.symbol(n)
        if n.op == "const" and n.value == 1.0:
            return self.symbol(x)
        if n.low >= 0 and n.high <= 1:
            return self.where(n > 0.0, x, 1.0)
        raise _refused("ops.power", "the exponent may exceed one tick", "bound it by h")


class Step(NamedTuple):
    """One tick of a neuron as a graph."""

    graph: Graph
    state: dict[str, Node]  # leaves: the state before the tick
    ports: dict[str, Node]  # leaves: this tick's inputs
    coefficients: dict[str, Node]  # leaves; switches and options are not among them
    after: dict[str, Node]  # the state after the tick
    emitted: Node
    distance: Node | None  # what `fire` returned
    slope: Node | None  # the surrogate derivative at that distance


def trace(neuron: type[Neuron], p: Any, levels: Sequence[int | None], surrogate: Surrogate) -> Step:
    """Read the laws of one clock-driven tick.

    Args:
        p: Coefficients, of which only options and switches are looked at.
        levels: for each coefficient where it lives, or None for an option or switch.

    Raises:
        Unsupported: a law does what no compiled back end can repeat; the message names the file
            and the line of the law, and the remedy.
    """
    graph = Graph()
    leaves = {
        name: graph.leaf(f"p_{name}", level)
        for name, level in zip(p._fields, levels, strict=True)
        if level is not None
    }
    p = type(p)(*(leaves.get(name, value) for name, value in zip(p._fields, p, strict=True)))
    before = neuron.State(*(graph.leaf(f"s_{name}", STEP) for name in neuron.State._fields))
    ports = neuron.Inputs(*(graph.leaf(f"x_{name}", STEP) for name in neuron.Inputs._fields))
    distance = slope = None
    try:
        state = neuron.receive(neuron.flow(before, p, 1), p, ports)
        if neuron.spiking():
            distance = graph.symbol(neuron.fire(state, p))
            slope = graph.symbol(surrogate.derivative(distance))
            spike = graph.node("spike", distance)
            state = neuron.jump(state, p, spike)
            emitted = spike if neuron.emits == "spikes" else getattr(state, neuron.emits)
        else:
            emitted = getattr(state, neuron.emits)
    except (TypeError, AttributeError) as error:  # a foreign function met a symbol
        law = traceback.extract_tb(error.__traceback__)[-1]
        raise Unsupported(
            f"{law.filename}:{law.lineno}", neuron.__name__, f"a law cannot be read: {error}",
            "use arithmetic and neuro.ops only",
        ) from error  # fmt: skip
    after = {name: graph.symbol(value) for name, value in zip(state._fields, state, strict=True)}
    return Step(
        graph, dict(zip(before._fields, before, strict=True)),
        dict(zip(ports._fields, ports, strict=True)), leaves, after,
        graph.symbol(emitted), distance, slope,
    )  # fmt: skip
