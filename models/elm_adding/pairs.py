"""SHD-Adding: two spoken digits after one another as spikes, and the sum of the two as label."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from neuro import Clock
from neuro.data import EventDataset
from neuro.errors import InvalidValue

SUMS = 19  # 0 to 18


class Halves(NamedTuple):
    """Recordings on one grid; any two of them make a pair."""

    counts: Tensor  # spikes, uint8 [n, steps of one half, channels]
    digit: Tensor  # int64 [n]
    cut: float  # share of the spikes that came after the end of the half


def halves(events: EventDataset, step: Clock, steps: int, channels: int) -> Halves:
    """Spike counts in the first `steps` of every recording, neighbouring channels taken together.

    Args:
        events: recordings of n units, labels 0 to 9.
        step: the tick of the grid, a whole multiple of the events' own.
        steps: of one half; later spikes are left out, and counted in `cut`.
        channels: how many are left; n must be a multiple.

    Raises:
        InvalidValue: channels that do not divide n, a label above 9, or more than 255 spikes in
            a cell.
    """
    units = int(np.prod(events.shape))
    if units % channels:
        raise InvalidValue(
            f"halves: {units} units do not make {channels} channels of equally many; "
            f"give a divisor of {units}"
        )
    if len(events) and not 0 <= events.labels.min() <= events.labels.max() <= 9:
        raise InvalidValue(
            f"halves: labels {events.labels.min()} to {events.labels.max()}, expected digits 0 to 9"
        )
    ratio, group = events.clock.per(step), units // channels
    counts = np.zeros((len(events), steps, channels), np.uint8)
    late = 0
    for i, (recording, _) in enumerate(events):
        row = recording.t // ratio
        kept = row < steps
        late += int((~kept).sum())
        cell = row[kept] * channels + recording.unit[kept] // group
        found = np.bincount(cell, minlength=steps * channels)
        if found.max(initial=0) > 255:
            raise InvalidValue(
                f"halves: {found.max()} spikes in one cell of recording {i}, at most 255 fit; "
                "use a shorter step or more channels"
            )
        counts[i] = found.reshape(steps, channels)
    share = late / max(1, int(events.counts.sum()))
    return Halves(torch.from_numpy(counts), torch.tensor(events.labels), share)


def loudness(part: Halves) -> float:
    """Root mean square of the counts, by which inputs are divided; 1 where there is no spike."""
    return float(part.counts.float().square().mean().sqrt()) or 1.0


def draw(part: Halves, pairs: int, random: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Random pairs, each member from the whole part: x [T, pairs, channels], sums int64 [pairs]."""
    first, second = torch.from_numpy(random.integers(len(part.digit), size=(2, pairs)))
    x = torch.cat([part.counts[first], part.counts[second]], dim=1).transpose(0, 1)
    return x.float(), part.digit[first] + part.digit[second]
