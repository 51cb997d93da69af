"""The Expressive Leaky Memory neuron: a cortical cell as one recurrent layer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from neuro.clock import Clock
from neuro.errors import InvalidValue, UnknownName
from neuro.neurons import LI
from neuro.nn.population import Population, check_input
from neuro.units import ms

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "silu": nn.functional.silu,
    "tanh": torch.tanh,
}


class ELM(nn.Module):
    """Expressive Leaky Memory neuron: `y, state = elm(x, state)`, like `torch.nn.LSTM`.

    One cell: synapses add up on dendritic branches, a small MLP reads the branches and a memory
    whose units forget at many different speeds, and writes to that memory.

        b_t = exp(-dt/tau_branch) b_(t-1) + sum of w x_t over the branch's synapses,   w >= 0
        u_t = exp(-dt/tau) m_(t-1)                                            (memory, decayed)
        d_t = c(MLP([b_t; u_t])),   c(z) = 1.7159 tanh(2z/3)
        m_t = u_t + gain d_t
        y_t = readout(m_t)

    with gain 1 - exp(-lambda dt/tau), never above 1, in version "v2", and
    lambda (1 - exp(-dt/tau)) in "v1". The MLP has one hidden layer of 2 `memory` units. The
    paper's v1 keeps a trace per synapse; all have one time constant, so their sum over a branch
    is the trace b of the branch, which is what is computed here for both versions.

    Weights are never negative: give inhibitory inputs with the sign -1. The layer is not
    elementwise, so it is not compiled from laws; it trains and runs in PyTorch only and cannot
    be placed in a Network or exported.

    Args:
        inputs: input channels.
        outputs: units of the linear readout; None returns the memory itself.
        branches: dendritic branches; by default one per input ("ELM"). Few branches with many
            synapses each are the "branch-ELM".
        synapses_per_branch: by default inputs / branches.
        memory: memory units.
        tau_min, tau_max: seconds; range of the memory's time constants, spread evenly on a
            logarithmic scale. Set tau_max to the horizon of the task.
        tau_branch: seconds; decay of the branches.
        clock: duration of one step of the input.
        lambda_: strength of the memory's input.
        version: "v2" or "v1"; see above.
        routing: which input each synapse listens to. None: branch after branch in order, needs
            branches * synapses_per_branch = inputs. "neuronio": the first half of the inputs is
            excitatory, the second inhibitory; both are interleaved and branches take windows
            that overlap. "random": drawn with replacement.
        activation: of the hidden layer: "relu", "silu" or "tanh".
        learn_tau: train the memory's time constants; they stay between tau_min and tau_max.
        seed: of initial weights and random routing.

    Shapes:
        x: [T, B, inputs]; y: [T, B, outputs] (or memory); state: branch [B, branches] and memory
        [B, memory], at rest zero.

    Raises:
        InvalidValue: sizes that do not fit, a branch or input left out by the routing, time
            constants out of order, or version "v1" with a step above tau_min, whose gain makes
            the fast memory units run away.
        UnknownName: of a version, routing or activation.

    Source: Spieler, Rahaman, Martius, Schoelkopf, Levina, ICLR 2024 (arXiv 2306.16922).
    """

    class State(NamedTuple):
        branch: Tensor  # traces of the branches, [B, branches]
        memory: Tensor  # [B, memory]

    def __init__(
        self,
        inputs: int,
        outputs: int | None = None,
        *,
        branches: int | None = None,
        synapses_per_branch: int | None = None,
        memory: int = 20,
        tau_min: float = 1 * ms,
        tau_max: float = 150 * ms,
        tau_branch: float = 5 * ms,
        clock: Clock,
        lambda_: float = 5.0,
        version: Literal["v1", "v2"] = "v2",
        routing: Literal["neuronio", "random"] | None = None,
        activation: str = "relu",
        learn_tau: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        branches = inputs if branches is None else branches
        if synapses_per_branch is None:
            synapses_per_branch = max(1, -(-inputs // max(1, branches)))
        sizes = {"inputs": inputs, "branches": branches, "memory": memory}
        sizes |= {"synapses_per_branch": synapses_per_branch}
        for name, value in (sizes if outputs is None else sizes | {"outputs": outputs}).items():
            if value < 1:
                raise InvalidValue(f"ELM.{name}: got {value}, expected 1 or more")
        for name, value in {
            "tau_min": tau_min,
            "tau_branch": tau_branch,
            "lambda_": lambda_,
        }.items():
            if not (math.isfinite(value) and value > 0):
                raise InvalidValue(f"ELM.{name}: got {value}, expected a finite number above 0")
        if not (math.isfinite(tau_max) and tau_max > tau_min):
            raise InvalidValue(
                f"ELM.tau_max: got {tau_max} s, expected above tau_min = {tau_min} s"
            )
        for name, value, known in (
            ("version", version, ("v1", "v2")),
            ("routing", routing, (None, "neuronio", "random")),
            ("activation", activation, _ACTIVATIONS),
        ):
            if value not in known:
                raise UnknownName(f"ELM.{name}", value, map(str, known))
        if version == "v1" and clock.dt > tau_min:
            gain = lambda_ * -math.expm1(-clock.dt / tau_min)
            raise InvalidValue(
                f"ELM.version: 'v1' with a step of {clock.dt:g} s above tau_min = {tau_min:g} s "
                f"gives the gain lambda_ (1 - exp(-dt/tau_min)) = {gain:.3g}, with which the "
                "memory runs away; use version='v2', or raise tau_min to the step"
            )
        self.inputs, self.outputs, self.memory, self.clock = inputs, outputs, memory, clock
        self.tau_min, self.tau_max, self.lambda_ = tau_min, tau_max, lambda_
        self.version, self.routing, self.activation = version, routing, activation
        random = torch.Generator().manual_seed(seed)
        index, live = _route(routing, inputs, branches, synapses_per_branch, random)
        self.index: Tensor | None
        self.live: Tensor | None
        self.register_buffer("index", index)
        self.register_buffer("live", live)
        self.synapse = nn.Parameter(torch.full((branches, synapses_per_branch), 0.5))
        self.trace = Population(LI(branches, tau_mem=tau_branch), clock)
        self.hidden = _linear(branches + memory, 2 * memory, random)
        self.write = _linear(2 * memory, memory, random)
        self.readout = None if outputs is None else _linear(memory, outputs, random)
        raw = _spread(tau_min, tau_max, memory)
        self.raw_tau: Tensor
        if learn_tau:
            self.raw_tau = nn.Parameter(raw)
        else:
            self.register_buffer("raw_tau", raw)

    @property
    def tau(self) -> Tensor:
        """Time constants of the memory in seconds, float64 [memory]."""
        return self.tau_min + (self.tau_max - self.tau_min) * self.raw_tau.double().sigmoid()

    def gain(self) -> Tensor:
        """Factor of what is written to each memory unit in one step, float64 [memory]."""
        if self.version == "v1":
            return -self.lambda_ * torch.expm1(-self.clock.dt / self.tau)
        return -torch.expm1(-self.clock.dt * self.lambda_ / self.tau)

    def synapses(self) -> Tensor:
        """Weights >= 0 [branches, synapses_per_branch]; those routed past the end are 0."""
        weight = self.synapse.relu()
        return weight if self.live is None else weight * self.live

    def forward(self, x: Tensor, state: ELM.State | None = None) -> tuple[Tensor, ELM.State]:
        """Run all steps of `x` [T, B, inputs]; see the class."""
        check_input("ELM", x, (self.inputs,))
        state = self._checked(state, x)
        traces, (last,) = self.trace(self._gather(x), LI.State(v=state.branch))
        memory = self._remember(traces, state.memory)
        after = ELM.State(branch=last, memory=memory[-1])
        return (memory if self.readout is None else self.readout(memory)), after

    def _gather(self, x: Tensor) -> Tensor:
        """What the synapses of each branch add in each step, [T, B, branches]."""
        weight = self.synapses()
        if self.index is None:
            return torch.einsum("tbjs,js->tbj", x.unflatten(2, weight.shape), weight)
        matrix = weight.new_zeros(weight.shape[0], self.inputs).scatter_add(1, self.index, weight)
        return nn.functional.linear(x, matrix)

    def _remember(self, traces: Tensor, memory: Tensor) -> Tensor:
        """The memory after each step, [T, B, memory].

        All that does not depend on the memory is computed for all steps at once, and the constant
        factors are put into the weights, so a step is two small products and four operations.
        """
        act, branches = _ACTIVATIONS[self.activation], traces.shape[2]
        from_branches, from_memory = self.hidden.weight.split([branches, self.memory], dim=1)
        driven = nn.functional.linear(traces, from_branches, self.hidden.bias)
        into, out = from_memory.t(), self.write.weight.t() * (2 / 3)
        offset = self.write.bias * (2 / 3)
        decay = torch.exp(-self.clock.dt / self.tau).to(traces.dtype)
        gain = 1.7159 * self.gain().to(traces.dtype)
        steps: list[Tensor] = []
        for drive in driven.unbind(0):
            memory = memory * decay
            hidden = act(torch.addmm(drive, memory, into))
            memory = torch.addcmul(memory, torch.addmm(offset, hidden, out).tanh(), gain)
            steps.append(memory)
        return torch.stack(steps)

    def _checked(self, state: Any, x: Tensor) -> ELM.State:
        sizes = {"branch": self.synapse.shape[0], "memory": self.memory}
        if state is None:
            return ELM.State(*(x.new_zeros(x.shape[1], size) for size in sizes.values()))
        if not isinstance(state, ELM.State):
            raise InvalidValue(
                f"ELM: state is a {type(state).__name__}, expected ELM.State as returned by the "
                "previous call, or None to start at rest"
            )
        for name, size in sizes.items():
            shape = tuple(getattr(state, name).shape)
            if shape != (x.shape[1], size):
                raise InvalidValue(
                    f"ELM: state.{name} has shape {shape}, expected {(x.shape[1], size)} "
                    "[batch, unit]. Pass state=None when the batch changes."
                )
        return state

    def extra_repr(self) -> str:
        branches, synapses = self.synapse.shape
        return (
            f"{self.inputs}, {self.outputs}, branches={branches}, synapses_per_branch={synapses}, "
            f"memory={self.memory}, tau={self.tau_min:g}..{self.tau_max:g} s, {self.clock!r}, "
            f"lambda_={self.lambda_:g}, version={self.version!r}, routing={self.routing!r}"
        )


def _linear(inputs: int, outputs: int, random: torch.Generator) -> nn.Linear:
    """A layer with PyTorch's usual distribution of weights, drawn from our own generator."""
    layer = nn.Linear(inputs, outputs, device="meta").to_empty(device="cpu")  # draws nothing
    for values in (layer.weight, layer.bias):
        nn.init.uniform_(values, -(inputs**-0.5), inputs**-0.5, generator=random)
    return layer


