"""Population code: one value to a row of units with Gaussian tuning curves."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.clock import Clock
from neuro.encode._values import above, values_in, whole
from neuro.encode.latency import latency
from neuro.errors import InvalidValue
from neuro.events import Events


def tuning(
    values: ArrayLike, *, fields: int = 8, low: float = 0.0, high: float = 1.0, beta: float = 1.5
) -> NDArray[np.float64]:
    """Responses from 0 to 1 of overlapping Gaussian tuning curves, [N..., fields].

    Field i = 1 ... M has its centre at low + (2 i - 3) / 2 * (high - low) / (M - 2) and the width
    (high - low) / (beta (M - 2)), so the first and the last lie just outside the range (Bohte,
    Kok & La Poutre 2002, Neurocomputing 48:17, section 4). For rates (Eurich & Wilke 2000, Neural
    Computation 12:1519) give them to a rate code: `poisson(100 * Hz * tuning(x), ...)`.

    Args:
        values: from `low` to `high`, [N...].
        fields: number M of tuning curves for each value, at least 3.
        low: smallest value.
        high: largest value.
        beta: overlap; Bohte et al. use 1.5 for inputs. A larger one is narrower.

    Raises:
        InvalidValue: an argument is out of range.
    """
    count = whole("tuning.fields", fields, 3)
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise InvalidValue(f"tuning: got low={low!r}, high={high!r}, expected low < high")
    x = values_in("tuning.values", values, low, high)
    spacing = (high - low) / (count - 2)
    centres = low + (2 * np.arange(1, count + 1) - 3) / 2 * spacing
    width = spacing / above("tuning.beta", beta, 0)
    return np.exp(-0.5 * ((x[..., None] - centres) / width) ** 2)


def population(
    values: ArrayLike,
    *,
    duration: float,
    clock: Clock,
    fields: int = 8,
    low: float = 0.0,
    high: float = 1.0,
    beta: float = 1.5,
    threshold: float = 0.1,
) -> Events:
    """The times at which the tuning curves' units fire: a full response at 0, weaker ones later.

    Args:
        values: from `low` to `high`, [N...].
        duration: seconds, a whole number of ticks; a response r fires after
            (1 - r) / (1 - threshold) of it.
        clock: time stamps are whole ticks of it.
        fields: as for `tuning`.
        low: as for `tuning`.
        high: as for `tuning`.
        beta: as for `tuning`.
        threshold: responses at or below it are silent, as in Bohte et al., where times in the
            last tenth count as no event.

    Returns:
        Events of shape (N..., fields).

    Raises:
        InvalidValue: an argument is out of range.
    """
    responses = tuning(values, fields=fields, low=low, high=high, beta=beta)
    return latency(responses, duration=duration, clock=clock, threshold=threshold)
