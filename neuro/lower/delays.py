"""Products in which every connection has its own delay: spikes move the taps that they reach.

    out[t, b, post[s]] = sum over s, k of taps[s, k] x[t - start[s] - k, b, pre[s]]

A convolution in time computes the same from a kernel [post, pre, longest delay + 1] that is nearly
all zeros. Here the work is that of the taps there are, whatever the longest delay, and where few
units spike that of the spikes. The convolution serves where it is quicker, and on a GPU.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.nn.grad import conv1d_input, conv1d_weight

from neuro.lower.choice import plain
from neuro.lower.spikes import kernels
from neuro.lower.threads import parallel
from neuro.lower.workspace import contiguous

Way = Literal["events", "terms", "convolution"]
_Array = NDArray[Any]

# Nanoseconds for a sample, a step and a connection, on one thread of an EPYC 7003.
EVENT, EVENT_TAP = 1.2, 0.09  # of each spike, and of each of its taps
TERM = 0.076  # of each tap, all steps at once
TICK = 0.02  # of each tick up to the longest delay, in PyTorch's convolution
ROOM = 1 << 25  # bytes for partial gradients, one for each group of samples
GROUPS = 8


class Wiring(NamedTuple):
    """Which unit reaches which: m connections in the order given.

    pre, post: [m]; units: sizes of the two populations; longest: the longest delay in ticks;
    by_pre, by_post: the connections in the order of units; first_pre, first_post: [units + 1],
    where each unit's begin in those.
    """

    pre: NDArray[np.int64]
    post: NDArray[np.int64]
    units: tuple[int, int]
    longest: int
    by_pre: NDArray[np.int64]
    by_post: NDArray[np.int64]
    first_pre: NDArray[np.int64]
    first_post: NDArray[np.int64]
    regular: bool = False  # the connections are weights [post, pre]

    @classmethod
    def of(cls, pre: _Array, post: _Array, units: tuple[int, int], longest: int) -> Wiring:
        """From flat unit numbers [m]; a pair may occur repeatedly."""
        pre, post = np.asarray(pre, np.int64), np.asarray(post, np.int64)
        first_pre, first_post = (
            np.append(0, np.cumsum(np.bincount(side, minlength=size))).astype(np.int64)
            for side, size in zip((pre, post), units, strict=True)
        )
        by_pre, by_post = (np.argsort(side, kind="stable") for side in (pre, post))
        return cls(pre, post, units, longest, by_pre, by_post, first_pre, first_post)

    @classmethod
    def dense(cls, units: tuple[int, int], longest: int, count: int = 1) -> Wiring:
        """All to all `count` times, in the order of weights [count, post, pre]."""
        pre = np.tile(np.arange(units[0]), units[1] * count)
        post = np.tile(np.repeat(np.arange(units[1]), units[0]), count)
        return cls.of(pre, post, units, longest)._replace(regular=count == 1)

    def fills(self, taps: int) -> bool:
        """Whether the taps of all connections are all of a full kernel."""
        return self.regular and taps == self.longest + 1


class Lists(NamedTuple):
    """Spikes of every sample, in the order of time; no values if all are one."""

    starts: NDArray[np.int64]
    units: NDArray[np.int32]
    times: NDArray[np.int32]
    values: _Array


def delayed(
    x: Tensor, lead: int, taps: Tensor, start: Tensor, wiring: Wiring, way: Way | None = None
) -> Tensor:
    """Currents [T, B, post] that arrive through connections with delays.

    Args:
        x: [lead + T, B, pre]; the first `lead` steps are the past.
        lead: 0, for a silent past, or as many steps as the longest delay.
        taps: [m, n], what a connection passes on start + 0, 1, ... ticks later.
        start: int64 [m]; start + n - 1 is at most the longest delay.
        wiring: the connections.
        way: how to compute it; by default the quickest, as measured.
    """
    if plain(x, taps) and way != "convolution" and len(wiring.pre):
        out = _Delayed.apply(x, lead, taps, start, wiring, way)
        assert isinstance(out, Tensor)
        return out
    return convolved(x, lead, taps, start, wiring)


def convolved(x: Tensor, lead: int, taps: Tensor, start: Tensor, wiring: Wiring) -> Tensor:
    """The same as a convolution in time, on any device: the definition."""
    return functional.conv1d(_rows(x, lead, wiring), full_kernel(taps, start, wiring)).permute(
        2, 0, 1
    )


def _rows(x: Tensor, lead: int, wiring: Wiring) -> Tensor:
    """[B, pre, longest + T]: time last, and silence where no past is given."""
    return functional.pad(x.permute(1, 2, 0), (wiring.longest - lead, 0))


def full_kernel(taps: Tensor, start: Tensor, wiring: Wiring) -> Tensor:
    """[post, pre, longest + 1]; the last entry has no delay."""
    if wiring.fills(taps.shape[1]):
        return taps.flip(1).view(wiring.units[1], wiring.units[0], -1)
    flat = taps.new_zeros(wiring.units[0] * wiring.units[1] * (wiring.longest + 1))
    flat = flat.index_add(0, _entries(taps, start, wiring).reshape(-1), taps.reshape(-1))
    return flat.view(wiring.units[1], wiring.units[0], wiring.longest + 1)


def _entries(taps: Tensor, start: Tensor, wiring: Wiring) -> Tensor:
    """Where in the flat kernel each tap [m, n] lies."""
    pair = torch.from_numpy(wiring.post * wiring.units[0] + wiring.pre).to(start.device)
    undelayed = (pair + 1) * (wiring.longest + 1) - 1
    return (undelayed - start)[:, None] - torch.arange(taps.shape[1], device=start.device)


class _Delayed(torch.autograd.Function):
    """Kept for the gradients: lists of the spikes instead of x, where these are few."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, lead: int, taps: Tensor, start: Tensor, wiring: Wiring,
        way: Way | None,
    ) -> Tensor:  # fmt: skip
        x, taps = contiguous(x.detach()), taps.detach()
        job = _Job(x.shape, lead, taps, start, wiring)
        counts, graded = _counted(x)
        way = way or job.quickest(counts.sum() / max(1, x.numel()))
        lists = _listed(x, counts, graded) if way == "events" else None
        ctx.job, ctx.way, ctx.lists = job, way, lists
        ctx.save_for_backward(None if way == "events" else x, taps)
        return job.forward(x, taps, lists, way)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:  # type: ignore[override]
        x, taps = ctx.saved_tensors
        job, g = ctx.job, contiguous(grads[0])
        by_x = job.by_input(g, taps) if ctx.needs_input_grad[0] else None
        by_taps = job.by_taps(x, g, ctx.lists, ctx.way) if ctx.needs_input_grad[2] else None
        return by_x, None, by_taps, None, None, None


