"""Run a trained module over a whole set without gradients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neuro.errors import InvalidValue
from neuro.network import Input
from neuro.record import Record
from neuro.train.losses import Loss
from neuro.train.module import Module
from neuro.train.samples import Samples


def run_all(
    module: Module, samples: Samples, record: Sequence[str] = (), *, batch_size: int = 128
) -> Iterator[Record]:
    """Records of consecutive batches, in the order of the samples, without gradients."""
    was_training = module.training
    module.eval()
    like = next(module.parameters(), None)
    try:
        for first in range(0, len(samples), batch_size):
            last = min(first + batch_size, len(samples))
            x, _ = samples.batch(torch.arange(first, last))
            x = x if like is None else x.to(like.device)
            with torch.no_grad():
                signals, _ = module(x, record=record)
            yield signals
    finally:
        module.train(was_training)


def predict(module: Module, samples: Samples, loss: Loss) -> NDArray[np.int64]:
    """The class that the first output population decides for, for every sample, int64 [N]."""
    network = module.network()
    name = network.outputs[0]
    population = network.populations[name]
    if isinstance(population, Input):
        raise InvalidValue(f"predict: the output {name!r} is an Input and decides nothing")
    signal = f"{name}.{population.emits}"
    chosen: list[Tensor] = []
    done = 0
    for record in run_all(module, samples):
        output = record[signal]
        chosen.append(_scores(loss, output, samples, done).argmax(1))
        done += output.shape[1]
    return torch.cat(chosen).cpu().numpy()


def _scores(loss: Loss, signal: Tensor, samples: Samples, first: int) -> Tensor:
    if samples.lengths is None:
        return loss.scores(signal)
    lengths = samples.lengths[first : first + signal.shape[1]]
    return loss.scores(signal, lengths.to(signal.device))
