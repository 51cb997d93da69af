"""DVS128 Gesture: recordings of a person's gestures, cut at the times of their label files."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from neuro.clock import Clock
from neuro.data.folder import EventFolder, Order, find
from neuro.errors import CorruptFile
from neuro.events import Events
from neuro.units import us

SHAPE = (2, 128, 128)
CLASSES = (
    "hand clapping", "right hand wave", "left hand wave", "right arm clockwise",
    "right arm counter-clockwise", "left arm clockwise", "left arm counter-clockwise", "arm roll",
    "air drums", "air guitar", "other gestures",
)  # fmt: skip
SOURCE = (
    "DVS128 Gesture by A. Amir et al., A Low Power, Fully Event-Based Gesture Recognition System, "
    "CVPR 2017. Licence CC BY 4.0."
)
_HEADER = ["class", "startTime_usec", "endTime_usec"]


@dataclass(frozen=True)
class Gesture:
    """Where one gesture is: its file, and first and last microsecond (the last is not in it)."""

    path: Path
    start: int
    stop: int


def dvs_gesture(
    root: str | os.PathLike[str], *, order: Order = "check"
) -> tuple[EventFolder, EventFolder]:
    """Read DVS128 Gesture: one recording for each row of the label files, 1176 and 288.

    A gesture lasts from its start to its end as the label file says, and its time is counted from
    the start. Where two rows overlap (user22_led, class 9), both recordings hold the events.

    Args:
        root: folder somewhere below which lie trials_to_train.txt and trials_to_test.txt, and
            beside each of these the user*.aedat (AEDAT 3.1) and user*_labels.csv they list.
        order: "check" refuses time that runs backwards, "sort" brings it in order.

    Returns:
        (train, test), shape (2, 128, 128), 1 us ticks, read when looked at. One after another is
        quick, since the gestures of a file are read from it at once.

    Raises:
        FileNotFoundError: a file is missing.
        CorruptFile: a label file has another layout; the message names the line.
    """
    folders = []
    for part in ("train", "test"):
        trials = find(root, f"trials_to_{part}.txt", "dvs_gesture")
        gestures: list[Gesture] = []
        labels: list[int] = []
        for line in trials.read_text(encoding="utf-8").split():
            path = trials.parent / line
            if not path.is_file():
                raise FileNotFoundError(f"dvs_gesture: {trials} lists {line}, which is missing")
            for label, start, stop in _rows(path.with_name(f"{path.stem}_labels.csv")):
                gestures.append(Gesture(path, start, stop))
                labels.append(label)
        folders.append(
            EventFolder(
                _Reader(order), gestures, labels, shape=SHAPE, clock=Clock(1 * us),
                classes=CLASSES, name=f"DVS128 Gesture {part}", source=SOURCE,
            )
        )  # fmt: skip
    return folders[0], folders[1]


def _rows(path: Path) -> list[tuple[int, int, int]]:
    """Label from 0, start and stop of each gesture of a label file."""
    if not path.is_file():
        raise FileNotFoundError(f"dvs_gesture: no label file {path}")
    with open(path, encoding="utf-8-sig", newline="") as file:
        lines = [[cell.strip() for cell in row] for row in csv.reader(file) if row]
    if not lines or lines[0] != _HEADER:
        raise CorruptFile(f"{path}: line 1 is {lines[:1]}, expected {','.join(_HEADER)}")
    rows = []
    for number, row in enumerate(lines[1:], start=2):
        good = len(row) == 3 and all(cell.isascii() and cell.isdigit() for cell in row)
        label, start, stop = map(int, row) if good else (0, 0, 0)
        if not (1 <= label <= len(CLASSES) and start < stop):
            raise CorruptFile(
                f"{path}: line {number} is {','.join(row)}, expected a class from 1 to "
                f"{len(CLASSES)} and a start before the end"
            )
        rows.append((label - 1, start, stop))
    return rows


@dataclass
class _Reader:
    """Cuts gestures; the file of the last one is kept, since the next one is often in it."""

    order: Order
    held: tuple[Path, Events] | None = field(default=None, repr=False)

    def __call__(self, gesture: Gesture) -> Events:
        from neuro.formats import read_events

        held = self.held
        if held is None or held[0] != gesture.path:
            events = read_events(gesture.path, format="aedat3", sensor=SHAPE, order=self.order)
            held = self.held = gesture.path, events
        events = held[1]
        first, last = np.searchsorted(events.t, [gesture.start, gesture.stop])
        return Events(
            events.t[first:last] - gesture.start, events.unit[first:last], SHAPE,
            gesture.stop - gesture.start, events.clock,
        )  # fmt: skip

    def __getstate__(self) -> dict[str, object]:
        return {"order": self.order, "held": None}  # a worker reads its own
