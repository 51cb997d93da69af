"""Events: immutable, sorted columns of integer times and unit numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.shape import shape_of

Column = NDArray[Any]


@dataclass(frozen=True, eq=False, repr=False)
class Events:
    """What an event sensor saw or a population fired: who, and when.

    Columns are read-only and sorted by time, then unit. The same unit may fire several times
    in one tick; nothing is merged.

    Args:
        t: int64 [E], tick of each event, 0 <= t < duration.
        unit: int32 [E], flat index into `shape` (C order).
        shape: shape of the population, e.g. (2, 34, 34) for polarity, y, x of a camera.
        duration: ticks that the recording lasts.
        clock: what one tick means in seconds.
        value: optional float32 [E], size of graded events.

    Raises:
        InvalidValue: a column has the wrong dtype or length, time is negative, unsorted or past
            the duration, a unit lies outside `shape`, or a value is NaN. The message names the
            column, the first offending row and the remedy.
    """

    t: Column
    unit: Column
    shape: tuple[int, ...]
    duration: int
    clock: Clock
    value: Column | None = None

    def __post_init__(self) -> None:
        _set(self, "shape", shape_of("Events.shape", self.shape))
        if not self.shape:
            raise InvalidValue("Events.shape: got (), expected at least one axis, e.g. (2, 34, 34)")
        if not isinstance(self.clock, Clock):
            raise InvalidValue(
                f"Events.clock: got {self.clock!r}, expected a Clock, e.g. Clock(1 * us)"
            )
        if not _is_whole(self.duration) or self.duration < 0:
            raise InvalidValue(
                f"Events.duration: got {self.duration!r}, expected a whole number of ticks >= 0. "
                "Remedy: int(clock.ticks(seconds))"
            )
        _set(self, "duration", int(self.duration))
        _set(self, "t", _integers("t", self.t, np.int64))
        _set(self, "unit", _integers("unit", self.unit, np.int32))
        if len(self.t) != len(self.unit):
            raise InvalidValue(f"Events: t has {len(self.t)} rows but unit has {len(self.unit)}")
        if self.value is not None:
            value = np.asarray(self.value)
            if value.dtype.kind not in "biuf":
                raise InvalidValue(f"Events.value: got dtype {value.dtype}, expected numbers")
            value = _frozen(value.astype(np.float32, copy=False))
            if value.shape != self.t.shape:
                raise InvalidValue(f"Events.value: shape {value.shape}, expected {self.t.shape}")
            _refuse("value", value, ~np.isfinite(value), "finite numbers", "drop or repair them")
            _set(self, "value", value)
        self._check_rows()

    def _check_rows(self) -> None:
        t, unit, size = self.t, self.unit, self.size
        _refuse("t", t, t < 0, "ticks >= 0", "subtract the first time stamp")
        _refuse(
            "t", t, t >= self.duration, f"ticks < duration {self.duration}",
            "pass a longer duration, or slice the recording",
        )  # fmt: skip
        _refuse(
            "unit", unit, (unit < 0) | (unit >= size), f"0 <= unit < {size} (shape {self.shape})",
            "check the sensor size",
        )  # fmt: skip
        backwards = np.flatnonzero((np.diff(t) < 0) | ((np.diff(t) == 0) & (np.diff(unit) < 0)))
        if backwards.size:
            row = int(backwards[0]) + 1
            raise InvalidValue(
                f"Events: row {row} (t={t[row]}, unit={unit[row]}) comes before row {row - 1} "
                f"(t={t[row - 1]}, unit={unit[row - 1]}); expected order by t, then unit. "
                "Remedy: build with Events.sorted(...)"
            )

    def __reduce__(self) -> tuple[Any, ...]:
        # pickled arrays come back writeable; building anew freezes and checks them again
        fields = (self.t, self.unit, self.shape, self.duration, self.clock, self.value)
        return type(self), fields

    # -- other ways to build ------------------------------------------------------------------

    @classmethod
    def sorted(
        cls,
        t: ArrayLike,
        unit: ArrayLike,
        *,
        shape: int | tuple[int, ...],
        clock: Clock,
        duration: int | None = None,
        value: ArrayLike | None = None,
    ) -> Self:
        """Events from columns in any order; stable, so equal rows keep their values' order.

        `duration` defaults to the last tick plus one.
        """
        t, unit = _integers("t", t, np.int64), _integers("unit", unit, np.int32)
        if len(t) != len(unit):
            raise InvalidValue(f"Events: t has {len(t)} rows but unit has {len(unit)}")
        order = np.lexsort((unit, t))
        length = max(int(t.max(initial=-1)) + 1, 0) if duration is None else duration
        ordered = None
        if value is not None:
            given = np.asarray(value)
            if given.shape != t.shape:
                raise InvalidValue(f"Events.value: shape {given.shape}, expected {t.shape}")
            ordered = given[order]
        shape = (shape,) if isinstance(shape, int) else shape
        return cls(t[order], unit[order], shape, length, clock, ordered)

    @classmethod
    def from_seconds(
        cls,
        seconds: ArrayLike,
        unit: ArrayLike,
        *,
        shape: int | tuple[int, ...],
        clock: Clock,
        duration: int | None = None,
    ) -> Self:
        """Events from times in seconds, each moved to its nearest tick."""
        t = clock.ticks(seconds, what="Events.t")
        return cls.sorted(t, unit, shape=shape, clock=clock, duration=duration)

    @classmethod
    def from_dense(cls, counts: ArrayLike, clock: Clock) -> Self:
        """Events from spike counts [T, *shape]; a count of n gives n events."""
        grid = np.asarray(counts)
        if grid.ndim < 2:
            raise InvalidValue(f"Events.from_dense: got shape {grid.shape}, expected [T, N...]")
        if grid.dtype.kind not in "biuf":
            raise InvalidValue(f"Events.from_dense: got dtype {grid.dtype}, expected numbers")
        bad = ~(np.isfinite(grid) & (grid >= 0) & (grid == np.rint(grid)))
        if bad.any():
            at = tuple(int(i) for i in np.argwhere(bad)[0])
            raise InvalidValue(
                f"Events.from_dense: count {grid[at]} at {list(at)}, expected whole numbers >= 0. "
                "Remedy: for graded signals use Events.sorted(..., value=...)"
            )
        flat = grid.reshape(len(grid), -1)
        t, unit = np.nonzero(flat)
        repeat = flat[t, unit].astype(np.int64)
        return cls(
            np.repeat(t, repeat), np.repeat(unit, repeat).astype(np.int32),
            grid.shape[1:], len(grid), clock,
        )  # fmt: skip

    # -- looking ------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        """Number of units."""
        return math.prod(self.shape)

    @property
    def seconds(self) -> NDArray[np.float64]:
        """Time of each event in seconds [E]."""
        return self.clock.seconds(self.t)

    @property
    def coordinates(self) -> tuple[NDArray[np.int64], ...]:
        """One int64 column per axis of `shape`, e.g. (polarity, y, x)."""
        return tuple(np.asarray(c) for c in np.unravel_index(self.unit, self.shape))

    def __len__(self) -> int:
        return len(self.t)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Events):
            return NotImplemented
        same = (self.shape, self.duration, self.clock) == (other.shape, other.duration, other.clock)
        if not same or (self.value is None) != (other.value is None):
            return False
        columns = np.array_equal(self.t, other.t) and np.array_equal(self.unit, other.unit)
        if self.value is None or other.value is None:
            return columns
        return columns and np.array_equal(self.value, other.value)

    __hash__ = None  # type: ignore[assignment]  # equal by content, and columns are large

    def __repr__(self) -> str:
        length = float(self.clock.seconds(self.duration))
        return (
            f"Events({len(self)} events, shape={self.shape}, {length:g} s in {self.clock!r} ticks)"
        )

    # -- pure operations ----------------------------------------------------------------------

    def slice(self, start: int, stop: int) -> Events:
        """Events with start <= t < stop, times counted from `start` (ticks)."""
        if not 0 <= start <= stop <= self.duration:
            raise InvalidValue(
                f"Events.slice: got [{start}, {stop}), expected 0 <= start <= stop <= "
                f"{self.duration}"
            )
        rows = np.s_[np.searchsorted(self.t, start) : np.searchsorted(self.t, stop)]
        value = None if self.value is None else self.value[rows]
        return Events(
            self.t[rows] - start, self.unit[rows], self.shape, stop - start, self.clock, value
        )

    def on(self, clock: Clock) -> Events:
        """The same events counted in coarser ticks; a partial last tick is kept."""
        ratio = self.clock.per(clock)
        return Events.sorted(
            self.t // ratio, self.unit, shape=self.shape, clock=clock,
            duration=-(-self.duration // ratio), value=self.value,
        )  # fmt: skip

    def dense(self, steps: int | None = None) -> NDArray[np.float32]:
        """Event counts (summed values, if graded) on the tick grid, float32 [T, *shape].

        Every event is in exactly one cell.

        Args:
            steps: pad with silence up to this many ticks.

        Raises:
            InvalidValue: `steps` would cut events off.
        """
        length = self.duration if steps is None else steps
        if len(self) and self.t[-1] >= length:
            raise InvalidValue(
                f"Events.dense: steps={steps} would drop events up to tick {self.t[-1]}. "
                "Slice first if that is meant."
            )
        cell = self.t * self.size + self.unit
        weights = self.value
        flat = np.bincount(cell, weights=weights, minlength=length * self.size)
        return flat.astype(np.float32).reshape(length, *self.shape)


def bin_events(
    batch: Sequence[Events], step: Clock, steps: int | None = None
) -> NDArray[np.float32]:
    """Spike counts of a batch on a common grid: float32 [T, B, *shape].

    Args:
        batch: recordings of one shape; shorter ones are padded with silence.
        step: the tick of the result, a whole multiple of every recording's own tick.
        steps: T; by default that of the longest recording.

    Raises:
        InvalidValue: the batch is empty, shapes differ, or `steps` would cut events off.
    """
    if not batch:
        raise InvalidValue("bin_events: the batch is empty, expected at least one Events")
    shapes = {events.shape for events in batch}
    if len(shapes) > 1:
        raise InvalidValue(f"bin_events: recordings differ in shape: {sorted(shapes)}")
    coarse = [events.on(step) for events in batch]
    length = max(events.duration for events in coarse) if steps is None else steps
    return np.stack([events.dense(length) for events in coarse], axis=1)


def _set(obj: object, name: str, value: object) -> None:
    object.__setattr__(obj, name, value)  # the dataclass is frozen


def _frozen(column: Column) -> Column:
    """A read-only column that nobody else can write to."""
    if column.flags.writeable or column.base is not None:
        column = column.copy()
    column.flags.writeable = False
    return column


def _is_whole(number: object) -> bool:
    if isinstance(number, (float, np.floating)):
        return float(number).is_integer()
    return isinstance(number, (int, np.integer))


def _integers(name: str, column: ArrayLike, dtype: type[np.integer[Any]]) -> Column:
    array = np.asarray(column)
    if array.size == 0:
        array = array.astype(dtype)
    if array.ndim != 1:
        raise InvalidValue(f"Events.{name}: got shape {array.shape}, expected one column [E]")
    if not np.issubdtype(array.dtype, np.integer):
        raise InvalidValue(
            f"Events.{name}: got dtype {array.dtype}, expected integers. "
            "Times in seconds go through Events.from_seconds(...)"
        )
    info = np.iinfo(dtype)
    _refuse(name, array, (array < info.min) | (array > info.max), f"values in {dtype.__name__}", "")
    return _frozen(array.astype(dtype, copy=False))


def _refuse(name: str, column: Column, bad: Column, expected: str, remedy: str) -> None:
    if bad.any():
        row = int(bad.argmax())
        hint = f" Remedy: {remedy}." if remedy else ""
        raise InvalidValue(f"Events.{name}: row {row} is {column[row]}, expected {expected}.{hint}")
