"""Stage 3 for GPUs: the same graph as the source of two Triton kernels over all ticks.

One program runs a block of columns through all ticks with the state in registers. Divisions and
square roots are the correctly rounded ones, and products are not fused with sums, so spikes equal
those of the reference.
"""

from __future__ import annotations

from collections.abc import Iterable

from neuro.lower.adjoint import Adjoint, reached
from neuro.lower.formats import FORMATS, LOG2E, SQRT_HALF
from neuro.lower.numba_emit import INFIX, Kernels
from neuro.lower.trace import COLUMN, HOST, UNIFORM, Node, Step


class _Body:
    """Emits nodes, each once; plain numbers are computed in float64, like Python does."""

    def __init__(self, known: dict[Node, str], double: bool) -> None:
        self.names = dict(known)
        self.double = double
        self.before: list[str] = []
        self.inside: list[str] = []
        self.cast: dict[Node, str] = {}

    def emit(self, order: list[Node], results: Iterable[Node]) -> None:
        needed = reached(results, tuple(self.names))
        for node in order:
            if node in needed and node not in self.names and node.op != "const":
                self._emit(node)

    def use(self, node: Node, host: bool = False) -> str:
        """The name of an operand, rounded where a plain number meets an array, or the number."""
        if node.op == "const":
            return f"({node.value!r})"
        if host or node.level != HOST or node.boolean:
            return self.names[node]
        if node not in self.cast:
            self.cast[node] = f"r{len(self.cast)}"
            self.before.append(f"{self.cast[node]} = {self.names[node]}.to(real)")
        return self.cast[node]

    def _emit(self, node: Node) -> None:
        host = node.level == HOST
        operands = [self.use(a, host) for a in node.args]
        match node.op, operands:
            case "div", [x, y]:
                exact = f"tl.div_rn(zeros + {x}, zeros + {y})"
                text = f"{x} / {y}" if self.double or host else exact
            case op, [x, y] if op in INFIX:
                text = f"{x} {INFIX[op]} {y}"
            case "neg", [x]:
                text = f"-{x}"
            case "not", [x]:
                text = f"({x}) == 0"
            case "where", [c, x, y]:
                text = f"tl.where({c}, {x}, {y})"
            case "spike", [x]:
                text = f"tl.where({x} > 0.0, 1.0, 0.0).to(real)"
            case "stop", [x]:
                text = x
            case "abs", [x]:
                text = f"tl.abs({x})"
            case "floor", [x]:
                text = f"tl.floor({x})"
            case "sqrt", [x]:
                text = f"tl.sqrt({x})" if self.double else f"tl.sqrt_rn({x})"
            case op, [x]:
                text = f"tl.{op}({x})" if host else f"{op}_({x})"
            case op, _:
                raise AssertionError(f"cannot emit {op}")
        name = f"n{len(self.names)}"
        self.names[node] = name
        (self.inside if node.level > UNIFORM else self.before).append(f"{name} = {text}")


def emit(step: Step, adjoint: Adjoint, recorded: tuple[str, ...], dtype: str) -> Kernels:
    """Source of both kernels; arguments as for `numba_emit.emit`."""
    order, double = step.graph.nodes, dtype == "float64"
    coefficients = list(step.coefficients.items())
    changed = [n for n, node in step.after.items() if node is not step.state[n]]
    own = set(step.ports.values())
    kept = {i: node for i, node in enumerate(adjoint.kept) if node not in own}
    head = ["i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)", "m = i < columns"]
    head += ["zeros = tl.zeros((BLOCK,), real)"]
    fixed = [f"v_p_{n} = {_load_coefficient(n, node)}" for n, node in coefficients]
    names = {leaf: f"v_p_{n}" for n, leaf in coefficients}

    # -- forward
    known = names | {leaf: f"v_{n}" for n, leaf in step.state.items()}
    known |= {leaf: f"u_{n}" for n, leaf in step.ports.items()}
    body = _Body(known, double)
    body.emit(order, [step.emitted, *(step.after[n] for n in changed), *kept.values()])
    forward = (
        *(f"x_{n}" for n in step.ports), *(f"s_{n}" for n in step.state),
        *(f"p_{n}" for n, _ in coefficients), "out", *(f"keep_{i}" for i in kept),
        *(f"rec_{n}" for n in recorded), *(f"end_{n}" for n in changed),
    )  # fmt: skip
    text = [f"def forward({', '.join(forward)}, steps, columns, BLOCK: tl.constexpr):"]
    text += ["@@"]
    text += [f"    v_{n} = tl.load(s_{n} + i, mask=m, other=0.0)" for n in step.state]
    text += ["    for t in range(0, steps):", "        at = t * columns + i"]
    text += [f"        u_{n} = tl.load(x_{n} + at, mask=m, other=0.5)" for n in step.ports]
    text += _indent(2, body.inside)
    text += [f"        {_store('out', body.use(step.emitted))}"]
    text += [f"        {_store(f'keep_{i}', body.use(node))}" for i, node in kept.items()]
    text += [f"        {_store(f'rec_{n}', body.use(step.after[n]))}" for n in recorded]
    text += [f"        w_{n} = zeros + {body.use(step.after[n])}" for n in changed]
    text += [f"        v_{n} = w_{n}" for n in changed]
    text += [f"    tl.store(end_{n} + i, v_{n}, mask=m)" for n in changed]
    forward_text = _preamble(text, [*head, *fixed, *body.before])

    # -- backward
    known = names | {node: f"v_{i}" for i, node in enumerate(adjoint.kept)}
    known |= {adjoint.emitted: "g_out"}
    known |= {leaf: f"g_{n}" for n, leaf in adjoint.after.items()}
    body = _Body(known, double)
    results = [*adjoint.state.values(), *adjoint.ports.values(), *adjoint.coefficients.values()]
    body.emit(order, results)
    backward = (
        *(f"p_{n}" for n, _ in coefficients), "gout",
        *(f"keep_{i}" for i in range(len(adjoint.kept))), *(f"grec_{n}" for n in recorded),
        *(f"gend_{n}" for n in step.state), *(f"gx_{n}" for n in step.ports),
        *(f"gs_{n}" for n in step.state), *(f"gp_{n}" for n in adjoint.coefficients),
    )  # fmt: skip
    text = [f"def backward({', '.join(backward)}, steps, columns, BLOCK: tl.constexpr):"]
    text += ["@@"]
    text += [f"    c_{n} = tl.load(gend_{n} + i, mask=m, other=0.0)" for n in step.state]
    text += [f"    a_{n} = tl.zeros((BLOCK,), real)" for n in adjoint.coefficients]
    text += ["    for back in range(0, steps):", "        at = (steps - 1 - back) * columns + i"]
    text += [
        f"        v_{i} = tl.load(keep_{i} + at, mask=m, other=0.0)"
        for i in range(len(adjoint.kept))
    ]
    text += ["        g_out = tl.load(gout + at, mask=m, other=0.0)"]
    for n in step.state:
        extra = f" + tl.load(grec_{n} + at, mask=m, other=0.0)" if n in recorded else ""
        text += [f"        g_{n} = c_{n}{extra}"]
    text += _indent(2, body.inside)
    text += [f"        {_store(f'gx_{n}', body.use(node))}" for n, node in adjoint.ports.items()]
    text += [f"        d_{n} = zeros + {body.use(node)}" for n, node in adjoint.state.items()]
    text += [f"        a_{n} += {body.use(node)}" for n, node in adjoint.coefficients.items()]
    text += [f"        c_{n} = d_{n}" for n in adjoint.state]
    text += [f"    tl.store(gs_{n} + i, c_{n}, mask=m)" for n in step.state]
    text += [f"    tl.store(gp_{n} + i, a_{n}, mask=m)" for n in adjoint.coefficients]
    text = _preamble(text, [*head, *fixed, *body.before])

    used = "\n".join([*forward_text, *text])
    lines = [
        '"""Generated from the laws of a neuron; do not edit. Deleting it only costs time."""',
        "", "import triton", "import triton.language as tl", "",
        f"real = tl.constexpr(tl.{'float64' if double else 'float32'})",
        f"integer = tl.constexpr(tl.{'int64' if double else 'int32'})", "",
        *_elementary(used, dtype), "", "@triton.jit", *forward_text, "", "", "@triton.jit", *text,
    ]  # fmt: skip
    return Kernels("\n".join(lines) + "\n", forward, backward)


