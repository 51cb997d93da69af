"""Give a spike pattern back later: the patterns, what is wanted when, and how recall is scored."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from neuro.errors import InvalidValue

CHANNELS, SHOW = 8, 20  # of a pattern: channels, and ticks that it lasts
RATE = 0.08  # chance of a spike in a tick of a channel


class Trials(NamedTuple):
    """Patterns that are shown once, and the spikes that are wanted back."""

    shown: Tensor  # [T, n, CHANNELS], 0 or 1
    wanted: Tensor  # the same shape; silent before the lag


def trials(n: int, lag: int, times: int, random: np.random.Generator) -> Trials:
    """Fresh patterns, each wanted `times` times: `lag` ticks after it was shown, 2 `lag`, ...

    Args:
        n: how many.
        lag: ticks; for more than one time at least SHOW, or a pattern would overlap itself.
        times: how often it is wanted.
        random: draws the patterns, of independent spikes; none is ever seen twice.

    Raises:
        InvalidValue: the lag is too short for that many times.
    """
    if times > 1 and lag < SHOW:
        raise InvalidValue(
            f"trials.lag: got {lag}, expected at least {SHOW} ticks for {times} times"
        )
    pattern = torch.from_numpy(random.random((SHOW, n, CHANNELS)) < RATE).float()
    shown = torch.zeros(SHOW + lag * times, n, CHANNELS)
    wanted = shown.clone()
    shown[:SHOW] = pattern
    for k in range(1, times + 1):
        wanted[k * lag : k * lag + SHOW] = pattern
    return Trials(shown, wanted)


def f1(spikes: Tensor, wanted: Tensor, tolerance: int = 1) -> float:
    """F1 of spikes [T, n, units] against those wanted, matched one to one within some ticks.

    Each wanted spike takes the earliest spike of its unit that is left within `tolerance`, in the
    order of time, which finds as many pairs as there can be. 1 is perfect; 0 if nothing matches,
    or there is nothing.
    """
    free = spikes > 0.5
    total = int(free.sum()) + int((wanted > 0.5).sum())
    left, hits = free.clone(), 0
    for t in range(len(wanted)):
        need = wanted[t] > 0.5
        for at in range(max(0, t - tolerance), min(len(left), t + tolerance + 1)):
            pair = need & left[at]
            left[at] &= ~pair
            need = need & ~pair
            hits += int(pair.sum())
    return 2 * hits / total if total else 0.0


def chance(spikes: Tensor, wanted: Tensor, tolerance: int = 1) -> float:
    """F1 of the spikes against what other trials want: what rates alone would give."""
    return f1(spikes, wanted.roll(1, dims=1), tolerance)
