"""Layers whose connections or units have delays of their own, fixed or learned."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.lower.delays import Wiring, delayed
from neuro.network import Synapse
from neuro.nn.connection import flat
from neuro.nn.delay_kernel import DelayKernel
from neuro.synapses import Dense


class Delays(nn.Module):
    """Delays in ticks, of any shape: smeared while they are learned, whole ones otherwise.

    They are whole in evaluation, when they have settled, and always if not learned. A step of the
    optimiser that takes one out of its bounds ends at the bound, when the layer is next used for
    training.

    Args:
        ticks: first values, float.
        longest: the largest there may be.
        kernel: how they are smeared.
        learn: whether they are.
        shortest: the smallest there may be; 1 in a loop.

    Raises:
        InvalidValue: a value is out of the bounds.
    """

    def __init__(
        self, ticks: Tensor, longest: int, kernel: DelayKernel | None = None, *,
        learn: bool = True, shortest: int = 0, where: str = "Delays",
    ) -> None:  # fmt: skip
        super().__init__()
        self.kernel = DelayKernel() if kernel is None else kernel
        self.longest, self.shortest = longest, shortest
        if longest < shortest:
            raise InvalidValue(f"{where}: the longest delay is {longest} ticks, expected at least "
                               f"{shortest}")  # fmt: skip
        outside = (ticks < shortest) | (ticks > longest)
        if outside.any():
            worst = ticks[outside].flatten()[0]
            raise InvalidValue(
                f"{where}: {int(outside.sum())} of {ticks.numel()} delays are not in "
                f"{shortest} to {longest} ticks, the first is {worst:g}"
            )
        self.ticks = nn.Parameter(ticks.float(), requires_grad=learn)
        self.anneal(0.0)

    def anneal(self, done: float) -> None:
        """Set the width to what it is after the share `done`, 0 to 1, of the training."""
        self.width = self.kernel.width(done, self.longest)
        self.settled = self.kernel.settle < 1 and done >= self.kernel.settle

    def whole(self) -> Tensor:
        """The delays as whole ticks, int64."""
        return self.ticks.detach().round().clamp(self.shortest, self.longest).long()

    def taps(self) -> tuple[Tensor, Tensor]:
        """First tick [m] and shares [m, n] of what arrives, see `DelayKernel.taps`."""
        if not (self.training and self.ticks.requires_grad) or self.settled:
            whole = self.whole().flatten()
            return whole, self.ticks.new_ones(len(whole), 1)
        with torch.no_grad():
            outside = (self.ticks < self.shortest) | (self.ticks > self.longest)
            if outside.any():  # a value that earlier steps still need must not be touched
                self.ticks.clamp_(self.shortest, self.longest)
        first, shares = self.kernel.taps(self.ticks.flatten(), self.width, self.longest)
        if self.shortest == 0 or not len(first):
            return first, shares
        # Nothing may arrive sooner: such shares are moved to the shortest delay.
        early = (self.shortest - first).clamp(min=0)[:, None]
        place = torch.arange(shares.shape[1], device=shares.device)
        to = torch.maximum(place, early).expand_as(shares).clamp(max=shares.shape[1] - 1)
        return first, torch.zeros_like(shares).scatter_add(1, to, shares)

    def extra_repr(self) -> str:
        kind = self.kernel.shape if self.ticks.requires_grad else "fixed"
        return f"{tuple(self.ticks.shape)}, {self.shortest} to {self.longest} ticks, {kind}"


class DelayLinear(nn.Module):
    """All-to-all connections, each with its own weight and delay: `current, state = layer(x)`.

    In training a delay is smeared as its kernel says, in evaluation it is a whole number of ticks.
    The cost is that of the taps and spikes there are, not of the longest delay.

    Args:
        in_features, out_features: sizes.
        max_delay: longest delay in ticks.
        bias: add a trainable constant to every output.
        count: connections for each pair of units, each with its own weight and delay.
        kernel: how delays are smeared; `DelayKernel()` by default.
        learn: train the delays; False leaves them as drawn, which is the usual baseline.
        seed: of weights (uniform, Kaiming's bound for ReLU) and delays (uniform).

    Shapes:
        x: [T, B, in_features]; current: [T, B, out_features]; state: spikes under way
        [max_delay, B, in_features]. weight and delay.ticks: [out, in], or [count, out, in].

    Source: Hammouamri, Khalfaoui-Hassani & Masquelier, ICLR 2024.

    Raises:
        InvalidValue: a size is not a positive whole number, or max_delay is negative.
    """

    def __init__(
        self, in_features: int, out_features: int, max_delay: int, *, bias: bool = False,
        count: int = 1, kernel: DelayKernel | None = None, learn: bool = True, seed: int = 0,
    ) -> None:  # fmt: skip
        super().__init__()
        sizes = {"in_features": in_features, "out_features": out_features, "count": count}
        for name, size in sizes.items():
            if not isinstance(size, int) or size < 1:
                raise InvalidValue(f"DelayLinear.{name}: got {size!r}, expected at least 1")
        if not isinstance(max_delay, int) or max_delay < 0:
            raise InvalidValue(
                f"DelayLinear.max_delay: got {max_delay!r}, expected whole ticks, 0 or more"
            )
        self.in_features, self.out_features, self.max_delay = in_features, out_features, max_delay
        draw = torch.Generator().manual_seed(seed)
        shape = (out_features, in_features) if count == 1 else (count, out_features, in_features)
        bound = math.sqrt(6 / (in_features * count))
        self.weight = nn.Parameter(torch.empty(shape).uniform_(-bound, bound, generator=draw))
        ticks = torch.empty(shape).uniform_(0, max_delay, generator=draw)
        self.delay = Delays(ticks, max_delay, kernel, learn=learn, where="DelayLinear")
        self.bias = nn.Parameter(torch.zeros(out_features)) if bias else None
        self._wiring = Wiring.dense((in_features, out_features), max_delay, count)

    def anneal(self, done: float) -> None:
        """Narrow the kernel to what it is after the share `done`, 0 to 1, of the training."""
        self.delay.anneal(done)

    def forward(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Currents [T, B, out_features], and the spikes that are still under way."""
        x = flat(x)
        whole, lead, after = past("DelayLinear", x, state, self.max_delay, self.in_features)
        first, shares = self.delay.taps()
        taps = shares.to(x.dtype) * self.weight.reshape(-1, 1)
        current = delayed(whole, lead, taps, first, self._wiring)
        return current if self.bias is None else current + self.bias, after

    def synapses(self, pre: str, post: str, clock: Clock) -> tuple[Synapse, ...]:
        """The same connections as synapses of a Network: `count` dense ones, on the clock's grid.

        Only the first carries the bias.
        """
        shape = (-1, self.out_features, self.in_features)
        weight = self.weight.detach().cpu().reshape(shape).numpy()
        seconds = clock.seconds(self.delay.whole().cpu().reshape(shape).numpy())
        bias = None if self.bias is None else self.bias.detach().cpu().numpy()
        return tuple(
            Synapse(
                pre, post, Dense(w, None if i else bias), delay=d,
                name="" if not i else f"{pre}->{post}:{i}",
            )
            for i, (w, d) in enumerate(zip(weight, seconds, strict=True))
        )  # fmt: skip

    def extra_repr(self) -> str:
        return f"{self.in_features} -> {self.out_features}, max_delay={self.max_delay}"


class AxonalDelay(nn.Module):
    """One delay for each unit: `delayed_spk, state = layer(spk)`.

    Args:
        units: number of units; several axes are read as one.
        max_delay: longest delay in ticks.
        kernel: how delays are smeared; linear interpolation by default, or
            `DelayKernel("slayer")`.
        learn: train the delays.
        seed: of the delays, which are drawn uniformly.

    Shapes:
        spk: [T, B, units]; state: spikes under way [max_delay, B, units]; delay.ticks: [units].

    Source: Shrestha & Orchard, NeurIPS 2018.
    """

    def __init__(
        self, units: int, max_delay: int, *, kernel: DelayKernel | None = None,
        learn: bool = True, seed: int = 0,
    ) -> None:  # fmt: skip
        super().__init__()
        if units < 1 or max_delay < 0:
            raise InvalidValue(
                f"AxonalDelay: got {units} units and a max_delay of {max_delay} ticks, expected at "
                "least 1 and 0"
            )
        self.units, self.max_delay = units, max_delay
        draw = torch.Generator().manual_seed(seed)
        ticks = torch.rand(units, generator=draw) * max_delay
        kernel = DelayKernel("triangle") if kernel is None else kernel
        self.delay = Delays(ticks, max_delay, kernel, learn=learn, where="AxonalDelay")
        self._wiring = one_to_one(units, max_delay)

    def anneal(self, done: float) -> None:
        """Narrow the kernel to what it is after the share `done`, 0 to 1, of the training."""
        self.delay.anneal(done)

    def forward(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Spikes [T, B, units] delayed, and those that are still under way."""
        whole, lead, after = past("AxonalDelay", flat(x), state, self.max_delay, self.units)
        first, shares = self.delay.taps()
        out = delayed(whole, lead, shares.to(x.dtype), first, self._wiring)
        return out.reshape(x.shape), after

    def extra_repr(self) -> str:
        return f"{self.units}, max_delay={self.max_delay}"


def one_to_one(units: int, longest: int) -> Wiring:
    """Every unit to itself."""
    each = np.arange(units)
    return Wiring.of(each, each, (units, units), longest)


def past(
    where: str, x: Tensor, state: Tensor | None, longest: int, units: int
) -> tuple[Tensor, int, Tensor]:
    """x behind the spikes under way, how many steps of those there are, and those after it.

    Raises:
        InvalidValue: x or the state has the wrong shape.
    """
    if x.ndim != 3 or x.shape[2] != units:
        raise InvalidValue(f"{where}: input has shape {tuple(x.shape)}, expected [T, B, {units}]")
    shape = (longest, x.shape[1], units)
    if state is not None and tuple(state.shape) != shape:
        raise InvalidValue(
            f"{where}: state has shape {tuple(state.shape)}, expected {shape}. Pass state=None "
            "when the batch changes."
        )
    if state is None and len(x) >= longest:
        return x, 0, x[len(x) - longest :]
    whole = torch.cat([x.new_zeros(shape) if state is None else state, x])
    return whole, longest, whole[len(whole) - longest :]
