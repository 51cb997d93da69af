"""A population of neurons as a layer for any PyTorch model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from neuro.clock import Clock
from neuro.errors import InvalidValue, UnknownName
from neuro.lower import reference
from neuro.neurons import Neuron
from neuro.surrogate import FastSigmoid, Surrogate


class Population(nn.Module):
    """Neurons as a layer: `spk, state = layer(current, state)`, like `torch.nn.LSTM`.

    Nothing is hidden: without a state the layer starts at rest, and the returned state is all
    there is to carry on with. Detach it (`neuro.train.detach`) to truncate the gradient.

    Args:
        neuron: e.g. `LIF(128, tau_mem=10 * ms)`.
        clock: duration of one step of the input.
        learn: names of parameters to train. A scalar parameter is shared by the population, an
            array is trained unit by unit. Those bounded by zero are trained as logarithms.
        surrogate: derivative of a spike.

    Shapes:
        current: [T, B, *units]; output: [T, B, *units]; state: fields [B, *units].
    """

    def __init__(
        self,
        neuron: Neuron,
        clock: Clock,
        *,
        learn: Sequence[str] = (),
        surrogate: Surrogate | None = None,
    ) -> None:
        super().__init__()
        if neuron.units == ():
            raise InvalidValue(f"Population: {neuron!r} has no shape, e.g. {neuron.name}(128)")
        self.neuron, self.clock = neuron, clock
        self.surrogate: Surrogate = FastSigmoid() if surrogate is None else surrogate
        self.raw = nn.ParameterDict()
        self._log = {row.name for row in neuron.table() if row.open and row.low == 0}
        learnable = [row.name for row in neuron.table() if row.learnable]
        for name in learn:
            if name not in learnable:
                raise UnknownName(f"Population({neuron.name}).learn", name, learnable)
            value = torch.tensor(getattr(neuron, name), dtype=torch.float64)
            self.raw[name] = nn.Parameter((value.log() if name in self._log else value).float())
        self.coefficients()  # refuse parameters that do not fit the clock now, not in training

    def values(self) -> dict[str, Tensor]:
        """Current values of the trained parameters, in SI units, float64."""
        return {
            name: raw.double().exp() if name in self._log else raw.double()
            for name, raw in self.raw.items()
        }

    def trained(self) -> Neuron:
        """The neuron with the trained values in it."""
        with torch.no_grad():
            return self.neuron.replace(**{k: v.cpu().numpy() for k, v in self.values().items()})

    def coefficients(self, dtype: torch.dtype = torch.float32, device: Any = "cpu") -> Any:
        """The Coefficients that the laws run on."""
        if torch.is_grad_enabled():
            return reference.coefficients(self.neuron, self.values(), self.clock, dtype, device)
        return reference.coefficients(self.trained(), {}, self.clock, dtype, device)

    def ports(self, currents: dict[str, Tensor]) -> Any:
        """Inputs of the neuron from named currents; a port without a current gets zero."""
        like = next(iter(currents.values()))
        fields = type(self.neuron).Inputs._fields
        return type(self.neuron).Inputs(*(
            currents[f] if f in currents else torch.zeros_like(like) for f in fields
        ))  # fmt: skip

    def trace(
        self, inputs: Any, state: Any = None, record: Sequence[str] = (), where: str = ""
    ) -> tuple[Tensor, Any, dict[str, Tensor]]:
        """Like `forward`, from Inputs of tensors, also returning named state variables."""
        where = where or f"Population({self.neuron!r})"
        like = inputs[0][0]
        if tuple(like.shape[1:]) != self.neuron.units:
            raise InvalidValue(
                f"{where}: input has shape {tuple(inputs[0].shape)}, expected "
                f"[T, B, {', '.join(map(str, self.neuron.units))}]"
            )
        p = self.coefficients(like.dtype, like.device)
        if state is None:
            state = reference.rest(self.neuron, p, like)
        reference.check_state(where, self.neuron, state, like)
        return reference.scan(self.neuron, p, inputs, state, self.surrogate, record)

    def forward(self, current: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Run all steps of `current` [T, B, *units]; see the class."""
        check_input(f"Population({self.neuron!r})", current, self.neuron.units)
        first = type(self.neuron).Inputs._fields[0]
        out, state, _ = self.trace(self.ports({first: current}), state)
        return out, state

    def extra_repr(self) -> str:
        learned = f", learn={list(self.raw)}" if self.raw else ""
        return f"{self.neuron!r}, {self.clock!r}, {self.surrogate!r}{learned}"


def check_input(where: str, x: Tensor, units: tuple[int, ...]) -> None:
    """Refuse an input of the wrong kind, shape or content."""
    expected = f"[T, B, {', '.join(map(str, units))}]"
    if not isinstance(x, Tensor) or not x.is_floating_point():
        given = x.dtype if isinstance(x, Tensor) else type(x).__name__
        raise InvalidValue(
            f"{where}: got {given}, expected a floating-point tensor {expected}; "
            "convert with torch.as_tensor(x).float()"
        )
    if tuple(x.shape[2:]) != units or x.ndim != 2 + len(units) or 0 in x.shape:
        raise InvalidValue(
            f"{where}: got shape {tuple(x.shape)}, expected {expected} with T and B above 0. "
            "Time comes first: use x.transpose(0, 1) for [B, T, ...]."
        )
    if not bool(x.detach().sum().isfinite()):
        bad = (~torch.isfinite(x)).nonzero()
        if len(bad):
            raise InvalidValue(
                f"{where}: the input is {x[tuple(bad[0])].item()} at [t, b, unit...] = "
                f"{bad[0].tolist()}; expected finite numbers"
            )
