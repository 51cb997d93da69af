"""Read the laws of a learning rule with symbols, and write each as a function of numbers.

One operation a line, in the order of the law, as in `numba_emit`.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from neuro.clock import Clock
from neuro.errors import Unsupported
from neuro.lower.numba_emit import Body, indent
from neuro.lower.trace import HOST, STEP, Graph, Node
from neuro.rules._base import Rule

# A function that only compiled code calls.
INSIDE = '@njit(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)'
LETTERS = {"Synapse": "s", "Pre": "x", "Post": "y", "Modulator": "m"}


class Law(NamedTuple):
    """A law as a function: how to call it, and which values it changes."""

    text: list[str]
    changes: tuple[str, ...]
    call: str


def numbers(rule: Rule, clock: Clock) -> list[float]:
    """Coefficients that are numbers, of all members, in the order in which kernels read them."""
    return [v for _, _, v in _numbers(_derived(rule, clock))]


def _derived(rule: Rule, clock: Clock) -> tuple[Any, ...]:
    p = rule.derive(clock)
    return p if len(rule.members) > 1 else (p,)


def _numbers(members: tuple[Any, ...]) -> list[tuple[int, str, float]]:
    return [
        (i, name, float(value))
        for i, p in enumerate(members)
        for name, value in zip(p._fields, p, strict=True)
        if not isinstance(value, (bool, str))
    ]


class Laws:
    """The laws of a rule, read with symbols and written as functions."""

    def __init__(self, rule: Rule, clock: Clock) -> None:
        self.rule = rule
        self.members = _derived(rule, clock)
        self.found: dict[str, Law] = {}

    def names(self, kind: str, prefix: str = "") -> tuple[str, ...]:
        letter = prefix or LETTERS[kind]
        return tuple(f"{letter}_{n}" for n in getattr(self.rule, kind)._fields)

    def switches(self) -> tuple[Any, ...]:
        """Coefficients on which laws may branch: options, and what `derive` makes a truth value."""
        return tuple(v for p in self.members for v in p if isinstance(v, (bool, str)))

    def coefficients(self) -> list[str]:
        return [f"p_{i}_{name}" for i, name, _ in _numbers(self.members)]

    def write(
        self, name: str, kinds: Sequence[str], law: Callable[..., Any], *, extra: Sequence[str] = ()
    ) -> Law | None:
        """The law as a function `name`, or None if it changes nothing.

        Args:
            kinds: what the law takes; the first is what it changes, or a name in `extra`.
            extra: further numbers.
            law: gets the graph's symbols: one NamedTuple for each kind, then `extra`, then p.
        """
        graph = Graph()
        leaves: dict[str, Node] = {}

        def leaf(name: str, level: int) -> Node:
            leaves[name] = graph.leaf(name, level)
            return leaves[name]

        values = [
            getattr(self.rule, kind)(*(leaf(n, STEP) for n in self.names(kind))) for kind in kinds
        ]
        plain = [leaf(n, STEP) for n in extra]
        symbols: tuple[Any, ...] = tuple(
            type(p)(*(v if isinstance(v, (bool, str)) else leaf(f"p_{i}_{n}", HOST)
                      for n, v in zip(p._fields, p, strict=True)))
            for i, p in enumerate(self.members)
        )  # fmt: skip
        coefficients: Any = symbols[0] if len(symbols) == 1 else symbols
        try:
            result = law(*values, *plain, coefficients)
        except (TypeError, AttributeError) as error:  # a foreign function met a symbol
            where = traceback.extract_tb(error.__traceback__)[-1]
            raise Unsupported(
                f"{where.filename}:{where.lineno}", self.rule.name,
                f"a law cannot be read: {error}", "use arithmetic and neuro.ops only",
            ) from error  # fmt: skip
        if isinstance(result, tuple):
            before, after = values[0], [graph.symbol(v) for v in result]
            pairs = zip(self.names(kinds[0]), before, after, strict=True)
            changed = {n: new for n, old, new in pairs if new is not old}
        else:
            changed = {"value": graph.symbol(result)}
            if changed["value"] is leaves.get(extra[0] if extra else ""):
                changed = {}
        if not changed:
            return None
        body = Body({node: n for n, node in leaves.items()})
        body.emit(graph.nodes, changed.values())
        results = [body.use(node, False) for node in changed.values()]
        lines = [*body.before, *body.inside, f"return ({', '.join(results)},)"]
        used = [n for n in leaves if any(re.search(rf"\b{n}\b", line) for line in lines)]
        signature = f"{name}({', '.join(used)})"
        text = [INSIDE, f"def {signature}:", *indent(1, lines), "", ""]
        targets = ", ".join(changed)
        self.found[name] = Law(text, tuple(changed), f"{targets}, = {signature}")
        return self.found[name]


def reading(rule: Rule) -> Callable[..., Any]:
    """`post_flow` as a law of the traces and of the state variables that the rule reads."""

    def law(y: Any, *rest: Any) -> Any:
        return rule.post_flow(y, rest[-1], Reads(rule.reads, rest[:-1]))

    return law


class Reads:
    """State variables of the postsynaptic neuron, by name."""

    def __init__(self, names: Sequence[str], values: Sequence[Any]) -> None:
        self.__dict__.update(zip(names, values, strict=True))
