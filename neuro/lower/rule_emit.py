"""Write a learning rule as the source of a Numba module of actors.

The laws are functions of numbers (`rule_laws`); the actors are loops over spikes and synapses
around them. `neuro.sim.plastic` says when they run and fills in their arguments, an array of
integers whose places `Kernel.fields` names.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from types import ModuleType
from typing import Any, NamedTuple

from neuro.clock import Clock
from neuro.lower.cache import load
from neuro.lower.numba_emit import elementary, indent
from neuro.lower.rule_laws import INSIDE, Law, Laws, reading
from neuro.rules._base import Rule

EVENTS = [
    INSIDE, "def events(values, e):",
    "    # An Input may feed counts; a spike in a log without values is one.",
    "    return 1 if values == 0 else int(np.rint(carray(pointer(values), e + 1, f)[e]))", "", "",
]  # fmt: skip


_lock = threading.Lock()
_known: dict[Any, Kernel] = {}


class Kernel(NamedTuple):
    """Compiled actors and where their arguments are."""

    fields: dict[str, int]
    arrivals: int  # of synapses whose delay is number `first` to `last`, not included, of all
    traces: int
    end: int
    learns: bool  # whether it needs the synapses of each postsynaptic unit
    module: ModuleType


class _Table:
    """Places in the arguments, given out by name."""

    def __init__(self) -> None:
        self.fields: dict[str, int] = {}

    def __call__(self, name: str) -> str:
        return f"a[{self.fields.setdefault(name, len(self.fields))}]"

    def view(self, name: str, size: str, form: str = "f") -> str:
        return f"{name} = carray(pointer({self(name)}), {size}, {form})"


def kernel(rule: Rule, clock: Clock, dtype: Any) -> Kernel:
    """The actors of a rule; numbers of its table do not matter.

    Raises:
        Unsupported: a law does what compiled code cannot repeat; the message names file and line.
    """
    laws = Laws(rule, clock)
    key = (tuple(type(m) for m in rule.members), laws.switches(), str(dtype))
    with _lock:
        if key not in _known:
            _known[key] = _kernel(laws, str(dtype))
        return _known[key]


def _kernel(laws: Laws, dtype: str) -> Kernel:
    rule, at = laws.rule, _Table()
    flow = laws.write("pre_flow", ["Pre"], rule.pre_flow)
    jump = laws.write("pre_spike", ["Pre"], rule.pre_spike)
    arriving = laws.write("on_pre", ["Synapse", "Pre", "Post", "Modulator"], rule.on_pre)
    sent = laws.write("transmit", ["Synapse", "Pre"], rule.transmit)
    learning = laws.write("on_post", ["Synapse", "Pre", "Post", "Modulator"], rule.on_post)
    fired = laws.write("post_spike", ["Post"], rule.post_spike)
    third = laws.write("modulate", ["Modulator"], rule.modulate, extra=["z"])
    read = [f"u_{n}" for n in rule.reads]
    decay = laws.write("post_flow", ["Post"], reading(rule), extra=read)
    assert sent is not None

    text: list[str] = [*EVENTS]
    text += _arrive(laws, at, flow, arriving, sent)
    text += _traces(laws, at, flow, jump)
    steps: list[str] = []
    if third is not None:
        text += _modulate(laws, at, third)
        steps.append("modulation(a, tick, k)")
    text += _learn(laws, at, learning, fired)
    steps.append("learn(a, tick, k)")
    for i, member in enumerate(rule.members):
        inner = _slow(laws, at, i, member)
        text += inner[0]
        if inner[1]:
            steps += [f"if (tick + 1) % {at(f'every_{i}')} == 0:", *indent(1, inner[1])]
    if decay is not None:
        text += _decay(laws, at, decay, read)
        steps.append("decay(a)")

    size = len(at.fields)
    head = f"a = carray(pointer(args), {size}, np.int64)"
    actors = {
        "arrivals": ["arrive(a, tick, k)"],
        "traces": ["trace(a, tick, k)"],
        "end": steps,
    }
    for name, inner in actors.items():
        text += ['@cfunc(ACTOR, cache=True, error_model="numpy")', f"def {name}(args, tick, k):",
                 *indent(1, [head, *inner]), "", ""]  # fmt: skip
    functions = [line for law in laws.found.values() for line in law.text]
    used = "\n".join([*functions, *text])
    lines = [
        '"""Generated from the laws of a rule; do not edit. Deleting it only costs time."""',
        "", "from math import exp as math_exp, log as math_log, sqrt as math_sqrt",
        "from math import floor as math_floor", "", "import numpy as np",
        "from numba import carray, cfunc, njit", "",
        "from neuro.sim.native import ACTOR, pointer", "",
        f"f = np.{dtype}", "zero, one = f(0.0), f(1.0)", "",
        *elementary(used, dtype), *functions, *text,
    ]  # fmt: skip
    name = "_".join(type(m).__name__ for m in rule.members)
    module = load(f"rule_{name}", "\n".join(lines), extra="sim")
    slow = rule.defines("normalise") or rule.defines("drifts")
    return Kernel(
        at.fields, module.arrivals.address, module.traces.address,
        module.end.address, learning is not None or slow, module,
    )  # fmt: skip


def _coefficients(laws: Laws, at: _Table) -> list[str]:
    names = laws.coefficients()
    if not names:
        return []
    head = at.view("numbers", str(len(names)), "np.float64")
    return [head, *(f"{n} = numbers[{i}]" for i, n in enumerate(names))]


def _load(names: Sequence[str], index: str) -> list[str]:
    return [f"{n} = A_{n}[{index}]" for n in names]


def _store(law: Law | None, index: str) -> list[str]:
    return [] if law is None else [f"A_{n}[{index}] = {n}" for n in law.changes]


def _arrays(at: _Table, names: Sequence[str], size: str) -> list[str]:
    return [at.view(f"A_{n}", size) for n in names]


def _views(laws: Laws, at: _Table) -> list[str]:
    """Everything that loops over synapses look at."""
    return [
        *_coefficients(laws, at), f"n = {at('pre_size')}", f"ring = {at('ring')}",
        f"classes = {at('classes')}", at.view("delays", "classes", "np.int64"),
        at.view("start", "classes * (n + 1)", "np.int64"),
        at.view("post", at("synapses"), "np.uint32"), f"stride = {at('modulator_stride')}",
        *_arrays(at, laws.names("Synapse"), at("synapses")),
        *_arrays(at, laws.names("Pre"), "ring * n"), *_arrays(at, laws.names("Post"), at("own")),
        *_arrays(at, laws.names("Modulator"), at("modulator_size")),
    ]  # fmt: skip


def _spikes(at: _Table, log: str, index: str, *, own: bool = False) -> list[str]:
    """Loop heads over the spikes of a population, unit by unit.

    Args:
        own: of the part's own units alone; before the threads have met in a tick, the lists of the
            other parts are not finished.
    """
    lists = at(log + "_lists")
    first = f"({at('part')} if {lists} > 1 else 0)"
    return [
        f"for q in range({first}, {first} + 1):" if own else f"for q in range({lists}):",
        f"    marks = carray(pointer(logs[q, 1]), {index} + 2, np.int64)",
        "    units = carray(pointer(logs[q, 0]), 1 << 40, np.int32)",
        f"    for e in range(marks[{index}], marks[{index} + 1]):",
    ]


def _logs(at: _Table, log: str) -> str:
    return f"logs = carray(pointer({at(log)}), ({at(log + '_lists')}, 5), np.int64)"


def _arrive(laws: Laws, at: _Table, flow: Law | None, arriving: Law | None, sent: Law) -> list[str]:
    synapse = [
        "i = post[j]", *_load(laws.names("Synapse"), "j"), *_load(laws.names("Post"), "i"),
        *_load(laws.names("Modulator"), "i * stride"),
        *([arriving.call] if arriving else []), *_store(arriving, "j"),
        sent.call, "out[i] += value",
    ]  # fmt: skip
    spike = [
        "unit = np.int64(units[e])", *_load(laws.names("Pre"), "row + unit"),
        *([flow.call] if flow else []),
        "for again in range(events(logs[q, 2], e)):",
        "    for j in range(start[begin + unit], start[begin + unit + 1]):", *indent(2, synapse),
    ]  # fmt: skip
    inside = [
        "back = k - delays[d]", "row = ((tick - delays[d] - 1 + 2 * ring) % ring) * n",
        "begin = d * (n + 1)", *_spikes(at, "pre_log", "back"), *indent(2, spike),
    ]  # fmt: skip
    body = [
        *_views(laws, at), _logs(at, "pre_log"),
        f"row0 = {at('slots')} + (tick % {at('rows')}) * {at('stride')}",
        f"out = carray(pointer(row0), {at('own')}, f)",
        f"for d in range({at('first')}, {at('last')}):", *indent(1, inside),
    ]  # fmt: skip
    return _function("arrive(a, tick, k)", body)


def _traces(laws: Laws, at: _Table, flow: Law | None, jump: Law | None) -> list[str]:
    names = laws.names("Pre")
    if not names:
        return _function("trace(a, tick, k)", ["return"])
    low, high = at("pre_low"), at("pre_high")
    body = [
        *_coefficients(laws, at), f"n = {at('pre_size')}", f"ring = {at('ring')}",
        *_arrays(at, names, "ring * n"), _logs(at, "pre_log"), f"low = {low}", f"high = {high}",
        "row = (tick % ring) * n", "before = ((tick - 1 + ring) % ring) * n",
        "for unit in range(low, high):",
        *indent(1, [*_load(names, "before + unit"), *([flow.call] if flow else []),
                    *(f"A_{n}[row + unit] = {n}" for n in names)]),
    ]  # fmt: skip
    if jump is not None:
        spike = [
            "unit = np.int64(units[e])", "if low <= unit and unit < high:",
            "    for again in range(events(logs[q, 2], e)):",
            *indent(2, [*_load(names, "row + unit"), jump.call, *_store(jump, "row + unit")]),
        ]  # fmt: skip
        body += [*_spikes(at, "pre_log", "k", own=True), *indent(2, spike)]
    return _function("trace(a, tick, k)", body)


def _modulate(laws: Laws, at: _Table, third: Law) -> list[str]:
    names = laws.names("Modulator")
    totals = [f"S_{n}" for n in names]
    body = [
        *_coefficients(laws, at), f"size = {at('modulator_size')}", at.view("emitted", "size"),
        *_arrays(at, names, "size"), *(at.view(t, "size") for t in totals),
        _logs(at, "modulator_log"), f"low = {at('modulator_low')}", "emitted[:] = zero",
        *_spikes(at, "modulator_log", "k"),
        *indent(2, ["unit = np.int64(units[e]) - low", "if 0 <= unit and unit < size:",
                    f"    if {at('modulator_graded')} != 0:",
                    "        values = carray(pointer(logs[q, 2]), 1 << 40, f)",
                    "        emitted[unit] += values[e]", "    else:",
                    "        emitted[unit] += one"]),
        "for i in range(size):",
        *indent(1, ["z = emitted[i]", *_load(names, "i"), third.call, *_store(third, "i"),
                    *(f"S_{n}[i] += A_{n}[i]" for n in names)]),
    ]  # fmt: skip
    return _function("modulation(a, tick, k)", body)


SOURCE = "base[lag[r]] + np.int64(source[r])"  # where a synapse's presynaptic traces are now


def _reverse(at: _Table) -> list[str]:
    """The synapses of each postsynaptic unit, and where to find what arrives on them now."""
    return [
        at.view("reverse", f"{at('own')} + 1", "np.int64"),
        at.view("place", at("synapses"), "np.uint32"),
        at.view("source", at("synapses"), "np.uint32"),
        at.view("lag", at("synapses"), "np.uint16"), at.view("base", "classes", "np.int64"),
        "for d in range(classes):", "    base[d] = ((tick - delays[d] + ring) % ring) * n",
    ]  # fmt: skip


def _learn(laws: Laws, at: _Table, learning: Law | None, fired: Law | None) -> list[str]:
    spike = ["i = np.int64(units[e]) - low", *_load(laws.names("Post"), "i")]
    body = [*_views(laws, at), f"low = {at('post_low')}"]
    if learning is not None:
        body += _reverse(at)
        synapse = [
            "j = place[r]", *_load(laws.names("Synapse"), "j"), *_load(laws.names("Pre"), SOURCE),
            learning.call, *_store(learning, "j"),
        ]  # fmt: skip
        spike += [
            *_load(laws.names("Modulator"), "i * stride"),
            "for r in range(reverse[i], reverse[i + 1]):", *indent(1, synapse),
        ]  # fmt: skip
    if fired is not None:
        spike += [fired.call, *_store(fired, "i")]
    body += [
        f"if {at('post_log')} == 0:  # a unit that never spikes", "    return",
        f"mark = carray(pointer({at('post_log')} + {at('part')} * 40 + 8), 1, np.int64)",
        f"unit = carray(pointer({at('post_log')} + {at('part')} * 40), 1, np.int64)",
        "marks = carray(pointer(mark[0]), k + 2, np.int64)",
        "units = carray(pointer(unit[0]), 1 << 40, np.int32)",
        "for e in range(marks[k], marks[k + 1]):", *indent(1, spike),
    ]  # fmt: skip
    return _function("learn(a, tick, k)", body)


def _slow(laws: Laws, at: _Table, i: int, member: Rule) -> tuple[list[str], list[str]]:
    """Functions and calls of a member's slow laws."""
    found = [law(laws, at, i, member) for law in (_drift, _normalise, _adapt)]
    return [line for text, _ in found for line in text], [call for _, call in found if call]


