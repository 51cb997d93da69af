"""Stage 3: write the graph of a tick as the source of two Numba kernels over all ticks.

`forward` and `backward` work on columns [low, high) of arrays [T, B * units]: all ticks, one
operation of the graph a line, in the order of the laws. The state is changed in place, in the
arrays `end_` (forward) and `gs_` (backward), which the caller fills with what it starts from. It
stays in the cache, so time costs no traffic but inputs, outputs and what is kept. A gradient that
is the same at all ticks may come as one row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from neuro.lower.adjoint import Adjoint, reached
from neuro.lower.formats import FORMATS, LOG2E, SQRT_HALF
from neuro.lower.trace import COLUMN, HOST, UNIFORM, Node, Step

INFIX = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "lt": "<", "le": "<=", "gt": ">",
    "ge": ">=", "eq": "==", "ne": "!=", "and": "&", "or": "|",
}  # fmt: skip


class Kernels(NamedTuple):
    """Source text and the names of the arguments after (low, high, steps), in order."""

    source: str
    forward: tuple[str, ...]
    backward: tuple[str, ...]


class Body:
    """Emits nodes, each once: fixed values before the loops, the others inside."""

    def __init__(self, known: dict[Node, str]) -> None:
        self.names = dict(known)
        self.before: list[str] = []
        self.inside: list[str] = []
        self.cast: dict[Node, str] = {}

    def emit(self, order: list[Node], results: Iterable[Node]) -> None:
        needed = reached(results, tuple(self.names))
        for node in order:
            if node in needed and node not in self.names and node.op != "const":
                self._emit(node)

    def _emit(self, node: Node) -> None:
        host = node.level == HOST
        operands = [self.use(a, host) for a in node.args]
        match node.op, operands:
            case op, [x, y] if op in INFIX:
                text = f"{x} {INFIX[op]} {y}"
            case "neg", [x]:
                text = f"-{x}"
            case "not", [x]:
                text = f"not {x}"
            case "where", [c, x, y]:
                text = f"{x} if {c} else {y}"
            case "spike", [x]:
                text = f"one if {x} > zero else zero"
            case "stop", [x]:
                text = x
            case op, [x]:
                text = f"{op}_({x})" if not host else f"math_{op}({x})"
            case op, _:
                raise AssertionError(f"cannot emit {op}")
        name = f"n{len(self.names)}"
        self.names[node] = name
        (self.inside if node.level > UNIFORM else self.before).append(f"{name} = {text}")

    def use(self, node: Node, host: bool) -> str:
        """The name of an operand, rounded where a plain number meets an array."""
        if node.op == "const":
            return f"{node.value!r}" if host else f"f({node.value!r})"
        if host or node.level != HOST or node.boolean:
            return self.names[node]
        if node not in self.cast:
            self.cast[node] = f"r{len(self.cast)}"
            self.before.append(f"{self.cast[node]} = f({self.names[node]})")
        return self.cast[node]


def emit(
    step: Step, adjoint: Adjoint, recorded: tuple[str, ...], dtype: str, reuse: bool = False
) -> Kernels:
    """Source of both kernels.

    Args:
        recorded: state variables that `forward` writes for every tick, after the jump.
        dtype: float32 or float64.
        reuse: `forward` keeps the first of what it keeps in the array of the first input, unless
            the input itself is kept.
    """
    order = step.graph.nodes
    changed = [n for n, node in step.after.items() if node is not step.state[n]]
    constant = [n for n in step.state if n not in changed]
    coefficients = list(step.coefficients.items())
    fixed = [f"p_{n}" for n, node in coefficients]
    columns = [n for n, node in coefficients if node.level == COLUMN]

    # -- forward
    known: dict[Node, str] = {}
    loads: list[str] = []
    for name, leaf in step.state.items():
        known[leaf] = f"v_{name}"
        loads.append(f"v_{name} = b_{name}[i]")
    for name, leaf in step.ports.items():
        known[leaf] = f"u_{name}"
        loads.append(f"u_{name} = i_{name}[i]")
    for name, leaf in coefficients:
        known[leaf] = f"p_{name}"
    gather = [f"p_{n} = c_{n}[i]" for n in columns]
    body = Body(known)
    ports = set(step.ports.values())
    kept = {i: node for i, node in enumerate(adjoint.kept) if node not in ports}
    results = [step.emitted, *(step.after[n] for n in changed)]
    body.emit(order, [*results, *kept.values()])
    first = next(iter(step.ports))
    overwritten = step.ports[first] not in set(adjoint.kept) and reuse and kept
    into = {i: f"k_{i}" for i in kept}
    if overwritten:
        into[next(iter(kept))] = f"i_{first}"
    writes = [f"o[i] = {body.use(step.emitted, False)}"]
    writes += [f"{into[i]}[i] = {body.use(node, False)}" for i, node in kept.items()]
    kept = {i: node for i, node in kept.items() if into[i] == f"k_{i}"}
    writes += [f"b_{n}[i] = {body.use(step.after[n], False)}" for n in changed]
    writes += [f"q_{n}[i] = {body.use(step.after[n], False)}" for n in recorded]
    arguments = (
        *(f"x_{n}" for n in step.ports), *(f"s_{n}" for n in constant), *fixed, "out",
        *(f"keep_{i}" for i in kept), *(f"rec_{n}" for n in recorded),
        *(f"end_{n}" for n in changed),
    )  # fmt: skip
    text = [f"def forward(low, high, steps, {', '.join(arguments)}):"]
    text += indent(1, body.before)
    text += [f"    b_{n} = s_{n}[low:high]" for n in constant]
    text += [f"    b_{n} = end_{n}[low:high]" for n in changed]
    text += [f"    c_{n} = p_{n}[low:high]" for n in columns]
    text += ["    for t in range(steps):"]
    text += [f"        i_{n} = x_{n}[t, low:high]" for n in step.ports]
    text += ["        o = out[t, low:high]"]
    text += [f"        k_{i} = keep_{i}[t, low:high]" for i in kept]
    text += [f"        q_{n} = rec_{n}[t, low:high]" for n in recorded]
    text += ["        for i in range(high - low):"]
    text += indent(3, [*loads, *gather, *body.inside, *writes])
    forward_text = rename_columns(text, columns)

    # -- backward
    known = {leaf: f"p_{name}" for name, leaf in coefficients}
    loads = []
    for i, node in enumerate(adjoint.kept):
        known[node] = f"v_{i}"
        loads.append(f"v_{i} = k_{i}[i]")
    known[adjoint.emitted] = "g_out"
    loads.append("g_out = o[i]")
    for name, leaf in adjoint.after.items():
        known[leaf] = f"g_{name}"
        extra = f" + q_{name}[i]" if name in recorded else ""
        loads.append(f"g_{name} = b_{name}[i]{extra}")
    body = Body(known)
    results = [*adjoint.state.values(), *adjoint.ports.values(), *adjoint.coefficients.values()]
    body.emit(order, results)
    writes = [f"w_{n}[i] = {body.use(node, False)}" for n, node in adjoint.ports.items()]
    writes += [
        f"b_{n}[i] = {body.use(node, False)}"
        for n, node in adjoint.state.items()
        if node is not adjoint.after[n] or n in recorded
    ]
    writes += [f"a_{n}[i] += {body.use(node, False)}" for n, node in adjoint.coefficients.items()]
    backward = (
        *fixed, "gout", *(f"keep_{i}" for i in range(len(adjoint.kept))),
        *(f"grec_{n}" for n in recorded), *(f"gx_{n}" for n in step.ports),
        *(f"gs_{n}" for n in step.state),
        *(f"gp_{n}" for n in adjoint.coefficients),
    )  # fmt: skip
    text = [f"def backward(low, high, steps, {', '.join(backward)}):"]
    text += indent(1, body.before)
    text += [f"    b_{n} = gs_{n}[low:high]" for n in step.state]
    text += [f"    a_{n} = gp_{n}[low:high]" for n in adjoint.coefficients]
    text += [f"    c_{n} = p_{n}[low:high]" for n in columns]
    text += ["    for t in range(steps - 1, -1, -1):"]
    text += ["        o = gout[t % gout.shape[0], low:high]"]
    text += [f"        k_{i} = keep_{i}[t, low:high]" for i in range(len(adjoint.kept))]
    text += [f"        q_{n} = grec_{n}[t % grec_{n}.shape[0], low:high]" for n in recorded]
    text += [f"        w_{n} = gx_{n}[t, low:high]" for n in step.ports]
    text += ["        for i in range(high - low):"]
    text += indent(3, [*loads, *gather, *body.inside, *writes])
    backward_text = rename_columns(text, columns)

    used = "\n".join([*forward_text, *backward_text])
    lines = [
        '"""Generated from the laws of a neuron; do not edit. Deleting it only costs time."""',
        "", "from math import exp as math_exp, log as math_log, sqrt as math_sqrt",
        "from math import floor as math_floor", "", "import numpy as np",
        "from numba import njit", "", f"f = np.{dtype}",
        "zero, one = f(0.0), f(1.0)", "", *elementary(used, dtype),
        '@njit(nogil=True, cache=True, error_model="numpy")', *forward_text, "", "",
        '@njit(nogil=True, cache=True, error_model="numpy")', *backward_text,
    ]  # fmt: skip
    return Kernels("\n".join(lines) + "\n", arguments, backward)


def rename_columns(text: list[str], columns: list[str]) -> list[str]:
    """Inside the loop a coefficient that differs by unit is a number, not the array it is from."""
    if not columns:
        return text
    deep = " " * 12
    pattern = re.compile(r"\bp_(" + "|".join(map(re.escape, columns)) + r")\b")
    return [pattern.sub(r"e_\1", line) if line.startswith(deep) else line for line in text]


def indent(depth: int, lines: Iterable[str]) -> list[str]:
    return ["    " * depth + line for line in lines]


def elementary(used: str, dtype: str) -> list[str]:
    """The functions of `neuro.lower.elementary`, operation by operation, that the text uses."""
    form = FORMATS[dtype]
    integer = f"np.{form.integer}"
    low, high = form.limit
    horner = [f"y = f({form.exp_terms[0]!r})"]
    horner += [f"y = y * r + f({term!r})" for term in form.exp_terms[1:]]
    series = [f"y = f({form.log_terms[0]!r})"]
    series += [f"y = y * (s * s) + f({term!r})" for term in form.log_terms[1:]]
    big = f"f({1.5 * 2**form.mantissa!r})"
    bodies = {
        "exp_": [
            f"x = f({low!r}) if x < f({low!r}) else (f({high!r}) if x > f({high!r}) else x)",
            f"n = f(np.floor(x * f({LOG2E!r}) + f(0.5)))",
            f"r = x - n * f({form.ln2[0]!r}) - n * f({form.ln2[1]!r})", *horner,
            f"return y * {integer}(({integer}(n) + {form.bias}) << {form.mantissa}).view(f)",
        ],
        "log_": [
            f"bits = f(x).view({integer})",
            f"e = f((bits >> {form.mantissa}) - {form.bias - 1})",
            f"m = {integer}((bits & {(1 << form.mantissa) - 1}) | "
            f"{(form.bias - 1) << form.mantissa}).view(f)",
            f"small = m < f({SQRT_HALF!r})", "m = m + m if small else m",
            "e = e - f(1.0) if small else e", "s = (m - f(1.0)) / (m + f(1.0))", *series,
            f"return e * f({form.ln2[0]!r}) + (e * f({form.ln2[1]!r}) + y * s)",
        ],
        "sqrt_": ["return f(np.sqrt(x))"],
        "floor_": ["return f(np.floor(x))"],
        "abs_": ["return abs(x)"],
        "round_": [
            f"n = (abs(x) + {big}) - {big}", "n = -n if x < f(0.0) else n",
            f"return n if abs(x) < f({float(2**(form.mantissa - 1))!r}) else f(np.rint(x))",
        ],
    }  # fmt: skip
    lines: list[str] = []
    for name, body in bodies.items():
        if f"{name}(" in used:
            lines += ['@njit(nogil=True, inline="never", error_model="numpy")', f"def {name}(x):"]
            lines += [*indent(1, body), "", ""]
    return lines
