"""Philox4x32-10: four random words that are a function of a counter and a key, and of nothing else.

So any part of a table of draws can be made at any time, in any thread, in any order.

Source: Salmon, Moraes, Dror and Shaw, Parallel random numbers: as easy as 1, 2, 3, SC 2011, section
3.3 and table 2.
"""

from __future__ import annotations

import numpy as np
from numba import njit

M0, M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)  # multipliers
W0, W1 = np.uint32(0x9E3779B9), np.uint32(0xBB67AE85)  # what each round adds to the key
ROUNDS = 10
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)


@njit(inline="always", error_model="numpy")
def philox4x32(c0, c1, c2, c3, k0, k1):
    """Four uint32 for the counter (c0, c1, c2, c3) and the key (k0, k1), all uint32."""
    c0, c1, c2, c3 = np.uint32(c0), np.uint32(c1), np.uint32(c2), np.uint32(c3)
    k0, k1 = np.uint32(k0), np.uint32(k1)
    for _ in range(ROUNDS):
        p0 = M0 * np.uint64(c0)
        p1 = M1 * np.uint64(c2)
        c0, c1, c2, c3 = (
            np.uint32(np.uint32(p1 >> _HALF) ^ c1 ^ k0), np.uint32(p1 & _LOW),
            np.uint32(np.uint32(p0 >> _HALF) ^ c3 ^ k1), np.uint32(p0 & _LOW),
        )  # fmt: skip
        k0, k1 = np.uint32(k0 + W0), np.uint32(k1 + W1)
    return c0, c1, c2, c3