Emitted = tuple[list[str], str]  # a function and its call; nothing if there is no such law


def _drift(laws: Laws, at: _Table, i: int, member: Rule) -> Emitted:
    own = laws.rule.take

    def drift(s: Any, x: Any, y: Any, m: Any, p: Any) -> Any:
        mine = member.drift(own(i, "Synapse", s), own(i, "Pre", x), own(i, "Post", y),
                            own(i, "Modulator", m), own(i, "Coefficients", p))  # fmt: skip
        return laws.rule.put(i, "Synapse", s, mine)

    def drifts(y: Any, p: Any) -> Any:
        return member.drifts(own(i, "Post", y), own(i, "Coefficients", p))

    law = laws.write(f"drift_{i}", ["Synapse", "Pre", "Post", "Modulator"], drift)
    if law is None:
        return [], ""
    totals = laws.names("Modulator")
    third = [f"{n} = S_{n}[i * stride]" for n in totals]
    change = [*_load(laws.names("Synapse"), "j"), law.call, *_store(law, "j")]
    body = [*_views(laws, at), *(at.view(f"S_{n}", at("modulator_size")) for n in totals)]
    if member.defines("drifts"):  # only the synapses of some units, found from the unit
        asked = laws.write(f"drifts_{i}", ["Post"], drifts)
        assert asked is not None
        synapse = ["j = place[r]", *_load(laws.names("Pre"), SOURCE), *change]
        unit = [
            *_load(laws.names("Post"), "i"), asked.call, "if value > zero:",
            *indent(1, [*third, "for r in range(reverse[i], reverse[i + 1]):",
                        *indent(1, synapse)]),
        ]  # fmt: skip
        body += [*_reverse(at), f"for i in range({at('own')}):", *indent(1, unit)]
    else:
        synapse = ["i = post[j]", *_load(laws.names("Post"), "i"), *third, *change]
        unit = [
            *_load(laws.names("Pre"), "row + unit"), "begin = d * (n + 1) + unit",
            "for j in range(start[begin], start[begin + 1]):", *indent(1, synapse),
        ]  # fmt: skip
        body += [
            "for d in range(classes):", "    row = ((tick - delays[d] + ring) % ring) * n",
            "    for unit in range(n):", *indent(2, unit),
        ]  # fmt: skip
    body += [f"S_m_{n}[:] = zero" for n in own(i, "Modulator", _named(laws.rule))]
    call = f"drifting_{i}(a, tick)"
    return _function(call, body), call


