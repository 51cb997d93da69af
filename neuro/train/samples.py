"""Labelled recordings as tensors, in the order that training wants them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.transforms.batch import collate

Augment = Callable[[Tensor, torch.Generator], Tensor]


@dataclass(frozen=True)
class Samples:
    """A labelled set held in memory.

    Args:
        x: spike counts [T, N, *units], any dtype (uint8 saves memory; batches are float32).
        labels: int64 [N].
        lengths: optional int64 [N], steps of x that belong to each sample, from 1 to T; what comes
            after them is padding, which no loss or score looks at.
    """

    x: Tensor
    labels: Tensor
    lengths: Tensor | None = None

    def __post_init__(self) -> None:
        if self.x.ndim < 3 or self.labels.shape != self.x.shape[1:2]:
            raise InvalidValue(
                f"Samples: x has shape {tuple(self.x.shape)} and labels "
                f"{tuple(self.labels.shape)}, expected [T, N, units...] and [N]"
            )
        if self.labels.is_floating_point():
            raise InvalidValue(f"Samples.labels: got {self.labels.dtype}, expected integers")
        if self.lengths is None:
            return
        if self.lengths.shape != self.labels.shape or self.lengths.is_floating_point():
            raise InvalidValue(
                f"Samples.lengths: got shape {tuple(self.lengths.shape)} and {self.lengths.dtype}, "
                f"expected {len(self.labels)} integers"
            )
        outside = (self.lengths < 1) | (self.lengths > len(self.x))
        if outside.any():
            i = int(outside.nonzero()[0])
            raise InvalidValue(
                f"Samples.lengths: sample {i} has {int(self.lengths[i])} steps, expected 1 to "
                f"{len(self.x)}"
            )

    @classmethod
    def of(
        cls,
        recordings: Sequence[Events],
        labels: Sequence[int] | Tensor,
        step: Clock,
        *,
        steps: int | None = None,
    ) -> Samples:
        """Recordings of unequal duration, counted on a common grid, with their lengths.

        Args:
            recordings: of one shape, each at least one tick long.
            labels: class of each.
            step: the tick of the grid, a whole multiple of every recording's own tick.
            steps: T; by default that of the longest recording.

        Raises:
            InvalidValue: as `neuro.transforms.collate`, or a recording has no duration.
        """
        batch = collate(recordings, step, steps=steps)
        return cls(
            torch.from_numpy(batch.spikes),
            torch.as_tensor(labels),
            torch.from_numpy(batch.lengths),
        )

    def __len__(self) -> int:
        return len(self.labels)

    def select(self, indices: Tensor) -> Samples:
        """The chosen samples, in that order."""
        lengths = None if self.lengths is None else self.lengths[indices]
        return Samples(self.x[:, indices], self.labels[indices], lengths)

    def batch(self, indices: list[int] | Tensor) -> tuple[Tensor, Tensor]:
        """x as float32 [T, B, *units], and labels [B]."""
        chosen = torch.as_tensor(indices)
        return self.x[:, chosen].float(), self.labels[chosen]

    def loader(
        self, batch_size: int, *, shuffle: bool, seed: int, rank: int = 0, world_size: int = 1
    ) -> DataLoader[int]:
        """Batches (x, labels), or (x, labels, lengths) where there are lengths.

        The order depends on the seed and the epoch alone. With several processes, each gets its own
        share of every epoch.
        """
        positions = _Positions(len(self))
        sampler = DistributedSampler(
            positions, num_replicas=world_size, rank=rank, shuffle=shuffle, seed=seed
        )
        return DataLoader(positions, batch_size=batch_size, sampler=sampler, collate_fn=self._load)

    def _load(self, indices: list[int]) -> tuple[Tensor, ...]:
        if self.lengths is None:
            return self.batch(indices)
        return *self.batch(indices), self.lengths[torch.as_tensor(indices)]


class _Positions(Dataset[int]):
    """0 to N-1; whole batches are cut from the tensor at once, which is much faster."""

    def __init__(self, size: int) -> None:
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, index: int) -> int:
        return index
