"""What this machine can do at most, adding and copying: `python -m contest.limits`."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np

TARGETS, EVENTS, COPY = 4000, 40_000_000, 1 << 28
ROUNDS = 3


@numba.njit(nogil=True, cache=True)
def scatter(target: Any, weight: Any, total: Any) -> None:
    for k in range(len(target)):
        total[target[k]] += weight[k]


@numba.njit(nogil=True, cache=True)
def copy(source: Any, to: Any) -> None:
    for k in range(len(source)):
        to[k] = source[k]


def fastest(work: Any, arguments: list[tuple[Any, ...]]) -> float:
    """Seconds of the best of some rounds; each tuple of arguments on a thread of its own."""
    best = float("inf")
    with ThreadPoolExecutor(len(arguments)) as pool:
        for _ in range(ROUNDS + 1):  # the first compiles
            begun = time.perf_counter()
            list(pool.map(lambda a: work(*a), arguments))
            best = min(best, time.perf_counter() - begun)
    return best


def measure() -> dict[str, float]:
    """Events/s (int32 target, float32 weight, 4,000 floats); bytes read and written a second."""
    random = np.random.default_rng(0)
    found = {}
    for threads in (1, 2):
        share = EVENTS // threads
        lists = [
            (
                random.integers(0, TARGETS, share, dtype=np.int32),
                random.random(share, dtype=np.float32),
                np.zeros(TARGETS, np.float32),
            )
            for _ in range(threads)
        ]
        found[f"scatter_events_per_s_{threads}"] = share * threads / fastest(scatter, lists)
    half = COPY // 4 // 2
    blocks = [(np.ones(half, np.float32), np.zeros(half, np.float32)) for _ in range(2)]
    found["copy_bytes_per_s_2"] = 2 * COPY / fastest(copy, blocks)
    return found


if __name__ == "__main__":
    print(json.dumps(measure()))
