"""Checks of the arguments that all synthetic sets share."""

from __future__ import annotations

import math

import numpy as np

from neuro.clock import Clock
from neuro.errors import InvalidValue


def whole(where: str, value: int, least: int = 1) -> int:
    """A whole number of at least `least`."""
    if isinstance(value, bool) or int(value) != value or value < least:
        raise InvalidValue(f"{where}: got {value!r}, expected a whole number >= {least}")
    return int(value)


def real(where: str, value: float, low: float = 0.0, high: float = math.inf) -> float:
    """A finite number in [low, high]."""
    if not (math.isfinite(value) and low <= value <= high):
        limit = f"between {low:g} and {high:g}" if high < math.inf else f"finite and >= {low:g}"
        raise InvalidValue(f"{where}: got {value!r}, expected {limit}")
    return float(value)


def above(where: str, value: float, low: float = 0.0) -> float:
    """A finite number > low."""
    if not (math.isfinite(value) and value > low):
        raise InvalidValue(f"{where}: got {value!r}, expected finite and > {low:g}")
    return float(value)


def length(where: str, seconds: float, clock: Clock, least: int = 1) -> int:
    """Ticks of a time in seconds that lies on the grid and has at least `least` of them."""
    ticks = int(clock.ticks(real(where, seconds), exact=True, what=where))
    if ticks < least:
        raise InvalidValue(
            f"{where}: got {seconds!r} s, expected at least {least} ticks of {clock.dt:g} s"
        )
    return ticks


def generator(where: str, seed: int, *key: int) -> np.random.Generator:
    """The random numbers of one seed and one part of a set."""
    return np.random.default_rng([whole(f"{where}.seed", seed, 0), *key])