def _normalise(laws: Laws, at: _Table, i: int, member: Rule) -> Emitted:
    own, synapses = laws.rule.take, laws.names("Synapse")
    totals = [f"t_{n[2:]}" for n in synapses]

    def normalise(s: Any, y: Any, *rest: Any) -> Any:
        sums = own(i, "Synapse", laws.rule.Synapse(*rest[:-2]))
        mine = member.normalise(own(i, "Synapse", s), sums, rest[-2], own(i, "Post", y),
                                own(i, "Coefficients", rest[-1]))  # fmt: skip
        return laws.rule.put(i, "Synapse", s, mine)

    law = laws.write(f"normalise_{i}", ["Synapse", "Post"], normalise, extra=[*totals, "count"])
    if law is None:
        return [], ""
    unit = [
        *(f"sum_{n} = 0.0" for n in totals), "for r in range(reverse[i], reverse[i + 1]):",
        *(f"    sum_{t} += A_{n}[place[r]]" for t, n in zip(totals, synapses, strict=True)),
        *(f"{n} = f(sum_{n})" for n in totals), "count = f(reverse[i + 1] - reverse[i])",
        *_load(laws.names("Post"), "i"), "for r in range(reverse[i], reverse[i + 1]):",
        *indent(1, ["j = place[r]", *_load(synapses, "j"), law.call, *_store(law, "j")]),
    ]  # fmt: skip
    body = [
        *_views(laws, at), at.view("reverse", f"{at('own')} + 1", "np.int64"),
        at.view("place", at("synapses"), "np.uint32"),
        f"for i in range({at('own')}):", *indent(1, unit),
    ]  # fmt: skip
    call = f"normalising_{i}(a)"
    return _function(call, body), call


