"""Losses and readouts for classification, and regularisers of the firing rate.

A loss reads one output signal [T, B, classes]. Its `scores` [B, classes] say which class is
ahead (argmax), so training and testing cannot disagree about the readout.
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

    def __call__(self, signal: Tensor, labels: Tensor) -> Tensor:
        """Mean loss over the batch, a scalar."""
        ...

    def scores(self, signal: Tensor) -> Tensor:
        """Score of each class [B, classes]; the largest wins."""
        ...


@dataclass(frozen=True)
class MembraneLoss:
    """Cross-entropy of a non-spiking readout's membrane, reduced over time.

    Args:
        reduce: "max" (Cramer et al., IEEE TNNLS 33 (2022), eq. 6), "mean" or "last".
    """

    reduce: Literal["max", "mean", "last"] = "max"

    def __post_init__(self) -> None:
        if self.reduce not in ("max", "mean", "last"):
            raise InvalidValue(
                f"MembraneLoss.reduce: got {self.reduce!r}, expected 'max', 'mean' or 'last'"
            )

    def scores(self, signal: Tensor) -> Tensor:
        match self.reduce:
            case "max":
                return signal.amax(0)
            case "mean":
                return signal.mean(0)
            case _:
                return signal[-1]

    def __call__(self, signal: Tensor, labels: Tensor) -> Tensor:
        _check(type(self).__name__, signal, labels)
        return functional.cross_entropy(self.scores(signal), labels)


@dataclass(frozen=True)
class RateLoss:
    """Cross-entropy of the spike counts (`target=None`), or squared distance to target rates.

    Args:
        target: spikes per step wanted of the (wrong, right) class, e.g. (0.03, 0.6); None for
            cross-entropy. Source of the latter form: Shrestha & Orchard, NeurIPS 2018, section 3.
    """

    target: tuple[float, float] | None = None

    def scores(self, signal: Tensor) -> Tensor:
        return signal.sum(0)

    def __call__(self, signal: Tensor, labels: Tensor) -> Tensor:
        _check(type(self).__name__, signal, labels)
        if self.target is None:
            return functional.cross_entropy(self.scores(signal), labels)
        wrong, right = self.target
        wanted = torch.full_like(signal[0], wrong).scatter(1, labels[:, None], right)
        return (signal.mean(0) - wanted).square().mean()


@dataclass(frozen=True)
class FirstSpikeLoss:
    """Cross-entropy of how early each class fires its first spike.

    A class that never fires counts as firing after the last step. The time of the first spike
    is the number of steps before it, sum_t prod_{u<=t} (1 - s_u), through which the surrogate
    gradient flows.

    Args:
        scale: steps by which one class must lead for odds of e to 1.

    Source: Mostafa, IEEE TNNLS 29 (2018), eq. 9 (softmax over negative spike times).
    """

    scale: float = 5.0

    def __post_init__(self) -> None:
        if not self.scale > 0:
            raise InvalidValue(f"FirstSpikeLoss.scale: got {self.scale}, expected steps above 0")

    def times(self, signal: Tensor) -> Tensor:
        """Steps before the first spike of each class [B, classes]; T if it never fires."""
        return (1 - signal).cumprod(0).sum(0)

    def scores(self, signal: Tensor) -> Tensor:
        return -self.times(signal) / self.scale

    def __call__(self, signal: Tensor, labels: Tensor) -> Tensor:
        _check(type(self).__name__, signal, labels)
        return functional.cross_entropy(self.scores(signal), labels)


@dataclass(frozen=True)
class RateBand:
    """Penalty on neurons that fire too rarely or too often, added to a loss.

    strength * mean over neurons of (low - n)_+^2 + (n - high)_+^2, with n the spikes per step of
    a neuron, averaged over time and batch.

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

    def __call__(self, spikes: Tensor) -> Tensor:
        """Penalty of one population's spikes [T, B, *units], a scalar."""
        rate = spikes.mean((0, 1))
        below, above = (self.low - rate).relu(), (rate - self.high).relu()
        return self.strength * (below.square() + above.square()).mean()


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
