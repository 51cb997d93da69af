"""`neuro.ops` on PyTorch tensors, with elementary functions that give the same bits everywhere.

`exp` reduces its argument to |r| <= ln(2) / 2 and sums the Taylor series by Horner's rule; `log`
takes the binary exponent apart and sums the series of the inverse hyperbolic tangent. Both use
only IEEE additions, multiplications, divisions and exponent bits, which every back end rounds
alike, so the emitted kernels (`neuro.lower.numba_emit`, `neuro.lower.triton_emit`) repeat them
literally. Largest error of exp and log: 3 units in the last place (tested against NumPy).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from neuro.lower import formats
from neuro.lower.formats import FORMATS, LOG2E, SQRT_HALF, Format


def _format(x: Tensor) -> Format:
    try:
        return FORMATS[str(x.dtype).removeprefix("torch.")]
    except KeyError:
        raise TypeError(f"laws run in float32 or float64, got {x.dtype}") from None


class _Exp(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        f = _format(x)
        x = torch.where(x < f.limit[0], f.limit[0], torch.where(x > f.limit[1], f.limit[1], x))
        n = torch.floor(x * LOG2E + 0.5)
        r = x - n * f.ln2[0] - n * f.ln2[1]
        y = torch.full_like(r, f.exp_terms[0])
        for term in f.exp_terms[1:]:
            y = y * r + term
        y = y * ((n.to(getattr(torch, f.integer)) + f.bias) << f.mantissa).view(x.dtype)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        return grads[0] * y


class _Log(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        f = _format(x)
        bits = x.view(getattr(torch, f.integer))
        exponent = ((bits >> f.mantissa) - (f.bias - 1)).to(x.dtype)
        fraction = (bits & ((1 << f.mantissa) - 1)) | ((f.bias - 1) << f.mantissa)
        m = fraction.view(x.dtype)  # x = m 2^exponent, 0.5 <= m < 1
        low = m < SQRT_HALF
        m = torch.where(low, m + m, m)
        exponent = torch.where(low, exponent - 1.0, exponent)
        s = (m - 1.0) / (m + 1.0)
        y = torch.full_like(s, f.log_terms[0])
        for term in f.log_terms[1:]:
            y = y * (s * s) + term
        return exponent * f.ln2[0] + (exponent * f.ln2[1] + y * s)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return grads[0] / x


class _Round(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.round()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        return grads[0]


def exp(x: Tensor) -> Tensor:
    """See `neuro.ops.exp`; saturates where the result would leave the normal numbers."""
    return _apply(_Exp, x)


def log(x: Tensor) -> Tensor:
    """See `neuro.ops.log`; for normal numbers above 0."""
    return _apply(_Log, x)


def tanh(x: Tensor) -> Tensor:
    """See `neuro.ops.tanh`."""
    return formats.tanh(x, _HERE)


def sigmoid(x: Tensor) -> Tensor:
    """See `neuro.ops.sigmoid`."""
    return formats.sigmoid(x, _HERE)


def sqrt(x: Tensor) -> Tensor:
    """See `neuro.ops.sqrt`."""
    return x.sqrt()


def sin(x: Tensor) -> Tensor:
    """See `neuro.ops.sin`."""
    return x.sin()


def cos(x: Tensor) -> Tensor:
    """See `neuro.ops.cos`."""
    return x.cos()


def floor(x: Tensor) -> Tensor:
    """See `neuro.ops.floor`."""
    return x.floor()


def round(x: Tensor) -> Tensor:
    """See `neuro.ops.round`."""
    return _apply(_Round, x)


def power(x: Any, n: Any) -> Tensor:
    """See `neuro.ops.power`."""
    if not isinstance(n, Tensor):
        return x**n
    return torch.where(n == 0.0, 1.0, torch.where(n == 1.0, x, x**n))


def maximum(x: Any, y: Any) -> Tensor:
    """See `neuro.ops.maximum`."""
    return torch.where(x >= y, x, y)


def minimum(x: Any, y: Any) -> Tensor:
    """See `neuro.ops.minimum`."""
    return torch.where(x <= y, x, y)


def where(condition: Any, yes: Any, no: Any) -> Any:
    """See `neuro.ops.where`."""
    if not isinstance(condition, Tensor):
        return yes if condition else no
    return torch.where(condition, yes, no)


def stop(x: Tensor) -> Tensor:
    """See `neuro.ops.stop`."""
    return x.detach()


def _apply(function: Any, x: Tensor) -> Tensor:
    result = function.apply(x)
    assert isinstance(result, Tensor)
    return result


class _Here:
    exp, where = staticmethod(exp), staticmethod(where)


_HERE = _Here
