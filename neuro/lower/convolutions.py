"""Convolutions on spikes: each spike adds its kernel to the output, and nothing else is done."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.grad import conv2d_input

from neuro.lower.choice import CONVOLUTION, FEW_CHANNELS, plain, worthwhile
from neuro.lower.spikes import Spikes, kernels
from neuro.lower.threads import parallel
from neuro.lower.workspace import contiguous, empty

FEW = 8  # channels; see `FEW_CHANNELS`
WIDE = 600  # weights of a kernel; for more, PyTorch's own input gradient is as quick
TOGETHER = 1 << 21  # elements of a product that stay in the cache
PARTS = 16  # of a batch of images, each summed apart; fixed, so that threads change no bit


def conv2d(
    x: Tensor, weight: Tensor, bias: Tensor | None, stride: Sequence[int],
    padding: Sequence[int], dilation: Sequence[int], groups: int,
) -> Tensor:  # fmt: skip
    """`torch.nn.functional.conv2d` of x [R, channel, y, x], by the quicker of two ways.

    Only kernels without dilation and groups have the sparse way.

    Raises:
        MissingExtra: the product is large, and Numba is not installed.
    """
    simple = groups == 1 and tuple(dilation) == (1, 1) and x.ndim == weight.ndim == 4
    fits = simple and x.shape[1] == weight.shape[1] and min(stride) > 0 <= min(padding)
    if fits and plain(x, weight, bias):
        geometry = tuple(zip(x.shape[2:], weight.shape[2:], stride, padding, strict=True))
        height, width = (max(_size(*axis), 0) for axis in geometry)
        outputs = len(x) * len(weight) * height * width
        dense = outputs * weight[:1].numel()
        cost = FEW_CHANNELS if x.shape[1] < FEW else CONVOLUTION
        spikes = worthwhile(x, x[:1].numel(), outputs, dense, cost)
        if spikes is not None:
            axes = tuple(_axis(*axis) for axis in geometry)
            out = _Stamp.apply(x, weight, bias, spikes, axes, stride, padding)
            assert isinstance(out, Tensor)
            return out
    return torch.nn.functional.conv2d(x, weight, bias, stride, padding, dilation, groups)


class Axis(NamedTuple):
    """Where one axis of the kernel carries each coordinate of the input.

    order: taps in the order in which those that one spike meets fall onto the output, side by side.
    runs: [length, 3] for each coordinate: first tap (in that order), first output, how many.
    size: coordinates of the output.
    """

    order: NDArray[np.int64]
    runs: NDArray[np.int64]
    size: int


def _size(length: int, taps: int, stride: int, padding: int) -> int:
    return (length + 2 * padding - taps) // stride + 1


def _axis(length: int, taps: int, stride: int, padding: int) -> Axis:
    # Tap t carries coordinate x to the output (x + padding - t) / stride, if that is whole.
    size = _size(length, taps, stride, padding)
    order = [t for phase in range(stride) for t in range(taps)[phase::stride][::-1]]
    target = np.arange(length)[:, None] + padding - np.array(order)
    inside = (target >= 0) & (target % stride == 0) & (target // stride < size)
    tap, many = inside.argmax(1), inside.sum(1)
    first = np.take_along_axis(target, tap[:, None], 1)[:, 0] // stride
    runs = np.where(many[:, None] > 0, np.stack((tap, first, many), 1), 0)
    return Axis(np.array(order), runs, size)


class _Stamp(torch.autograd.Function):
    """The convolution of x [R, channel, y, x]. Kept for the gradients: bits instead of x."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, spikes: Spikes,
        axes: Sequence[Axis], stride: Sequence[int], padding: Sequence[int],
    ) -> Tensor:  # fmt: skip
        down, across = axes
        taps = weight.permute(1, 2, 3, 0)[:, down.order][:, :, across.order].flatten(2)
        first = weight.new_zeros(len(weight)) if bias is None else bias.contiguous()
        out = empty((len(x), len(weight), down.size, across.size), x.dtype)
        arrays = (v.detach().numpy() for v in (out, first, taps))
        lists = (down.runs, across.runs, *spikes.rows(), spikes.values.numpy())
        parallel(partial(kernels("stamp").stamp, *arrays, *lists), len(x))
        by_x, by_weight = ctx.needs_input_grad[:2]
        packed = (spikes.bits, spikes.values) if by_weight else (None, None)
        ctx.save_for_backward(*packed, weight if by_x else None)
        ctx.counts, ctx.units = spikes.counts, spikes.units
        ctx.axes, ctx.options, ctx.shapes = axes, (stride, padding), (x.shape, weight.shape)
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:  # type: ignore[override]
        bits, values, weight = ctx.saved_tensors
        g = contiguous(grads[0])
        shape, (out, channels, height, width) = ctx.shapes
        by_x = None
        if weight is not None:
            narrow = channels * height * width <= WIDE
            by_x = (input_gradient if narrow else conv2d_input)(shape, weight, g, *ctx.options)
        by_bias = g.sum((0, 2, 3)) if ctx.needs_input_grad[2] else None
        if bits is None:
            return by_x, None, by_bias, *(None,) * 4
        spikes = Spikes(bits, ctx.counts, values, ctx.units)
        parts = g.new_empty(min(PARTS, len(g)), channels, height, width * out)
        lists = (*(axis.runs for axis in ctx.axes), *spikes.rows(), spikes.values.numpy())
        arrays = (parts.numpy(), g.numpy())
        parallel(partial(kernels("stamp").stamp_back, *arrays, *lists), len(parts))
        for part in parts[1:]:
            parts[0] += part
        by_tap = parts[0].view(channels, height, width, out)
        down, across = (np.argsort(axis.order) for axis in ctx.axes)
        by_weight = by_tap[:, down][:, :, across].permute(3, 0, 1, 2)
        return by_x, by_weight, by_bias, *(None,) * 4


def input_gradient(
    shape: Sequence[int], weight: Tensor, g: Tensor, stride: Sequence[int], padding: Sequence[int]
) -> Tensor:
    """Gradient of the input [R, channel, y, x] of a convolution, from that of its output g.

    One product gives what every output place owes to the inputs its kernel covers, a few images at
    a time, and that is added up. PyTorch's own way takes several times as long for few channels.
    """
    out, channels, height, width = weight.shape
    places = g.shape[2] * g.shape[3]
    size = height * width * channels
    matrix = weight.detach().permute(0, 2, 3, 1).reshape(out, size)
    by_x = empty(shape, g.dtype)
    some = max(1, TOGETHER // (places * size))
    taps = empty((min(some, len(g)), places, size), g.dtype)
    for first in range(0, len(g), some):
        part = g[first : first + some].flatten(2).transpose(1, 2)
        now = torch.bmm(part, matrix.expand(len(part), -1, -1), out=taps[: len(part)])
        arrays = (by_x[first : first + some], now.view(len(part), places, height, width * channels))
        geometry = (tuple(g.shape[2:]), tuple(stride), tuple(padding))
        kernel = partial(kernels("stamp").fold, *(a.numpy() for a in arrays), *geometry)
        parallel(kernel, len(part))
    return by_x
