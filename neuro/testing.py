"""Does a neuron do the same in every back end? `check_neuron(MyNeuron)` for your own tests.

The reference, which is the laws as PyTorch runs them, is compared with every compiled form on
inputs that are multiples of a power of two, with every parameter away from its default and one of
them different for each unit. Beside that: the parameter table is complete, rest is a fixed point,
and a neuron that calls itself lazy keeps the three promises of `Neuron.lazy`.
"""

from __future__ import annotations

import importlib.util
import inspect
import os
import re
import warnings
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from neuro.clock import Clock
from neuro.errors import InvalidValue, NeuroError
from neuro.lower import fused, reference
from neuro.neurons import Neuron
from neuro.nn.population import Population
from neuro.surrogate import ATan, FastSigmoid, Surrogate, Triangular

BACKENDS = ("reference", "simulation", "fused", "adjoint", "triton", "finite differences")
STEPS, BATCH, UNITS = 40, 3, 5
CLOCKS = tuple(Clock(dt) for dt in (1e-3, 5e-4, 1e-4, 5e-5, 1e-5))
TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-10}
# "1" or a product or quotient of SI units with prefixes; M is mol/l.
_UNIT = r"[afpnumkM]?(Hz|mol|[smgVASFM])\d?"
SI_UNIT = re.compile(rf"1|(1/)?{_UNIT}([ /]{_UNIT})*")
SURROGATES: tuple[Surrogate, ...] = (ATan(2.0), FastSigmoid(5.0), Triangular())


class _NoSurrogate:
    """The true derivative of a step, for comparison with differences."""

    def derivative(self, x: Any) -> Any:
        return 0.0 * x

    def __repr__(self) -> str:
        return "true derivative"


class Check(NamedTuple):
    """Outcome of one comparison."""

    neuron: str
    backend: str
    what: str
    passed: bool
    detail: str
    error: float | None = None  # of a gradient, relative to its largest


def check_neuron(neuron: type[Neuron], *, clock: Clock | None = None) -> list[Check]:
    """Compare a neuron's laws in every back end; the promise to whoever adds a neuron.

    Args:
        neuron: the class.
        clock: step to run at; by default the coarsest of 1, 0.5, 0.1, 0.05 and 0.01 ms that the
            neuron accepts without a warning.

    Returns:
        What was compared, all of it passed.

    Raises:
        AssertionError: something differs; the message lists it.
        Unsupported: a law cannot be compiled; the message names its file and line.
    """
    checks = list(run_checks(neuron, clock=clock))
    failed = [c for c in checks if not c.passed]
    if failed:
        lines = [f"  {c.backend}: {c.what}: {c.detail}" for c in failed]
        raise AssertionError("\n".join([f"{neuron.__name__} differs between back ends:", *lines]))
    return checks


def run_checks(neuron: type[Neuron], *, clock: Clock | None = None) -> Iterator[Check]:
    """The comparisons of `check_neuron`, one by one, passed or not."""
    yield _table(neuron)
    for position, options in enumerate(_options(neuron)):
        step = clock or _clock(neuron, options)
        example, unmoved = _example(neuron, step, options)
        yield Check(
            neuron.__name__, "reference", f"every parameter moves, {options or 'no options'}",
            not unmoved, f"no value but the default is accepted: {unmoved}",
        )  # fmt: skip
        inputs = _inputs(example, step)
        label = ", ".join(f"{k}={v}" for k, v in options.items()) or "all parameters changed"
        yield _rest(example, step, label)
        if example.lazy():
            yield from _lazy(example, step, inputs, label)
        for dtype in (torch.float32, torch.float64):
            what = f"{label}, {str(dtype).removeprefix('torch.')}"
            several = position == 0 and dtype == torch.float32 and neuron.spiking()
            for surrogate in SURROGATES if several else SURROGATES[:1]:
                yield from _compare(example, step, inputs, dtype, surrogate, what)
        if _smooth(neuron):
            yield _finite_differences(example, step, inputs, label)


