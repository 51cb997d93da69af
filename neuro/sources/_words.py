"""Random words for the units of a source, 64 units at a time.

Counter lane c of block b gives the words of units 64 b + c, + 16, + 32 and + 48: a vector of
lanes writes four stretches of memory without a shuffle. Cuts at multiples of 64 change nothing.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from neuro.lower.normal import quantiles, standard_normal
from neuro.lower.philox import philox4x32

BLOCK, LANES = 64, 16


def keys(source_seed: int, run_seed: int) -> tuple[int, int]:
    """The key of a source in a run: its own seed, and that of the run."""
    return source_seed, (run_seed ^ (run_seed >> 32)) & 0xFFFFFFFF


@njit(error_model="numpy", nogil=True)
def fill(first_block, blocks, tick, k0, k1, out):
    """Words of `blocks` blocks of units at a tick, uint32 [64 blocks]."""
    low, high = np.uint32(tick & 0xFFFFFFFF), np.uint32(tick >> 32)
    for b in range(blocks):
        lane = np.uint32((first_block + b) * LANES)
        block = out[b * BLOCK : (b + 1) * BLOCK]
        for c in range(LANES):
            w0, w1, w2, w3 = philox4x32(lane + np.uint32(c), low, high, 7, k0, k1)
            block[c] = w0
            block[c + 16] = w1
            block[c + 32] = w2
            block[c + 48] = w3


@njit(cache=True, nogil=True)
def _table(n, first, ticks, k0, k1, out):
    blocks = -(-n // BLOCK)
    row = np.empty(blocks * BLOCK, np.uint32)
    for t in range(ticks):
        fill(0, blocks, first + t, k0, k1, row)
        out[t] = row[:n]


def table(n: int, first: int, ticks: int, seeds: tuple[int, int]) -> NDArray[np.uint32]:
    """Words of n units in `ticks` ticks from `first` on, [ticks, n]."""
    out = np.empty((ticks, n), np.uint32)
    _table(n, first, ticks, np.uint32(seeds[0]), np.uint32(seeds[1]), out)
    return out


@lru_cache(maxsize=256)
def poisson_thresholds(mean: float) -> NDArray[np.uint32]:
    """Thresholds for which the number of those at most a random word is Poisson distributed.

    The law is exact up to the 32 bits of a word.
    """
    p = np.exp(-mean)
    total, k, found = p, 0, []
    while total < 1 - 2.0**-33:
        found.append(min(int(total * 2.0**32), 0xFFFFFFFF))
        k += 1
        p *= mean / k
        total += p
        if p < 1e-300 and k > mean:
            break
    return np.array(found, np.uint32)


@njit(cache=True, nogil=True)
def _normals(words, inner, tail, out):
    for t in range(words.shape[0]):
        for i in range(words.shape[1]):
            out[t, i] = standard_normal(words[t, i], inner, tail)


def normals(words: NDArray[np.uint32]) -> NDArray[np.float64]:
    """The standard normal draws that words stand for."""
    out = np.empty(words.shape, np.float32)
    _normals(words, *quantiles(), out)
    return out.astype(np.float64)
