"""Kernels on several threads: those that PyTorch computes with, shared by products and scans.

A kernel works on a range of independent rows or columns, so how the whole is cut into ranges
changes nothing in the result: it is the same on any number of threads, bit for bit.

OpenMP's threads wait for their next work by spinning for milliseconds after PyTorch has used them.
Threads of our own would have to share the processors with them, so kernels run on the very same
team where its library can be found, and on a pool of our own elsewhere.
"""

from __future__ import annotations

import ctypes
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as finish
from functools import cache
from pathlib import Path
from typing import Any

import torch

RANGES = 4  # ranges a thread: enough that a thread which lost its core does not delay the rest

_process = os.getpid()  # OpenMP's threads do not survive a fork, and cannot be made anew
_pools: dict[int, ThreadPoolExecutor] = {}  # by process, for the same reason
_Body = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


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
    errors: list[BaseException] = []

    def work(_: Any = None) -> None:
        while not errors:
            try:
                low, high = ranges.popleft()
            except IndexError:
                return
            try:
                function(low, high)
            except BaseException as error:  # raised again by the caller
                errors.append(error)

    threads = min(threads, len(ranges))
    team = _openmp() if os.getpid() == _process else None
    if team is not None:
        team(_Body(work), None, threads, 0)
    else:
        others = [_pool().submit(work) for _ in range(threads - 1)]
        work()
        finish(others)  # the kernels write into the caller's arrays: never leave before them
    if errors:
        raise errors[0]


@cache
def _openmp() -> Any:
    """`GOMP_parallel` of the OpenMP library that PyTorch has loaded, or None."""
    if not hasattr(os, "RTLD_NOLOAD"):
        return None
    bundled = Path(torch.__file__).with_name("lib").glob("libgomp*.so*")
    for name in (*map(str, bundled), "libgomp.so.1"):
        try:
            library = ctypes.CDLL(name, mode=os.RTLD_NOW | os.RTLD_NOLOAD)
        except OSError:
            continue
        library.GOMP_parallel.argtypes = (_Body, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint)
        library.GOMP_parallel.restype = None
        return library.GOMP_parallel
    return None


def _pool() -> ThreadPoolExecutor:
    process = os.getpid()
    if process not in _pools:
        _pools.clear()
        _pools[process] = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="neuro")
    return _pools[process]