def _adapt(laws: Laws, at: _Table, i: int, member: Rule) -> Emitted:
    own = laws.rule.take

    def adapt(y: Any, value: Any, p: Any) -> Any:
        return member.adapt(value, own(i, "Post", y), own(i, "Coefficients", p))

    law = laws.write(f"adapt_{i}", ["Post"], adapt, extra=["value"])
    if law is None:
        return [], ""
    unit = [
        *_load(laws.names("Post"), "i"), "value = adapted[i]", law.call, "adapted[i] = value",
    ]  # fmt: skip
    body = [
        *_coefficients(laws, at), *_arrays(at, laws.names("Post"), at("own")),
        at.view("adapted", at("own")), f"for i in range({at('own')}):", *indent(1, unit),
    ]  # fmt: skip
    call = f"adapting_{i}(a)"
    return _function(call, body), call


def _named(rule: Rule) -> Any:
    """Modulator with its fields' names as values."""
    return rule.Modulator(*rule.Modulator._fields)


def _decay(laws: Laws, at: _Table, decay: Law, read: Sequence[str]) -> list[str]:
    own = at("own")
    body = [
        *_coefficients(laws, at), *_arrays(at, laws.names("Post"), own), *_arrays(at, read, own),
        f"for i in range({own}):",
        *indent(1, [*_load(laws.names("Post"), "i"), *_load(read, "i"), decay.call,
                    *_store(decay, "i")]),
    ]  # fmt: skip
    return _function("decay(a)", body)


def _function(signature: str, body: Sequence[str]) -> list[str]:
    return [INSIDE, f"def {signature}:", *indent(1, body), "", ""]
