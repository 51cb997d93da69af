"""Losses and readouts for classification, and regularisers of the firing rate.

A loss reads one output signal [T, B, classes]. Its `scores` [B, classes] say which class is
ahead (argmax), so training and testing cannot disagree about the readout.

Where recordings of unequal duration are padded to one T, `lengths` [B] says how many steps of each
are its own; the others are never looked at, so that padding changes no loss, score or gradient.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from neuro.errors import InvalidValue


class Loss(Protocol):
    """What the training loop needs of a loss."""

    def __call__(self, signal: Tensor, labels: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Mean loss over the batch, a scalar; `lengths` [B] counts the steps that are looked at."""
        ...

    def scores(self, signal: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Score of each class [B, classes]; the largest wins."""
        ...


@dataclass(frozen=True)
class MembraneLoss:
    """Cross-entropy of a non-spiking readout's membrane, reduced over time.

    Args:
        reduce: "max" (Cramer et al., IEEE TNNLS 33 (2022), eq. 6), "mean", "last", or "softmax",
            the sum of each step's softmax over classes (Bittar & Garner, Front. Neurosci. 16
            (2022), section 2.3); of the steps within `lengths`.
    """

    reduce: Literal["max", "mean", "last", "softmax"] = "max"

    def __post_init__(self) -> None:
        if self.reduce not in ("max", "mean", "last", "softmax"):
            raise InvalidValue(
                f"MembraneLoss.reduce: got {self.reduce!r}, expected 'max', 'mean', 'last' or "
                "'softmax'"
            )

    def scores(self, signal: Tensor, lengths: Tensor | None = None) -> Tensor:
        if lengths is not None:
            _check_lengths(type(self).__name__, signal, lengths)
        match self.reduce:
            case "max":
                return _filled(signal, lengths, -torch.inf).amax(0)
            case "mean":
                return _mean(signal, lengths)
            case "softmax":
                return _filled(signal.softmax(-1), lengths, 0.0).sum(0)
            case _ if lengths is None:
                return signal[-1]
            case _:
                return signal[lengths.to(signal.device) - 1, torch.arange(signal.shape[1])]

    def __call__(self, signal: Tensor, labels: Tensor, lengths: Tensor | None = None) -> Tensor:
        _check(type(self).__name__, signal, labels)
        return functional.cross_entropy(self.scores(signal, lengths), labels)


@dataclass(frozen=True)
class RateLoss:
    """Cross-entropy of the spike counts (`target=None`), or squared distance to target rates.

    Args:
        target: spikes per step wanted of the (wrong, right) class, e.g. (0.03, 0.6); None for
            cross-entropy. Source of the latter form: Shrestha & Orchard, NeurIPS 2018, section 3.
    """

    target: tuple[float, float] | None = None

    def scores(self, signal: Tensor, lengths: Tensor | None = None) -> Tensor:
        if lengths is not None:
            _check_lengths(type(self).__name__, signal, lengths)
        return _filled(signal, lengths, 0.0).sum(0)

    def __call__(self, signal: Tensor, labels: Tensor, lengths: Tensor | None = None) -> Tensor:
        _check(type(self).__name__, signal, labels)
        if self.target is None:
            return functional.cross_entropy(self.scores(signal, lengths), labels)
        if lengths is not None:
            _check_lengths(type(self).__name__, signal, lengths)
        wrong, right = self.target
        wanted = torch.full_like(signal[0], wrong).scatter(1, labels[:, None], right)
        return (_mean(signal, lengths) - wanted).square().mean()


@dataclass(frozen=True)
class FirstSpikeLoss:
    """Cross-entropy of how early each class fires its first spike.

    A class that never fires counts as firing after the last step of its recording. The time of
    the first spike is the number of steps before it, sum_t prod_{u<=t} (1 - s_u), through which the
    surrogate gradient flows.

    Args:
        scale: steps by which one class must lead for odds of e to 1.

    Source: Mostafa, IEEE TNNLS 29 (2018), eq. 9 (softmax over negative spike times).
    """

    scale: float = 5.0

    def __post_init__(self) -> None:
        if not self.scale > 0:
            raise InvalidValue(f"FirstSpikeLoss.scale: got {self.scale}, expected steps above 0")

    def times(self, signal: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Steps before the first spike of each class [B, classes]; T (its length) if none."""
        if lengths is not None:
            _check_lengths(type(self).__name__, signal, lengths)
        return _filled(1 - signal, lengths, 0.0).cumprod(0).sum(0)

    def scores(self, signal: Tensor, lengths: Tensor | None = None) -> Tensor:
        return -self.times(signal, lengths) / self.scale

    def __call__(self, signal: Tensor, labels: Tensor, lengths: Tensor | None = None) -> Tensor:
        _check(type(self).__name__, signal, labels)
        return functional.cross_entropy(self.scores(signal, lengths), labels)


