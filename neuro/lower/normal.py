"""Normal draws from random words, by the quantile that a word stands for.

No logarithm and no sine: a table and a line, equal to the bit wherever they are computed.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from neuro.errors import require


@lru_cache(maxsize=1)
def quantiles() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Quantiles of the normal law at k / 2^16 (k = 1 to 2^16 - 1), and in the lowest cell.

    A random word is a quantile's cell and a place in it, between which one interpolates; in the
    lowest and highest cell, whose curve is steep, every word has an entry of its own.
    """
    ndtri = require("scipy.special", "sim").ndtri
    inner = ndtri(np.arange(1 << 16) / (1 << 16))
    inner[0] = 0.0  # minus infinity, never used
    tail = ndtri((np.arange(1 << 16) + 0.5) / float(1 << 32))
    return inner.astype(np.float32), tail.astype(np.float32)


@njit(inline="always", error_model="numpy")
def standard_normal(word, inner, tail):
    """The quantile that a random word stands for, float32."""
    cell, place = word >> np.uint32(16), word & np.uint32(0xFFFF)
    if cell == 0:
        return tail[place]
    if cell == 0xFFFF:
        return -tail[np.uint32(0xFFFF) - place]
    left = inner[cell]
    part = (np.float32(place) + np.float32(0.5)) * np.float32(2.0**-16)
    return left + (inner[cell + 1] - left) * part
