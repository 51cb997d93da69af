"""N-MNIST and N-Caltech101: their `.bin` recordings and N-MNIST's folder layout."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path, PurePosixPath

import numpy as np

from neuro.data.dataset import EventDataset
from neuro.errors import CorruptFile, InvalidValue
from neuro.events import Events
from neuro.files import atomic
from neuro.formats._base import PIECE, Damage, Options
from neuro.formats.nmnist_bin import MICROSECOND, NMNIST_BIN, SENSOR

CLASSES = tuple("0123456789")
SOURCE = (
    "N-MNIST by G. Orchard, A. Jayawant, G. K. Cohen and N. Thakor, Converting Static Image "
    "Datasets to Spiking Neuromorphic Datasets Using Saccades, Front. Neurosci. 9:437 (2015). "
    "Licence CC BY-SA 4.0."
)

_HELD_OUT = 6  # one in six is tested where there is no Test folder (N-MNIST itself: one in seven)
_SPLIT_SEED = 2015

Recordings = list[tuple[str, Callable[[], bytes]]]


def read_nmnist(
    path: str | os.PathLike[str],
    *,
    sensor: tuple[int, int] = SENSOR,
    duration: int | None = None,
) -> Events:
    """Read one `.bin` recording of N-MNIST or N-Caltech101.

    Five bytes an event: x, y, then polarity (1 bit, 1 = ON) and microseconds (23 bits), big
    endian. An event in row 240 marks an overflow: it and all later ones come 2^13 us later (the
    reading of the authors' own eventvision.py and of Tonic; N-MNIST itself needs no marker).

    Args:
        path: the file.
        sensor: rows and columns; N-MNIST (34, 34), N-Caltech101 up to (180, 240).
        duration: microseconds that the recording lasts, by default to its last event.

    Returns:
        Events of shape (2, rows, columns): polarity (0 = OFF, 1 = ON), y, x, in 1 us ticks.

    Raises:
        FileNotFoundError: there is no such file.
        CorruptFile: the file is empty or truncated, an event lies outside the sensor, or time
            runs backwards. The message gives the byte offset and the remedy.
        InvalidValue: `duration` ends before the last event.
    """
    where = Path(path)
    if not where.is_file():
        raise FileNotFoundError(f"read_nmnist: no file {where}")
    return _decode(where.read_bytes(), str(where), sensor, duration)


def write_nmnist(path: str | os.PathLike[str], events: Events) -> None:
    """Write events as an N-MNIST `.bin` file, whole or not at all.

    Args:
        path: the file.
        events: shape (2, rows, columns), at most 240 rows and 256 columns, 1 us ticks, under
            2^23 us (8.4 s); at least one event, since the format cannot tell an empty recording
            from a truncated one. The duration is not stored.

    Raises:
        InvalidValue: the events do not fit the format.
    """
    with atomic(path) as tmp:
        NMNIST_BIN.write(tmp, events)


def nmnist(
    root: str | os.PathLike[str], *, per_class: int | None = None
) -> tuple[EventDataset, EventDataset]:
    """Read N-MNIST: the training and the test recordings.

    Without Test recordings, a fixed stratified sixth of Train is held out instead, and the data
    sets' `source` text says so: such figures are not N-MNIST test figures.

    Args:
        root: folder that holds Train/0..9/*.bin and Test/0..9/*.bin (or the official Train.zip
            and Test.zip), or one .zip file with that layout inside.
        per_class: read only the first so many recordings of each class and folder; all 60,000
            training recordings take about 4 GB of memory.

    Returns:
        (train, test), shape (2, 34, 34), 1 us ticks, ordered by class and file name.

    Raises:
        FileNotFoundError: `root` does not exist, or holds no Train recordings.
        CorruptFile: an archive or a recording is damaged.
        InvalidValue: `per_class` is below 1.
    """
    where = Path(root)
    if per_class is not None and per_class < 1:
        raise InvalidValue(f"nmnist.per_class: got {per_class}, expected at least 1")
    if not where.exists():
        raise FileNotFoundError(f"nmnist: no folder or .zip file {where}")
    with ExitStack() as stack:
        found = {part: _find(where, part, stack) for part in ("Train", "Test")}
        if not any(found["Train"]):
            raise FileNotFoundError(
                f"nmnist: {where} holds no Train/0..9/*.bin. Expected the layout of the official "
                "archives Train.zip and Test.zip."
            )
        note = ""
        if not any(found["Test"]):
            found["Train"], found["Test"] = _held_out(found["Train"])
            note = (
                f" No Test folder was found: this is a fixed stratified split of Train (1 in "
                f"{_HELD_OUT} held out), not N-MNIST's test set."
            )
        train = _read(found["Train"], "N-MNIST train", SOURCE + note, per_class)
        name = "N-MNIST held-out train" if note else "N-MNIST test"
        return train, _read(found["Test"], name, SOURCE + note, per_class)


def _held_out(train: list[Recordings]) -> tuple[list[Recordings], list[Recordings]]:
    """Train without, and with only, a fixed random part of each class."""
    rng = np.random.default_rng(_SPLIT_SEED)
    kept: list[Recordings] = []
    held: list[Recordings] = []
    for files in train:
        chosen = set(rng.permutation(len(files))[: round(len(files) / _HELD_OUT)].tolist())
        kept.append([file for i, file in enumerate(files) if i not in chosen])
        held.append([file for i, file in enumerate(files) if i in chosen])
    return kept, held


def _read(found: list[Recordings], name: str, source: str, per_class: int | None) -> EventDataset:
    recordings, labels = [], []
    for label, files in enumerate(found):
        for path, load in files[:per_class]:
            recordings.append(_decode(load(), path, SENSOR, None))
            labels.append(label)
    if not recordings:
        raise FileNotFoundError("nmnist: too few recordings to hold any out for testing")
    return EventDataset.from_events(recordings, labels, classes=CLASSES, name=name, source=source)


def _find(root: Path, part: str, stack: ExitStack) -> list[Recordings]:
    """The recordings of each class of Train or Test, sorted by name."""
    found: list[Recordings] = [[] for _ in CLASSES]
    archive = root if root.is_file() else root / f"{part}.zip"
    if (root / part).is_dir():
        for path in sorted((root / part).glob("[0-9]/*.bin")):
            found[int(path.parent.name)].append((str(path), path.read_bytes))
    elif archive.is_file():
        for label, name, load in _members(archive, part, stack):
            found[label].append((name, load))
    return found


def _members(
    archive: Path, part: str, stack: ExitStack
) -> Iterator[tuple[int, str, Callable[[], bytes]]]:
    try:
        opened = stack.enter_context(zipfile.ZipFile(archive))
    except zipfile.BadZipFile as error:
        raise CorruptFile(
            f"{archive}: not a whole .zip file ({error}). Download it again."
        ) from error
    for member in sorted(opened.namelist()):
        *_, folder, label, file = ("", "", "", *PurePosixPath(member).parts)
        if folder == part and label in CLASSES and file.endswith(".bin"):
            yield int(label), f"{archive}/{member}", _unpack(opened, archive, member)


def _unpack(opened: zipfile.ZipFile, archive: Path, member: str) -> Callable[[], bytes]:
    def load() -> bytes:
        try:
            return opened.read(member)
        except (zipfile.BadZipFile, OSError, EOFError, ValueError) as error:
            raise CorruptFile(
                f"{archive}/{member}: damaged ({error}). Download the archive again."
            ) from error

    return load


def _decode(raw: bytes, where: str, sensor: tuple[int, int], duration: int | None) -> Events:
    """The events of one recording, wherever its bytes come from (a folder, or an archive)."""
    rows, columns = sensor
    shape = (2, rows, columns)
    opened = NMNIST_BIN.open(Path(where), np.frombuffer(raw, np.uint8), Options(shape))
    last, times, units = -1, [], []
    for item in opened.pieces(PIECE):
        if isinstance(item, Damage):
            raise CorruptFile(f"{where}: {item.why}. Copy or download the file again.")
        t, (p, y, x) = item.t, item.axes
        outside = (x >= columns) | (y >= rows)
        if outside.any():
            row = int(outside.argmax())
            raise CorruptFile(
                f"{where}: the event at byte {item.at(row)} is at x={x[row]}, y={y[row]}, outside "
                f"the sensor of {columns} columns and {rows} rows. Check the sensor size or the "
                "file."
            )
        before = np.concatenate([[last], t[:-1]])
        back = np.flatnonzero(t < before)
        if back.size:
            row = int(back[0])
            raise CorruptFile(
                f"{where}: the event at byte {item.at(row)} is at {t[row]} us, before its "
                f"predecessor at {before[row]} us; time cannot run backwards. Download the file "
                "again."
            )
        last = int(t[-1]) if len(t) else last
        times.append(t)
        units.append((p.astype(np.int32) * rows + y) * columns + x)
    return Events.sorted(
        np.concatenate(times), np.concatenate(units), shape=shape, clock=MICROSECOND,
        duration=duration,
    )  # fmt: skip
