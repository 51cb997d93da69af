"""Room: how many bytes a grid takes, and the refusal of one that no memory holds."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np

from neuro.errors import InvalidValue

_ELSEWHERE = 1 << 36  # bytes, where the system does not tell its memory


def memory() -> int:
    """Bytes of memory of this machine."""
    if not hasattr(os, "sysconf"):
        return _ELSEWHERE
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def refuse_too_large(where: str, shape: tuple[int, ...], dtype: Any) -> None:
    """Refuse to make an array that does not fit this machine's memory.

    It is nearly always a recording whose time stamps count from 1970 or from the camera's start.

    Args:
        where: how the message begins.
        shape: of the array, time first.
        dtype: of the array.

    Raises:
        InvalidValue: the array would take more bytes than the machine has.
    """
    needed, there = math.prod(shape) * np.dtype(dtype).itemsize, memory()
    if needed > there:
        raise InvalidValue(
            f"{where}: the grid {list(shape)} of {np.dtype(dtype)} takes {needed:,} bytes, this "
            f"machine has {there:,}. Remedy: if the times count from 1970 or from the camera's "
            "start, subtract the first one: events.slice(int(events.t[0]), events.duration); else "
            "slice the recording, or take longer steps"
        )
