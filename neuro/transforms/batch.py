"""Batches: recordings of unequal duration on one grid, with the length of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.room import refuse_too_large
from neuro.transforms._base import whole
from neuro.transforms._counting import counting, fill
from neuro.transforms.frames import bounds_of


@dataclass(frozen=True, eq=False)
class Batch:
    """Recordings on a common grid; steps after the end of one are silent and marked as such.

    Args:
        spikes: counts [T, B, *shape].
        lengths: int64 [B], steps that each recording lasts, a partial last one included.
        step: clock of the grid.
    """

    spikes: NDArray[Any]
    lengths: NDArray[np.int64]
    step: Clock

    def __post_init__(self) -> None:
        if self.spikes.ndim < 3 or self.lengths.shape != self.spikes.shape[1:2]:
            raise InvalidValue(
                f"Batch: spikes have shape {self.spikes.shape} and lengths {self.lengths.shape}, "
                "expected [T, B, units...] and [B]"
            )
        if len(self.lengths) and not 0 <= self.lengths.min() <= self.lengths.max() <= len(
            self.spikes
        ):
            raise InvalidValue(
                f"Batch.lengths: from {self.lengths.min()} to {self.lengths.max()}, expected 0 to "
                f"{len(self.spikes)} steps"
            )

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Whether a step belongs to the recording, bool [T, B]."""
        return np.arange(len(self.spikes))[:, None] < self.lengths

    def __len__(self) -> int:
        return len(self.lengths)


def collate(
    recordings: Sequence[Events],
    step: Clock,
    *,
    steps: int | None = None,
    dtype: DTypeLike = np.float32,
) -> Batch:
    """Count several recordings on a common grid; no event is lost, doubled or moved.

    Args:
        recordings: of one shape; their clocks may differ.
        step: the tick of the grid, a whole multiple of every recording's own tick.
        steps: T; by default that of the longest recording. Fewer may only cut silence off.
        dtype: of the counts; uint8 takes a quarter of float32's memory.

    Raises:
        InvalidValue: there are no recordings, shapes differ, `steps` would cut events off, a count
            does not fit `dtype`, or the batch takes more memory than the machine has.
    """
    if not recordings:
        raise InvalidValue("collate: no recordings, expected at least one Events")
    shapes = {events.shape for events in recordings}
    if len(shapes) > 1:
        raise InvalidValue(f"collate: recordings differ in shape: {sorted(shapes)}")
    ratios = [events.clock.per(step) for events in recordings]
    lengths = np.array(
        [-(-e.duration // ratio) for e, ratio in zip(recordings, ratios, strict=True)], np.int64
    )
    total = int(lengths.max()) if steps is None else steps
    whole("collate.steps", total)
    kind, _ = counting("collate", dtype)
    shape = (total, len(recordings), *recordings[0].shape)
    refuse_too_large("collate", shape, kind)
    grid = np.zeros((total, len(recordings), recordings[0].size), kind)
    for lane, (events, ratio) in enumerate(zip(recordings, ratios, strict=True)):
        fill("collate", grid, lane, events, bounds_of(events, ratio, total, "collate"))
    return Batch(grid.reshape(shape), np.minimum(lengths, total), step)
