"""EventDataset: labelled recordings of one sensor, and their file."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, overload

import h5py
import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from neuro.clock import Clock
from neuro.data._chosen import chosen_rows
from neuro.data.seal import BLOCK, seal, verify
from neuro.errors import CorruptFile, InvalidValue
from neuro.events import Events
from neuro.files import atomic

Attribute = str | int | float | bool
FORMAT = "neuro.EventDataset/1"
_COLUMNS = {
    "t": np.int64,
    "unit": np.int32,
    "offsets": np.int64,
    "durations": np.int64,
    "labels": np.int64,
}
_HEADER = ("shape", "tick", "classes", "name", "source", "attributes")
_CELLS_AT_ONCE = 1 << 23  # of `dense`: bounds its working memory to 64 MB


class EventDataset(Sequence[tuple[Events, int]]):
    """Labelled recordings of one shape and clock, held as a few read-only columns.

    `dataset[i]` is `(Events, label)`. Recording i owns the rows offsets[i] to offsets[i + 1].

    Args:
        t: int64 [E], ticks since the start of the row's recording.
        unit: int32 [E], flat index into `shape`.
        offsets: int64 [n + 1], first row of each recording, and E.
        durations: int64 [n], ticks that each recording lasts.
        labels: int64 [n], index into `classes`.
        shape: of the sensor, e.g. (2, 34, 34) for polarity, row, column.
        clock: of all recordings.
        classes: name of each class.
        name: of the data set.
        source: where the data come from and under which licence.
        attributes: further facts as plain values, e.g. {"seed": 0}.

    Raises:
        InvalidValue: a column has the wrong dtype or length, rows of a recording are not sorted by
            time and unit, a time is negative or past its recording's end, a unit lies outside the
            sensor, or a label has no class. The message names the column and the row.
    """

    def __init__(
        self,
        t: ArrayLike,
        unit: ArrayLike,
        offsets: ArrayLike,
        durations: ArrayLike,
        labels: ArrayLike,
        *,
        shape: tuple[int, ...],
        clock: Clock,
        classes: Sequence[str],
        name: str,
        source: str = "",
        attributes: Mapping[str, Attribute] | None = None,
    ) -> None:
        probe = Events(np.zeros(0, np.int64), np.zeros(0, np.int32), shape, 0, clock)
        self._shape, self._clock, self._size = probe.shape, probe.clock, probe.size
        given = {"t": t, "unit": unit, "offsets": offsets, "durations": durations, "labels": labels}
        columns = {key: _column(key, value) for key, value in given.items()}
        self._t, self._unit, self._offsets, self._durations, self._labels = columns.values()
        self._classes = tuple(str(c) for c in classes)
        self._name, self._source = str(name), str(source)
        self._attributes = _plain(attributes or {})
        self._check_columns()
        self._check_rows()

    @classmethod
    def from_events(
        cls,
        recordings: Sequence[Events],
        labels: ArrayLike,
        *,
        classes: Sequence[str],
        name: str,
        source: str = "",
        attributes: Mapping[str, Attribute] | None = None,
    ) -> EventDataset:
        """A data set of at least one recording; all share one shape and clock.

        Raises:
            InvalidValue: no recordings, or they differ in shape or clock, or are graded.
        """
        if not recordings:
            raise InvalidValue("EventDataset.from_events: got no recordings, expected at least one")
        shape, clock = recordings[0].shape, recordings[0].clock
        for i, events in enumerate(recordings):
            if (events.shape, events.clock) != (shape, clock):
                raise InvalidValue(
                    f"EventDataset.from_events: recording {i} has shape {events.shape} and "
                    f"{events.clock!r}, recording 0 has {shape} and {clock!r}"
                )
            if events.value is not None:
                raise InvalidValue(
                    f"EventDataset.from_events: recording {i} has graded events; only plain ones "
                    "are stored"
                )
        return cls(
            np.concatenate([events.t for events in recordings]),
            np.concatenate([events.unit for events in recordings]),
            np.cumsum([0, *map(len, recordings)]),
            [events.duration for events in recordings],
            labels,
            shape=shape, clock=clock, classes=classes, name=name, source=source,
            attributes=attributes,
        )  # fmt: skip

    # -- checks -------------------------------------------------------------------------------

    def _check_columns(self) -> None:
        rows, count = len(self._t), len(self._labels)
        if len(self._unit) != rows:
            raise self._bad("unit", f"has {len(self._unit)} rows but t has {rows}")
        if len(self._durations) != count:
            raise self._bad("durations", f"has {len(self._durations)} rows, labels has {count}")
        if len(self._offsets) != count + 1:
            raise self._bad("offsets", f"has {len(self._offsets)} rows, expected {count + 1}")
        if self._offsets[0] != 0 or self._offsets[-1] != rows or (np.diff(self._offsets) < 0).any():
            raise self._bad("offsets", f"expected to rise from 0 to the {rows} rows of t")
        for column, bad, expected in (
            ("durations", self._durations < 0, "ticks >= 0"),
            (
                "labels",
                (self._labels < 0) | (self._labels >= len(self._classes)),
                f"0 <= label < {len(self._classes)} classes",
            ),
        ):
            if bad.any():
                i = int(bad.argmax())
                value = getattr(self, f"_{column}")[i]
                raise self._bad(column, f"recording {i} has {value}, expected {expected}")

    def _check_rows(self) -> None:
        t, unit = self._t, self._unit
        end = np.repeat(self._durations, np.diff(self._offsets))
        inside = np.ones(len(t), bool)  # whether a row follows another of its own recording
        inside[self._offsets[:-1][self._offsets[:-1] < len(t)]] = False
        step = np.diff(t, prepend=0)
        backwards = inside & ((step < 0) | ((step == 0) & (np.diff(unit, prepend=0) < 0)))
        for column, bad, expected in (
            ("t", t < 0, "ticks >= 0; subtract the first time stamp"),
            ("t", t >= end, "ticks below the recording's duration"),
            (
                "unit",
                (unit < 0) | (unit >= self._size),
                f"0 <= unit < {self._size} (shape {self._shape})",
            ),
            ("t", backwards, "order by t, then unit; build it from Events.sorted(...)"),
        ):
            if bad.any():
                row = int(bad.argmax())
                i = int(np.searchsorted(self._offsets, row, side="right")) - 1
                raise self._bad(
                    column,
                    f"row {row} (recording {i}: t={t[row]}, unit={unit[row]}), expected {expected}",
                )

    def _bad(self, column: str, what: str) -> InvalidValue:
        return InvalidValue(f"EventDataset.{column}: {what}")

    # -- looking ------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the sensor."""
        return self._shape

    @property
    def clock(self) -> Clock:
        """What one tick means in seconds."""
        return self._clock

    @property
    def labels(self) -> NDArray[np.int64]:
        """Class of each recording, int64 [n], read-only."""
        return self._labels

    @property
    def durations(self) -> NDArray[np.int64]:
        """Ticks that each recording lasts, int64 [n], read-only."""
        return self._durations

    @property
    def counts(self) -> NDArray[np.int64]:
        """Number of events of each recording, int64 [n]."""
        return np.diff(self._offsets)

    @property
    def classes(self) -> tuple[str, ...]:
        """Name of each class."""
        return self._classes

    @property
    def name(self) -> str:
        """Name of the data set."""
        return self._name

    @property
    def source(self) -> str:
        """Where the data come from and under which licence."""
        return self._source

    @property
    def attributes(self) -> dict[str, Attribute]:
        """Further facts, e.g. the seed (a copy)."""
        return dict(self._attributes)

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all columns and the description, in hexadecimal."""
        digest = hashlib.sha256(json.dumps(self._header(), sort_keys=True).encode())
        for column in self._columns().values():
            digest.update(len(column).to_bytes(8, "little"))
            digest.update(column.astype(column.dtype.newbyteorder("<"), copy=False).tobytes())
        return digest.hexdigest()

    def __len__(self) -> int:
        return len(self._labels)

    @overload
    def __getitem__(self, index: int) -> tuple[Events, int]: ...
    @overload
    def __getitem__(self, index: slice) -> EventDataset: ...
    def __getitem__(self, index: int | slice) -> tuple[Events, int] | EventDataset:
        """`(Events, label)` of one recording; a slice gives an EventDataset."""
        if isinstance(index, slice):
            return self.select(range(*index.indices(len(self))))
        i = int(index)
        if not -len(self) <= i < len(self):
            raise IndexError(f"EventDataset: recording {i} of {len(self)}")
        i %= len(self)
        rows = np.s_[self._offsets[i] : self._offsets[i + 1]]
        duration = int(self._durations[i])
        events = Events(self._t[rows], self._unit[rows], self._shape, duration, self._clock)
        return events, int(self._labels[i])

    def __iter__(self) -> Iterator[tuple[Events, int]]:
        return (self[i] for i in range(len(self)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, EventDataset):
            return NotImplemented
        return self._header() == other._header() and all(
            np.array_equal(a, b)
            for a, b in zip(self._columns().values(), other._columns().values(), strict=True)
        )

    __hash__ = None  # type: ignore[assignment]  # equal by content, and columns are large

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for column in self._columns().values():  # pickled arrays come back writeable
            column.flags.writeable = False

    def __repr__(self) -> str:
        return (
            f"EventDataset({self._name!r}: {len(self)} recordings, {len(self._t)} events, "
            f"{len(self._classes)} classes, shape={self._shape}, {self._clock!r} ticks)"
        )

    # -- pure operations ----------------------------------------------------------------------

    def select(self, indices: ArrayLike | range) -> EventDataset:
        """The recordings with these numbers, in this order; a boolean mask [n] also works.

        Raises:
            InvalidValue: a number is out of range, or the mask has the wrong length.
        """
        chosen = chosen_rows("EventDataset.select", indices, len(self))
        rows, offsets = self._rows(chosen)
        return EventDataset(
            self._t[rows], self._unit[rows], offsets, self._durations[chosen],
            self._labels[chosen], shape=self._shape, clock=self._clock, classes=self._classes,
            name=self._name, source=self._source, attributes=self._attributes,
        )  # fmt: skip

    def dense(
        self, step: Clock, steps: int | None = None, *, dtype: DTypeLike = np.float32
    ) -> NDArray[Any]:
        """Event counts of all recordings on a common grid, [T, n, *shape].

        Every event is in exactly one cell.

        Args:
            step: the tick of the grid, a whole multiple of `clock`.
            steps: T; by default that of the longest recording, shorter ones end in silence.
            dtype: of the counts; uint8 takes a quarter of float32's memory.

        Raises:
            InvalidValue: `steps` would cut events off, `step` is not a multiple, or a count does
                not fit `dtype`.
        """
        ratio = self._clock.per(step)
        longest = int(self._durations.max(initial=0))
        length = -(-longest // ratio) if steps is None else steps
        time = self._t // ratio
        if length < 0 or (len(time) and time.max() >= length):
            raise InvalidValue(
                f"EventDataset.dense: steps={steps} of {step!r} would drop events, the last one "
                f"is in step {time.max(initial=0)}. Use more steps, or longer ones."
            )
        kind: Any = np.dtype(dtype)
        limit = np.iinfo(kind).max if kind.kind in "iu" else 2 ** (np.finfo(kind).nmant + 1)
        grid = np.zeros((length, len(self), self._size), dtype=kind)
        chunk = max(1, _CELLS_AT_ONCE // max(1, length * self._size))
        for first in range(0, len(self), chunk):  # chunks keep bincount's int64 small
            last = min(first + chunk, len(self))
            rows = np.s_[self._offsets[first] : self._offsets[last]]
            owner = np.repeat(np.arange(last - first), self.counts[first:last])
            cell = (time[rows] * (last - first) + owner) * self._size + self._unit[rows]
            counts = np.bincount(cell, minlength=length * (last - first) * self._size)
            if counts.max(initial=0) > limit:
                raise InvalidValue(
                    f"EventDataset.dense: a cell holds {counts.max()} events, more than {kind} can "
                    "count. Use float32, or a shorter step."
                )
            grid[:, first:last] = counts.reshape(length, last - first, self._size)
        return grid.reshape(length, len(self), *self._shape)

    def _rows(self, chosen: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Row numbers of the chosen recordings one after another, and their new offsets."""
        counts = self.counts[chosen]
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        rows = np.arange(offsets[-1]) + np.repeat(self._offsets[chosen] - offsets[:-1], counts)
        return rows, offsets

    # -- the file -----------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write an HDF5 file, whole or not at all, under a checksum of all its bytes."""
        with atomic(path) as tmp:
            with h5py.File(tmp, "w", libver=("v110", "v110"), userblock_size=BLOCK) as file:
                file.attrs["header"] = json.dumps(self._header(), sort_keys=True)
                for name, column in self._columns().items():
                    packed = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
                    file.create_dataset(name, data=column, **(packed if len(column) else {}))
            seal(tmp, FORMAT)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> EventDataset:
        """Read a file written by `save`, and verify it.

        Raises:
            FileNotFoundError: there is no such file.
            CorruptFile: the file is truncated, damaged, or of another kind; the message says what
                is wrong with it.
        """
        where = Path(path)
        if not where.is_file():
            raise FileNotFoundError(f"EventDataset.load: no file {where}")
        verify(where, FORMAT)
        try:
            with h5py.File(where, "r") as file:
                header = json.loads(str(file.attrs["header"]))
                columns = {name: _stored(file, name, where) for name in _COLUMNS}
            tick = Fraction(header.pop("tick"))
            shape = tuple(header.pop("shape"))
            return cls(**columns, **header, shape=shape, clock=Clock(tick))
        except CorruptFile:
            raise
        except (OSError, KeyError, RuntimeError, TypeError, ValueError, ArithmeticError) as error:
            raise CorruptFile(
                f"{where}: not written by EventDataset.save ({error}). Write it again."
            ) from error

    def _columns(self) -> dict[str, NDArray[Any]]:
        return {name: getattr(self, f"_{name}") for name in _COLUMNS}

    def _header(self) -> dict[str, Any]:
        values = (
            list(self._shape),
            str(self._clock.tick),
            list(self._classes),
            self._name,
            self._source,
            self._attributes,
        )
        return dict(zip(_HEADER, values, strict=True))


