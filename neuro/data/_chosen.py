"""Which recordings of a set are meant: numbers from either end, or a mask."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import InvalidValue


def chosen_rows(where: str, indices: ArrayLike | range, count: int) -> NDArray[np.int64]:
    """Numbers from 0 to `count` - 1 of what is chosen, in the order given.

    Args:
        where: how an error message begins.
        indices: whole numbers, negative ones from the end, or a boolean mask [count].
        count: recordings there are.

    Raises:
        InvalidValue: a number is out of range or not whole, or the mask has the wrong length.
    """
    chosen: NDArray[Any] = np.asarray(indices)
    if chosen.dtype == bool:
        if chosen.shape != (count,):
            raise InvalidValue(f"{where}: mask of shape {chosen.shape}, expected ({count},)")
        return np.flatnonzero(chosen)
    if chosen.ndim != 1:
        raise InvalidValue(f"{where}: got shape {chosen.shape}, expected one column")
    if chosen.size and not np.issubdtype(chosen.dtype, np.integer):
        raise InvalidValue(f"{where}: got dtype {chosen.dtype}, expected integers")
    outside = (chosen < -count) | (chosen >= count)
    if outside.any():
        raise InvalidValue(f"{where}: recording {chosen[outside][0]} of {count} does not exist")
    return np.where(chosen < 0, chosen + count, chosen).astype(np.int64)
