"""A population that feeds back to itself: the product in the loop, everything else fused.

Forward, where few units spike, one kernel takes each sample through several ticks and adds up the
recurrent weights that its spikes select; otherwise each tick's kernel follows a product. Backward,
the adjoint kernel runs against the stream with the transposed product between ticks, and the
gradient of the weights is a single product over all ticks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from neuro.lower.choice import LINEAR, pays
from neuro.lower.fused import GRAIN, argument, coefficient_gradients, flatten, learned_names
from neuro.lower.kernels import Compiled, compiled
from neuro.lower.products import transposed, weight_gradient
from neuro.lower.spikes import sample_density
from neuro.lower.threads import parallel
from neuro.lower.workspace import contiguous, empty
from neuro.neurons import Neuron
from neuro.surrogate import Surrogate

GROUP = 10  # ticks after which the choice between sparse and dense is made anew
PART = 64  # samples that go through the ticks together
_STREAMS = ("x_", "out", "keep_", "rec_", "grec_", "gx_")  # arrays over ticks, as kernels name them


class Feedback(NamedTuple):
    """Recurrent connection of a population to itself."""

    weight: Tensor  # [units, units], post first
    bias: Tensor | None  # [units]
    line: Tensor  # [delay, B, units]: what was emitted before the first tick
    port: str  # where the current enters


def scan(
    neuron: Neuron,
    p: Any,
    inputs: Any,
    state: Any,
    surrogate: Surrogate,
    feedback: Feedback,
    record: Sequence[str] = (),
) -> tuple[Tensor, Any, dict[str, Tensor]]:
    """Like `fused.scan`, with `feedback`.

    Raises:
        Unsupported: a law cannot be compiled; the message names its file and line.
    """
    x = inputs[0]
    code = compiled(
        type(neuron), p, surrogate, learned_names(p), tuple(record), x.dtype, entry=feedback.port
    )
    port = type(neuron).Inputs._fields.index(feedback.port)
    results = _Loop.apply(
        code, port, feedback.weight, feedback.bias, feedback.line,
        *flatten(code, p, inputs, state, x.shape[1:]),
    )  # fmt: skip
    assert isinstance(results, tuple)
    out, rest = results[0].view(x.shape), results[1:]
    traces = {n: r.view(x.shape) for n, r in zip(record, rest[: len(record)], strict=True)}
    after = (field.view(x.shape[1:]) for field in rest[len(record) :])
    return out, type(state)(*after), traces


class _Loop(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, code: Compiled, port: int, weight: Tensor, bias: Tensor | None, line: Tensor,
        *flat: Any,
    ) -> tuple[Tensor, ...]:  # fmt: skip
        step, names = code.step, code.text.forward
        given = (
            *(f"x_{n}" for n in step.ports), *(f"s_{n}" for n in step.state),
            *(f"p_{n}" for n in step.coefficients),
        )  # fmt: skip
        held: dict[str, Any] = {
            name: contiguous(v.detach()) if isinstance(v, Tensor) else v
            for name, v in zip(given, flat, strict=True)
        }
        entry = names[port]
        x = held[entry]
        steps, columns = x.shape
        kept_inputs = {str(node.value) for node in code.adjoint.kept}
        rows = steps if entry in kept_inputs else 1
        current = empty((rows, columns), x.dtype)  # what enters: input plus feedback
        made = {n: empty(x.shape, x.dtype) for n in names if n.startswith(("out", "keep_", "rec_"))}
        state = {n: held[f"s_{n}"].clone() for n in step.state}
        values = held | made | {entry: current} | {f"end_{n}": v for n, v in state.items()}
        before = contiguous(line.detach())
        offset = x.new_zeros(len(weight)) if bias is None else bias.detach()
        _run(code, [(n, values[n]) for n in names], x, current, made["out"], weight, offset, before)
        ctx.code, ctx.port, ctx.has_bias = code, port, bias is not None
        ctx.fixed = {n: v for n, v in held.items() if not isinstance(v, Tensor)}
        kept = {n: v for n, v in held.items() if n.startswith("p_") and isinstance(v, Tensor)}
        for i, node in enumerate(code.adjoint.kept):
            kept[f"keep_{i}"] = values[f"keep_{i}" if f"keep_{i}" in made else str(node.value)]
        ctx.names = tuple(kept)
        ctx.save_for_backward(weight, before, made["out"], *kept.values())
        records = [made[n] for n in names if n.startswith("rec_")]
        return made["out"], *records, *state.values()

    @staticmethod
    @torch.autograd.function.once_differentiable  # type: ignore[misc]
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        code: Compiled = ctx.code
        step, names = code.step, code.text.backward
        weight, before, out, *saved = ctx.saved_tensors
        held: dict[str, Any] = ctx.fixed | dict(zip(ctx.names, saved, strict=True))
        steps, columns = out.shape
        delay, batch, units = before.shape
        records = [n for n in names if n.startswith("grec_")]
        arriving, ends = grads[0], grads[1 + len(records) :]
        held |= {n: contiguous(g) for n, g in zip(records, grads[1:], strict=False)}
        state = {n: g.clone() for n, g in zip(step.state, ends, strict=True)}
        total = out.new_empty(1, columns)
        for name in names:
            if name.startswith("gx_"):
                held[name] = empty(out.shape, out.dtype)
            elif name.startswith("gp_"):
                held[name] = out.new_zeros(columns)
            elif name.startswith("gs_"):
                held[name] = state[name[3:]]
        arguments = [(n, argument(total if n == "gout" else held[n])) for n in names]
        entry = f"gx_{list(step.ports)[ctx.port]}"
        into = held[entry].view(steps, batch, units)
        arriving = arriving.view(steps, batch, units)

        def back(low: int, high: int) -> None:
            now = total.view(batch, units)[low:high]
            coming, later = arriving[:, low:high].unbind(), into[:, low:high].unbind()
            values = [v for _, v in arguments]
            streams = [i for i, (n, _) in enumerate(arguments) if n.startswith(_STREAMS)]
            for t in range(steps - 1, -1, -1):
                if t + delay < steps:  # what this tick's spikes did `delay` ticks later
                    torch.addmm(coming[t], later[t + delay], weight, out=now)
                else:
                    now.copy_(coming[t])
                for i in streams:
                    values[i] = arguments[i][1][t : t + 1]
                code.module.backward(low * units, high * units, 1, *values)

        _in_parts(back, batch)
        sent = out.view(steps, batch, units)
        late, early = into[delay:].flatten(0, 1), into[:delay]
        by_weight = weight_gradient(sent[: max(steps - delay, 0)].flatten(0, 1), late)
        by_weight.addmm_(early.flatten(0, 1).t(), before[: len(early)].flatten(0, 1))
        by_line = torch.zeros_like(before)
        by_line[: len(early)] = early @ weight
        by_bias = into.sum((0, 1)) if ctx.has_bias else None
        by_inputs = (held[f"gx_{n}"] for n in step.ports)
        by_coefficients = coefficient_gradients(code, held)
        return (
            None, None, by_weight, by_bias, by_line, *by_inputs, *state.values(), *by_coefficients
        )  # fmt: skip


def _run(
    code: Compiled, values: list[tuple[str, Any]], x: Tensor, current: Tensor, out: Tensor,
    weight: Tensor, bias: Tensor, before: Tensor,
) -> None:  # fmt: skip
    """All ticks forward, filling `current`, `out` and the other arrays of `values`."""
    steps, columns = x.shape
    delay, batch, units = before.shape
    table = transposed(weight)
    arguments = [(n, argument(v)) for n, v in values]
    fixed = [argument(v) for v in (table, bias, before.view(delay, columns), x)]
    given, now, sent = (v.view(-1, batch, units) for v in (x, current, out))

    def gather(low: int, high: int) -> None:
        values = (v for _, v in arguments)
        code.module.loop(low, high, first, last, delay, *fixed, *values)

    def multiply(low: int, high: int) -> None:
        for t in range(first, last):
            past = sent[t - delay] if t >= delay else before[t]
            entering = now[t % len(now), low:high]
            torch.addmm(bias, past[low:high], table, out=entering)
            entering += given[t, low:high]
            tick = [
                v[t % len(v) : t % len(v) + 1] if n.startswith(_STREAMS) else v
                for n, v in arguments
            ]
            code.module.forward(low * units, high * units, 1, *tick)

    emitted = before[-1]
    for first in range(0, steps, GROUP):
        last = min(first + GROUP, steps)
        if pays(LINEAR, sample_density(emitted), units, 1):
            parallel(gather, batch, -(-GRAIN // units))
        else:
            _in_parts(multiply, batch)
        emitted = sent[last - 1]


def _in_parts(function: Callable[[int, int], object], batch: int) -> None:
    """Call a function that takes samples [low, high) through ticks with products between.

    Each thread takes whole parts, so that none waits for another at every tick. How the batch is
    cut does not depend on the number of threads, since the product of a part may be rounded
    otherwise than the same rows of a larger one.
    """

    def some(low: int, high: int) -> None:
        with torch.no_grad():  # each thread has its own switch
            for first in range(low, high, PART):
                function(first, min(first + PART, batch))

    parallel(some, batch, PART)
