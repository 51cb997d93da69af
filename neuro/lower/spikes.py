"""Spikes [R, N] between layers: bits, and from them the lists that sparse products run over."""

from __future__ import annotations

import importlib
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neuro.errors import InvalidValue, require
from neuro.lower.threads import parallel

GRAIN = 64  # rows
SAMPLE = 64  # one row in so many tells the density before anything is packed

Starts = NDArray[np.int64]
Places = NDArray[np.int32]


class Spikes(NamedTuple):
    """What is not zero in a matrix [R, N], in 1/32 of the memory of float32.

    bits: int64 [R, N / 64]; values: in the order of rows, empty if all are one.
    """

    bits: Tensor
    counts: NDArray[np.int64]
    values: Tensor
    units: int

    @property
    def density(self) -> float:
        """Share of the matrix that is not zero."""
        return float(self.counts.sum()) / max(len(self.counts) * self.units, 1)

    def rows(self) -> tuple[Starts, Places]:
        """Where the list of each row starts, and the lists: the units set in it."""
        starts, words = _starts(self.counts), _words(self.bits)
        places = np.empty(starts[-1], np.int32)
        parallel(partial(kernels("packed").list_rows, words, starts, places), len(words), GRAIN)
        return starts, places

    def columns(self, height: int) -> tuple[Starts, Places, Tensor]:
        """For each tile of `height` rows and each unit: the rows in which it is set; values."""
        packed, words = kernels("packed"), _words(self.bits)
        tiles = -(-len(words) // height)
        tally = np.zeros((tiles, self.units), np.int64)
        parallel(partial(packed.count_columns, words, height, tally), tiles)
        starts = _starts(tally.reshape(-1))
        places, values = np.empty(starts[-1], np.int32), torch.empty_like(self.values)
        lists = (starts[:-1].reshape(tiles, self.units), places, _starts(self.counts))
        both = (self.values.numpy(), values.numpy())
        parallel(partial(packed.list_columns, words, height, *lists, *both), tiles)
        return starts, places, values


def sample_density(x: Tensor) -> float:
    """Share of nonzeros in a few rows of x [R, N]."""
    rows, units = x.shape
    step = max(1, min(SAMPLE, rows // SAMPLE))
    return kernels("packed").count(x.numpy(), step, 0, rows) / (-(-rows // step) * units)


def pack(x: Tensor) -> Spikes:
    """Bits, and values if any is not one, of a contiguous x [R, N] on the processor."""
    packed, array = kernels("packed"), x.numpy()
    rows, units = array.shape
    bits = torch.empty(rows, -(-units // 64), dtype=torch.int64)
    counts, graded = np.empty(rows, np.int64), np.empty(rows, np.uint8)
    parallel(partial(packed.pack, array, _words(bits), counts, graded), rows, GRAIN)
    spikes = Spikes(bits, counts, x.new_empty(0), units)
    if not graded.any():
        return spikes
    values = x.new_empty(int(counts.sum()))
    parallel(partial(packed.take, array, *spikes.rows(), values.numpy()), rows, GRAIN)
    return spikes._replace(values=values)


def unpack(spikes: Spikes) -> Tensor:
    """The matrix [R, N] again."""
    x = spikes.values.new_empty(len(spikes.counts), spikes.units)
    if len(spikes.values):
        starts, places = spikes.rows()
        row = torch.arange(len(x)).repeat_interleave(torch.from_numpy(np.diff(starts)))
        return x.zero_().index_put_((row, torch.from_numpy(places).long()), spikes.values)
    parallel(partial(kernels("packed").unpack, _words(spikes.bits), x.numpy()), len(x), GRAIN)
    return x


def kernels(name: str) -> Any:
    """A file of kernels, imported when first needed because Numba takes its time.

    Raises:
        MissingExtra: Numba is not installed.
        InvalidValue: there is no folder that Numba could keep its machine code in.
    """
    require("numba", "train")
    try:
        return importlib.import_module(f"neuro.lower.{name}")
    except RuntimeError as error:
        raise InvalidValue(
            f"neuro.lower.{name}: {error}; set NUMBA_CACHE_DIR to a folder that can be written"
        ) from error


def _starts(counts: NDArray[np.int64]) -> Starts:
    starts = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=starts[1:])
    return starts


def _words(bits: Tensor) -> NDArray[np.uint64]:
    return bits.numpy().view(np.uint64)