@dataclass(frozen=True)
class RateBand:
    """Penalty on neurons that fire too rarely or too often, added to a loss.

    strength * mean over neurons of (low - n)_+^2 + (n - high)_+^2, with n the spikes per step of
    a neuron, averaged over time and batch (over the steps within `lengths`).

    Source: Zenke & Vogels, Neural Computation 33 (2021), eqs. 13 and 14, per neuron.

    Args:
        low, high: spikes per step between which nothing is charged.
        strength: weight of the penalty.
    """

    low: float = 0.0
    high: float = 1.0
    strength: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high:
            raise InvalidValue(
                f"RateBand: got low={self.low}, high={self.high}; expected 0 <= low <= high"
            )

    def __call__(self, spikes: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Penalty of one population's spikes [T, B, *units], a scalar."""
        if lengths is None:
            rate = spikes.mean((0, 1))
        else:
            _check_lengths(type(self).__name__, spikes, lengths)
            rate = _filled(spikes, lengths, 0.0).sum((0, 1)) / lengths.sum().to(spikes.device)
        below, above = (self.low - rate).relu(), (rate - self.high).relu()
        return self.strength * (below.square() + above.square()).mean()


def _filled(signal: Tensor, lengths: Tensor | None, value: float) -> Tensor:
    """The signal [T, B, ...] with a constant after each recording's last step."""
    if lengths is None:
        return signal
    step = torch.arange(len(signal), device=signal.device)
    after = step[:, None] >= lengths.to(signal.device)
    return signal.masked_fill(after.reshape(*after.shape, *[1] * (signal.ndim - 2)), value)


def _mean(signal: Tensor, lengths: Tensor | None) -> Tensor:
    """Mean over each recording's own steps [B, classes]."""
    if lengths is None:
        return signal.mean(0)
    return _filled(signal, lengths, 0.0).sum(0) / lengths.to(signal.device)[:, None]


def _check_lengths(where: str, signal: Tensor, lengths: Tensor) -> None:
    if lengths.shape != signal.shape[1:2] or lengths.is_floating_point():
        raise InvalidValue(
            f"{where}: lengths have shape {tuple(lengths.shape)} and dtype {lengths.dtype}, "
            f"expected {signal.shape[1]} integers"
        )
    if len(lengths) and not (int(lengths.min()) >= 1 and int(lengths.max()) <= len(signal)):
        raise InvalidValue(
            f"{where}: lengths run from {int(lengths.min())} to {int(lengths.max())}, expected 1 "
            f"to {len(signal)} steps"
        )


def _check(where: str, signal: Tensor, labels: Tensor) -> None:
    if signal.ndim != 3:
        raise InvalidValue(
            f"{where}: signal has shape {tuple(signal.shape)}, expected [T, B, classes]"
        )
    if labels.shape != signal.shape[1:2] or labels.is_floating_point():
        raise InvalidValue(
            f"{where}: labels have shape {tuple(labels.shape)} and dtype {labels.dtype}, expected "
            f"{signal.shape[1]} integers"
        )
    if len(labels) and not (int(labels.min()) >= 0 and int(labels.max()) < signal.shape[2]):
        raise InvalidValue(
            f"{where}: labels run from {int(labels.min())} to {int(labels.max())}, expected "
            f"0 to {signal.shape[2] - 1}"
        )
