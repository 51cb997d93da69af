"""Rate codes: Poisson, Bernoulli and evenly spaced events at given rates."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.clock import Clock
from neuro.encode._values import generator, ticks_of, values_in
from neuro.errors import InvalidValue
from neuro.events import Events

Array = NDArray[Any]
_MOST = 1 << 28  # events that may be expected, about 5 GB


def poisson(
    rates: ArrayLike,
    *,
    clock: Clock,
    duration: float | None = None,
    step: Clock | None = None,
    seed: int,
) -> Events:
    """A Poisson process for each unit.

    The number of events in a stretch of time is Poisson distributed with mean rate times length,
    so a tick may hold several events of a unit; all are kept. There is no refractory period.

    Args:
        rates: in Hz, >= 0: [N...] with `duration`, or [T, N...] with `step`.
        clock: time stamps are whole ticks of it.
        duration: seconds, a whole number of ticks; the rates stay the same.
        step: the rates change: row i of `rates` holds from i to i + 1 of these steps, a whole
            multiple of the tick.
        seed: of the draws.

    Returns:
        Events of shape [N...].

    Raises:
        InvalidValue: a rate is negative or not finite, both or neither of `duration` and `step`
            are given, or more than 2^28 events are expected.
    """
    rows, length = _rows("poisson", rates, clock, duration, step)
    rng = generator("poisson", seed)
    flat = rows.reshape(len(rows), -1)
    counts = rng.poisson(flat * (length * clock.dt))
    cell = np.repeat(np.arange(flat.size), counts.ravel())
    row, unit = np.divmod(cell, flat.shape[1])
    t = row * length + rng.integers(length, size=len(cell))
    return Events.sorted(t, unit, shape=rows.shape[1:], clock=clock, duration=len(rows) * length)


def bernoulli(
    rates: ArrayLike,
    *,
    clock: Clock,
    duration: float | None = None,
    step: Clock | None = None,
    seed: int,
) -> Events:
    """At most one event a tick, drawn apart for each tick with probability rate times tick.

    Args:
        rates: as for `poisson`, but at most one event a tick.
        clock: time stamps are whole ticks of it.
        duration: as for `poisson`.
        step: as for `poisson`.
        seed: of the draws.

    Returns:
        Events of shape [N...].

    Raises:
        InvalidValue: as for `poisson`, or a rate is above one event a tick.
    """
    rows, length = _rows("bernoulli", rates, clock, duration, step)
    chance = rows.reshape(len(rows), -1) * clock.dt
    if chance.max() > 1 + 1e-12:
        raise InvalidValue(
            f"bernoulli.rates: {chance.max() / clock.dt:g} Hz is more than one event in each tick "
            f"of {clock.dt:g} s. Remedy: a finer Clock, or poisson(...)"
        )
    rng = generator("bernoulli", seed)
    chance = np.minimum(chance, 1.0)
    often = chance > 0.5  # there, the ticks without an event are drawn
    counts = rng.binomial(length, np.where(often, 1 - chance, chance))
    drawn = _distinct(counts.ravel(), length, rng)
    dense = np.flatnonzero(often.ravel())
    if len(dense):
        cell = drawn // length
        silent = drawn[often.ravel()[cell]]
        full = (dense[:, None] * length + np.arange(length)).ravel()
        drawn = np.concatenate(
            [drawn[~often.ravel()[cell]], np.setdiff1d(full, silent, assume_unique=True)]
        )
    cell, t = np.divmod(drawn, length)
    row, unit = np.divmod(cell, chance.shape[1])
    return Events.sorted(
        row * length + t, unit, shape=rows.shape[1:], clock=clock, duration=len(rows) * length
    )


def regular(
    rates: ArrayLike,
    *,
    clock: Clock,
    duration: float | None = None,
    step: Clock | None = None,
    seed: int | None = None,
) -> Events:
    """Evenly spaced events: one whenever the integral of the rate has grown by 1.

    A unit fires floor(I) or ceil(I) times, where I is the integral over the whole duration. Time
    stamps are rounded down to ticks.

    Args:
        rates: as for `poisson`.
        clock: time stamps are whole ticks of it.
        duration: as for `poisson`.
        step: as for `poisson`.
        seed: of the phase at which each unit begins, uniform; None begins all in the middle, so
            the count is I rounded to the nearest whole number.

    Returns:
        Events of shape [N...].

    Raises:
        InvalidValue: as for `poisson`.
    """
    rows, length = _rows("regular", rates, clock, duration, step)
    flat = rows.reshape(len(rows), -1)
    units = flat.shape[1]
    phase = np.full(units, 0.5) if seed is None else generator("regular", seed).uniform(size=units)
    t, unit = [], []
    for n in range(units):
        growth = np.concatenate([[0.0], np.cumsum(flat[:, n])]) * (length * clock.dt)
        growth = np.round(growth, 9)  # 0.1 + 0.2 is one event less than 0.3 otherwise
        goals = np.arange(1, int(np.floor(growth[-1] + phase[n])) + 1) - phase[n]
        goals = goals[goals <= growth[-1]]
        row = np.searchsorted(growth, goals, side="left") - 1
        row = np.maximum(row, 0)
        within = (goals - growth[row]) / (growth[row + 1] - growth[row])
        t.append(np.floor(np.round((row + within) * length, 6)).astype(np.int64))
        unit.append(np.full(len(goals), n))
    last = len(rows) * length
    return Events.sorted(
        np.minimum(np.concatenate(t), last - 1), np.concatenate(unit),
        shape=rows.shape[1:], clock=clock, duration=last,
    )  # fmt: skip


def _rows(
    where: str, rates: ArrayLike, clock: Clock, duration: float | None, step: Clock | None
) -> tuple[NDArray[np.float64], int]:
    """Rates as [T, N...], and the ticks that each row lasts."""
    if (duration is None) == (step is None):
        raise InvalidValue(
            f"{where}: got duration={duration!r} and step={step!r}, expected one of them: a "
            "duration for rates [N...] that stay the same, a step for rates [T, N...]"
        )
    if step is not None:
        rows = values_in(f"{where}.rates", rates, 0, np.inf, least=2)
        length = clock.per(step)
    else:
        rows = values_in(f"{where}.rates", rates, 0, np.inf)[None]
        length = ticks_of(f"{where}.duration", float(duration or 0), clock)
    expected = float(rows.sum()) * length * clock.dt
    if expected > _MOST:
        raise InvalidValue(
            f"{where}.rates: {expected:.3g} events are expected, more than {_MOST}. Are the rates "
            "in Hz? Remedy: a shorter duration, or several calls"
        )
    return rows, length


def _distinct(counts: Array, length: int, rng: np.random.Generator) -> Array:
    """For each cell so many distinct numbers below `length`, as cell * length + number, sorted.

    A number that was drawn before is drawn again, which leaves every choice equally likely.
    """
    kept = np.zeros(0, np.int64)
    missing = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    while len(missing):
        fresh = missing * length + rng.integers(length, size=len(missing))
        first = np.unique(fresh, return_index=True)[1]
        new = np.zeros(len(fresh), bool)
        new[first] = True
        new &= ~np.isin(fresh, kept)
        kept = np.concatenate([kept, fresh[new]])
        missing = missing[~new]
    return np.sort(kept)
