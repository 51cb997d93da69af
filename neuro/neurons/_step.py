"""Is the clock fine enough for a neuron's dynamics?"""

from __future__ import annotations

import math
import warnings

import numpy as np

from neuro.clock import Clock
from neuro.errors import CoarseStep, InvalidValue
from neuro.ops import Array


def smallest(values: Array) -> float:
    """The smallest of a parameter's values: a number, an array or a tensor in training."""
    stopped = values.detach().min().item() if hasattr(values, "detach") else np.min(values)
    return float(stopped)


def decay_error(kept: float, x: float) -> float:
    """Relative error of an integrator, seen on a decay over one time constant.

    Args:
        kept: what a tick leaves of a deviation, where exp(-x) would be exact.
        x: the tick in time constants.
    """
    return abs(kept ** (1 / x) * math.e - 1) if kept > 0 else 1.0


def check_step(
    neuron: str, clock: Clock, *, coarse: float, error: str, limit: float = math.inf, why: str = ""
) -> None:
    """Warn if a tick is longer than `coarse` seconds, refuse it if longer than `limit`.

    Args:
        error: what to expect at this tick, with its number, for the message.
        why: what goes wrong beyond `limit`.

    Raises:
        InvalidValue: the tick exceeds the limit.
    """
    dt = clock.dt * (1 - 1e-9)  # a tick of just the bound is allowed
    if dt > limit:
        raise InvalidValue(
            f"{neuron}: the clock's tick is {clock.dt:g} s, expected at most {limit:.2g} s; {why}. "
            f"Remedy: Clock({min(coarse, limit):.2g}) or finer"
        )
    if dt > coarse:
        warnings.warn(
            f"{neuron}: the clock's tick is {clock.dt:g} s, coarser than {coarse:.2g} s; expect "
            f"{error}. Remedy: a finer Clock",
            CoarseStep,
            stacklevel=3,
        )
