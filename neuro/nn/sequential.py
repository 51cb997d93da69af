"""Layers in a row, with state in and out."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import signature

from torch import Tensor, nn
from torch.nn.modules.module import _has_any_global_hook

from neuro.errors import InvalidValue, Unsupported
from neuro.nn.connection import Conv2d, Linear
from neuro.nn.population import Population


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
        link: nn.Module | None = None
        for layer, carried in zip(self, before, strict=True):
            if not _keeps_state(layer):
                input, carried = layer(input), None
            elif _only_link(link, layer):
                input, carried = layer(input, carried, reuse=True)
            else:
                input, carried = layer(input, carried)
            after.append(carried)
            link = layer
        return input, after


def _only_link(link: nn.Module | None, layer: nn.Module) -> bool:
    """Whether nobody but a population sees the currents that a connection makes."""
    if type(link) not in (Linear, Conv2d) or type(layer) is not Population:
        return False
    assert link is not None
    hooks = (link._forward_hooks, layer._forward_hooks, layer._forward_pre_hooks)
    return not any(hooks) and not _has_any_global_hook()


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