def _column(name: str, given: ArrayLike) -> NDArray[Any]:
    """A read-only column of the right dtype that nobody else can write to."""
    dtype = _COLUMNS.get(name, np.int64)
    column = np.asarray(given)
    if column.ndim != 1:
        raise InvalidValue(f"EventDataset.{name}: got shape {column.shape}, expected one column")
    if column.size and not np.issubdtype(column.dtype, np.integer):
        raise InvalidValue(f"EventDataset.{name}: got dtype {column.dtype}, expected integers")
    info = np.iinfo(dtype)
    if column.size and (int(column.min()) < info.min or int(column.max()) > info.max):
        raise InvalidValue(f"EventDataset.{name}: values do not fit {np.dtype(dtype)}")
    column = column.astype(dtype)  # a copy
    column.flags.writeable = False
    return column


def _stored(file: h5py.File, name: str, where: Path) -> NDArray[Any]:
    node = file[name]
    if not isinstance(node, h5py.Dataset):
        raise CorruptFile(f"{where}: {name!r} is not a data set, expected one column")
    if node.dtype != _COLUMNS[name]:
        raise CorruptFile(
            f"{where}: column {name!r} has dtype {node.dtype}, expected {np.dtype(_COLUMNS[name])}"
        )
    return node[()]


def _plain(attributes: Mapping[str, Attribute]) -> dict[str, Attribute]:
    for key, value in attributes.items():
        if not isinstance(value, str | int | float | bool):
            raise InvalidValue(
                f"EventDataset.attributes[{key!r}]: got {type(value).__name__}, expected a str, "
                "int, float or bool"
            )
    return {str(key): value for key, value in attributes.items()}
