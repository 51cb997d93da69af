"""What every transform of events is: a frozen recipe that can be called, repeated and stored."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.events import Events

Array = NDArray[Any]
Seed = int | Sequence[int]


@dataclass(frozen=True)
class Transform(ABC):
    """A change of one recording, written down: `transform(events)` gives new Events.

    The recording that is passed in is never changed. No event is lost unless that is what the
    transform is for. Two transforms are equal if all their fields are.
    """

    @abstractmethod
    def __call__(self, events: Events) -> Events:
        """The changed recording."""
        raise NotImplementedError

    def plain(self) -> dict[str, Any]:
        """Name and fields as plain values, fit for JSON, e.g. as the key of a cache."""
        stated = {f.name: _plain(getattr(self, f.name)) for f in fields(self)}
        return {"transform": type(self).__name__, **stated}


@dataclass(frozen=True)
class RandomTransform(Transform):
    """A transform that draws: `transform(events, seed)`; the same seed gives the same result."""

    @abstractmethod
    def __call__(self, events: Events, seed: Seed = 0) -> Events:
        """The changed recording; all randomness comes from `seed`, one number >= 0 or several."""
        raise NotImplementedError


def generator(seed: Seed) -> np.random.Generator:
    """A random number generator of its own for one or several whole numbers >= 0."""
    numbers = [seed] if isinstance(seed, int | np.integer) else list(seed)
    if any(not isinstance(n, int | np.integer) or n < 0 for n in numbers):
        raise InvalidValue(f"seed: got {seed!r}, expected whole numbers >= 0")
    return np.random.default_rng([int(n) for n in numbers])


def kept(events: Events, rows: Array) -> Events:
    """The recording with only the rows of a mask [E]; their order stays."""
    value = None if events.value is None else events.value[rows]
    return Events(
        events.t[rows], events.unit[rows], events.shape, events.duration, events.clock, value
    )


def moved(
    events: Events,
    *,
    t: Array | None = None,
    unit: Array | None = None,
    shape: tuple[int, ...] | None = None,
    duration: int | None = None,
    rows: Array | None = None,
) -> Events:
    """The recording with other columns, brought back into order; `rows` (a mask) picks some."""
    t = events.t if t is None else t
    unit = events.unit if unit is None else unit
    value = events.value
    if rows is not None:
        t, unit = t[rows], unit[rows]
        value = None if value is None else value[rows]
    return Events.sorted(
        t, unit, shape=events.shape if shape is None else shape, clock=events.clock,
        duration=events.duration if duration is None else duration, value=value,
    )  # fmt: skip


def flat(coordinates: Sequence[Array], shape: tuple[int, ...]) -> Array:
    """The flat unit of each event from one column per axis."""
    return np.ravel_multi_index(tuple(coordinates), shape)


def spatial(where: str, events: Events, axis: str = "y and x") -> tuple[int, ...]:
    """The shape (rows, columns) of a camera recording, its last two axes.

    Raises:
        InvalidValue: the recording has one axis only.
    """
    if len(events.shape) < 2:
        raise InvalidValue(
            f"{where}: the recording has shape {events.shape}, expected axes {axis} at its end, "
            "e.g. (2, 128, 128)"
        )
    return events.shape[-2:]


def ticks(where: str, seconds: float, clock: Clock, least: int = 1) -> int:
    """A time as a whole number of ticks, refused if it is not one or is below `least`."""
    if not isinstance(seconds, int | float | np.integer | np.floating):
        raise InvalidValue(f"{where}: got {seconds!r}, expected seconds, e.g. 10 * ms")
    count = int(clock.ticks(seconds, exact=True, what=where))
    if count < least:
        raise InvalidValue(
            f"{where}: got {seconds:g} s, which is {count} ticks of {clock!r}; expected at least "
            f"{least}"
        )
    return count


def number(
    where: str, given: Any, low: float, high: float = float("inf"), above: bool = False
) -> None:
    """Refuse what is not a finite number in [low, high], or in (low, high] with `above`."""
    good = isinstance(given, int | float | np.integer | np.floating) and np.isfinite(given)
    if not good or not low <= given <= high or (above and given == low):
        least = f"above {low:g}" if above else f">= {low:g}"
        most = "" if high == float("inf") else f" and <= {high:g}"
        raise InvalidValue(f"{where}: got {given!r}, expected a number {least}{most}")


def whole(where: str, given: Any, least: int = 0) -> None:
    """Refuse what is not a whole number of at least `least`."""
    if isinstance(given, bool) or not isinstance(given, int | np.integer) or given < least:
        raise InvalidValue(f"{where}: got {given!r}, expected a whole number >= {least}")


def one_of(where: str, given: Any, allowed: Sequence[str]) -> None:
    """Refuse what is not one of a few words."""
    if given not in allowed:
        listed = ", ".join(map(repr, allowed))
        raise InvalidValue(f"{where}: got {given!r}, expected one of {listed}")


def _plain(value: Any) -> Any:
    if isinstance(value, Transform):
        return value.plain()
    if isinstance(value, tuple | list):
        return [_plain(entry) for entry in value]
    if isinstance(value, Clock):
        return str(value.tick)
    if isinstance(value, Fraction):
        return str(value)
    return value.item() if isinstance(value, np.generic) else value
