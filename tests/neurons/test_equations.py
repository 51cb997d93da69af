"""Printed equations: run line by line they do what the laws do, and they typeset."""

import math
import re
from collections import namedtuple
from typing import Any

import numpy as np
import pytest
from matplotlib.mathtext import MathTextParser

from neuro import ops
from neuro.cli_neurons import family
from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.neurons import ALIF, IF, LIF, Neuron, _phi, parameter
from neuro.neurons._typeset import mathtext, name, typeset
from neuro.units import ms

FAMILY = list(family().values())
CASES = [
    pytest.param(kind, dict([choice]), id=f"{kind.__name__}-{'-'.join(choice)}")
    for kind in FAMILY
    for choice in [(name, c) for name, cs in kind._options() for c in cs] or [("", "")]
]
NUMBERS = {
    "where": ops.where, "power": ops.power, "exp": ops.exp, "log": ops.log, "tanh": ops.tanh,
    "sqrt": ops.sqrt, "cos": ops.cos, "sin": ops.sin, "sigmoid": ops.sigmoid, "round": ops.round,
    "maximum": ops.maximum, "minimum": ops.minimum, "any": np.any, "max": np.max, "pi": math.pi,
    "e": math.e, "ms": ms, **{n: f for n, f in vars(_phi).items() if callable(f)},
}  # fmt: skip


def program(lines: tuple[str, ...], law: str) -> str:
    """The printed lines of one law as Python: arrows become assignments, "repeat" a loop."""
    body = [line[9:] for line in lines if line.startswith(f"{law}:")]
    code = [re.sub(r"repeat (.*) times:", r"for _ in range(\1):", line) for line in body]
    code = [line.replace(" <- ", " = ") for line in code]
    if law == "fire":
        code = [re.sub(r"^( *)(?!if |else|elif )(\S.*) > 0$", r"\1fired = \2", c) for c in code]
    return "\n".join(code)


def functions(lines: tuple[str, ...], names: dict[str, Any]) -> None:
    """Define what the printed lines say under "where"; what is indented comes first."""
    body = [line[9:] for line in lines if line.startswith("where:")]
    while body:
        head, inner = body.pop(0), []
        while body and body[0].startswith(" "):
            inner.append(body.pop(0))
        call, result = head.split(" = ", 1)
        exec("\n".join([f"def {call}:", *inner, f"    return {result}"]), names)


@pytest.mark.parametrize(("kind", "choice"), CASES)
def test_the_printed_lines_do_what_the_laws_do(kind: type[Neuron], choice: dict[str, str]) -> None:
    table = {r.name: r.default or 0.25 for r in kind.table()}
    for duration in ("refractory", "duration"):  # whole ticks
        if duration in table:
            table[duration] = 2 * ms
    choice = {k: v for k, v in choice.items() if k}
    neuron = kind(**table, **choice)
    clock = Clock(5e-5)
    lines = neuron.equations()
    p: Any = kind.derive(neuron, clock)

    known = {**NUMBERS, **neuron.values(), **neuron.options(), "dt": clock.dt}
    exec(program(lines, "derive"), known)
    known |= {k: v for k, v in p._asdict().items() if k not in known}  # used by `rest` only
    for field, value in p._asdict().items():
        assert known[field] == value or np.allclose(known[field], value, rtol=1e-12), field
    functions(lines, known)

    generator = np.random.default_rng(0)
    rest = kind.State(*(np.asarray(f, float) for f in kind.rest(p)))
    spread = kind.State(*(f + (1 + abs(f)) * generator.uniform(-0.3, 0.6, 50) for f in rest))
    x = kind.Inputs(*(generator.uniform(0.05, 0.95, 50) for _ in kind.Inputs._fields))
    z = (np.arange(50) % 2).astype(float)
    truth = {
        "flow": lambda s: kind.flow(s, p, 1),
        "receive": lambda s: kind.receive(s, p, x),
        "jump": lambda s: kind.jump(s, p, z),
    }
    for law, run in truth.items():
        state = spread._asdict()
        names = {**known, "h": 1, "z": z, **x._asdict(), **state}
        names |= {f"{k}_old": v for k, v in state.items()}
        exec(program(lines, law), names)
        for field, value in run(spread)._asdict().items():
            assert np.allclose(names[field], value, rtol=1e-12, atol=0), (law, field)
    if kind.spiking():
        names = {**known, **spread._asdict()}
        exec(program(lines, "fire"), names)
        assert np.allclose(names["fired"], kind.fire(spread, p), rtol=1e-12, atol=0)


