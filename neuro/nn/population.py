"""A population of neurons as a layer for any PyTorch model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from neuro.clock import Clock
from neuro.errors import InvalidValue, UnknownName, Unsupported
from neuro.lower import fused, recurrent, reference
from neuro.lower.noise import uniform
from neuro.lower.recurrent import Feedback
from neuro.neurons import Neuron
from neuro.surrogate import FastSigmoid, Surrogate

Backend = Literal["auto", "fused", "reference"]


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
        backend: "fused" runs all steps in one compiled kernel (float32 or float64; Numba on the
            processor, Triton on a GPU), "reference" runs the laws tick by tick in PyTorch; both
            give the same spikes. "auto" takes the first wherever it can.

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
        backend: Backend = "auto",
    ) -> None:
        super().__init__()
        if backend not in get_args(Backend):
            raise UnknownName("Population.backend", backend, get_args(Backend))
        self.backend: Backend = backend
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

    def ports(self, currents: dict[str, Tensor], state: Any = None) -> Any:
        """Inputs of the neuron from named currents; noise is drawn, other ports get zero."""
        like = next(iter(currents.values()))
        fields = type(self.neuron).Inputs._fields
        given = currents | (self.noise(like, state) if like.ndim > 1 + len(self.units) else {})
        return type(self.neuron).Inputs(*(
            given[f] if f in given else torch.zeros_like(like) for f in fields
        ))  # fmt: skip

    def noise(self, like: Tensor, state: Any = None) -> dict[str, Tensor]:
        """Draws [T, B, *units] for the neuron's noise ports, from the tick of `state` on."""
        ports = type(self.neuron).noise
        if not ports:
            return {}
        if state is not None:
            reference.check_state(f"Population({self.neuron!r})", self.neuron, state, like[0])
        first = 0 if state is None else int(state.tick.flatten()[0].item())
        seed = int(getattr(self.neuron, "seed"))  # noqa: B009  # the class that has noise has it
        draws = (uniform(seed, i, first, len(like), like[0].numel()) for i in range(len(ports)))
        return {
            port: torch.from_numpy(rows).to(like).reshape(like.shape)
            for port, rows in zip(ports, draws, strict=True)
        }

    @property
    def units(self) -> tuple[int, ...]:
        """Shape of the population."""
        return self.neuron.units

    def trace(
        self,
        inputs: Any,
        state: Any = None,
        record: Sequence[str] = (),
        where: str = "",
        feedback: Feedback | None = None,
        reuse: bool = False,
    ) -> tuple[Tensor, Any, dict[str, Tensor]]:
        """Like `forward`, from Inputs of tensors, also returning named state variables.

        With `feedback` the population hears itself; that needs the fused back end. With `reuse`
        nobody needs the first input any more, and its memory may be used.
        """
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
        if feedback is not None:
            return recurrent.scan(self.neuron, p, inputs, state, self.surrogate, feedback, record)
        given = (self.neuron, p, inputs, state, self.surrogate, record)
        if self.fuses(like):
            return fused.scan(*given, reuse=reuse)
        return reference.scan(*given)

    def fuses(self, like: Tensor) -> bool:
        """Whether the compiled kernels run."""
        able = like.device.type in ("cpu", "cuda") and like.dtype in (torch.float32, torch.float64)
        if self.backend == "fused" and not able:
            raise Unsupported(
                f"Population({self.neuron!r})", "backend='fused'",
                f"kernels run in float32 or float64 on the processor or a GPU, got {like.dtype} on "
                f"{like.device}", "use backend='auto'",
            )  # fmt: skip
        return able and self.backend != "reference" and not torch.compiler.is_compiling()

    def forward(
        self, current: Tensor, state: Any = None, *, reuse: bool = False
    ) -> tuple[Tensor, Any]:
        """Run all steps of `current` [T, B, *units]; see the class.

        Args:
            reuse: nobody needs the values of `current` any more, so its memory may be used.
        """
        check_input(f"Population({self.neuron!r})", current, self.neuron.units)
        first = type(self.neuron).Inputs._fields[0]
        out, state, _ = self.trace(self.ports({first: current}, state), state, reuse=reuse)
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
