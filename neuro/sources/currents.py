"""Currents: steps, noise, and recorded stimuli.

A current reaches neurons through `Synapse("noise", "exc", OneToOne(), port="current")`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.errors import InvalidValue, require
from neuro.sources._base import Source, check_seed, numbers, steps

Emission = tuple[NDArray[np.float64], Any]


class StepCurrent(Source):
    """A current that jumps at given times.

    Args:
        shape: of the population.
        amplitude: one for each time [S], or one for each time and unit [S, *shape].
        times: seconds from which on each amplitude holds; the first is 0.

    Raises:
        InvalidValue: times do not ascend from 0, or an amplitude is NaN.
    """

    amplitude: Any = (0.0,)
    times: Any = (0.0,)

    def __post_init__(self) -> None:
        super().__post_init__()
        times, amplitude = steps("StepCurrent", self.times, self.amplitude, self.units)
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "amplitude", amplitude)

    def emission(
        self, clock: Clock, ticks: int, *, seed: int = 0, first: int = 0, state: Any = None
    ) -> Emission:
        at = np.searchsorted(clock.ticks(self.times), np.arange(first, first + ticks), "right") - 1
        rows = np.asarray(self.amplitude)[at]
        if rows.ndim == 1:
            rows = rows.reshape(-1, *(1,) * len(self.units))
        return np.array(np.broadcast_to(rows, (ticks, *self.units))), None


class Recorded(Source):
    """A recorded stimulus, held from one sample to the next.

    Args:
        shape: of the population.
        samples: [T, *shape].
        step: seconds between samples, a whole number of the network's ticks.
        repeat: begin anew after the last sample; otherwise a run past it is refused.

    Raises:
        InvalidValue: samples are NaN or of another shape.
    """

    samples: Any = None
    step: float = 1e-3
    repeat: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        samples = np.array(self.samples, np.float64)
        if (
            samples.ndim != 1 + len(self.units)
            or samples.shape[1:] != self.units
            or not len(samples)
        ):
            raise InvalidValue(
                f"Recorded.samples: got shape {samples.shape}, expected [T, "
                f"{', '.join(map(str, self.units))}]"
            )
        if not np.isfinite(samples).all():
            raise InvalidValue("Recorded.samples: contains NaN or infinite values")
        samples.flags.writeable = False
        object.__setattr__(self, "samples", samples)
        object.__setattr__(self, "step", float(self.step))

    def ratio(self, clock: Clock) -> int:
        """Ticks a sample lasts.

        Raises:
            InvalidValue: not a whole number.
        """
        return clock.per(Clock(Fraction(f"{self.step:.12g}")))

    def emission(
        self, clock: Clock, ticks: int, *, seed: int = 0, first: int = 0, state: Any = None
    ) -> Emission:
        at = np.arange(first, first + ticks) // self.ratio(clock)
        if not self.repeat and ticks and at[-1] >= len(self.samples):
            end = len(self.samples) * self.step
            raise InvalidValue(
                f"Recorded.samples: end after {end:g} s, but the run goes on; run shorter, or pass "
                "repeat=True"
            )
        return np.array(self.samples[at % len(self.samples)]), None


class WhiteNoise(Source):
    """mean + sigma xi(t), with white noise xi: in a tick the average of the noise over the tick.

    Its standard deviation in a tick is sigma / sqrt(tick), so that what a membrane makes of it does
    not depend on the clock.

    Args:
        shape: of the population.
        mean: of the current.
        sigma: square root of the spectral density, in units of the current times sqrt(second).
        seed: of the draws, which depend on the seed of the run too.

    Raises:
        InvalidValue: a value is NaN, or sigma below 0.
    """

    mean: Any = 0.0
    sigma: Any = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_seed("WhiteNoise", self.seed)
        object.__setattr__(self, "mean", numbers("WhiteNoise.mean", self.mean, self.units))
        object.__setattr__(
            self, "sigma", numbers("WhiteNoise.sigma", self.sigma, self.units, low=0)
        )

    def emission(
        self, clock: Clock, ticks: int, *, seed: int = 0, first: int = 0, state: Any = None
    ) -> Emission:
        size = np.asarray(self.sigma) / np.sqrt(clock.dt)
        return self.mean + size * _normals(self, ticks, seed, first), None


class OrnsteinUhlenbeck(Source):
    """A current that fluctuates around `mean` with standard deviation `sd` and memory `tau`.

        dx = (mean - x) dt / tau + sd sqrt(2 dt / tau) xi

    The update is exact for any tick; it starts from the stationary law.

    Args:
        shape: of the population.
        mean, sd: of the current.
        tau: correlation time, seconds.
        seed: of the draws, which depend on the seed of the run too.

    Source: Uhlenbeck & Ornstein, Physical Review 36 (1930); exact update: Gillespie, Physical
    Review E 54 (1996), eq. 1.9a.

    Raises:
        InvalidValue: a value is NaN, sd below 0, or tau not above 0.
    """

    mean: Any = 0.0
    sd: Any = 1.0
    tau: float = 5e-3
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_seed("OrnsteinUhlenbeck", self.seed)
        for name, low in (("mean", -np.inf), ("sd", 0.0)):
            value = numbers(f"OrnsteinUhlenbeck.{name}", getattr(self, name), self.units, low=low)
            object.__setattr__(self, name, value)
        if not (np.isfinite(self.tau) and self.tau > 0):
            raise InvalidValue(f"OrnsteinUhlenbeck.tau: got {self.tau} s, expected above 0")
        object.__setattr__(self, "tau", float(self.tau))

    def emission(
        self, clock: Clock, ticks: int, *, seed: int = 0, first: int = 0, state: Any = None
    ) -> Emission:
        keep = np.exp(-clock.dt / self.tau)
        jump = np.sqrt(1 - keep * keep)
        draws = _normals(self, ticks, seed, first)
        x = np.zeros(self.units) if state is None else state  # in units of sd, around the mean
        out = np.empty((ticks, *self.units))
        for t in range(ticks):
            x = draws[t] if first + t == 0 else keep * x + jump * draws[t]
            out[t] = x
        return self.mean + np.asarray(self.sd) * out, x


def _normals(source: Any, ticks: int, seed: int, first: int) -> NDArray[np.float64]:
    """Standard normal draws of a source, [ticks, *units]."""
    require("numba", "sim")
    from neuro.sources import _words

    words = _words.table(source.size, first, ticks, _words.keys(source.seed, seed))
    return _words.normals(words).reshape(ticks, *source.units)
