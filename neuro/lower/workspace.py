"""Large arrays that are used again instead of being given back to the system.

A fresh array costs a page fault every 4 KiB, which for the arrays [T, B, units] of a training step
takes longer than computing them. Tensors made here return their memory to a pool when the last
reference to them is gone, as on a GPU. The memory that lies idle is bounded.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

SMALL = 1 << 20  # bytes; what is smaller the system serves well
IDLE_LIMIT = 1 << 30  # bytes that may lie idle

_lock = threading.RLock()  # a finaliser may run in the middle of `empty`
_idle: dict[int, list[NDArray[np.uint8]]] = {}
_idle_bytes = 0


def empty(shape: Sequence[int], dtype: torch.dtype) -> Tensor:
    """A tensor of the shape on the processor, its content undefined."""
    count = int(np.prod(shape, dtype=np.int64))
    size = count * dtype.itemsize
    if size < SMALL:
        return torch.empty(tuple(shape), dtype=dtype)
    rounded = -(-size // SMALL) * SMALL
    view = _take(rounded)[:size]  # a new object, whose end is the end of the tensor
    memory = view.base
    assert isinstance(memory, np.ndarray)
    weakref.finalize(view, _give, memory).atexit = False
    return torch.from_numpy(view).view(dtype).view(tuple(shape))


def contiguous(x: Tensor) -> Tensor:
    """The tensor itself, or a copy whose elements lie in order."""
    if x.is_contiguous():
        return x
    return empty(x.shape, x.dtype).copy_(x)


def clear() -> None:
    """Give all idle memory back to the system."""
    global _idle_bytes
    with _lock:
        _idle.clear()
        _idle_bytes = 0


def _take(size: int) -> NDArray[np.uint8]:
    global _idle_bytes
    with _lock:
        if _idle.get(size):
            _idle_bytes -= size
            return _idle[size].pop()
    return np.empty(size, np.uint8)


def _give(memory: NDArray[np.uint8]) -> None:
    global _idle_bytes
    with _lock:
        if _idle_bytes + memory.size <= IDLE_LIMIT:
            _idle_bytes += memory.size
            _idle.setdefault(memory.size, []).append(memory)