def _compare(
    neuron: Neuron, clock: Clock, inputs: Any, dtype: torch.dtype, surrogate: Surrogate, what: str
) -> Iterator[Check]:
    learn = [row.name for row in neuron.table() if row.learnable]
    record = list(type(neuron).State._fields)
    results: list[tuple[list[Tensor], list[Tensor | None]]] = []
    triton = triton_runs() and surrogate is SURROGATES[0]
    scans = [reference.scan, partial(fused.scan, target="numba")]
    if triton:
        scans.append(partial(fused.scan, target="triton"))
    for scan in scans:
        layer = Population(neuron, clock, learn=learn, surrogate=surrogate)
        x = type(inputs)(*(port.to(dtype, copy=True).requires_grad_() for port in inputs))
        p = layer.coefficients(dtype)
        start = reference.rest(neuron, p, x[0][0])
        start = type(start)(*(f.detach().clone().requires_grad_() for f in start))
        out, state, traces = scan(neuron, p, x, start, surrogate, record)
        values = [out, *state, *traces.values()]
        generator = torch.Generator().manual_seed(1)
        loss = sum(
            (v * torch.randn(v.shape, generator=generator, dtype=dtype)).sum() for v in values
        )
        assert isinstance(loss, Tensor)
        wanted = [*x, *start, *layer.raw.values()]
        gradients = torch.autograd.grad(loss, wanted, allow_unused=True)
        results.append(([v.detach() for v in values], list(gradients)))
    values, gradients = results[0]
    name = neuron.name
    finite = all(bool(v.isfinite().all()) for v in values)
    yield Check(name, "reference", what, finite, "a state is not finite")
    yield _simulation(neuron, clock, inputs, dtype, surrogate, what)
    signals = ["emitted", *record, *(f"{f} over time" for f in record)]
    leaves = [*type(inputs)._fields, *(f"initial {f}" for f in record), *learn]
    for (fast, fast_gradients), forward, backward in zip(
        results[1:], ("fused", "triton"), ("adjoint", "triton"), strict=False
    ):
        wrong = [n for n, a, b in zip(signals, values, fast, strict=True) if not torch.equal(a, b)]
        yield Check(name, forward, what, not wrong, f"not equal to the bit: {wrong}")
        worst, where = 0.0, ""
        for n, a, b in zip(leaves, gradients, fast_gradients, strict=True):
            a, b = (torch.zeros(1, dtype=dtype) if g is None else g for g in (a, b))
            error = float((a - b).abs().max() / a.abs().max().clamp(min=torch.finfo(dtype).tiny))
            if not error <= worst:
                worst, where = error, n
        detail = f"gradient of {where} differs by {worst:.2g} of its largest"
        yield Check(name, backward, what, worst <= TOLERANCE[dtype], detail, worst)


def triton_runs() -> bool:
    """Whether Triton's interpreter is on (environment variable TRITON_INTERPRET=1)."""
    if importlib.util.find_spec("triton") is None:
        return False
    return os.environ.get("TRITON_INTERPRET") == "1"


def _simulation(
    neuron: Neuron, clock: Clock, inputs: Any, dtype: torch.dtype, surrogate: Surrogate, what: str
) -> Check:
    """Plain numbers instead of learned tensors, tick by tick: the step of a simulation."""
    layer = Population(neuron, clock, surrogate=surrogate)
    x = type(inputs)(*(port.to(dtype) for port in inputs))
    with torch.no_grad():
        p = layer.coefficients(dtype)
        start = reference.rest(neuron, p, x[0][0])
        out, end, _ = reference.scan(neuron, p, x, start, surrogate)
        state, steps = start, []
        for t in range(len(out)):
            tick = type(inputs)(*(port[t : t + 1] for port in x))
            emitted, state, _ = fused.scan(neuron, p, tick, state, surrogate)
            steps.append(emitted)
    same = torch.equal(torch.cat(steps), out)
    same &= all(torch.equal(a, b) for a, b in zip(end, state, strict=True))
    return Check(neuron.name, "simulation", what, same, "not equal to the bit, tick by tick")


