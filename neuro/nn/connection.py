"""Connections as layers, and the products that carry spikes through a topology."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from neuro.errors import Unsupported
from neuro.lower.convolutions import conv2d
from neuro.lower.products import linear
from neuro.synapses import Conv2d as Conv2dTopology
from neuro.synapses import Dense, Topology


def transmit(topology: Topology, arrays: Mapping[str, Tensor], spikes: Tensor, axes: int) -> Tensor:
    """Currents [..., *post] that spikes [..., *pre] cause through a topology, all steps at once.

    Args:
        arrays: the topology's arrays as tensors (trained values).
        spikes: any leading axes, e.g. [T, B, *pre] or [B, *pre].
        axes: number of axes of the presynaptic population.
    """
    weight, bias = arrays["weight"], arrays.get("bias")
    match topology:
        case Dense():
            flat = spikes.flatten(-axes) if axes > 1 else spikes
            current = linear(flat, weight, bias)
            return current.unflatten(-1, topology.post) if len(topology.post) > 1 else current
        case Conv2dTopology(stride=stride, padding=padding, dilation=dilation, groups=groups):
            flat = spikes.flatten(0, -4)
            current = conv2d(flat, weight, bias, stride, padding, dilation, groups)
            return current.unflatten(0, spikes.shape[:-3])
        case _:
            raise Unsupported(
                "neuro.nn", type(topology).__name__, "PyTorch has no product for this topology"
            )


class Linear(nn.Linear):
    """`torch.nn.Linear` on [T, B, *units]; several axes of units are read as one.

    Where few units spike, it adds up the weights of those instead of multiplying all.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Currents [T, B, out_features]."""
        return linear(flat(input), self.weight, self.bias)


class Conv2d(nn.Conv2d):
    """`torch.nn.Conv2d` on [T, B, channel, y, x], all steps at once.

    Where few units spike, it adds up their kernels instead of multiplying all.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Currents [T, B, channel, y, x]."""
        flat = input.flatten(0, -4)
        if self.padding_mode != "zeros" or isinstance(self.padding, str):
            out = super().forward(flat)
        else:
            options = (self.stride, self.padding, self.dilation, self.groups)
            out = conv2d(flat, self.weight, self.bias, *options)
        return out.unflatten(0, input.shape[:-3])


def flat(x: Tensor) -> Tensor:
    """Spikes [T, B, units], several axes of units read as one."""
    return x.flatten(2) if x.ndim > 3 else x
