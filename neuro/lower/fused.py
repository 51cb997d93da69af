"""All ticks of a population in one kernel, forward and backward: Numba, or Triton on a GPU.

Gives the spikes of `neuro.lower.reference` to the bit, and its gradients to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from neuro.lower.kernels import Compiled, compiled
from neuro.lower.threads import parallel
from neuro.lower.trace import COLUMN
from neuro.lower.workspace import contiguous, empty
from neuro.neurons import Neuron
from neuro.surrogate import Surrogate

GRAIN = 8192  # columns; fewer are not worth a thread
BLOCK = 256  # columns a program on a GPU


def scan(
    neuron: Neuron,
    p: Any,
    inputs: Any,
    state: Any,
    surrogate: Surrogate,
    record: Sequence[str] = (),
    target: str = "",
    reuse: bool = False,
) -> tuple[Tensor, Any, dict[str, Tensor]]:
    """The same as `reference.scan`, with the same arguments and results.

    Args:
        reuse: the memory of the first input may be written over, as nobody needs it any more.
        target: "numba" or "triton"; by default what suits the device of the inputs.

    Raises:
        Unsupported: a law cannot be compiled; the message names its file and line.
    """
    x = inputs[0]
    target = target or ("triton" if x.is_cuda else "numba")
    code = compiled(
        type(neuron), p, surrogate, learned_names(p), tuple(record), x.dtype, target, reuse=reuse
    )
    results = _Scan.apply(code, *flatten(code, p, inputs, state, x.shape[1:]))
    assert isinstance(results, tuple)
    out, rest = results[0].view(x.shape), results[1:]
    traces = {n: r.view(x.shape) for n, r in zip(record, rest[: len(record)], strict=True)}
    after = (field.view(x.shape[1:]) for field in rest[len(record) :])
    return out, type(state)(*after), traces


def learned_names(p: Any) -> tuple[str, ...]:
    """Coefficients that carry a gradient."""
    return tuple(
        name for name, value in zip(p._fields, p, strict=True)
        if isinstance(value, Tensor) and value.requires_grad
    )  # fmt: skip


def flatten(code: Compiled, p: Any, inputs: Any, state: Any, lead: Sequence[int]) -> list[Any]:
    """Inputs [T, columns], state [columns] and coefficients, in the order kernels name them.

    Args:
        lead: B and the shape of the population, the axes that are one in a kernel.
    """
    columns = math.prod(lead)
    flat = [port.reshape(len(port), columns) for port in inputs]
    flat += [field.reshape(columns) for field in state]
    for name, leaf in code.step.coefficients.items():
        value = getattr(p, name)
        flat.append(value.expand(*lead).reshape(columns) if leaf.level == COLUMN else value)
    return flat


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, code: Compiled, *flat: Any) -> tuple[Tensor, ...]:
        step, names = code.step, code.text.forward
        held = dict(zip(
            (*(f"x_{n}" for n in step.ports), *(f"s_{n}" for n in step.state),
             *(f"p_{n}" for n in step.coefficients)),
            (contiguous(v.detach()) if isinstance(v, Tensor) else v for v in flat), strict=True,
        ))  # fmt: skip
        x = held[names[0]]
        made: dict[str, Tensor] = {}
        for name in names:
            if name in held:
                continue
            if name.startswith("end_"):
                made[name] = held[f"s_{name[4:]}"].clone()
            else:
                made[name] = _empty(x.shape, x)
        launch(code, "forward", x, [made[n] if n in made else held[n] for n in names])
        ctx.code, ctx.shape = code, x.shape
        ctx.fixed = {n: v for n, v in held.items() if not isinstance(v, Tensor)}
        tensors = {n: v for n, v in held.items() if n.startswith("p_") and isinstance(v, Tensor)}
        inputs = {node: f"x_{n}" for n, node in step.ports.items()}
        for i, node in enumerate(code.adjoint.kept):
            name = f"keep_{i}"  # if not made, the input itself, or in the memory of the first
            tensors[name] = made[name] if name in made else held[inputs.get(node, names[0])]
        ctx.names = tuple(tensors)
        ctx.save_for_backward(*tensors.values())
        ends = [
            made[f"end_{n}"] if f"end_{n}" in made else held[f"s_{n}"].clone() for n in step.state
        ]
        records = [made[n] for n in names if n.startswith("rec_")]
        return made["out"], *records, *ends

    @staticmethod
    @torch.autograd.function.once_differentiable  # type: ignore[misc]
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        code: Compiled = ctx.code
        step, names = code.step, code.text.backward
        held: dict[str, Any] = ctx.fixed | dict(zip(ctx.names, ctx.saved_tensors, strict=True))
        like = grads[0]
        records = [n for n in names if n.startswith("grec_")]
        one_row = code.target == "numba"
        given = {"gout": grads[0], **dict(zip(records, grads[1:], strict=False))}
        held |= {n: arriving(g) if one_row else g.contiguous() for n, g in given.items()}
        ends = grads[1 + len(records) :]
        held |= {f"gend_{n}": contiguous(g) for n, g in zip(step.state, ends, strict=True)}
        for name in names:
            if name.startswith("gx_"):
                held[name] = _empty(ctx.shape, like)
            elif name.startswith("gs_"):
                held[name] = held[f"gend_{name[3:]}"].clone()
            elif name.startswith("gp_"):
                held[name] = like.new_zeros(ctx.shape[1])
        stream = held[f"gx_{next(iter(step.ports))}"]
        launch(code, "backward", stream, [held[n] for n in names])
        inputs = (held[f"gx_{n}"] for n in step.ports)
        states = (held[f"gs_{n}"] for n in step.state)
        return None, *inputs, *states, *coefficient_gradients(code, held)


def arriving(g: Tensor) -> Tensor:
    """A gradient [T, columns] in order, or one row of it if it is the same at all ticks.

    Losses on sums and means over time send such gradients: views that repeat one row.
    """
    return contiguous(g[:1] if g.stride(0) == 0 else g)


def coefficient_gradients(code: Compiled, held: Mapping[str, Any]) -> list[Tensor | None]:
    """Gradients of the coefficients, in their order, from those of the columns."""
    result: list[Tensor | None] = []
    for name, leaf in code.step.coefficients.items():
        gradient = held.get(f"gp_{name}")
        if gradient is not None and leaf.level != COLUMN:
            gradient = gradient.sum()
        result.append(gradient)
    return result


def launch(code: Compiled, which: str, stream: Tensor, values: list[Any]) -> None:
    """Run a kernel over all columns of a stream [T, columns]."""
    steps, columns = stream.shape
    kernel = getattr(code.module, which)
    if code.target == "numba":
        arguments = [argument(v) for v in values]
        parallel(partial(call, kernel, steps, arguments), columns, GRAIN)
        return
    pointers = [
        v.detach() if isinstance(v, Tensor)
        else torch.tensor(float(v), dtype=torch.float64, device=stream.device)
        for v in values
    ]  # fmt: skip
    # Products fused with sums would round once where the laws round twice.
    kernel[(-(-columns // BLOCK),)](*pointers, steps, columns, BLOCK=BLOCK, enable_fp_fusion=False)


def _empty(shape: Sequence[int], like: Tensor) -> Tensor:
    return like.new_empty(tuple(shape)) if like.is_cuda else empty(shape, like.dtype)


def call(kernel: Any, steps: int, arguments: list[Any], low: int, high: int) -> None:
    """Run a kernel on a range of columns, as `threads.parallel` wants it."""
    kernel(low, high, steps, *arguments)


def argument(value: Any) -> Any:
    """What a kernel takes: arrays, or a number in the format it is computed in."""
    if isinstance(value, Tensor):
        array = value.detach().numpy()
        return array[()] if array.ndim == 0 else array
    return float(value)
