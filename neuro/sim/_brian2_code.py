"""A neuron's laws as code for Brian2, one operation a line, in the order of the laws.

The text is made from the traced graph (`neuro.lower.trace`), so every neuron can be translated, and
the same sums and products are done in the same order as in neuro: in float64 the results are equal
to the bit. Brian2's own `exp` and `log` would differ in the last bits; ours are given to it as
functions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from neuro.lower.adjoint import reached
from neuro.lower.formats import FORMATS, LOG2E, SQRT_HALF
from neuro.lower.numba_emit import INFIX
from neuro.lower.trace import COLUMN, HOST, Node, trace
from neuro.neurons import Neuron
from neuro.surrogate import FastSigmoid

HOST_OPS: dict[str, Callable[..., Any]] = {
    "add": lambda x, y: x + y, "sub": lambda x, y: x - y, "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y, "lt": lambda x, y: x < y, "le": lambda x, y: x <= y,
    "gt": lambda x, y: x > y, "ge": lambda x, y: x >= y, "eq": lambda x, y: x == y,
    "ne": lambda x, y: x != y, "and": lambda x, y: x and y, "or": lambda x, y: x or y,
    "not": lambda x: not x, "neg": lambda x: -x, "abs": abs, "exp": math.exp, "log": math.log,
    "sqrt": math.sqrt, "floor": math.floor, "round": round, "stop": lambda x: x,
    "where": lambda c, x, y: x if c else y,
}  # fmt: skip
WORDS = INFIX | {"and": "and", "or": "or"}


class Writer:
    """Writes nodes of a graph, each once.

    Args:
        names: what leaves are called.
        values: numbers that leaves stand for, which are computed here and written as numbers.
        start: of the names of what is computed on the way.
    """

    def __init__(self, names: dict[Node, str], values: dict[Node, Any], start: str = "n") -> None:
        self._names, self._values, self._start = dict(names), dict(values), start
        self.lines: list[str] = []

    def write(self, order: list[Node], results: Iterable[Node]) -> list[str]:
        """How the results are called, after the lines that compute them."""
        results = list(results)
        needed = reached(results, ())
        for node in order:
            if node in needed and node not in self._names and node not in self._values:
                self._node(node)
        return [self._use(node) for node in results]

    def _node(self, node: Node) -> None:
        if node.op == "const":
            self._values[node] = node.value
        elif node.level == HOST or all(a in self._values for a in node.args):
            self._values[node] = HOST_OPS[node.op](*(self._values[a] for a in node.args))
        elif node.op == "where" and node.args[0] in self._values:
            chosen = node.args[1] if self._values[node.args[0]] else node.args[2]
            self._alias(node, chosen)
        elif node.op == "stop":
            self._alias(node, node.args[0])
        else:
            name = f"{self._start}{len(self.lines)}"
            self.lines.append(f"{name} = {self._text(node)}")
            self._names[node] = name

    def _alias(self, node: Node, other: Node) -> None:
        if other in self._values:
            self._values[node] = self._values[other]
        else:
            self._names[node] = self._names[other]

    def _text(self, node: Node) -> str:
        operands = [self._use(a) for a in node.args]
        match node.op, operands:
            case op, [x, y] if op in WORDS:
                return f"{x} {WORDS[op]} {y}"
            case "neg", [x]:
                return f"-{x}"
            case "not", [x]:
                return f"not {x}"
            case "where", [c, x, y]:
                return f"where_({c}, {x}, {y})"
            case "spike", [x]:
                return f"where_({x} > 0.0, 1.0, 0.0)"
            case op, [x] if op in ("exp", "log", "sqrt", "floor", "abs", "round"):
                return f"{op}_({x})"
        raise AssertionError(f"cannot write {node.op}")

    def _use(self, node: Node) -> str:
        if node not in self._values:
            return self._names[node]
        value = self._values[node]
        if isinstance(value, (bool, np.bool_)):
            return str(bool(value))
        text = repr(float(value))
        return f"({text})" if text.startswith("-") else text


class Code(NamedTuple):
    """A neuron in Brian2."""

    variables: dict[str, Any]  # initial values: a number or an array [units]
    constants: dict[str, Any]  # coefficients that differ by unit
    update: str  # one tick
    graded: bool  # whether it sends the variable `z` instead of spikes


def code(neuron: Neuron, p: Any, rest: dict[str, Any], biases: dict[str, Any]) -> Code:
    """Variables and update of a neuron.

    State variables are called s_<name>, accumulators of ports x_<name>, coefficients p_<name>. What
    the neuron sends in a tick is z.

    Args:
        p: Coefficients in float64, see `neuron_actor.derive`.
        rest: the first state.
        biases: port -> what its accumulator starts every tick with, [units].
    """
    levels = [
        COLUMN if isinstance(v, np.ndarray) else HOST if isinstance(v, float) else None for v in p
    ]
    step = trace(type(neuron), p, levels, FastSigmoid())
    names = {node: f"s_{n}" for n, node in step.state.items()}
    names |= {node: f"x_{n}" for n, node in step.ports.items()}
    columns = [n for n, v in zip(p._fields, p, strict=True) if isinstance(v, np.ndarray)]
    names |= {step.coefficients[n]: f"p_{n}" for n in columns}
    values = {node: getattr(p, n) for n, node in step.coefficients.items() if n not in columns}
    writer = Writer(names, values)
    changed = [n for n, node in step.after.items() if node is not step.state[n]]
    results = writer.write(step.graph.nodes, [step.emitted, *(step.after[n] for n in changed)])
    # All results first, then all variables: a result may be the old value of another variable.
    lines = [*writer.lines, f"new_z = 1.0*{results[0]}"]
    lines += [f"new_{n} = 1.0*{r}" for n, r in zip(changed, results[1:], strict=True)]
    lines += ["z = new_z", *(f"s_{n} = new_{n}" for n in changed)]
    drawn = type(neuron).noise
    for n in step.ports:
        if n not in drawn:
            lines.append(f"x_{n} = {f'bias_{n}' if n in biases else '0.0'}")
    variables = {f"s_{n}": v for n, v in rest.items()} | {"z": 0.0}
    variables |= {f"x_{n}": biases.get(n, 0.0) for n in step.ports}
    constants = {f"p_{n}": getattr(p, n) for n in columns}
    constants |= {f"bias_{n}": v for n, v in biases.items()}
    graded = type(neuron).emits != "spikes" or not type(neuron).spiking()
    return Code(variables, constants, "\n".join(lines), graded)


# -- functions ------------------------------------------------------------------------------------

_F = FORMATS["float64"]


def _exp(x: Any) -> Any:
    x = np.where(x < _F.limit[0], _F.limit[0], np.where(x > _F.limit[1], _F.limit[1], x))
    n = np.floor(x * LOG2E + 0.5)
    r = x - n * _F.ln2[0] - n * _F.ln2[1]
    y = np.full_like(r, _F.exp_terms[0])
    for term in _F.exp_terms[1:]:
        y = y * r + term
    return np.ldexp(y, n.astype(int))


def _log(x: Any) -> Any:
    m, e = np.frexp(x)
    low = m < SQRT_HALF
    m, e = np.where(low, m + m, m), np.where(low, e - 1.0, e)
    s = (m - 1.0) / (m + 1.0)
    y = np.full_like(s, _F.log_terms[0])
    for term in _F.log_terms[1:]:
        y = y * (s * s) + term
    return e * _F.ln2[0] + (e * _F.ln2[1] + y * s)


def _horner(terms: list[float], x: str) -> list[str]:
    return [f"y = {terms[0]!r}", *(f"y = y*{x} + {t!r}" for t in terms[1:])]


# name -> how many arguments, NumPy, the lines of a C-like function in Cython.
_FUNCTIONS: dict[str, tuple[int, Callable[..., Any], list[str]]] = {
    "where_": (3, np.where, ["return x if c else y"]),
    "exp_": (1, _exp, [
        "cdef double n, r, y",
        f"x = {_F.limit[0]!r} if x < {_F.limit[0]!r} else "
        f"({_F.limit[1]!r} if x > {_F.limit[1]!r} else x)",
        f"n = c_floor(x*{LOG2E!r} + 0.5)", f"r = x - n*{_F.ln2[0]!r} - n*{_F.ln2[1]!r}",
        *_horner(_F.exp_terms, "r"), "return c_ldexp(y, <int>n)",
    ]),
    "log_": (1, _log, [
        "cdef int k", "cdef double m, e, s, q, y", "m = c_frexp(x, &k)", "e = k",
        f"if m < {SQRT_HALF!r}:", "    m = m + m", "    e = e - 1.0",
        "s = (m - 1.0)/(m + 1.0)", "q = s*s", *_horner(_F.log_terms, "q"),
        f"return e*{_F.ln2[0]!r} + (e*{_F.ln2[1]!r} + y*s)",
    ]),
    "sqrt_": (1, np.sqrt, ["return c_sqrt(x)"]),
    "floor_": (1, np.floor, ["return c_floor(x)"]),
    "abs_": (1, np.abs, ["return c_fabs(x)"]),
    "round_": (1, np.rint, ["return c_rint(x)"]),
}  # fmt: skip
_C = ", ".join(
    f"{n} as c_{n}" for n in ("floor", "ldexp", "frexp", "sqrt", "fabs", "rint")
)  # fmt: skip


def functions(brian2: Any) -> dict[str, Any]:
    """The functions that the code calls, for Brian2's namespace."""
    found = {}
    for name, (count, numpy, lines) in _FUNCTIONS.items():
        kinds = ["boolean", "float", "float"] if count == 3 else ["float"]
        function = brian2.Function(
            numpy, arg_units=[1] * count, return_unit=1, arg_types=kinds, return_type="float"
        )
        arguments = "bint c, double x, double y" if count == 3 else "double x"
        body = "\n".join(f"    {line}" for line in lines)
        text = f"from libc.math cimport {_C}\ncdef double {name}({arguments}) noexcept:\n{body}\n"
        function.implementations.add_implementation("numpy", numpy)
        function.implementations.add_implementation("cython", text)
        found[name] = function
    return found