def _preamble(text: list[str], lines: list[str]) -> list[str]:
    """Put in what precedes the loop, which is complete only when the loop is written."""
    at = text.index("@@")
    return [*text[:at], *_indent(1, lines), *text[at + 1 :]]


def _load_coefficient(name: str, node: Node) -> str:
    if node.level == COLUMN:
        return f"tl.load(p_{name} + i, mask=m, other=1.0)"
    return f"tl.load(p_{name})"


def _store(pointer: str, value: str) -> str:
    return f"tl.store({pointer} + at, zeros + {value}, mask=m)"


def _indent(depth: int, lines: Iterable[str]) -> list[str]:
    return ["    " * depth + line for line in lines]


def _elementary(used: str, dtype: str) -> list[str]:
    """The functions of `neuro.lower.elementary`, operation by operation, that the text uses."""
    form = FORMATS[dtype]
    low, high = form.limit
    divide = "({}) / ({})" if dtype == "float64" else "tl.div_rn({}, {})"
    horner = [f"y = r * 0.0 + {form.exp_terms[0]!r}"]
    horner += [f"y = y * r + {term!r}" for term in form.exp_terms[1:]]
    series = [f"y = s * 0.0 + {form.log_terms[0]!r}"]
    series += [f"y = y * (s * s) + {term!r}" for term in form.log_terms[1:]]
    big = 1.5 * 2**form.mantissa
    bodies = {
        "exp_": [
            f"x = tl.where(x < {low!r}, {low!r}, tl.where(x > {high!r}, {high!r}, x)).to(real)",
            f"n = tl.floor(x * {LOG2E!r} + 0.5)",
            f"r = x - n * {form.ln2[0]!r} - n * {form.ln2[1]!r}", *horner,
            f"e = (n.to(integer) + {form.bias}) << {form.mantissa}",
            "return y * e.to(real, bitcast=True)",
        ],
        "log_": [
            "bits = x.to(integer, bitcast=True)",
            f"e = ((bits >> {form.mantissa}) - {form.bias - 1}).to(real)",
            f"f = (bits & {(1 << form.mantissa) - 1}) | {(form.bias - 1) << form.mantissa}",
            "m = f.to(real, bitcast=True)", f"small = m < {SQRT_HALF!r}",
            "m = tl.where(small, m + m, m)", "e = tl.where(small, e - 1.0, e)",
            f"s = {divide.format('m - 1.0', 'm + 1.0')}", *series,
            f"return e * {form.ln2[0]!r} + (e * {form.ln2[1]!r} + y * s)",
        ],
        "round_": [
            f"n = (tl.abs(x) + {big!r}) - {big!r}", "n = tl.where(x < 0.0, -n, n)",
            f"return tl.where(tl.abs(x) < {float(2 ** (form.mantissa - 1))!r}, n, x)",
        ],
    }  # fmt: skip
    lines: list[str] = []
    for name, body in bodies.items():
        if f" {name}(" in used:
            lines += ["@triton.jit", f"def {name}(x):", *_indent(1, body), "", ""]
    return lines
