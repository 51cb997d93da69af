"""Level-crossing code: an event at the time at which a signal passes one of its levels."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.clock import Clock
from neuro.encode._values import above, values_in
from neuro.errors import InvalidValue
from neuro.events import Events

DOWN, UP = 0, 1


def level_crossing(signal: ArrayLike, *, rate: float, levels: ArrayLike, clock: Clock) -> Events:
    """A level-crossing converter: what is sampled is not time but value.

    Between samples the signal is a straight line, so each crossing has its own time. Level l is
    crossed upwards where the signal goes from below l to l or above, downwards where it goes from
    l or above to below l; the two alternate. (Sayiner, Sorensen & Viswanathan 1996, IEEE Trans.
    Circuits Syst. II 43:335.)

    Args:
        signal: samples, [T, N...] with T >= 2.
        rate: samples per second, > 0.
        levels: increasing, [L]; np.arange(low, high, step) gives an even grid.
        clock: crossing times are rounded to its nearest tick.

    Returns:
        Events of shape (2, L, N...): DOWN = 0 or UP = 1, level, unit; from the first to the last
        sample, (T - 1) / rate seconds.

    Raises:
        InvalidValue: the signal or the levels are not finite, the levels do not increase, or the
            signal is shorter than a tick.
    """
    x = values_in("level_crossing.signal", signal, -np.inf, np.inf, least=2)
    grid = _grid("level_crossing", levels)
    per_second = above("level_crossing.rate", rate, 0)
    duration = int(clock.ticks((len(x) - 1) / per_second, what="level_crossing"))
    if duration < 1:
        raise InvalidValue(
            f"level_crossing: {len(x)} samples at {rate:g} Hz last less than a tick ({clock!r})"
        )
    flat = x.reshape(len(x), -1)
    above_of = np.searchsorted(grid, flat, side="right")  # levels at or below each sample
    step = np.diff(above_of, axis=0)
    sample, unit = np.nonzero(step)
    number = np.abs(step[sample, unit])
    up = np.repeat(step[sample, unit] > 0, number)
    sample, unit = np.repeat(sample, number), np.repeat(unit, number)
    nth = np.arange(len(sample)) - np.repeat(np.cumsum(number) - number, number)
    level = np.where(up, above_of[sample, unit] + nth, above_of[sample, unit] - 1 - nth)
    a, b = flat[sample, unit], flat[sample + 1, unit]
    seconds = (sample + (grid[level] - a) / (b - a)) / per_second
    t = np.clip(clock.ticks(seconds), 0, duration - 1)
    row = (np.where(up, UP, DOWN) * len(grid) + level) * flat.shape[1] + unit
    return Events.sorted(t, row, shape=(2, len(grid), *x.shape[1:]), clock=clock, duration=duration)


def decode_levels(events: Events, *, levels: ArrayLike, seconds: ArrayLike) -> NDArray[np.float64]:
    """The signal at given times, by straight lines between its crossings, [K, N...].

    Before the first and after the last crossing of a unit its value stays; a unit without any
    crossing is NaN, since its events tell nothing.

    Args:
        events: of `level_crossing`, shape (2, L, N...).
        levels: the ones that the events were made with, [L].
        seconds: when to read the signal, [K].

    Raises:
        InvalidValue: the events do not belong to these levels.
    """
    grid = _grid("decode_levels", levels)
    if len(events.shape) < 3 or events.shape[:2] != (2, len(grid)):
        raise InvalidValue(
            f"decode_levels: got events of shape {events.shape}, expected (2, {len(grid)}, N...)"
        )
    units = events.size // (2 * len(grid))
    level, unit = np.divmod(events.unit, units)
    when, value = events.seconds, grid[level % len(grid)]
    moments = np.asarray(seconds, dtype=np.float64)
    result = np.full((len(moments), units), np.nan)
    for n in range(units):
        mine = unit == n
        if mine.any():
            result[:, n] = np.interp(moments, when[mine], value[mine])
    return result.reshape(len(moments), *events.shape[2:])


def _grid(where: str, levels: ArrayLike) -> NDArray[np.float64]:
    grid = values_in(f"{where}.levels", levels, -np.inf, np.inf)
    if grid.ndim != 1 or (np.diff(grid) <= 0).any():
        raise InvalidValue(f"{where}.levels: expected one column of increasing numbers")
    return grid
