"""Spiking units and the astrocyte that modulates them, as one layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.lower.recurrent import Feedback
from neuro.neurons.amsu import AMSU
from neuro.nn.astrocyte_memory import AstrocyteMemory
from neuro.nn.population import Population, check_input
from neuro.surrogate import Surrogate
from neuro.units import second


class AMSUState(NamedTuple):
    """What an `AMSULayer` carries on with."""

    unit: AMSU.State  # fields [B, units]
    spikes: Tensor  # of the last step [B, units]
    astrocyte: Tensor | None  # H [B, heads, units / heads, key]; None without an astrocyte


class AMSULayer(nn.Module):
    """Astrocyte-modulated spiking units: `spikes, state = layer(x, state)`.

        I = W x + b (+ R s of the step before),  k, v, q = W_k x, W_v x, W_q x
        o = AstrocyteMemory(k, v, q),  spikes = AMSU(I, o)

    The answer o is a sum of products of three learned arrays over the past. On long sequences
    training can let it grow until every unit either always or never fires and no gradient is left;
    `bounded` divides it by the root of its mean square over the head (plus 0.1).

    Key, value and query do not depend on the layer's own spikes, so the astrocyte takes all steps
    at once even where recurrent spikes force the units to go step by step.

    Args:
        inputs: features of x.
        neuron: the units, e.g. `AMSU(64, tau_mem=10 * ms)`; one axis.
        clock: duration of one step of the input.
        astrocyte: False leaves it out, with all its parameters.
        heads, key: number of astrocytic memories and length d_k of their keys.
        tau: time constants of the astrocyte in seconds, one or one per head.
        bounded: whether the answer of a head is kept near 1 in root mean square.
        recurrent: whether the units receive each other's spikes one step later.
        learn: parameters of the neuron to train.
        surrogate: derivative of a spike.

    Shapes:
        x: [T, B, inputs]; spikes: [T, B, units]; state: an AMSUState.

    Raises:
        InvalidValue: the neuron's shape is not one axis that `heads` divides.

    Source: Shen et al., arXiv 2312.07625 v2 (2023); the projections are a reconstruction.
    """

    def __init__(
        self,
        inputs: int,
        neuron: AMSU,
        clock: Clock,
        *,
        astrocyte: bool = True,
        heads: int = 1,
        key: int = 16,
        tau: float | Sequence[float] = 1 * second,
        bounded: bool = False,
        recurrent: bool = False,
        learn: Sequence[str] = (),
        surrogate: Surrogate | None = None,
    ) -> None:
        super().__init__()
        if len(neuron.units) != 1 or neuron.size % heads:
            raise InvalidValue(
                f"AMSULayer: {neuron!r} has shape {neuron.units}, expected one axis that "
                f"heads={heads} divides"
            )
        self.bounded = bounded
        self.population = Population(neuron, clock, learn=learn, surrogate=surrogate)
        self.current = nn.Linear(inputs, neuron.size)
        self.recurrent = nn.Linear(neuron.size, neuron.size, bias=False) if recurrent else None
        self.memory = AstrocyteMemory(heads, clock, tau=tau) if astrocyte else None
        if astrocyte:
            self.key = nn.Linear(inputs, heads * key, bias=False)
            self.value = nn.Linear(inputs, neuron.size, bias=False)
            self.query = nn.Linear(inputs, heads * key, bias=False)

    def forward(self, x: Tensor, state: AMSUState | None = None) -> tuple[Tensor, AMSUState]:
        """All steps; see the class."""
        check_input("AMSULayer", x, (self.current.in_features,))
        if state is not None and not isinstance(state, AMSUState):
            raise InvalidValue(
                f"AMSULayer: state is a {type(state).__name__}, expected an AMSUState as returned "
                "by the previous call, or None to start at rest"
            )
        units = None if state is None else state.unit
        ports = {"current": self.current(x)}
        glia = None
        if self.memory is not None:
            by_head = (len(x), x.shape[1], self.memory.heads, -1)
            arrays = (part(x).reshape(by_head) for part in (self.key, self.value, self.query))
            answer, glia = self.memory(*arrays, None if state is None else state.astrocyte)
            if self.bounded:  # 0.1 lets a faint memory stay faint
                answer = answer * torch.rsqrt(answer.square().mean(-1, keepdim=True) + 0.1)
            ports["astrocyte"] = answer.flatten(2)
        feedback = None
        if self.recurrent is not None:
            first = ports["current"]
            before = first.new_zeros(first.shape[1:]) if state is None else state.spikes
            feedback = Feedback(self.recurrent.weight, None, before[None], "current")
        spikes, units, _ = self.population.trace(
            self.population.ports(ports), units, feedback=feedback
        )
        return spikes, AMSUState(units, spikes[-1], glia)