def _counted(x: Tensor) -> tuple[NDArray[np.int64], bool]:
    """Spikes of every sample, and whether a value is not one."""
    counts, graded = np.empty(x.shape[1], np.int64), np.empty(x.shape[1], np.bool_)
    parallel(partial(kernels("delay_kernels").count, x.numpy(), counts, graded), x.shape[1])
    return counts, bool(graded.any())


def _listed(x: Tensor, counts: NDArray[np.int64], graded: bool) -> Lists:
    starts = np.append(0, np.cumsum(counts))
    total = int(starts[-1])
    values = np.empty(total if graded else 0, x.numpy().dtype)
    lists = Lists(starts, np.empty(total, np.int32), np.empty(total, np.int32), values)
    parallel(partial(kernels("delay_kernels").listed, x.numpy(), *lists), x.shape[1])
    return lists


def _time_last(x: Tensor, silence: int) -> Tensor:
    """[B, units, silence + T] from x [T, B, units], several times as quick as a permuted copy."""
    steps, batch, units = x.shape
    width = silence + steps
    rows = x.new_zeros(batch, units * width) if silence else x.new_empty(batch, units * width)
    kernel = kernels("delay_kernels").time_last
    parallel(partial(kernel, x.numpy(), rows.numpy(), width, silence), batch)
    return rows.view(batch, units, width)


def _time_first(rows: Tensor, skip: int, steps: int) -> Tensor:
    """[T, B, units] from rows [B, units, skip + T]."""
    rows = contiguous(rows)
    batch, units, width = rows.shape
    out = rows.new_zeros(steps, batch, units)
    flat = rows.view(batch, units * width).numpy()
    parallel(partial(kernels("delay_kernels").time_first, flat, width, skip, out.numpy()), batch)
    return out


