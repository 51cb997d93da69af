"""Labelled recordings as tensors, in the order that training wants them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from neuro.errors import InvalidValue

Augment = Callable[[Tensor, torch.Generator], Tensor]


@dataclass(frozen=True)
class Samples:
    """A labelled set held in memory.

    Args:
        x: spike counts [T, N, *units], any dtype (uint8 saves memory; batches are float32).
        labels: int64 [N].
    """

    x: Tensor
    labels: Tensor

    def __post_init__(self) -> None:
        if self.x.ndim < 3 or self.labels.shape != self.x.shape[1:2]:
            raise InvalidValue(
                f"Samples: x has shape {tuple(self.x.shape)} and labels "
                f"{tuple(self.labels.shape)}, expected [T, N, units...] and [N]"
            )
        if self.labels.is_floating_point():
            raise InvalidValue(f"Samples.labels: got {self.labels.dtype}, expected integers")

    def __len__(self) -> int:
        return len(self.labels)

    def select(self, indices: Tensor) -> Samples:
        """The chosen samples, in that order."""
        return Samples(self.x[:, indices], self.labels[indices])

    def batch(self, indices: list[int] | Tensor) -> tuple[Tensor, Tensor]:
        """x as float32 [T, B, *units], and labels [B]."""
        chosen = torch.as_tensor(indices)
        return self.x[:, chosen].float(), self.labels[chosen]

    def loader(
        self, batch_size: int, *, shuffle: bool, seed: int, rank: int = 0, world_size: int = 1
    ) -> DataLoader[int]:
        """Batches of `batch`; the order depends on the seed and the epoch alone.

        With several processes, each gets its own share of every epoch.
        """
        positions = _Positions(len(self))
        sampler = DistributedSampler(
            positions, num_replicas=world_size, rank=rank, shuffle=shuffle, seed=seed
        )
        return DataLoader(positions, batch_size=batch_size, sampler=sampler, collate_fn=self.batch)


class _Positions(Dataset[int]):
    """0 to N-1; whole batches are cut from the tensor at once, which is much faster."""

    def __init__(self, size: int) -> None:
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, index: int) -> int:
        return index