def _spread(low: float, high: float, count: int) -> Tensor:
    """What the sigmoid maps to time constants from `low` to `high`, evenly on a logarithmic scale.

    The ends are drawn in by 10^-8 of the range, since the sigmoid never reaches them.
    """
    margin = 1e-8 * (high - low)
    share = (np.geomspace(low + margin, high - margin, count) - low) / (high - low)
    return torch.tensor(np.log(share) - np.log1p(-share), dtype=torch.float32)


def _route(
    routing: str | None, inputs: int, branches: int, synapses: int, random: torch.Generator
) -> tuple[Tensor | None, Tensor | None]:
    """Input that each synapse listens to, and whether it does, both [branches, synapses]."""
    if routing == "random":
        return torch.randint(inputs, (branches, synapses), generator=random), None
    if routing is None:
        if branches * synapses != inputs:
            raise InvalidValue(
                f"ELM: {branches} branches x {synapses} synapses_per_branch = "
                f"{branches * synapses}, expected the number of inputs, {inputs}; "
                "or give a routing, 'neuronio' or 'random'"
            )
        return None, None
    stride = -(-inputs // branches)
    if inputs % 2:
        raise InvalidValue(f"ELM.inputs: got {inputs}, expected an even number with 'neuronio'")
    if stride > synapses:
        raise InvalidValue(
            f"ELM.synapses_per_branch: got {synapses}, expected at least ceil(inputs / branches) = "
            f"{stride}, or inputs would be left out"
        )
    if (branches - 1) * stride >= inputs:
        raise InvalidValue(
            f"ELM.branches: got {branches}, but {-(-inputs // stride)} already take all {inputs} "
            f"inputs in steps of {stride}; the others would have no input"
        )
    interleaved = torch.arange(inputs).view(2, -1).t().flatten()
    place = torch.arange(branches)[:, None] * stride + torch.arange(synapses)
    return interleaved[place.clamp(max=inputs - 1)], place < inputs
