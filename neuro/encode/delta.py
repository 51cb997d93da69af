"""Send-on-delta: an event whenever a sampled signal has moved by a threshold, and back."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.clock import Clock
from neuro.encode._values import above, values_in
from neuro.errors import InvalidValue
from neuro.events import Events

DOWN, UP = 0, 1  # index of the first axis, like the polarity of a camera


def delta(signal: ArrayLike, *, threshold: float, clock: Clock) -> Events:
    """Events of a signal that is sampled once a tick.

    Every unit keeps a level, at first its first sample. A sample that lies n thresholds or more
    above (below) the level gives n UP (DOWN) events in its tick, and the level moves by n
    thresholds, so it is always less than a threshold away from the signal (Miskowicz 2006,
    Sensors 6:49).

    Args:
        signal: one row a tick, [T, N...].
        threshold: > 0, in the unit of the signal.
        clock: its tick is the time between two samples.

    Returns:
        Events of shape (2, N...): DOWN = 0 or UP = 1, then the unit.

    Raises:
        InvalidValue: the signal is not finite, or the threshold is not above 0 or so small that
            a step of the signal would be more than 2^31 events.
    """
    x = values_in("delta.signal", signal, -np.inf, np.inf, least=2)
    step = above("delta.threshold", threshold, 0)
    shape = x.shape[1:]
    scaled = (x - x[0]).reshape(len(x), -1) / step
    if np.abs(scaled).max() > 1 << 31:
        raise InvalidValue(f"delta.threshold: {threshold!r} is too small for this signal")
    level = np.zeros(scaled.shape[1])
    moves = np.zeros(scaled.shape, np.int64)
    for i, row in enumerate(scaled):
        moves[i] = np.trunc(row - level)
        level += moves[i]
    t, unit = np.nonzero(moves)
    number = moves[t, unit]
    flat = np.where(number > 0, UP, DOWN) * scaled.shape[1] + unit
    times = np.abs(number)
    return Events.sorted(
        np.repeat(t, times), np.repeat(flat, times),
        shape=(2, *shape), clock=clock, duration=len(x),
    )  # fmt: skip


def decode_delta(
    events: Events, *, threshold: float, start: ArrayLike = 0.0
) -> NDArray[np.float64]:
    """The levels that the events of `delta` tell, one row a tick, [T, N...].

    They are less than a threshold away from the signal (up to rounding).

    Args:
        events: shape (2, N...).
        threshold: the one that the events were made with.
        start: first sample of each unit, [N...] or one number.

    Raises:
        InvalidValue: the events have no axis of length 2 for DOWN and UP, or are graded.
    """
    if len(events.shape) < 2 or events.shape[0] != 2 or events.value is not None:
        raise InvalidValue(
            f"decode_delta: got events of shape {events.shape}, expected plain ones of shape "
            "(2, N...) from delta(...)"
        )
    step = above("decode_delta.threshold", threshold, 0)
    units = events.size // 2
    moves = np.zeros((events.duration, units), np.int64)
    polarity, unit = np.divmod(events.unit, units)
    np.add.at(moves, (events.t, unit), np.where(polarity == UP, 1, -1))
    levels = moves.cumsum(axis=0).reshape(events.duration, *events.shape[1:])
    return np.asarray(start, dtype=np.float64) + levels * step
