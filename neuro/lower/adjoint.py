"""Stage 2: derive the backward pass of one tick from its graph, by reverse differentiation.

The derivative of a spike is the surrogate's slope; `stop` and conditions let nothing through.
Nobody writes a backward pass by hand.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from neuro.lower.trace import BOOLEAN, STEP, Node, Step


class Adjoint(NamedTuple):
    """Gradients of one tick, as nodes of the step's own graph."""

    emitted: Node  # leaf: gradient of what the tick emits
    after: dict[str, Node]  # leaves: gradients of the state after the tick
    state: dict[str, Node]  # gradients of the state before
    ports: dict[str, Node]
    coefficients: dict[str, Node]  # only the learned ones
    kept: tuple[Node, ...]  # values of the forward pass that these gradients are made of


def adjoint(step: Step, learned: Collection[str]) -> Adjoint:
    """Gradients with respect to state, inputs and learned coefficients."""
    graph = step.graph
    forward = list(graph.nodes)
    emitted = graph.leaf("g_out", STEP)
    after = {name: graph.leaf(f"g_{name}", STEP) for name in step.after}
    zero = graph.constant(0.0)
    wanted = [*step.state.values(), *step.ports.values()]
    wanted += [step.coefficients[name] for name in learned]
    moving = set(wanted)
    for node in forward:  # what depends on a wanted leaf, other than through a cut
        if node.op not in ("stop", "floor") and node.op not in BOOLEAN:
            operands = node.args[1:] if node.op == "where" else node.args
            if any(a in moving for a in operands):
                moving.add(node)

    gradients: dict[Node, Node] = {}

    def give(node: Node, amount: Node) -> None:
        if node in moving:
            gradients[node] = gradients[node] + amount if node in gradients else amount

    give(step.emitted, emitted)
    for name, node in step.after.items():
        give(node, after[name])
    for node in reversed(forward):
        if node not in gradients or not node.args:
            continue
        g = gradients[node]
        x, y = node.args[0], node.args[-1]  # the same one for an operation of one operand
        match node.op:
            case "add":
                give(x, g)
                give(y, g)
            case "sub":
                give(x, g)
                if y in moving:
                    give(y, -g)
            case "mul":
                if x in moving:
                    give(x, g * y)
                if y in moving:
                    give(y, g * x)
            case "div":
                share = g / y
                give(x, share)
                if y in moving:
                    give(y, -(share * node))
            case "neg":
                give(x, -g)
            case "abs":
                sign = graph.where(x < 0.0, -1.0, 1.0)
                give(x, g * graph.where(graph.binary("eq", x, 0.0), 0.0, sign))
            case "sqrt":
                give(x, g * 0.5 / node)
            case "exp":
                give(x, g * node)
            case "log":
                give(x, g / x)
            case "round":
                give(x, g)
            case "spike":
                assert step.slope is not None
                give(x, g * step.slope)
            case "where":
                condition, yes, no = node.args
                if yes in moving:
                    give(yes, graph.where(condition, g, zero))
                if no in moving:
                    give(no, graph.where(condition, zero, g))
            case other:
                raise AssertionError(f"no derivative for {other}")
    state = {name: gradients.get(leaf, zero) for name, leaf in step.state.items()}
    ports = {name: gradients.get(leaf, zero) for name, leaf in step.ports.items()}
    coefficients = {n: gradients.get(step.coefficients[n], zero) for n in learned}
    results = [*state.values(), *ports.values(), *coefficients.values()]
    return Adjoint(emitted, after, state, ports, coefficients, _kept(step, results))


def _kept(step: Step, results: list[Node]) -> tuple[Node, ...]:
    """The fewest arrays to keep for the backward pass: leaves, or the distance above threshold.

    Everything else is computed anew, so memory does not grow with the length of the laws.
    """
    own = {*step.state.values(), *step.ports.values()}
    plain = reached(results, ()) & own
    if step.distance is None or step.distance in own:
        return _ordered(step, plain)
    through = reached(results, (step.distance,)) & (own | {step.distance})
    return _ordered(step, through if len(through) < len(plain) else plain)


def _ordered(step: Step, nodes: Iterable[Node]) -> tuple[Node, ...]:
    position = {node: i for i, node in enumerate(step.graph.nodes)}
    return tuple(sorted(nodes, key=lambda node: position[node]))


def reached(results: Iterable[Node], stops: Collection[Node]) -> set[Node]:
    """All nodes that the results are made of, not looking behind `stops`."""
    seen: set[Node] = set()
    ends = set(stops)  # a set finds nodes by identity; `==` on a node makes a new one
    todo = list(results)
    while todo:
        node = todo.pop()
        if node not in seen:
            seen.add(node)
            if node not in ends:
                todo.extend(node.args)
    return seen
