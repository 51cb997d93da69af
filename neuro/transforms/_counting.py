"""Counting events into frames: exactly, in any type of number, with or without Numba."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from neuro.compiled import compiled
from neuro.errors import InvalidValue
from neuro.events import Events

_CELLS_AT_ONCE = 1 << 21  # bounds the int64 counts of the NumPy path to 16 MB


def counting(where: str, dtype: DTypeLike) -> tuple[np.dtype[Any], int]:
    """A type that can count, and the largest count that it holds exactly."""
    kind: Any = np.dtype(dtype)
    if kind.kind in "iu":
        return kind, int(np.iinfo(kind).max)
    if kind.kind == "f":
        return kind, 2 ** (np.finfo(kind).nmant + 1)
    raise InvalidValue(f"{where}: got dtype {kind}, expected integers or floats")


def fill(
    where: str, grid: NDArray[Any], lane: int, events: Events, bounds: NDArray[np.int64]
) -> None:
    """Count one recording into the silent grid[:, lane] of [T, B, size].

    Args:
        where: how an error message begins.
        grid: of a type that `counting` allows.
        lane: which entry of the second axis.
        events: the recording; values of graded events are added up.
        bounds: int64 [T + 1], the row at which each frame begins, and that after the last one.

    Raises:
        InvalidValue: a cell holds more than the type can count, or graded events meet integers.
    """
    kind, limit = counting(where, grid.dtype)
    if events.value is not None:
        if kind.kind != "f":
            raise InvalidValue(
                f"{where}: graded events do not fit {kind}. Remedy: dtype=np.float32"
            )
        _fill_numpy(grid, lane, events, bounds, float("inf"))
    else:
        fast = compiled() and kind.name != "float16"
        if not (_fill_compiled if fast else _fill_numpy)(grid, lane, events, bounds, limit):
            raise _overflow(where, kind, limit, events, bounds)


def _fill_compiled(
    grid: NDArray[Any], lane: int, events: Events, bounds: NDArray[np.int64], limit: float
) -> bool:
    from neuro.transforms._frame_kernels import count

    return bool(count(events.unit, bounds, grid.dtype.type(limit), grid, lane))


def _fill_numpy(
    grid: NDArray[Any], lane: int, events: Events, bounds: NDArray[np.int64], limit: float
) -> bool:
    size = grid.shape[2]
    together = max(1, _CELLS_AT_ONCE // size)
    for first in range(0, len(grid), together):
        last = min(first + together, len(grid))
        rows = np.s_[bounds[first] : bounds[last]]
        if rows.start == rows.stop:
            continue
        frame = np.repeat(np.arange(last - first), np.diff(bounds[first : last + 1]))
        weights = None if events.value is None else events.value[rows]
        cell = frame * size + events.unit[rows]
        held = np.bincount(cell, weights=weights, minlength=(last - first) * size)
        if held.max() > limit:
            return False
        grid[first:last, lane] = held.reshape(last - first, size)
    return True


def _overflow(
    where: str, kind: np.dtype[Any], limit: int, events: Events, bounds: NDArray[np.int64]
) -> InvalidValue:
    most, at, unit = 0, 0, 0
    for frame in range(len(bounds) - 1):
        rows = events.unit[bounds[frame] : bounds[frame + 1]]
        if len(rows) > most:
            held = np.bincount(rows)
            if held.max() > most:
                most, at, unit = int(held.max()), frame, int(held.argmax())
    place = tuple(int(i) for i in np.unravel_index(unit, events.shape))
    wide = next(d for d in ("uint8", "int16", "int32", "int64") if most <= np.iinfo(d).max)
    return InvalidValue(
        f"{where}: frame {at} holds {most} events of unit {place}, more than {kind} can count "
        f"({limit}). Remedy: dtype=np.{wide}, or shorter frames"
    )