@pytest.mark.parametrize("kind", FAMILY, ids=lambda k: k.__name__)
def test_every_line_typesets(kind: type[Neuron]) -> None:
    parser = MathTextParser("path")
    lines, rows = typeset(kind)
    assert len(lines) == len(rows) == len(kind.equations())
    for row in rows:
        width, height, *_ = parser.parse(f"${mathtext(row)}$")
        assert width > 0 and height > 0
    for row in kind.table():
        parser.parse(f"${name(row.name)}$")
    text = kind.latex()
    assert text.count("{") == text.count("}")
    assert text.count(r"\begin") == text.count(r"\end")
    assert len(re.findall(r"\\left\b", text)) == len(re.findall(r"\\right\b", text))


@pytest.mark.parametrize(
    ("code", "symbol"),
    [
        ("tau_mem", r"\tau_{\mathrm{mem}}"), ("v_th", r"v_{\mathrm{th}}"), ("b1", "b_{1}"),
        ("rho_2", r"\rho_{2}"), ("v_old", r"v^{\mathrm{old}}"), ("dt", r"\Delta t"),
        ("g_exc_old", r"g_{\mathrm{exc}}^{\mathrm{old}}"), ("current", r"\mathrm{current}"),
    ],
)  # fmt: skip
def test_names_become_symbols(code: str, symbol: str) -> None:
    assert name(code) == symbol


def test_lines_are_typeset_as_a_textbook_would() -> None:
    rows = typeset(ALIF, {"reset": "zero"})[1]
    assert r"\alpha = \exp\left(-\frac{\Delta t}{\tau_{\mathrm{mem}}}\right)" in rows
    assert (
        r"v \leftarrow v_{\mathrm{leak}} + \left(v - v_{\mathrm{leak}}\right)\, \alpha^{h}" in rows
    )
    cases = r"\begin{cases}v_{\mathrm{reset}} & \mathrm{if}\; z > 0 \\ v & \mathrm{otherwise}"
    assert rf"v \leftarrow {cases}\end{{cases}}" in rows


class Odd(Neuron):
    """Signs, brackets and powers where a careless writer would lose them."""

    k: Any = parameter(default=2.0, unit="1", meaning="a number")
    State = namedtuple("State", "v w")
    Coefficients = namedtuple("Coefficients", "k")

    @staticmethod
    def derive(p, clock):
        return Odd.Coefficients(p.k)

    @staticmethod
    def rest(p):
        return Odd.State(0.0, 0.0)

    @staticmethod
    def flow(s, p, h):
        v, w = s.w - (s.v - p.k), -(s.v + s.w) * -p.k
        return Odd.State(v, w / (s.w * s.w * 3 + 1e-6))

    @staticmethod
    def receive(s, p, x):
        return s._replace(v=s.v + x.current, w=(s.v + 1) ** 2)


def test_signs_brackets_and_powers_are_kept() -> None:
    assert [line for line in Odd.equations() if not line.startswith("derive")] == [
        "flow:    v <- w - (v - k)",
        "flow:    w <- -(v_old + w) * -k",
        "flow:    w <- w / (w_old * w_old * 3 + 1e-06)",
        "receive: v <- v + current",
        "receive: w <- (v_old + 1) ** 2",
    ]
    assert typeset(Odd)[1] == [
        r"v \leftarrow w - \left(v - k\right)",
        r"w \leftarrow \left(-\left(v^{\mathrm{old}} + w\right)\right)\, \left(-k\right)",
        r"w \leftarrow \frac{w}{\left(w^{\mathrm{old}}\right)^{2} \cdot 3 + 10^{-6}}",
        r"v \leftarrow v + \mathrm{current}",
        r"w \leftarrow \left(v^{\mathrm{old}} + 1\right)^{2}",
    ]


def test_a_notebook_shows_the_chosen_branches_and_the_values() -> None:
    page = LIF(3, tau_mem=[10 * ms, 20 * ms, 30 * ms], reset="subtract")._repr_html_()
    assert r"v - z\, v_{\mathrm{th}}" in page
    assert r"v_{\mathrm{reset}} &amp;" not in page  # the branch of reset="zero"
    assert "<td>0.01 to 0.03</td><td>s</td><td>&gt; 0</td>" in page
    assert "one of zero, subtract, none" in page


def test_a_class_without_source_is_refused_with_the_remedy() -> None:
    made: dict[str, Any] = {"IF": IF}
    exec("class Made(IF):\n    @staticmethod\n    def fire(s, p):\n        return s.v - 2", made)
    with pytest.raises(InvalidValue, match="define the neuron in a file or in a notebook's cell"):
        made["Made"].equations()
