"""A population that feeds back to itself: one product a tick, everything else fused.

Forward, each tick's kernel call is preceded by the product of the spikes `delay` ticks ago with
the recurrent weights. Backward, the adjoint kernel runs tick by tick against the stream, with the
transposed product between; the gradient of the weights is a single product at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from neuro.lower.fused import GRAIN, argument, call, flatten, learned_names
from neuro.lower.kernels import Compiled, compiled
from neuro.lower.threads import parallel
from neuro.lower.trace import COLUMN
from neuro.lower.workspace import contiguous, empty
from neuro.neurons import Neuron
from neuro.surrogate import Surrogate


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
    code = compiled(type(neuron), p, surrogate, learned_names(p), tuple(record), x.dtype)
    columns = x[0].numel()
    port = type(neuron).Inputs._fields.index(feedback.port)
    results = _Loop.apply(
        code, port, feedback.weight, feedback.bias, feedback.line,
        *flatten(code, p, inputs, state, columns),
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
        delay, batch, units = line.shape[0], line.shape[1], weight.shape[0]
        current = empty(x.shape, x.dtype)  # what enters: input plus feedback
        made = {n: empty(x.shape, x.dtype) for n in names if n.startswith(("out", "keep_", "rec_"))}
        state = {n: held[f"s_{n}"].clone() for n in step.state}
        out = made["out"]
        transposed = contiguous(weight.detach().t())
        view = current.view(steps, batch, units)
        sent, before = out.view(steps, batch, units), contiguous(line.detach()).flatten(2)
        for t in range(steps):
            past = sent[t - delay] if t >= delay else before[t]
            torch.mm(past, transposed, out=view[t])
            if bias is not None:
                view[t] += bias.detach()
            view[t] += x[t].view(batch, units)
            arguments = []
            for n in names:
                if n == entry:
                    value = current[t : t + 1]
                elif n.startswith("x_"):
                    value = held[n][t : t + 1]
                elif n.startswith("s_"):
                    value = state[n[2:]]
                elif n.startswith("end_"):  # a kernel reads its state before it writes it
                    value = state[n[4:]]
                elif n in made:
                    value = made[n][t : t + 1]
                else:
                    value = held[n]
                arguments.append(argument(value))
            parallel(partial(call, code.module.forward, 1, arguments), columns, GRAIN)
        ctx.code, ctx.port, ctx.delay, ctx.has_bias = code, port, delay, bias is not None
        ctx.fixed = {n: v for n, v in held.items() if not isinstance(v, Tensor)}
        kept = {n: v for n, v in held.items() if n.startswith("p_") and isinstance(v, Tensor)}
        for i, node in enumerate(code.adjoint.kept):
            leaf = str(node.value)
            kept[f"keep_{i}"] = (
                made[f"keep_{i}"] if f"keep_{i}" in made
                else current if leaf == entry else held[leaf]
            )  # fmt: skip
        ctx.names = tuple(kept)
        ctx.save_for_backward(weight, before, out, *kept.values())
        records = [made[n] for n in names if n.startswith("rec_")]
        return out, *records, *state.values()

    @staticmethod
    @torch.autograd.function.once_differentiable  # type: ignore[misc]
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        code: Compiled = ctx.code
        step, names = code.step, code.text.backward
        weight, before, out, *saved = ctx.saved_tensors
        held: dict[str, Any] = ctx.fixed | dict(zip(ctx.names, saved, strict=True))
        steps, columns = out.shape
        batch, units, delay = before.shape[1], weight.shape[0], ctx.delay
        records = [n for n in names if n.startswith("grec_")]
        received = [contiguous(g) for g in grads[: 1 + len(records)]]
        streams = dict(zip(("gout", *records), received, strict=True))
        ends = grads[1 + len(records) :]
        state = {n: g.clone() for n, g in zip(step.state, ends, strict=True)}
        entry = f"gx_{list(step.ports)[ctx.port]}"
        for name in names:
            if name.startswith("gx_"):
                streams[name] = empty(out.shape, out.dtype)
            elif name.startswith("gp_"):
                held[name] = out.new_zeros(columns)
        into = streams[entry].view(steps, batch, units)
        total = out.new_empty(1, columns)
        for t in range(steps - 1, -1, -1):
            if t + delay < steps:  # what this tick's spikes did `delay` ticks later
                torch.addmm(
                    streams["gout"][t].view(batch, units), into[t + delay], weight,
                    out=total.view(batch, units),
                )  # fmt: skip
            else:
                total.copy_(streams["gout"][t])
            arguments = []
            for n in names:
                if n == "gout":
                    value = total
                elif n in streams:
                    value = streams[n][t : t + 1]
                elif n.startswith("keep_"):
                    value = held[n][t : t + 1]
                elif n.startswith("gend_"):
                    value = state[n[5:]]
                elif n.startswith("gs_"):  # a kernel reads what came before it writes
                    value = state[n[3:]]
                else:
                    value = held[n]
                arguments.append(argument(value))
            parallel(partial(call, code.module.backward, 1, arguments), columns, GRAIN)
        sent = out.view(steps, batch, units)
        late, early = into[delay:].flatten(0, 1), into[:delay]
        weight_gradient = late.t() @ sent[: max(steps - delay, 0)].flatten(0, 1)
        weight_gradient += early.flatten(0, 1).t() @ before[: len(early)].flatten(0, 1)
        line_gradient = torch.zeros_like(before)
        line_gradient[: len(early)] = early @ weight
        bias_gradient = into.sum((0, 1)) if ctx.has_bias else None
        result: list[Any] = [streams[f"gx_{n}"] for n in step.ports] + list(state.values())
        for name, leaf in step.coefficients.items():
            gradient = held.get(f"gp_{name}")
            if gradient is not None and leaf.level != COLUMN:
                gradient = gradient.sum()
            result.append(gradient)
        return None, None, weight_gradient, bias_gradient, line_gradient, *result
