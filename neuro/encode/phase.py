"""Phase code: the binary digits of a value as events whose weight halves from tick to tick."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.clock import Clock
from neuro.encode._values import values_in, whole
from neuro.errors import InvalidValue
from neuro.events import Events


def phase(values: ArrayLike, *, bits: int = 8, periods: int = 1, clock: Clock) -> Events:
    """Each unit fires where its value has a binary 1; tick k of a period weighs 2^-(k + 1).

    Kim, Kim, Huh, Lee & Choi 2018, Deep neural networks with weighted spikes, Neurocomputing
    311:373. What is below 2^-bits is cut off; 1 itself becomes 1 - 2^-bits.

    Args:
        values: from 0 to 1, [N...].
        bits: ticks of a period, 1 to 52.
        periods: how often the digits are sent.
        clock: a tick for each digit.

    Returns:
        Events of shape [N...], bits * periods ticks long.

    Raises:
        InvalidValue: an argument is out of range.
    """
    x = values_in("phase.values", values, 0, 1)
    digits = _bits("phase", bits)
    again = whole("phase.periods", periods, 1)
    code = np.minimum((x.ravel() * 2.0**digits).astype(np.int64), (1 << digits) - 1)
    ones = (code >> np.arange(digits - 1, -1, -1)[:, None]) & 1
    return Events.from_dense(np.tile(ones, (again, 1)).reshape(-1, *x.shape), clock)


def decode_phase(events: Events, *, bits: int = 8) -> NDArray[np.float64]:
    """The values that the events of `phase` tell, the mean over its periods, [N...].

    Args:
        events: whole periods.
        bits: ticks of a period.

    Raises:
        InvalidValue: the events do not last whole periods, or are graded.
    """
    digits = _bits("decode_phase", bits)
    periods, rest = divmod(events.duration, digits)
    if rest or not periods or events.value is not None:
        raise InvalidValue(
            f"decode_phase: got {events!r} with {digits} bits, expected plain events that last "
            "whole periods"
        )
    weight = 0.5 ** (1 + events.t % digits)
    total = np.bincount(events.unit, weights=weight, minlength=events.size)
    return (total / periods).reshape(events.shape)


def _bits(where: str, bits: int) -> int:
    if whole(f"{where}.bits", bits, 1) > 52:
        raise InvalidValue(f"{where}.bits: got {bits}, expected at most 52 (a float's digits)")
    return int(bits)
