"""N-MNIST and N-Caltech101: their `.bin` recordings and N-MNIST's folder layout."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.data.camera import MICROSECOND
from neuro.data.dataset import EventDataset
from neuro.errors import CorruptFile, InvalidValue
from neuro.events import Events
from neuro.files import atomic

CLASSES = tuple("0123456789")
SENSOR = (34, 34)
SOURCE = (
    "N-MNIST by G. Orchard, A. Jayawant, G. K. Cohen and N. Thakor, Converting Static Image "
    "Datasets to Spiking Neuromorphic Datasets Using Saccades, Front. Neurosci. 9:437 (2015). "
    "Licence CC BY-SA 4.0."
)

_OVERFLOW_ROW = 240  # an event in this row is no event but a time-stamp overflow
_OVERFLOW_TICKS = 1 << 13
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
    shape = events.shape
    if len(shape) != 3 or shape[0] != 2 or shape[1] > _OVERFLOW_ROW or shape[2] > 256:
        raise InvalidValue(
            f"write_nmnist: events have shape {shape}, expected (2, rows <= 240, columns <= 256)"
        )
    if events.clock != MICROSECOND:
        raise InvalidValue(f"write_nmnist: events have {events.clock!r}, expected Clock(1 * us)")
    if events.value is not None:
        raise InvalidValue("write_nmnist: graded events have no place in a .bin file")
    if not len(events):
        raise InvalidValue("write_nmnist: no events; an empty .bin file cannot be read back")
    if events.t[-1] >= 1 << 23:
        raise InvalidValue(
            f"write_nmnist: the last event is at {events.t[-1]} us, the format holds 23 bits "
            "(8388607 us). Slice the recording."
        )
    polarity, y, x = events.coordinates
    word = (polarity << 23) | events.t
    columns = [x, y, word >> 16, (word >> 8) & 255, word & 255]
    with atomic(path) as tmp:
        tmp.write_bytes(np.stack(columns, axis=1).astype(np.uint8).tobytes())


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
    rows, columns = sensor
    if not raw:
        raise CorruptFile(f"{where}: the file is empty, expected 5 bytes an event. Copy it again.")
    if len(raw) % 5:
        whole = len(raw) // 5 * 5
        raise CorruptFile(
            f"{where}: {len(raw)} bytes is not a multiple of 5, so the event at byte {whole} is "
            "cut off. Copy or download the file again."
        )
    table = np.frombuffer(raw, dtype=np.uint8).reshape(-1, 5).astype(np.int64)
    x, y, polarity = table[:, 0], table[:, 1], table[:, 2] >> 7
    marker = y == _OVERFLOW_ROW
    t = ((table[:, 2] & 127) << 16) | (table[:, 3] << 8) | table[:, 4]
    t = t + np.cumsum(marker) * _OVERFLOW_TICKS
    outside = ~marker & ((x >= columns) | (y >= rows))
    if outside.any():
        row = int(outside.argmax())
        raise CorruptFile(
            f"{where}: the event at byte {5 * row} is at x={x[row]}, y={y[row]}, outside the "
            f"sensor of {columns} columns and {rows} rows. Check the sensor size or the file."
        )
    event = np.flatnonzero(~marker)
    back = np.flatnonzero(np.diff(t[event]) < 0)
    if back.size:
        row, before = int(event[back[0] + 1]), int(event[back[0]])
        raise CorruptFile(
            f"{where}: the event at byte {5 * row} is at {t[row]} us, before its predecessor at "
            f"{t[before]} us; time cannot run backwards. Download the file again."
        )
    unit = _unit(polarity[event], y[event], x[event], sensor)
    return Events.sorted(
        t[event], unit, shape=(2, rows, columns), clock=MICROSECOND, duration=duration
    )


def _unit(
    polarity: NDArray[Any], y: NDArray[Any], x: NDArray[Any], sensor: tuple[int, int]
) -> NDArray[np.int64]:
    return (polarity * sensor[0] + y) * sensor[1] + x
