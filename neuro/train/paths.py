"""Synapses of a Module in which every connection, or every unit, has a delay of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from neuro.distributions import Distribution
from neuro.errors import InvalidValue
from neuro.lower.delays import Wiring, delayed, full_kernel
from neuro.network import Network, Synapse
from neuro.nn.connection import transmit
from neuro.nn.delay import Delays, one_to_one, past
from neuro.nn.delay_kernel import DelayKernel
from neuro.synapses import Dense, Sparse

Arrays = Mapping[str, Tensor]
Step = Callable[[list[Tensor]], Tensor]


class Path(nn.Module):
    """The way of spikes through one synapse: along axons with delays, then through connections.

    Args:
        network: what the synapse belongs to.
        synapse: one for which `needed` is true.
        learn: whether its delays are trained.
        kernel: how they are smeared meanwhile.
        longest: ticks that a learned delay may have; by default the longest that is given.

    Raises:
        InvalidValue: a delay is longer than `longest`, or shorter than a loop allows.
    """

    def __init__(
        self, network: Network, synapse: Synapse, *, learn: bool,
        kernel: DelayKernel | None, longest: int | None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.topology, self.clock = synapse.topology, network.clock
        self.pre, self.post = (network.populations[n].units for n in (synapse.pre, synapse.post))
        sizes = int(np.prod(self.pre)), int(np.prod(self.post))
        where = f"Synapse[{synapse.name!r}].delay"
        ticks = given(network, synapse)
        own = network.each_its_delay(synapse)
        if isinstance(self.topology, Sparse) and not own and not learn:
            ticks = np.broadcast_to(ticks, self.pre).ravel()[self.topology.pre]
        most = int(ticks.max(initial=0))
        if learn and (longest or most) < max(1, most):
            raise InvalidValue(
                f"{where}: up to {most} ticks ({most * network.clock.dt:g} s), but max_delay is "
                f"{longest or 0} ticks ({(longest or 0) * network.clock.dt:g} s). Remedy: pass "
                "Module(..., max_delay=) the longest that may be learned, in seconds"
            )
        if learn and longest is not None:
            most = longest
        # An edge that a loop relies on keeps its tick; see Network.order.
        shortest = int(network.in_loop(synapse) and ticks.size > 0 and bool((ticks >= 1).all()))
        delays = Delays(torch.from_numpy(ticks.astype(np.float32)), most, kernel, learn=learn,
                        shortest=shortest, where=where)  # fmt: skip
        self.longest = most
        self.axons = delays if learn and not own else None
        self.each = delays if self.axons is None else None
        if self.axons is not None:
            self.wiring = one_to_one(sizes[0], most)
            if isinstance(self.topology, Sparse):
                self._straight = Wiring.of(self.topology.pre, self.topology.post, sizes, 0)
        elif isinstance(self.topology, Sparse):
            self.wiring = Wiring.of(self.topology.pre, self.topology.post, sizes, most)
        else:
            self.wiring = Wiring.dense(sizes, most)

    def anneal(self, done: float) -> None:
        """Narrow the kernel to what it is after the share `done` of the training."""
        self._delays.anneal(done)

    def forward(self, spikes: Tensor, line: Tensor | None, arrays: Arrays) -> tuple[Tensor, Tensor]:
        """Currents [T, B, *post] of all steps, and the spikes under way after them.

        Args:
            spikes: [T, B, *pre].
            line: those under way before, [longest, B, *pre]; None if there are none.
            arrays: of the topology.
        """
        flat = spikes.flatten(2)
        before = None if line is None else line.flatten(2)
        whole, lead, after = past("Module", flat, before, self.longest, flat.shape[2])
        first, shares = self._delays.taps()
        if self.axons is not None:
            shares = self._of_units(shares.to(whole.dtype))
            arrived = delayed(whole, lead, shares, self._of_units(first), self.wiring)
            current = self._connect(arrived, arrays)
        else:
            taps = shares.to(whole.dtype) * arrays["weight"].reshape(-1, 1).to(whole.dtype)
            current = delayed(whole, lead, taps, first, self.wiring)
            if "bias" in arrays:
                current = current + arrays["bias"]
            current = current.unflatten(2, self.post)
        return current, after.unflatten(2, self.pre)

    def stepper(self, arrays: Arrays, dtype: torch.dtype) -> Step:
        """Currents [B, *post] of one step from the last longest + 1 spikes [B, *pre]."""
        first, shares = self._delays.taps()
        if self.axons is not None:
            own = (self._of_units(shares.to(dtype)), self._of_units(first))
            kernel = full_kernel(*own, self.wiring).diagonal()  # [longest + 1, units]

            def along_axons(window: list[Tensor]) -> Tensor:
                arrived = (torch.stack(window).flatten(2) * kernel[:, None]).sum(0, keepdim=True)
                return self._connect(arrived, arrays)[0]

            return along_axons
        taps = shares.to(dtype) * arrays["weight"].reshape(-1, 1).to(dtype)
        matrix = full_kernel(taps, first, self.wiring).permute(2, 1, 0).flatten(0, 1)

        def through_connections(window: list[Tensor]) -> Tensor:
            rows = torch.stack([spikes.flatten(1) for spikes in window], 1).flatten(1)
            current = rows @ matrix
            current = current + arrays["bias"] if "bias" in arrays else current
            return current.unflatten(1, self.post)

        return through_connections

    def seconds(self) -> NDArray[np.float64]:
        """The delays as an evaluation uses them, in whole ticks, in the shape they were given."""
        return self.clock.seconds(self._delays.whole().cpu().numpy())

    def exact_seconds(self) -> NDArray[np.float64]:
        """The delays as they were learned, between ticks."""
        return self._delays.ticks.detach().double().cpu().numpy() * self.clock.dt

    @property
    def learned(self) -> bool:
        """Whether the delays are trained."""
        return self._delays.ticks.requires_grad

    @property
    def _delays(self) -> Delays:
        delays = self.each if self.axons is None else self.axons
        assert delays is not None
        return delays

    def _of_units(self, values: Tensor) -> Tensor:
        """One row for each presynaptic unit, from those of the shape in which delays are given."""
        shape = self._delays.ticks.shape
        rows = values.reshape(*shape, *values.shape[1:])
        rows = rows.expand(*self.pre, *values.shape[1:])
        return rows.reshape(-1, *values.shape[1:])

    def _connect(self, spikes: Tensor, arrays: Arrays) -> Tensor:
        """Currents [T, B, *post] of spikes [T, B, units] that have arrived."""
        if isinstance(self.topology, Sparse):
            now = torch.zeros(len(self._straight.pre), dtype=torch.long, device=spikes.device)
            taps = arrays["weight"].reshape(-1, 1).to(spikes.dtype)
            return delayed(spikes, 0, taps, now, self._straight).unflatten(2, self.post)
        return transmit(self.topology, arrays, spikes.unflatten(2, self.pre), len(self.pre))


def needed(network: Network, synapse: Synapse, learn: bool) -> bool:
    """Whether a synapse takes a Path, and not a product after one delay for each unit."""
    sparse = isinstance(synapse.topology, Sparse)
    return learn or sparse or network.each_its_delay(synapse)


def learnable(network: Network, synapse: Synapse) -> bool:
    """Whether the delays of a synapse are given one by one, so that they can be learned."""
    return network.each_its_delay(synapse) or np.ndim(synapse.delay) > 0  # type: ignore[arg-type]


def given(network: Network, synapse: Synapse) -> NDArray[np.int64]:
    """Delays in ticks in the shape they are given; those of a distribution are drawn, [post, pre]
    or [m]."""
    delay, topology = synapse.delay, synapse.topology
    if isinstance(delay, Distribution):
        rows = network.rows(synapse, 0, network.populations[synapse.pre].size)
        unit = np.repeat(np.arange(len(rows.start) - 1), np.diff(rows.start))
        if isinstance(topology, Dense):
            ticks = np.full(topology.weight.shape, int(rows.delay.min(initial=0)), np.int64)
            ticks[rows.post, unit] = rows.delay
            return ticks
        assert isinstance(topology, Sparse)
        ticks = np.empty(len(topology.pre), np.int64)
        ticks[topology.order] = rows.delay
        return ticks
    what = f"Synapse[{synapse.name!r}].delay"
    return np.array(network.clock.ticks(delay, exact=True, what=what))


def shifted(whole: Tensor, delays: NDArray[Any], steps: int) -> Tensor:
    """Spikes [steps, B, *units] sent `delays` ticks ago, from `whole` [longest + steps, B, ...]."""
    longest = len(whole) - steps
    if delays.ndim == 0:
        return whole[longest - int(delays) : len(whole) - int(delays)]
    flat = whole.flatten(2)
    ago = torch.as_tensor(delays.ravel().copy(), device=whole.device)
    rows = torch.arange(longest, len(whole), device=whole.device)[:, None] - ago
    picked = flat[rows, :, torch.arange(flat.shape[2], device=whole.device)]  # [steps, units, B]
    return picked.transpose(1, 2).unflatten(2, whole.shape[2:])


def window(past: list[Tensor], t: int, longest: int) -> list[Tensor]:
    """The last longest + 1 spikes [B, *units] up to position t.

    A unit without delay needs this tick's spikes; the others may not exist yet at this point.
    """
    recent = past[t - longest : t + 1]
    return [*recent, torch.zeros_like(past[0])] if len(recent) == longest else recent
