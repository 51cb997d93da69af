"""The definition: a neuron's laws run tick by tick in PyTorch, exactly as they are written.

Every faster back end must give these spikes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.neurons import Neuron
from neuro.surrogate import Surrogate


class _Spike(torch.autograd.Function):
    """Step function forward, surrogate derivative backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, surrogate: Surrogate) -> Tensor:
        ctx.save_for_backward(x)
        ctx.surrogate = surrogate
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        return grads[0] * ctx.surrogate.derivative(x), None


def coefficients(
    neuron: Neuron, learned: dict[str, Tensor], clock: Clock, dtype: torch.dtype, device: Any
) -> Any:
    """The neuron's Coefficients, derived in float64 and rounded once to `dtype`.

    Args:
        learned: current values of the trained parameters (float64 tensors in SI units), which
            replace the neuron's own and carry gradients.
    """
    source: Any = neuron
    if learned:
        source = _Overlay(neuron, learned)
    derived = type(neuron).derive(source, clock)

    def rounded(value: Any) -> Any:
        if isinstance(value, Tensor):
            return value.to(device=device, dtype=dtype)
        if isinstance(value, np.ndarray):
            return torch.tensor(value, dtype=dtype, device=device)
        if isinstance(value, float):  # a plain number is faster than a tensor of one element
            return float(torch.tensor(value, dtype=dtype))
        return value  # options and switches

    return type(derived)(*(rounded(value) for value in derived))


class _Overlay:
    """The neuron's fields, with some parameters replaced."""

    def __init__(self, neuron: Neuron, learned: dict[str, Tensor]) -> None:
        self._neuron, self._learned = neuron, learned

    def __getattr__(self, name: str) -> Any:
        return self._learned[name] if name in self._learned else getattr(self._neuron, name)


def rest(neuron: Neuron, p: Any, like: Tensor) -> Any:
    """The resting State for a batch: tensors [B, *units] like the input `like` [B, *units]."""
    zeros = torch.zeros_like(like)
    return type(neuron).State(*(zeros + field for field in type(neuron).rest(p)))


def check_state(where: str, neuron: Neuron, state: Any, like: Tensor) -> None:
    """Refuse a state that belongs to another neuron, batch size or population."""
    kind = type(neuron).State
    if not isinstance(state, kind):
        raise InvalidValue(
            f"{where}: state is a {type(state).__name__}, expected {neuron.name}.State as returned "
            "by the previous call, or None to start at rest"
        )
    for name, field in zip(kind._fields, state, strict=True):
        if field.shape == like.shape:
            continue
        axis = "batch" if field.shape[1:] == like.shape[1:] else "population"
        raise InvalidValue(
            f"{where}: state.{name} has shape {tuple(field.shape)}, expected {tuple(like.shape)}; "
            f"the {axis} differs. Pass state=None when the {axis} changes."
        )


def tick(neuron: Neuron, p: Any, state: Any, inputs: Any, surrogate: Surrogate) -> tuple[Any, Any]:
    """One tick: what the population emits [B, *units], and its new State."""
    laws = type(neuron)
    state = laws.receive(laws.flow(state, p, 1), p, inputs)
    if not laws.spiking():
        return getattr(state, laws.emits), state
    spikes = _Spike.apply(laws.fire(state, p), surrogate)
    state = laws.jump(state, p, spikes)
    return (spikes if laws.emits == "spikes" else getattr(state, laws.emits)), state


def scan(
    neuron: Neuron,
    p: Any,
    inputs: Any,
    state: Any,
    surrogate: Surrogate,
    record: Sequence[str] = (),
) -> tuple[Tensor, Any, dict[str, Tensor]]:
    """All ticks of a population that does not feed back to itself.

    Args:
        inputs: the neuron's Inputs, one tensor [T, B, *units] per port.
        state: State of tensors [B, *units].
        record: state variables to return for every tick, as they are after the jump.

    Returns:
        What the population emits [T, B, *units], the last State, and the recorded variables.
    """
    ports = type(inputs)
    emitted: list[Tensor] = []
    kept: dict[str, list[Tensor]] = {name: [] for name in record}
    for slices in zip(*(port.unbind(0) for port in inputs), strict=True):
        out, state = tick(neuron, p, state, ports(*slices), surrogate)
        emitted.append(out)
        for name in record:
            kept[name].append(getattr(state, name))
    return torch.stack(emitted), state, {name: torch.stack(kept[name]) for name in record}