def _finite_differences(neuron: Neuron, clock: Clock, inputs: Any, label: str) -> Check:
    """The derived gradient against differences of the state itself, before the first spike."""
    dtype, surrogate = torch.float64, _NoSurrogate()
    layer = Population(neuron, clock, surrogate=surrogate)
    p = layer.coefficients(dtype)

    def run(x: Any) -> tuple[Tensor, Tensor]:
        start = reference.rest(neuron, p, x[0][0])
        out, state, _ = fused.scan(neuron, p, x, start, surrogate)
        return out, torch.stack([f * w for f, w in zip(state, weights, strict=True)]).sum()

    generator = torch.Generator().manual_seed(2)
    fields = len(type(neuron).State._fields)
    shape = inputs[0].shape[1:]
    weights = [torch.randn(shape, generator=generator, dtype=dtype) for _ in range(fields)]
    x = type(inputs)(*(port[:8].to(dtype) for port in inputs))
    for _ in range(60):  # weaker, until nothing spikes
        out, _ = run(x)
        if not neuron.spiking() or not out.any():
            break
        x = type(x)(*(
            port if name in type(neuron).noise else port / 2
            for name, port in zip(x._fields, x, strict=True)
        ))  # fmt: skip
    direction = type(x)(*(
        torch.zeros_like(port) if name in type(neuron).noise
        else torch.rand(port.shape, generator=generator, dtype=dtype) * port.abs().max()
        for name, port in zip(x._fields, x, strict=True)
    ))  # fmt: skip
    x = type(x)(*(port.clone().requires_grad_() for port in x))
    _, value = run(x)
    gradients = torch.autograd.grad(value, list(x))
    derived = float(sum((g * d).sum() for g, d in zip(gradients, direction, strict=True)))
    found = []
    for h in (1e-4, 1e-5, 1e-6):
        with torch.no_grad():
            up, down = (
                run(type(x)(*(a + sign * h * d for a, d in zip(x, direction, strict=True))))[1]
                for sign in (1, -1)
            )
        found.append(float(up - down) / (2 * h))
    size = max(abs(derived), *(abs(f) for f in found), 1e-300)
    error = min(abs(f - derived) for f in found) / size
    return Check(
        neuron.name, "finite differences", label, error <= 1e-5,
        f"derived {derived:.8g}, differences {found[1]:.8g}", error,
    )  # fmt: skip


def _smooth(neuron: type[Neuron]) -> bool:
    """Whether no law rounds, the gradient of which is meant to differ from differences."""
    laws = (neuron.flow, neuron.receive, neuron.jump)
    return not any("ops.round" in inspect.getsource(law) for law in laws)


def _table(neuron: type[Neuron]) -> Check:
    """Every row of the parameter table says what it is, in which unit, and has a legal default."""
    wrong = []
    for row in neuron.table():
        if not SI_UNIT.fullmatch(row.unit):
            wrong.append(f"{row.name}: unit {row.unit!r} is not built from SI units")
        if not row.meaning.strip():
            wrong.append(f"{row.name}: no meaning")
        if row.default <= row.low if row.open else row.default < row.low:
            wrong.append(f"{row.name}: default {row.default:g} is out of bounds")
    return Check(neuron.__name__, "reference", "parameter table", not wrong, "; ".join(wrong))


def _rest(neuron: Neuron, clock: Clock, label: str) -> Check:
    """Without input the resting state stays where it is, below threshold."""
    kind = type(neuron)
    p = Population(neuron, clock).coefficients(torch.float64)
    zero = torch.zeros(1, *neuron.units, dtype=torch.float64)
    start = reference.rest(neuron, p, zero)
    # One half at a noise port: neither luck nor its opposite.
    silence = kind.Inputs(*(zero + 0.5 * (f in kind.noise) for f in kind.Inputs._fields))
    after = kind.receive(kind.flow(start, p, 1), p, silence)
    worst, where = 0.0, ""
    for name, a, b in zip(start._fields, start, after, strict=True):
        if name == "tick" or (kind.noise and name == "luck"):
            continue  # time goes on, and draws are made, even at rest
        change = float((b - a).abs().max() / max(float(a.abs().max()), 1e-3))
        if change > worst:
            worst, where = change, name
    return Check(
        neuron.name, "reference", f"rest is a fixed point, {label}", worst <= 1e-6,
        f"{where} moves by {worst:.2g} of its size in one tick",
    )  # fmt: skip


