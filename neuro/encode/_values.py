"""What encoders accept: finite numbers in a range, and durations of whole ticks."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.clock import Clock
from neuro.errors import InvalidValue


def values_in(
    where: str, given: ArrayLike, low: float, high: float, *, least: int = 1
) -> NDArray[np.float64]:
    """Finite numbers from `low` to `high` with at least `least` axes, as float64.

    Raises:
        InvalidValue: of another kind; the message names the first offending entry.
    """
    array = np.asarray(given)
    if array.dtype.kind not in "biuf":
        raise InvalidValue(f"{where}: got dtype {array.dtype}, expected numbers")
    if array.ndim < least or 0 in array.shape:
        axes = "[N...]" if least == 1 else "[T, N...]"
        raise InvalidValue(f"{where}: got shape {array.shape}, expected {axes} without empty axes")
    array = array.astype(np.float64)
    bad = ~((array >= low) & (array <= high) & np.isfinite(array))
    if bad.any():
        at = [int(i) for i in np.argwhere(bad)[0]]
        allowed = f"{low:g} to {high:g}" if np.isfinite(low) or np.isfinite(high) else "numbers"
        raise InvalidValue(
            f"{where}: got {array[tuple(at)]} at {at}, expected finite {allowed}. Remedy: rescale "
            "or repair the values"
        )
    return array


def above(where: str, given: float, low: float) -> float:
    """A finite number above `low`.

    Raises:
        InvalidValue: it is not.
    """
    if not (np.isfinite(given) and given > low):
        raise InvalidValue(f"{where}: got {given!r}, expected a finite number > {low:g}")
    return float(given)


def whole(where: str, given: int, least: int) -> int:
    """A whole number of at least `least`.

    Raises:
        InvalidValue: it is not.
    """
    if isinstance(given, bool) or int(given) != given or given < least:
        raise InvalidValue(f"{where}: got {given!r}, expected a whole number >= {least}")
    return int(given)


def ticks_of(where: str, duration: float, clock: Clock) -> int:
    """A duration in seconds as ticks.

    Raises:
        InvalidValue: it is below one tick, or no whole number of ticks.
    """
    ticks = int(clock.ticks(duration, exact=True, what=where))
    if ticks < 1:
        raise InvalidValue(f"{where}: got {duration!r} s, expected at least a tick ({clock!r})")
    return ticks


def generator(where: str, *key: int) -> np.random.Generator:
    """A random generator of its own for each key.

    Raises:
        InvalidValue: a part of the key is no whole number >= 0.
    """
    return np.random.default_rng([whole(f"{where}.seed", part, 0) for part in key])