class _Job:
    """One product: its sizes, and where everything lies in the kernels' buffers."""

    def __init__(
        self, shape: torch.Size, lead: int, taps: Tensor, start: Tensor, wiring: Wiring
    ) -> None:
        self.length, self.batch, _ = shape
        self.lead, self.steps = lead, shape[0] - lead
        self.wiring, self.start = wiring, start
        self.taps = taps.shape[1]
        # whole registers of taps; one or two go one by one
        self.padded = self.taps if self.taps < 3 else -(-self.taps // 8) * 8

    # -- what to do -----------------------------------------------------------------------------

    def quickest(self, density: float) -> Way:
        """The way forward; `density` is the share of the input that is not zero."""
        events = density * (EVENT + EVENT_TAP * self.padded)
        best = min(events, self._terms, self._convolution)
        if best == events:
            return "events"
        return "terms" if best == self._terms else "convolution"

    @property
    def _terms(self) -> float:
        return TERM * self.taps

    @property
    def _convolution(self) -> float:
        """Of a full kernel, for each connection that there is."""
        full = self.wiring.units[0] * self.wiring.units[1] / len(self.wiring.pre)
        return TICK * (self.wiring.longest + 1) * full

    # -- forward --------------------------------------------------------------------------------

    def forward(self, x: Tensor, taps: Tensor, lists: Lists | None, way: Way) -> Tensor:
        if way == "convolution":
            kernel = full_kernel(taps, self.start, self.wiring)
            return _time_first(functional.conv1d(self._padded(x), kernel), 0, self.steps)
        out = x.new_zeros(self.steps, self.batch, self.wiring.units[1])
        if way == "events":
            assert lists is not None
            kernel = partial(
                kernels("delay_kernels").scatter, out.numpy(), *lists, self.wiring.first_pre,
                self._places(), self._in_registers(taps), self.padded, self._width, self.lead,
            )  # fmt: skip
        else:
            kernel = partial(
                kernels("delay_kernels").shift, out.numpy(), x.numpy(), self._past,
                self.wiring.longest, self._term_starts, self._stretches(),
                self._by_post(taps),
            )  # fmt: skip
        parallel(kernel, self.batch)
        return out

    # -- gradients ------------------------------------------------------------------------------

    def by_input(self, g: Tensor, taps: Tensor) -> Tensor:
        """[lead + T, B, pre]."""
        wiring = self.wiring
        if self._convolution < self._terms:
            size = torch.Size((self.batch, wiring.units[0], wiring.longest + self.steps))
            kernel = full_kernel(taps, self.start, wiring)
            rows = conv1d_input(size, kernel, _time_last(g, 0))
            return _time_first(rows, wiring.longest - self.lead, self.length)
        out = g.new_zeros(self.length, self.batch, wiring.units[0])
        # out[t] takes g from t + start + k on, counted from the first step of x
        width = self.length + wiring.longest
        order, count = wiring.by_pre, self.taps
        stretch = wiring.post[order] * width + self.start.numpy()[order]
        places = (stretch[:, None] + np.arange(count)).reshape(-1)
        coefficients = taps.numpy()[order].reshape(-1)
        kernel = partial(
            kernels("delay_kernels").shift, out.numpy(), g.numpy(), width, self.lead,
            wiring.first_pre * count, places, coefficients,
        )  # fmt: skip
        parallel(kernel, self.batch)
        return out

    def by_taps(self, x: Tensor | None, g: Tensor, lists: Lists | None, way: Way) -> Tensor:
        """[m, n]."""
        wiring, like = self.wiring, g.numpy()
        if way == "convolution":
            assert x is not None
            size = (wiring.units[1], wiring.units[0], wiring.longest + 1)
            whole = conv1d_weight(self._padded(x), size, _time_last(g, 0))
            if wiring.fills(self.taps):
                return whole.view(-1, self.taps).flip(1)
            whole = whole.reshape(-1)
            entries = _entries(g.new_empty(len(wiring.pre), self.taps), self.start, wiring)
            return whole[entries]
        width = self.padded if way == "events" else self.taps
        entries = len(wiring.pre) * width
        groups = min(self.batch, max(2, min(GROUPS, ROOM // (entries * like.itemsize))))
        size = -(-self.batch // groups)
        grad = np.zeros((groups, entries), like.dtype)
        if way == "events":
            assert lists is not None
            kernel = partial(
                kernels("delay_kernels").gather, grad, like, *lists, wiring.first_pre,
                self._places(), self.padded, self._width, self.lead, size,
            )  # fmt: skip
            order = wiring.by_pre
        else:
            assert x is not None
            kernel = partial(
                kernels("delay_kernels").correlate, grad, x.numpy(), like, self._past,
                wiring.longest, self._term_starts, self._stretches(), size,
            )  # fmt: skip
            order = wiring.by_post
        parallel(kernel, groups)
        sums = grad.sum(0).reshape(-1, width)[:, : self.taps]
        result = torch.empty(len(wiring.pre), self.taps, dtype=g.dtype)
        result.numpy()[order] = sums
        return result

    def _padded(self, x: Tensor) -> Tensor:
        """[B, pre, longest + T], as `_rows`."""
        return _time_last(x, self.wiring.longest - self.lead)

    # -- where things lie -----------------------------------------------------------------------

    @property
    def _width(self) -> int:
        """Length of a postsynaptic unit's row of arrivals, with room for the padding of taps."""
        return self.length + self.wiring.longest + self.padded

    def _places(self) -> NDArray[np.int64]:
        order = self.wiring.by_pre
        return self.wiring.post[order] * self._width + self.start.numpy()[order]

    def _in_registers(self, taps: Tensor) -> _Array:
        padded = np.zeros((len(taps), self.padded), taps.numpy().dtype)
        padded[:, : self.taps] = taps.numpy()[self.wiring.by_pre]
        return padded.reshape(-1)

    @property
    def _past(self) -> int:
        """Length of a presynaptic unit's row, the longest delay of silence before it."""
        return self.length + self.wiring.longest

    @property
    def _term_starts(self) -> NDArray[np.int64]:
        return self.wiring.first_post * self.taps

    def _stretches(self) -> NDArray[np.int64]:
        """Where the steps that a tap passes on begin in the rows of x, in the order of post."""
        order = self.wiring.by_post
        first = self.wiring.pre[order] * self._past + self.wiring.longest + self.lead
        first -= self.start.numpy()[order]
        return (first[:, None] - np.arange(self.taps)).reshape(-1)

    def _by_post(self, taps: Tensor) -> _Array:
        return taps.numpy()[self.wiring.by_post].reshape(-1)
