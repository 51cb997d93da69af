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
from neuro.room import refuse_too_large
from neuro.shape import shape_of

Column = NDArray[Any]
_CHUNK = 1 << 15  # rows looked at together
_COUNTED = 2**24  # up to here float32 counts without a gap


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
            value = _frozen(_cast(value, np.float32))
            if value.shape != self.t.shape:
                raise InvalidValue(f"Events.value: shape {value.shape}, expected {self.t.shape}")
            _refuse("value", value, ~np.isfinite(value), "finite numbers", "drop or repair them")
            _set(self, "value", value)
        self._check_rows()

    @classmethod
    def _of_checked(
        cls, t: Column, unit: Column, shape: tuple[int, ...], duration: int, clock: Clock
    ) -> Self:
        """Events of read-only columns that obey every rule; they are not looked at again."""
        made = object.__new__(cls)
        fields = {"t": t, "unit": unit, "shape": shape, "duration": duration, "clock": clock}
        for name, column in {**fields, "value": None}.items():
            _set(made, name, column)
        return made

    def _check_rows(self) -> None:
        t, unit, size = self.t, self.unit, self.size
        if len(t) and (t.min() < 0 or t.max() >= self.duration):
            _refuse("t", t, t < 0, "ticks >= 0", "subtract the first time stamp")
            _refuse(
                "t", t, t >= self.duration, f"ticks < duration {self.duration}",
                "pass a longer duration, or slice the recording",
            )  # fmt: skip
        if len(unit) and (unit.min() < 0 or unit.max() >= size):
            _refuse(
                "unit", unit, (unit < 0) | (unit >= size),
                f"0 <= unit < {size} (shape {self.shape})", "check the sensor size",
            )  # fmt: skip
        row = _first_backwards(t, unit)
        if row is not None:
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
        length = max(int(t.max(initial=-1)) + 1, 0) if duration is None else duration
        if value is not None:
            value = np.asarray(value)
            if value.shape != t.shape:
                raise InvalidValue(f"Events.value: shape {value.shape}, expected {t.shape}")
        if _first_backwards(t, unit) is not None:
            t, unit, value = _in_order(t, unit, value)
        shape = (shape,) if isinstance(shape, int) else shape
        return cls(t, unit, shape, length, clock, value)  # type: ignore[arg-type]

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
            _own(np.repeat(t, repeat)), _own(np.repeat(unit, repeat).astype(np.int32)),
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
            _own(self.t[rows] - start), self.unit[rows], self.shape, stop - start, self.clock, value
        )

    def on(self, clock: Clock) -> Events:
        """The same events counted in coarser ticks; a partial last tick is kept."""
        ratio = self.clock.per(clock)
        return Events.sorted(
            _own(self.t // ratio), self.unit, shape=self.shape, clock=clock,
            duration=-(-self.duration // ratio), value=self.value,
        )  # fmt: skip

    def dense(self, steps: int | None = None) -> NDArray[np.float32]:
        """Event counts (summed values, if graded) on the tick grid, float32 [T, *shape].

        Every event is in exactly one cell.

        Args:
            steps: pad with silence up to this many ticks.

        Raises:
            InvalidValue: `steps` would cut events off, the grid is larger than this machine's
                memory, or a cell holds more events than float32 can count (2**24).
        """
        length = self.duration if steps is None else steps
        if len(self) and self.t[-1] >= length:
            raise InvalidValue(
                f"Events.dense: steps={steps} would drop events up to tick {self.t[-1]}. "
                "Slice first if that is meant."
            )
        shape = (length, *self.shape)
        refuse_too_large("Events.dense", shape, np.float32)
        grid = np.zeros(shape, np.float32)
        self._fill(grid.reshape(length, self.size), self.t)
        return grid

    def _fill(self, grid: Column, t: Column) -> None:
        """Write into [T, size] what each cell of (t, unit) holds; rows of a cell are adjacent."""
        if not len(t):
            return
        first = np.ones(len(t), bool)  # whether a row begins a new cell
        np.not_equal(t[1:], t[:-1], out=first[1:])
        first[1:] |= self.unit[1:] != self.unit[:-1]
        rows = np.flatnonzero(first)
        if self.value is None:
            held = np.diff(rows, append=len(t))
            if held.max() > _COUNTED:
                raise InvalidValue(
                    f"Events.dense: a cell holds {held.max()} events, more than float32 can count "
                    "exactly. Remedy: a finer clock, or slice the recording"
                )
        else:
            held = np.add.reduceat(self.value, rows, dtype=np.float64)
        grid[t[rows], self.unit[rows]] = held


def bin_events(
    batch: Sequence[Events], step: Clock, steps: int | None = None
) -> NDArray[np.float32]:
    """Spike counts of a batch on a common grid: float32 [T, B, *shape].

    Args:
        batch: recordings of one shape; shorter ones are padded with silence.
        step: the tick of the result, a whole multiple of every recording's own tick.
        steps: T; by default that of the longest recording.

    Raises:
        InvalidValue: the batch is empty, shapes differ, `steps` would cut events off, or the grid
            is larger than this machine's memory.
    """
    if not batch:
        raise InvalidValue("bin_events: the batch is empty, expected at least one Events")
    shapes = {events.shape for events in batch}
    if len(shapes) > 1:
        raise InvalidValue(f"bin_events: recordings differ in shape: {sorted(shapes)}")
    length = max(-(-e.duration // e.clock.per(step)) for e in batch) if steps is None else steps
    shape = (length, len(batch), *batch[0].shape)
    refuse_too_large("bin_events", shape, np.float32)
    grid = np.zeros(shape, np.float32)
    for b, events in enumerate(batch):
        _add(grid.reshape(length, len(batch), events.size), b, events, step)
    return grid


def _add(grid: Column, lane: int, events: Events, step: Clock) -> None:
    """Fill the silent grid[:, lane] of [T, B, size], the recording's ticks counted in `step`."""
    t = events.t // events.clock.per(step)
    length, lanes, size = grid.shape
    if len(t) and t[-1] >= length:
        raise InvalidValue(
            f"bin_events: steps={length} would drop events up to step {t[-1]}. Slice first if "
            "that is meant."
        )
    if events.value is None and len(t) < _COUNTED:  # then float32 counts exactly, in any order
        np.add.at(grid.reshape(-1), (t * lanes + lane) * size + events.unit, np.float32(1))
    else:
        coarse = events.on(step)
        coarse._fill(grid[:, lane], coarse.t)


def _set(obj: object, name: str, value: object) -> None:
    object.__setattr__(obj, name, value)  # the dataclass is frozen


def _frozen(column: Column) -> Column:
    """A read-only column that nobody else can write to.

    A read-only part of a read-only array is shared, not copied, unless it would keep alive more
    than twice its own size.
    """
    base: object = column
    while isinstance(base, np.ndarray) and not base.flags.writeable:
        if base.base is None:
            if 2 * column.nbytes >= base.nbytes:
                return column
            break
        base = base.base
    return _own(column.copy())


def _own(column: Column) -> Column:
    """The same column, just made here and so nobody else's, read-only from now on."""
    column.flags.writeable = False
    return column


def _cast(column: Column, dtype: type[Any]) -> Column:
    return column if column.dtype == dtype else _own(column.astype(dtype))


def _first_backwards(t: Column, unit: Column) -> int | None:
    """The first row that comes before its predecessor; None if all are in order."""
    for begin in range(0, len(t) - 1, _CHUNK):  # chunks stay in the processor's cache
        time, who = t[begin : begin + _CHUNK + 1], unit[begin : begin + _CHUNK + 1]
        bad = (time[1:] == time[:-1]) & (who[1:] < who[:-1])
        bad |= time[1:] < time[:-1]
        if bad.any():
            return begin + int(bad.argmax()) + 1
    return None


def _in_order(
    t: Column, unit: Column, value: Column | None
) -> tuple[Column, Column, Column | None]:
    """The rows sorted by t, then unit; equal rows keep their order."""
    start, bits = int(t.min()), int(unit.max()).bit_length()
    span = int(t.max()) - start
    if unit.min() < 0 or span.bit_length() + bits > 62:
        order = np.lexsort((unit, t))
        return _own(t[order]), _own(unit[order]), None if value is None else _own(value[order])
    same = t[1:] == t[:-1]
    if (t[1:] < t[:-1]).any():
        rows = np.arange(len(t))
    else:  # as in most files: only ticks with several events are out of order
        rows = np.flatnonzero(np.append(same, False) | np.append(False, same))
    # both columns in one number, which sorts several times faster than two
    key = (t[rows] - start) << bits | unit[rows]
    if value is not None:
        order = np.argsort(key, kind="stable")
        key = key[order]
        value = value.copy()
        value[rows] = value[rows[order]]
        value = _own(value)
    else:
        key.sort()
    unit = unit.copy()
    unit[rows] = key & ((1 << bits) - 1)
    if len(rows) == len(t):
        t = _own((key >> bits) + start)
    return t, _own(unit), value


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
    if not np.can_cast(array.dtype, dtype):
        info = np.iinfo(dtype)
        bad = (array < info.min) | (array > info.max)
        _refuse(name, array, bad, f"values in {dtype.__name__}", "")
    return _frozen(_cast(array, dtype))


def _refuse(name: str, column: Column, bad: Column, expected: str, remedy: str) -> None:
    if bad.any():
        row = int(bad.argmax())
        hint = f" Remedy: {remedy}." if remedy else ""
        raise InvalidValue(f"Events.{name}: row {row} is {column[row]}, expected {expected}.{hint}")
