"""Rows: the synapses of some presynaptic units, as engines read them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Rows(NamedTuple):
    """Synapses of the presynaptic units low, low + 1, ...

    Args:
        start: int64 [n + 1]; those of unit low + i are start[i] to start[i + 1].
        post: int32 [m], flat postsynaptic unit.
        weight: float32 [m], or [1] if all are equal.
        delay: int32 [m] in ticks, or [1] if all are equal.
    """

    start: NDArray[np.int64]
    post: NDArray[np.int32]
    weight: NDArray[np.float32]
    delay: NDArray[np.int32]


Targets = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]  # start, post, weight


def regular(count: int, low: int, high: int) -> NDArray[np.int64]:
    """`start` of rows that have `count` synapses each."""
    return np.arange(high - low + 1, dtype=np.int64) * count
