"""Connections as layers, and the products that carry spikes through a topology."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import signature

from torch import Tensor, nn

from neuro.errors import InvalidValue, Unsupported
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
        return linear(input.flatten(2) if input.ndim > 3 else input, self.weight, self.bias)


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


class Sequential(nn.Sequential):
    """Layers in a row, with state in and out: `out, states = net(x, states)`.

    A layer keeps state if the second argument of its `forward` is called `state` (all layers of
    this package that keep one, this one included, and your own) or if it is one of PyTorch's
    recurrent layers (`torch.nn.RNN`, `LSTM`, `GRU`). It is called as `layer(x, state)` and returns
    `(out, state)`. Every other layer is called as `layer(x)`.

    Shapes:
        x: what the first layer takes; states: one for each layer, None for those without.

    Raises:
        InvalidValue: the number of states is not that of the layers.
        Unsupported: a layer needs more input than the one before it gives (`AstrocyteMemory`).
    """

    def forward(
        self, input: Tensor, state: Sequence[object] | None = None
    ) -> tuple[Tensor, list[object]]:
        """Output of the last layer, and one state (or None) for each layer."""
        before = [None] * len(self) if state is None else state
        if len(before) != len(self):
            raise InvalidValue(
                f"Sequential: got {len(before)} states for {len(self)} layers, expected one for "
                "each as returned by the previous call, or None to start at rest"
            )
        after: list[object] = []
        for layer, carried in zip(self, before, strict=True):
            keeps = _keeps_state(layer)
            input, carried = layer(input, carried) if keeps else (layer(input), None)
            after.append(carried)
        return input, after


def _keeps_state(layer: nn.Module) -> bool:
    if isinstance(layer, nn.RNNBase):
        return True
    taken = list(signature(layer.forward).parameters)
    if "state" in taken[2:]:
        raise Unsupported(
            "neuro.nn.Sequential", type(layer).__name__,
            f"it takes {', '.join(taken[: taken.index('state')])}, and a row of layers passes on "
            "one tensor",
            "put it into a module of yours with forward(x, state), as AMSULayer does",
        )  # fmt: skip
    return taken[1:2] == ["state"]
