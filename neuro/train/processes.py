"""The processes that train one model together: how many there are, and what each of them does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from inspect import signature
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm

from neuro.errors import InvalidValue, require
from neuro.train.samples import Samples

if not TYPE_CHECKING:
    require("lightning", "train")

from lightning.pytorch.strategies import DDPStrategy


class Processes(NamedTuple):
    """How many processes train: `local` on each of `nodes` machines."""

    local: int
    nodes: int = 1

    @property
    def total(self) -> int:
        """On all machines."""
        return self.local * self.nodes

    @classmethod
    def of(cls, devices: int | None) -> Processes:
        """As many as `torchrun` has started, else `devices` on this machine.

        Args:
            devices: wanted in total; None for what there is, or one.

        Raises:
            InvalidValue: `torchrun` has started another number.
        """
        if not (distributed.is_available() and distributed.is_torchelastic_launched()):
            return cls(devices or 1)
        total = int(os.environ["WORLD_SIZE"])
        local = int(os.environ.get("LOCAL_WORLD_SIZE", total))
        if devices is not None and devices != total:
            raise InvalidValue(
                f"Plan.devices: got {devices}, but torchrun has started {total} processes "
                f"({local} on this machine). Leave devices out, or start as many with "
                "--nproc-per-node (times --nnodes)."
            )
        if total % local:
            raise InvalidValue(
                f"fit: torchrun has started {total} processes, {local} of them on this machine; "
                "expected as many on every machine"
            )
        return cls(local, total // local)

    def settings(self) -> dict[str, Any]:
        """What Lightning's Trainer is told of it."""
        if self.total == 1:
            return {"devices": 1, "strategy": "auto"}
        # Statistics are the same everywhere, see `normalise_together`. To copy those of the first
        # process would block where one process has a batch more to validate.
        known = signature(nn.parallel.DistributedDataParallel).parameters
        copying = "forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers"
        options: dict[str, Any] = {copying: False}
        strategy = DDPStrategy(**options)
        return {"devices": self.local, "num_nodes": self.nodes, "strategy": strategy}


def share(samples: Samples, rank: int, world_size: int, where: str) -> Samples:
    """Every `world_size`-th sample from `rank` on: each sample is in one share only.

    Raises:
        InvalidValue: fewer samples than processes, so that one would have none.
    """
    refuse_too_few(samples, world_size, where)
    if world_size == 1:
        return samples
    return samples.select(torch.arange(rank, len(samples), world_size))


def refuse_too_few(samples: Samples, world_size: int, where: str) -> None:
    """Refuse a set that leaves a process without samples."""
    if len(samples) < world_size:
        raise InvalidValue(
            f"fit: {where} has {len(samples)} samples for {world_size} processes, expected at "
            "least one for each. Use fewer processes."
        )


@contextmanager
def normalise_together(module: nn.Module, processes: Processes) -> Iterator[None]:
    """Meanwhile, batch normalisation in training looks at the batches of all processes.

    So N processes with batches of b normalise as one does with batches of N b. On processors too,
    where `torch.nn.SyncBatchNorm` does not run.
    """
    found = [m for m in module.modules() if isinstance(m, _BatchNorm)]
    layers = found if processes.total > 1 else []
    for layer in layers:
        layer.forward = partial(_normalise, layer)
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


def _normalise(layer: _BatchNorm, input: Tensor) -> Tensor:
    """Ioffe & Szegedy, ICML 2015, algorithm 1, over the input [N, units, ...] of all processes."""
    x = input  # PyTorch's name for it
    if not layer.training:
        return type(layer).forward(layer, x)
    axes, shape = [0, *range(2, x.ndim)], (-1, *[1] * (x.ndim - 2))
    count = x.new_full((1,), x.numel() // x.shape[1])
    sums = _Sum.apply(torch.cat([x.sum(axes), count]))
    assert isinstance(sums, Tensor)
    mean, count = sums[:-1] / sums[-1], sums[-1].detach()
    centred = x - mean.reshape(shape)
    squares = _Sum.apply(centred.square().sum(axes))
    assert isinstance(squares, Tensor)
    variance = squares / count
    if layer.running_mean is not None and layer.running_var is not None:
        assert layer.num_batches_tracked is not None
        with torch.no_grad():
            layer.num_batches_tracked += 1
            share = layer.momentum or 1 / float(layer.num_batches_tracked)
            layer.running_mean.lerp_(mean, share)
            layer.running_var.lerp_(squares / (count - 1), share)
    out = centred * torch.rsqrt(variance + layer.eps).reshape(shape)
    if layer.affine:
        out = out * layer.weight.reshape(shape) + layer.bias.reshape(shape)
    return out


class _Sum(torch.autograd.Function):
    """Sum over processes. Each one's loss depends on all terms, so gradients are summed as well."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        total = x.detach().clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> Tensor:  # type: ignore[override]
        total = grads[0].clone()
        distributed.all_reduce(total)
        return total
