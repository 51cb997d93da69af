"""Is the clock fine enough for a neuron's dynamics?"""

from __future__ import annotations

import math
import warnings

import numpy as np

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.ops import Array


class CoarseStep(UserWarning):
    """The clock's tick is stable but so coarse that the result is visibly off."""


def smallest(values: Array) -> float:
    """The smallest of a parameter's values: a number, an array or a tensor in training."""
    stopped = values.detach().min().item() if hasattr(values, "detach") else np.min(values)
    return float(stopped)


def check_step(
    neuron: str, clock: Clock, *, coarse: float, error: str, limit: float = math.inf, why: str = ""
) -> None:
    """Warn if a tick is longer than `coarse` seconds, refuse it if longer than `limit`.

    Args:
        error: what to expect beyond `coarse`, for the message.
        why: what goes wrong beyond `limit`.

    Raises:
        InvalidValue: the tick exceeds the limit.
    """
    dt = clock.dt * (1 - 1e-9)  # a tick of just the bound is allowed
    if dt > limit:
        raise InvalidValue(
            f"{neuron}: the clock's tick is {clock.dt:g} s, expected at most {limit:.2g} s; {why}. "
            f"Remedy: Clock({coarse:.2g}) or finer"
        )
    if dt > coarse:
        warnings.warn(
            f"{neuron}: the clock's tick is {clock.dt:g} s, coarser than {coarse:.2g} s; expect "
            f"{error}. Remedy: a finer Clock",
            CoarseStep,
            stacklevel=3,
        )
