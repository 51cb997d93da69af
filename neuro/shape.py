"""Shape of a population: a tuple of positive integers, without time and batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuro.errors import InvalidValue

Shape = tuple[int, ...]


def shape_of(where: str, given: Any) -> Shape:
    """A shape from one integer or several; () if none are given.

    Raises:
        InvalidValue: an entry is not a positive integer; the message begins with `where`.
    """
    sizes = tuple(given) if isinstance(given, tuple | list) else (given,)
    if any(not isinstance(n, int | np.integer) or n < 1 for n in sizes):
        raise InvalidValue(f"{where}: got {given!r}, expected positive integers")
    return tuple(int(n) for n in sizes)