def _lazy(neuron: Neuron, clock: Clock, inputs: Any, label: str) -> Iterator[Check]:
    """The promises of `Neuron.lazy`, from the states that a run with input goes through."""
    kind, record = type(neuron), list(type(neuron).State._fields)
    p = Population(neuron, clock).coefficients(torch.float64)
    start = reference.rest(neuron, p, inputs[0][0])
    _, _, traces = reference.scan(neuron, p, inputs, start, SURROGATES[0], record)
    state = kind.State(*(traces[name] for name in record))
    split = crossed = 0.0
    for a, b in ((1, 1), (2, 5), (7, 30)):
        once, twice = kind.flow(state, p, a + b), kind.flow(kind.flow(state, p, a), p, b)
        for x, y in zip(once, twice, strict=True):
            split = max(split, float((x - y).abs().max() / max(float(x.abs().max()), 1e-3)))
        if kind.spiking():
            below = kind.fire(state, p) <= 0
            crossed += float((below & (kind.fire(once, p) > 0)).sum())
    silence = kind.Inputs(*(torch.zeros_like(traces[record[0]]) for _ in kind.Inputs._fields))
    moved = [
        name
        for name, x, y in zip(record, state, kind.receive(state, p, silence), strict=True)
        if not torch.equal(x, y)
    ]
    for what, passed, detail in (
        ("flow(a + b) = flow(b) . flow(a)", split <= 1e-12, f"differs by {split:.2g}"),
        ("flow does not cross the threshold", crossed == 0, f"crosses it {crossed:.0f} times"),
        ("an input of zero changes nothing", not moved, f"it changes {moved}"),
    ):
        yield Check(neuron.name, "reference", f"lazy: {what}, {label}", passed, detail)


# -- examples ---------------------------------------------------------------------------------


def _options(neuron: type[Neuron]) -> Iterator[dict[str, str]]:
    """Every choice of every option, changing one option at a time."""
    rows = list(neuron._options())
    plain = {name: choices[0] for name, choices in rows}
    yield plain
    for name, choices in rows:
        for choice in choices[1:]:
            yield plain | {name: choice}


def _accepts(neuron: type[Neuron], values: dict[str, Any], clock: Clock) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            Population(neuron(UNITS, **values), clock)
        except (NeuroError, UserWarning):
            return False
    return True


def _clock(neuron: type[Neuron], options: dict[str, str]) -> Clock:
    for clock in CLOCKS:
        if _accepts(neuron, options, clock):
            return clock
    raise InvalidValue(
        f"{neuron.__name__}: its defaults are refused at every step of "
        f"{[c.dt for c in CLOCKS]} s; pass clock="
    )


def _example(
    neuron: type[Neuron], clock: Clock, options: dict[str, str]
) -> tuple[Neuron, list[str]]:
    """Every parameter away from its default, the first varies by unit; and those that cannot be."""
    values: dict[str, Any] = dict(options)
    for row in neuron.table():
        plain = 2 * clock.dt if row.unit == "s" else 1e-3 if row.unit != "1" else 0.0625
        candidates = [row.default * f for f in (1.0625, 1.25, 2.0, 0.5)] if row.default else [plain]
        if row.name == "seed":
            candidates = [3.0]
        for value in candidates:
            if _accepts(neuron, values | {row.name: value}, clock):
                values[row.name] = value
                break
    for row in neuron.table():
        value = values.get(row.name, row.default)
        spread = value * np.linspace(1.0, 1.125, UNITS)
        if row.learnable and value and _accepts(neuron, values | {row.name: spread}, clock):
            values[row.name] = spread
            break
    unmoved = [row.name for row in neuron.table() if row.name not in values]
    return neuron(UNITS, **values), unmoved


def _inputs(neuron: Neuron, clock: Clock) -> Any:
    """Inputs of a strength at which the neuron spikes now and then, on a dyadic grid."""
    generator = torch.Generator().manual_seed(0)
    kind = type(neuron).Inputs
    shape = (STEPS, BATCH, *neuron.units)

    def draw(index: int, name: str) -> Tensor:
        if name in type(neuron).noise:
            return (torch.randint(0, 256, shape, generator=generator) + 0.5) / 256
        whole = torch.randint(0, 9, shape, generator=generator) / 8
        return whole if index == 0 else whole / 4

    pattern = kind(*(draw(i, n).double() for i, n in enumerate(kind._fields)))
    if not neuron.spiking():
        return pattern
    layer = Population(neuron, clock)
    p = layer.coefficients(torch.float64)
    best, distance = pattern, float("inf")
    for exponent in range(-46, 12):
        x = kind(*(
            port if n in type(neuron).noise else port * 2.0**exponent
            for n, port in zip(kind._fields, pattern, strict=True)
        ))  # fmt: skip
        with torch.no_grad():
            start = reference.rest(neuron, p, x[0][0])
            out, state, _ = fused.scan(neuron, p, x, start, SURROGATES[0])
        if not all(bool(f.isfinite().all()) for f in state):
            break
        rate = float((out != 0).double().mean())
        if rate > 0 and abs(rate - 0.15) < distance:
            best, distance = x, abs(rate - 0.15)
    return best
