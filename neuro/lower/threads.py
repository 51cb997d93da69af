"""Kernels on several threads: one small pool a process, shared by products and scans.

A kernel works on a range of independent rows or columns, so how the whole is cut into ranges
changes nothing in the result: it is the same on any number of threads, bit for bit.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as finish

import torch

RANGES = 4  # ranges a thread: enough that a thread which lost its core does not delay the rest

_pools: dict[int, ThreadPoolExecutor] = {}  # by process: threads do not survive a fork


def parallel(function: Callable[[int, int], object], total: int, grain: int = 1) -> None:
    """Call `function(low, high)` on disjoint ranges that cover [0, total).

    As many threads as `torch.get_num_threads()` take part, the calling one among them. Work of
    at most `grain`, or one thread, is a single call in the calling thread.

    Args:
        function: must release the GIL (`numba.njit(nogil=True)`, partially applied), and what it
            writes for one index must not depend on the other indices of its range.
        total: number of independent pieces of work.
        grain: smallest range worth a call; every range but the last is a multiple of it.

    Raises:
        Exception: the first error of `function`, after all threads have stopped.
    """
    threads = torch.get_num_threads()
    grains = -(-total // grain)
    if threads == 1 or grains <= 1:
        if total > 0:
            function(0, total)
        return
    size = grain * -(-grains // (RANGES * threads))
    ranges = deque((low, min(low + size, total)) for low in range(0, total, size))

    def work() -> None:
        while True:
            try:
                low, high = ranges.popleft()
            except IndexError:
                return
            function(low, high)

    others = [_pool().submit(work) for _ in range(min(threads, len(ranges)) - 1)]
    try:
        work()
    finally:
        ranges.clear()
        finish(others)  # the kernels write into the caller's arrays: never leave before them
    for other in others:
        other.result()


def _pool() -> ThreadPoolExecutor:
    process = os.getpid()
    if process not in _pools:
        _pools.clear()
        _pools[process] = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="neuro")
    return _pools[process]
