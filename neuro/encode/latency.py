"""Latency code: one event a unit, the stronger the earlier."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from neuro.clock import Clock
from neuro.encode._values import ticks_of, values_in
from neuro.errors import InvalidValue, UnknownName
from neuro.events import Events


def latency(
    values: ArrayLike,
    *,
    duration: float,
    clock: Clock,
    law: Literal["linear", "log"] = "linear",
    threshold: float = 0.0,
) -> Events:
    """The time of each unit's only event tells its value.

    Value 1 fires at time 0; a value x fires later, by the share of `duration`

        (1 - x) / (1 - threshold)        law "linear" (Thorpe, Delorme & Van Rullen 2001)
        ln(1 / x) / ln(1 / threshold)    law "log", equal ratios at equal distances

    rounded to the nearest tick (the last half tick to the last tick). Values at or below the
    threshold are silent: the code has no time for them.

    Args:
        values: from 0 to 1, [N...].
        duration: seconds, a whole number of ticks.
        clock: time stamps are whole ticks of it.
        law: of the times.
        threshold: from 0 to below 1; above 0 for "log".

    Returns:
        Events of shape [N...].

    Raises:
        InvalidValue: a value or the threshold is out of range.
        UnknownName: there is no such law.
    """
    if law not in ("linear", "log"):
        raise UnknownName("latency.law", law, ("linear", "log"))
    lowest = 0.0 if law == "linear" else np.nextafter(0.0, 1.0)
    if not lowest <= threshold < 1:
        raise InvalidValue(
            f"latency.threshold: got {threshold!r}, expected {'0 <=' if lowest == 0 else '0 <'} "
            f"threshold < 1 for law {law!r}"
        )
    level = values_in("latency.values", values, 0, 1)
    last = ticks_of("latency.duration", duration, clock)
    unit = np.flatnonzero(level > threshold)
    x = level.ravel()[unit]
    share = (1 - x) / (1 - threshold) if law == "linear" else np.log(x) / np.log(threshold)
    t = np.minimum(np.rint(share * last), last - 1).astype(np.int64)
    return Events.sorted(t, unit, shape=level.shape, clock=clock, duration=last)
