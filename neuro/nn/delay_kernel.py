"""How a delay is smeared over neighbouring ticks while it is learned."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from neuro.errors import InvalidValue, UnknownName

Smear = Literal["gauss", "max", "triangle", "slayer"]

OFFSET = 0.27  # of the Gaussian's width, so that it never falls between two ticks
REACH = 4.8  # standard deviations: what lies beyond is below 1e-5 of the peak


@dataclass(frozen=True)
class DelayKernel:
    """A learned delay is a place between ticks, and its spikes arrive spread around it.

    Args:
        shape: "gauss", a bell whose width shrinks in training; "max", a triangle that does;
            "triangle", linear interpolation between the two ticks on either side; "slayer", the
            nearest tick alone, with the difference of neighbouring ticks as the derivative.
        start: width in ticks at first; by default half of the longest delay.
        end: width when the shrinking is over.
        anneal: share of the training that the shrinking takes, geometrically.
        settle: share of the training after which delays are whole ticks, as in evaluation, and
            learn no more, so that the weights can adapt to the rounding; 1 for never.

    Sources: Hammouamri, Khalfaoui-Hassani & Masquelier, ICLR 2024 (gauss, max: standard deviation
    width + 0.27, base width + 1); Khalfaoui-Hassani et al., ICLR 2023 (triangle); Shrestha &
    Orchard, NeurIPS 2018, eq. 8 (slayer).

    Raises:
        UnknownName: there is no such shape.
        InvalidValue: a width is negative, or a share is not in 0 to 1.
    """

    shape: Smear = "gauss"
    start: float | None = None
    end: float = 0.23
    anneal: float = 0.25
    settle: float = 1.0

    def __post_init__(self) -> None:
        if self.shape not in get_args(Smear):
            raise UnknownName("DelayKernel.shape", self.shape, get_args(Smear))
        for name, value in (("start", self.start), ("end", self.end)):
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise InvalidValue(f"DelayKernel.{name}: got {value} ticks, expected 0 or more")
        if self.start == 0 or self.end == 0 != self.start:
            raise InvalidValue(
                f"DelayKernel: start={self.start} and end={self.end} ticks; a width that shrinks "
                "geometrically stays above 0. Remedy: take a small one, or shape='triangle'"
            )
        for name, share in (("anneal", self.anneal), ("settle", self.settle)):
            if not 0 <= share <= 1:
                raise InvalidValue(f"DelayKernel.{name}: got {share}, expected 0 to 1")

    def width(self, done: float, longest: int) -> float:
        """Width in ticks after the share `done` of the training, for delays up to `longest`."""
        start = max(longest / 2, self.end) if self.start is None else self.start
        share = min(1.0, done / self.anneal) if self.anneal else 1.0
        return start * (self.end / start) ** share

    def taps(self, delay: Tensor, width: float, longest: int) -> tuple[Tensor, Tensor]:
        """What arrives at which tick: the first one, int64 [m], and shares [m, n] that sum to 1.

        Args:
            delay: [m] in ticks, from 0 to `longest`.
            width: as `width` gives it; the shapes "triangle" and "slayer" have none.
        """
        if self.shape == "slayer":
            nearest = delay.detach().round()
            back = delay - delay.detach()  # 0, and what the derivative flows through
            if longest == 0:
                return nearest.long(), torch.ones_like(delay)[:, None]
            # at the far end the tick before is the neighbour, or the pair would lie beyond it
            first = nearest.clamp(max=longest - 1)
            late = nearest - first + back
            return first.long(), torch.stack([1 - late, late], 1)
        reach = {
            "gauss": REACH * (width + OFFSET),
            "max": 1 + width,
            "triangle": 1.0,
        }[self.shape]
        count = min(longest + 1, math.floor(2 * reach) + 1)
        first = (delay.detach() - (count - 1) / 2).round().clamp(0, longest + 1 - count)
        away = first[:, None] + torch.arange(count, device=delay.device) - delay[:, None]
        if self.shape == "gauss":
            shares = torch.exp(-0.5 * (away / (width + OFFSET)).square())
        else:
            shares = (reach - away.abs()).relu()
        return first.long(), shares / (shares.sum(1, keepdim=True) + 1e-7)
