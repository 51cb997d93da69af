"""Records on disk: columns of an HDF5 file that grow while a simulation runs.

The file is flushed after every chunk, so whatever happens to the process or the disk, what was
written before can be read with `read`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.errors import CorruptFile, InvalidValue
from neuro.events import Events
from neuro.record import Record, Sampling

KIND = "neuro simulation record 1"
ROWS = 1 << 14  # rows of a compressed block of a column of single numbers


class File:
    """Columns in a new HDF5 file.

    Args:
        path: must not exist yet.

    Raises:
        InvalidValue: the file exists, or cannot be made.
    """

    def __init__(self, path: str | os.PathLike[str], clock: Clock, fingerprint: str) -> None:
        self.path = Path(path)
        try:
            self._file: Any = h5py.File(self.path, "x")
        except FileExistsError:
            raise InvalidValue(
                f"stream: {self.path} exists already; choose another name or delete it"
            ) from None
        except OSError as error:
            raise InvalidValue(f"stream: {self.path} cannot be made ({error})") from error
        self._file.attrs["kind"] = KIND
        self._file.attrs["tick"] = [clock.tick.numerator, clock.tick.denominator]
        self._file.attrs["fingerprint"] = fingerprint

    def append(self, name: str, rows: NDArray[Any]) -> None:
        """Add rows to a column.

        Raises:
            InvalidValue: the disk is full or failed; what was written before stays readable.
        """
        try:
            at = key(name)
            if at not in self._file:
                block = (max(1, ROWS // max(1, int(np.prod(rows.shape[1:])))), *rows.shape[1:])
                self._file.create_dataset(
                    at, data=rows, maxshape=(None, *rows.shape[1:]), chunks=block
                )
            elif len(rows):
                column = self._file[at]
                before = len(column)
                column.resize(before + len(rows), axis=0)
                column[before:] = rows
            self._file.flush()
        except OSError as error:
            raise InvalidValue(
                f"stream: writing to {self.path} failed ({error.strerror or error}); what was "
                "written before can be read with neuro.sim.read_record. Free some space, record "
                "less (Probe(..., units=, every=)), or stream elsewhere."
            ) from error

    def describe(self, facts: dict[str, Any]) -> None:
        """Say what the columns mean, so that `read` can make a Record of them."""
        self._file.attrs["facts"] = json.dumps(facts)
        self._file.flush()

    def end(self, duration: int) -> None:
        """Note how many ticks are in the file."""
        self._file.attrs["duration"] = duration
        self._file.flush()

    def columns(self) -> Mapping[str, NDArray[Any]]:
        """What was written, to be read when it is asked for; nothing can be added any more."""
        self._file.close()
        return _Columns(self.path)


def read(path: str | os.PathLike[str]) -> Record:
    """The record in a file that `Simulation.run(..., stream=path)` wrote, whole or cut short.

    Signals are read from the file when they are asked for, one at a time.

    Raises:
        CorruptFile: it is not such a file.
    """
    try:
        with h5py.File(path, "r") as opened:
            file: Any = opened
            if file.attrs.get("kind") != KIND:
                raise CorruptFile(f"{path}: not a record of a simulation")
            numerator, denominator = (int(x) for x in file.attrs["tick"])
            facts = json.loads(file.attrs["facts"])
            duration, fingerprint = int(file.attrs["duration"]), str(file.attrs["fingerprint"])
    except OSError as error:
        raise CorruptFile(f"{path}: cannot be read as HDF5 ({error})") from error
    clock = Clock(Fraction(numerator, denominator))
    return record(_Columns(Path(path)), facts, duration, clock, fingerprint)


class _Columns(Mapping[str, NDArray[Any]]):
    """The columns of a file, read when they are asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __getitem__(self, name: str) -> NDArray[Any]:
        with h5py.File(self._path, "r") as file:
            column: Any = file[key(name)]
            return column[:]

    def __iter__(self) -> Iterator[str]:
        with h5py.File(self._path, "r") as file:
            yield from (str(name).replace("|", "/") for name in file)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def record(
    columns: Mapping[str, NDArray[Any]], facts: dict[str, Any], duration: int, clock: Clock,
    fingerprint: str,
) -> Record:  # fmt: skip
    """A Record of columns; what belongs to a chunk that was not finished is left out.

    Args:
        facts: name -> {"kind": "spikes" or "signal", "units": shape, "first", "every", "graded"}.
    """
    signals = Signals(columns, facts, duration, clock)
    samplings = {
        name: Sampling(fact["first"], fact["every"])
        for name, fact in facts.items()
        if fact["kind"] != "spikes"
    }
    return Record(signals, clock, fingerprint, samplings)


class Signals(Mapping[str, Any]):
    """The signals that columns hold, made when they are asked for; see `record`."""

    def __init__(
        self, columns: Mapping[str, NDArray[Any]], facts: dict[str, Any], duration: int,
        clock: Clock,
    ) -> None:  # fmt: skip
        self._columns, self._facts, self._duration, self._clock = columns, facts, duration, clock

    def __iter__(self) -> Iterator[str]:
        return iter(self._facts)

    def __len__(self) -> int:
        return len(self._facts)

    def __getitem__(self, name: str) -> Any:
        fact, columns, duration = self._facts[name], self._columns, self._duration
        units = tuple(fact["units"])
        if fact["kind"] == "spikes":
            t = columns[f"{name}/t"]
            whole = int(np.searchsorted(t, duration))
            unit = columns[f"{name}/unit"][:whole]
            value = columns[f"{name}/value"][:whole] if fact["graded"] else None
            return [Events(t[:whole], unit, units, duration, self._clock, value)]
        rows = max(0, -(-(duration - fact["first"]) // fact["every"]) + fact["more"])
        array = columns[name][:rows]
        return array.reshape(len(array), 1, *units)


def key(name: str) -> str:
    """A name that HDF5 does not take apart."""
    return name.replace("/", "|")
