"""EventFolder: labelled recordings that stay in their files until they are looked at."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.clock import Clock
from neuro.data._chosen import chosen_rows
from neuro.data.dataset import EventDataset
from neuro.errors import CorruptFile, InvalidValue
from neuro.events import Events

Order = Literal["check", "sort"]


class EventFolder(Sequence[tuple[Events, int]]):
    """Labelled recordings in files, for sets that are larger than memory.

    `folder[i]` reads recording i and gives `(Events, label)`; nothing is kept. `load()` reads all
    of them into an EventDataset, `folder.select(...)` chooses before.

    Args:
        read: reads one item.
        items: what `read` is given for each recording, e.g. a path.
        labels: int [n], index into `classes`.
        shape: of the sensor.
        clock: of all recordings.
        classes: name of each class.
        name: of the data set.
        source: where the data come from and under which licence.

    Raises:
        InvalidValue: numbers of items and labels differ, or a label has no class.
    """

    def __init__(
        self,
        read: Callable[[Any], Events],
        items: Sequence[Any],
        labels: ArrayLike,
        *,
        shape: tuple[int, ...],
        clock: Clock,
        classes: Sequence[str],
        name: str,
        source: str = "",
    ) -> None:
        self._read, self._items = read, list(items)
        self.shape, self.clock = tuple(shape), clock
        self.classes, self.name, self.source = tuple(classes), name, source
        self._labels = np.array(labels, dtype=np.int64)
        self._labels.flags.writeable = False
        if self._labels.shape != (len(self._items),):
            raise InvalidValue(
                f"EventFolder.labels: shape {self._labels.shape} for {len(self._items)} items"
            )
        if len(self._labels) and not 0 <= self._labels.min() <= self._labels.max() < len(classes):
            raise InvalidValue(
                f"EventFolder.labels: {self._labels.min()} to {self._labels.max()}, expected "
                f"0 <= label < {len(classes)} classes"
            )

    @property
    def labels(self) -> NDArray[np.int64]:
        """Class of each recording, int64 [n], read-only."""
        return self._labels

    @property
    def items(self) -> tuple[Any, ...]:
        """What each recording is read from, e.g. its path."""
        return tuple(self._items)

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> tuple[Events, int]: ...
    @overload
    def __getitem__(self, index: slice) -> EventFolder: ...
    def __getitem__(self, index: int | slice) -> tuple[Events, int] | EventFolder:
        """`(Events, label)` of one recording, read now; a slice gives an EventFolder."""
        if isinstance(index, slice):
            return self.select(range(*index.indices(len(self))))
        item = self._items[index]
        events = self._read(item)
        if (events.shape, events.clock) != (self.shape, self.clock):
            raise CorruptFile(
                f"{item}: shape {events.shape} and {events.clock!r}, the set has {self.shape} and "
                f"{self.clock!r}"
            )
        return events, int(self._labels[index])

    def __iter__(self) -> Iterator[tuple[Events, int]]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return (
            f"EventFolder({self.name!r}: {len(self)} recordings in files, {len(self.classes)} "
            f"classes, shape={self.shape}, {self.clock!r} ticks)"
        )

    def select(self, indices: ArrayLike | range) -> EventFolder:
        """The recordings with these numbers, in this order; a boolean mask [n] also works.

        Raises:
            InvalidValue: a number is out of range, or the mask has the wrong length.
        """
        numbers = chosen_rows("EventFolder.select", indices, len(self)).tolist()
        return EventFolder(
            self._read, [self._items[i] for i in numbers], self._labels[numbers],
            shape=self.shape, clock=self.clock, classes=self.classes, name=self.name,
            source=self.source,
        )  # fmt: skip

    def load(self) -> EventDataset:
        """Read every recording into memory."""
        return EventDataset.from_events(
            [events for events, _ in self], self._labels, classes=self.classes, name=self.name,
            source=self.source,
        )  # fmt: skip


def by_class(
    root: str | os.PathLike[str], ending: str, classes: Sequence[str], *, name: str, under: str = ""
) -> tuple[list[Path], NDArray[np.int64]]:
    """Files in folders that are called like their class, anywhere below `root`.

    Args:
        root: of the set.
        ending: of the files, e.g. ".dat".
        classes: names of the folders, in order of the labels.
        name: of the set, for messages.
        under: only files below a folder whose name contains this word.

    Returns:
        (paths, labels), ordered by class, then by the numbers in the file's name.

    Raises:
        FileNotFoundError: there is no such folder, or no file of some class.
    """
    where = Path(root)
    if not where.is_dir():
        raise FileNotFoundError(f"{name}: no folder {where}")
    number = {c: i for i, c in enumerate(classes)}
    found: list[tuple[int, list[Any], Path]] = []
    for path in where.rglob(f"*{ending}"):
        above = path.relative_to(where).parts[:-1]
        label = number.get(path.parent.name)
        if label is None or (under and not any(under in part for part in above)):
            continue
        if path.name.startswith("._"):
            continue  # what macOS puts beside each file of an archive
        found.append((label, natural(path.name), path))
    found.sort(key=lambda row: (row[0], row[1], str(row[2])))
    labels = np.array([label for label, *_ in found], dtype=np.int64)
    lacking = [c for i, c in enumerate(classes) if i not in set(labels.tolist())]
    if lacking:
        part = f" under a folder called *{under}*" if under else ""
        raise FileNotFoundError(
            f"{name}: {where} holds no {lacking[0]}/*{ending}{part}; {len(lacking)} of "
            f"{len(classes)} classes are missing"
        )
    return [path for *_, path in found], labels


def natural(name: str) -> list[Any]:
    """A key that orders names by the numbers in them: a2 before a10."""
    parts = re.split(r"(\d+)", name)
    return [int(p) if i % 2 else p for i, p in enumerate(parts)]


def held_out(labels: NDArray[np.int64], one_in: int, seed: int) -> NDArray[np.bool_]:
    """Which recordings a fixed random split holds out: about one in `one_in` of each class.

    A class of at least two recordings has one in either part.
    """
    rng = np.random.default_rng(seed)
    test = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        count = max(round(len(members) / one_in), 1 if len(members) > 1 else 0)
        test[members[:count]] = True
    return test


def find(root: str | os.PathLike[str], file: str, name: str) -> Path:
    """A file of a set: in its folder, or in a folder that an archive was unpacked into.

    Raises:
        FileNotFoundError: it is in none of them, or in more than one.
    """
    where = Path(root)
    if (where / file).is_file():
        return where / file
    found = sorted(p for p in where.rglob(file) if p.is_file())
    if len(found) != 1:
        what = "more than one" if found else "no"
        raise FileNotFoundError(f"{name}: {where} holds {what} {file}")
    return found[0]
