"""The one place where seconds and integer steps meet."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import InvalidValue

_MAX_TICK = 2**62  # room for additions before int64 overflows


@dataclass(frozen=True)
class Clock:
    """An exact step length; all event times and delays are whole multiples of it.

    Args:
        tick: seconds per step as a float (`Clock(1 * ms)`), or an exact Fraction. A float is
            read as the decimal number it was written as, so `Clock(0.1 * ms)` is exactly 1/10000 s.

    Raises:
        InvalidValue: the tick is not a finite number above zero.
    """

    tick: Fraction

    def __init__(self, tick: float | Fraction) -> None:
        if isinstance(tick, Fraction):
            exact = tick
        else:
            if not isinstance(tick, (int, float, np.integer, np.floating)) or not np.isfinite(tick):
                raise InvalidValue(f"Clock.tick: got {tick!r}, expected a finite number of seconds")
            # 12 significant digits undo the binary noise of e.g. 3 * 0.1 * ms
            exact = Fraction(f"{float(tick):.12g}")
        if exact <= 0:
            raise InvalidValue(f"Clock.tick: got {tick!r} s, expected a step above 0 s")
        object.__setattr__(self, "tick", exact)

    @property
    def dt(self) -> float:
        """Seconds per step."""
        return float(self.tick)

    def seconds(self, ticks: ArrayLike) -> NDArray[np.float64]:
        """Times in seconds of integer ticks (any shape)."""
        ratio = self.tick
        return np.asarray(ticks, dtype=np.float64) * ratio.numerator / ratio.denominator

    def ticks(
        self, seconds: ArrayLike, *, exact: bool = False, what: str = "time"
    ) -> NDArray[np.int64]:
        """The nearest tick of each time in seconds, as int64 (any shape).

        Args:
            seconds: finite times.
            exact: refuse times that are not on the grid (to one part in 10^6 of a tick).
            what: how an error message calls the quantity.

        Raises:
            InvalidValue: a time is NaN, infinite or too large, or off the grid with `exact`.
        """
        time = np.asarray(seconds, dtype=np.float64)
        if not np.isfinite(time).all():
            bad = time[~np.isfinite(time)].ravel()[0]
            raise InvalidValue(f"{what}: got {bad} s, expected finite seconds")
        steps = time * self.tick.denominator / self.tick.numerator
        if (np.abs(steps) > _MAX_TICK).any():
            worst = time.ravel()[np.abs(steps).argmax()]
            raise InvalidValue(f"{what}: {worst} s does not fit int64 ticks of {self.dt} s")
        nearest = np.rint(steps)
        if exact:
            off = np.abs(steps - nearest) > 1e-6 * np.maximum(1.0, np.abs(steps) * 1e-6)
            if off.any():
                given = time[off].ravel()[0]
                below = float(np.floor(given / self.dt) * self.dt)
                raise InvalidValue(
                    f"{what}: {given:g} s is not a whole number of {self.dt:g} s ticks; the "
                    f"nearest are {below:g} s and {below + self.dt:g} s. Round it, or use a finer "
                    "Clock."
                )
        return nearest.astype(np.int64)

    def per(self, other: Clock) -> int:
        """How many of this clock's ticks make one tick of the coarser `other`.

        Raises:
            InvalidValue: `other` is finer, or not a whole multiple.
        """
        ratio = other.tick / self.tick
        if ratio.denominator != 1:
            raise InvalidValue(
                f"Clock: a step of {other.dt:g} s is not a whole multiple of {self.dt:g} s ticks"
            )
        return ratio.numerator

    def __repr__(self) -> str:
        for size, unit in ((1, "second"), (Fraction(1, 1000), "ms"), (Fraction(1, 10**6), "us")):
            if self.tick >= size:
                return f"Clock({float(self.tick / size):g} * {unit})"
        return f"Clock({float(self.tick):g})"
