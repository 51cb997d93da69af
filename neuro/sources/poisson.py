"""Spikes at random times."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.errors import InvalidValue, require
from neuro.sources._base import Source, check_seed, numbers, steps

MOST = 500.0  # mean spikes a tick: exp(-mean) must not vanish


class Poisson(Source):
    """Every unit spikes at random times with a given rate, independently of all others.

    A unit may spike several times within a tick: the number is Poisson distributed with mean
    rate * tick, so that one unit can stand for many inputs of a neuron.

    Args:
        shape: of the population.
        rate: spikes per second: a number, or an array that broadcasts to `shape`; or, with
            `times`, one number for each time [S], or one for each time and unit [S, *shape].
        times: seconds from which on each of the rates holds; the first is 0.
        seed: of the draws, which depend on the seed of the run too.

    Raises:
        InvalidValue: a rate is negative or NaN, or times do not ascend from 0.
    """

    rate: Any = 10.0
    times: Any = None
    seed: int = 0

    emits: ClassVar[str] = "spikes"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_seed("Poisson", self.seed)
        if self.times is None:
            rate = numbers("Poisson.rate", self.rate, self.units, low=0)
        else:
            times, rate = steps("Poisson", self.times, self.rate, self.units)
            object.__setattr__(self, "times", times)
            if (rate < 0).any():
                raise InvalidValue(f"Poisson.rate: got {rate.min():g} Hz, expected at least 0")
        object.__setattr__(self, "rate", rate)

    def means(self, clock: Clock) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Ticks from which on each mean number of spikes a tick holds: [S], and [S] or [S, n].

        Raises:
            InvalidValue: a mean is too large for a tick.
        """
        rate = np.asarray(self.rate)[None] if self.times is None else np.asarray(self.rate)
        at = np.zeros(1, np.int64) if self.times is None else clock.ticks(self.times)
        mean = rate * clock.dt
        if mean.max() > MOST:
            raise InvalidValue(
                f"Poisson.rate: {rate.max():g} Hz are {mean.max():g} spikes a tick of {clock.dt:g} "
                f"s, expected at most {MOST:g}; use a finer Clock"
            )
        return at, mean if mean.ndim == 1 else mean.reshape(len(mean), -1)

    def emission(
        self, clock: Clock, ticks: int, *, seed: int = 0, first: int = 0, state: Any = None
    ) -> tuple[NDArray[np.float64], Any]:
        require("numba", "sim")
        from neuro.sources import _words

        words = _words.table(self.size, first, ticks, _words.keys(self.seed, seed))
        at, means = self.means(clock)
        segment = np.searchsorted(at, np.arange(first, first + ticks), side="right") - 1
        counts = np.zeros((ticks, self.size))
        for s in np.unique(segment):
            rows = np.flatnonzero(segment == s)
            if means.ndim == 1:
                thresholds = _words.poisson_thresholds(float(means[s]))
                counts[rows] = np.searchsorted(thresholds, words[rows], side="right")
                continue
            for unit, mean in enumerate(means[s]):
                thresholds = _words.poisson_thresholds(float(mean))
                counts[rows, unit] = np.searchsorted(thresholds, words[rows, unit], side="right")
        return counts.reshape(ticks, *self.units), None

    def most(self, clock: Clock) -> int:
        require("numba", "sim")
        from neuro.sources import _words

        _, means = self.means(clock)
        return max(1, len(_words.poisson_thresholds(float(means.max()))))
