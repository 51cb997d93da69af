"""Linear layers on spikes: rows of the weights that the spikes select, added up.

A spike train at 2 % density selects 14 of 700 rows at each step, a fiftieth of the dense product's
work. The weight gradient is the same sum with the roles of spikes and rows exchanged. A zero
selects nothing: zero times an infinite or undefined weight is zero here.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from neuro.lower.choice import LINEAR, plain, worthwhile
from neuro.lower.spikes import GRAIN, Places, Spikes, Starts, kernels
from neuro.lower.threads import parallel
from neuro.lower.workspace import contiguous, empty

TILE = 1 << 20  # bytes of the gradient that stay in the cache while columns of spikes gather them
PASS = 8  # rows that one pass adds up; a tile holds at least as many a column on average
SPARSEST = 0.005  # density at which a tile that is to hold so many would outgrow the cache


def linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """`torch.nn.functional.linear`, by the quicker of two ways.

    Args:
        x: [..., in]; spikes, or any values of which many are zero.
        weight: [out, in].
        bias: [out] or None.

    Raises:
        MissingExtra: the product is large, and Numba is not installed.
    """
    if plain(x, weight, bias) and weight.ndim == 2 and x.shape[-1:] == weight.shape[1:]:
        width, units = weight.shape
        outputs = x.numel() // max(units, 1) * width
        spikes = worthwhile(x, units, outputs, outputs * units, LINEAR)
        if spikes is not None:
            out = _Gather.apply(x, weight, bias, spikes)
            assert isinstance(out, Tensor)
            return out
    return torch.nn.functional.linear(x, weight, bias)


class _Gather(torch.autograd.Function):
    """x @ weight.T + bias. Kept for the gradients: bits instead of x."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, spikes: Spikes) -> Tensor:
        out = empty((len(spikes.counts), len(weight)), x.dtype)
        select(spikes, transposed(weight), bias, out)
        ctx.counts, ctx.units = spikes.counts, spikes.units
        by_x, by_weight = ctx.needs_input_grad[:2]
        packed = (spikes.bits, spikes.values) if by_weight else (None, None)
        ctx.save_for_backward(*packed, weight if by_x else None)
        return out.view(*x.shape[:-1], len(weight))

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:  # type: ignore[override]
        bits, values, weight = ctx.saved_tensors
        g = contiguous(grads[0])
        by_x = None if weight is None else g @ weight
        g = g.view(-1, g.shape[-1])
        by_bias = g.sum(0) if ctx.needs_input_grad[2] else None
        if bits is None:
            return by_x, None, by_bias, None
        by_weight = empty((ctx.units, g.shape[1]), g.dtype)
        collect(Spikes(bits, ctx.counts, values, ctx.units), g, by_weight)
        return by_x, transposed(by_weight), by_bias, None


def transposed(weight: Tensor) -> Tensor:
    """weight.T, in order; the way PyTorch takes for it is several times slower.

    A gradient that did not lie like its weights would be copied that way by autograd.
    """
    source = weight.detach()
    if not source.is_contiguous():
        return source.t().contiguous()
    table = empty((weight.shape[1], weight.shape[0]), weight.dtype)
    kernel = partial(kernels("gather").turn, source.numpy(), table.numpy())
    parallel(kernel, len(source), 64)
    return table


def select(spikes: Spikes, table: Tensor, bias: Tensor | None, out: Tensor) -> None:
    """out [R, width] = bias + spikes @ table [units, width]: the rows that are selected, added."""
    first = out.new_zeros(out.shape[1]) if bias is None else bias.detach().contiguous()
    _gather(out, first, table, *spikes.rows(), spikes.values, GRAIN)


def collect(spikes: Spikes, g: Tensor, out: Tensor) -> None:
    """out [units, width] = spikes.T @ g [R, width]."""
    cached = TILE // (g.shape[1] * g.itemsize)
    height = max(cached, round(PASS / max(spikes.density, SPARSEST)))
    share = -(-len(out) // torch.get_num_threads())  # each tile is read once a thread
    _gather(out, out.new_zeros(out.shape[1]), g, *spikes.columns(height), share)


def weight_gradient(x: Tensor, g: Tensor) -> Tensor:
    """g.T @ x, [out, in], for spikes x [R, in] and gradients g [R, out], by the quicker way."""
    outputs = x.shape[1] * g.shape[1]
    spikes = worthwhile(x, x.shape[1], g.numel(), len(x) * outputs, LINEAR) if len(x) else None
    if spikes is None:
        return g.t() @ x
    result = empty((x.shape[1], g.shape[1]), g.dtype)
    collect(spikes, contiguous(g), result)
    return transposed(result)


def _gather(
    out: Tensor, first: Tensor, table: Tensor, starts: Starts, places: Places, values: Tensor,
    grain: int,
) -> None:  # fmt: skip
    arrays = [v.detach().numpy() for v in (out, first, table)]
    kernel = partial(kernels("gather").gather, *arrays, starts, places, values.numpy())
    parallel(kernel, len(out), grain)
