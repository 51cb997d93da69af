"""Add up what spikes select, or multiply everything: whichever is quicker, as measured.

The choice is one of speed alone; both ways agree to rounding. What it costs to look is a count over
a few rows, and bits of the whole if that promises well.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from neuro.lower.spikes import Spikes, pack, sample_density
from neuro.lower.workspace import contiguous

SMALL = 1 << 26  # multiply-adds that the dense product has done before zeros are counted


class Cost(NamedTuple):
    """Time of a sparse product, in multiply-adds of the dense one, for each of its parts."""

    addition: float
    spike: float
    input: float
    output: float


# Fitted to forward and weight gradient on an EPYC 7003 (AVX2, PyTorch 2.13 with MKL and oneDNN),
# alternating with the dense product. A linear layer gathers up to a density of 0.26 for 1000
# outputs, 0.22 for 256, 0.12 for 64, never for 14; equal times were measured at 0.31, 0.26, 0.18.
LINEAR = Cost(addition=3.6, spike=180, input=14, output=0)
# Equal times at 0.14 for 16 to 32 channels and 5 x 5 taps, 0.12 for 3 x 3.
CONVOLUTION = Cost(addition=3, spike=600, input=14, output=45)
# Of fewer than eight channels, oneDNN convolves several times more slowly.
FEW_CHANNELS = Cost(addition=1, spike=200, input=5, output=8)


def plain(x: Tensor, *others: Tensor | None) -> bool:
    """Ordinary tensors on the processor in eager mode; the dense product serves all others."""
    if torch.compiler.is_compiling() or torch._C._get_tracing_state() is not None:
        return False
    tensors = (x, *(v for v in others if v is not None))
    return (
        x.dtype in (torch.float32, torch.float64)
        and all(type(v) in (Tensor, torch.nn.Parameter) for v in tensors)
        and all(v.device.type == "cpu" and v.dtype == x.dtype for v in tensors)
        and all(v.layout == torch.strided for v in tensors)
        and not torch.is_autocast_enabled("cpu")
        and not torch._C._are_functorch_transforms_active()
        and torch.autograd.forward_ad._current_level < 0
    )


def pays(cost: Cost, density: float, dense: float, outputs: float) -> bool:
    """Whether the sparse product is quicker.

    Args:
        density: share of the input that is not zero.
        dense: multiply-adds of the dense product for each element of the input.
        outputs: elements of the output for each element of the input.
    """
    spikes = density * (cost.addition * dense + cost.spike)
    return spikes + cost.input + cost.output * outputs <= dense


def worthwhile(x: Tensor, units: int, outputs: int, dense: int, cost: Cost) -> Spikes | None:
    """The spikes in x, as [R, units], if it is quicker to add up what they select, or None.

    Args:
        x: one for which `plain` holds.
        outputs, dense: elements of the output, and multiply-adds, of the whole dense product.

    Raises:
        MissingExtra: the product is large, and Numba is not installed.
    """
    if dense <= SMALL:
        return None
    size = (dense / x.numel(), outputs / x.numel())
    if not pays(cost, 0.0, *size):
        return None
    flat = contiguous(x.detach()).view(-1, units)
    if not pays(cost, sample_density(flat), *size):
        return None
    spikes = pack(flat)
    return spikes if pays(cost, spikes.density, *size) else None
