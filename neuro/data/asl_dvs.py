"""ASL-DVS: letters of the American sign language before an event camera."""

from __future__ import annotations

import functools
import os
from pathlib import Path

from neuro.clock import Clock
from neuro.data.folder import EventFolder, Order, by_class, held_out
from neuro.events import Events
from neuro.units import us

SHAPE = (2, 180, 240)
CLASSES = tuple("abcdefghiklmnopqrstuvwxy")  # j and z need a movement
SOURCE = (
    "ASL-DVS by Y. Bi, A. Chadha, A. Abbas, E. Bourtsoulatze and Y. Andreopoulos, Graph-Based "
    "Object Classification for Neuromorphic Vision Sensing, ICCV 2019. No licence is stated. "
    "Split here: a fixed random fifth of each letter is tested."
)
_HELD_OUT, _SEED = 5, 2019


def asl_dvs(
    root: str | os.PathLike[str], *, order: Order = "check"
) -> tuple[EventFolder, EventFolder]:
    """Read ASL-DVS: 100,800 recordings of about 100 ms.

    There is no official split: a fixed random fifth of each letter is tested, and the data sets'
    `source` says so. The files count rows from the bottom; here y counts from the top.

    Args:
        root: folder somewhere below which lie a/*.mat to y/*.mat.
        order: "check" refuses time that runs backwards, "sort" brings it in order.

    Returns:
        (train, test), shape (2, 180, 240), 1 us ticks from the first event, read when looked at.

    Raises:
        FileNotFoundError: a letter is missing.
    """
    paths, labels = by_class(root, ".mat", CLASSES, name="asl_dvs")
    folder = EventFolder(
        functools.partial(_read, order=order), paths, labels, shape=SHAPE, clock=Clock(1 * us),
        classes=CLASSES, name="ASL-DVS", source=SOURCE,
    )  # fmt: skip
    test = held_out(labels, _HELD_OUT, _SEED)
    return folder.select(~test), folder.select(test)


def _read(path: Path, order: Order) -> Events:
    from neuro.formats import read_events

    events = read_events(path, format="mat", sensor=SHAPE, order=order, rebase=True)
    polarity, y, x = events.coordinates
    rows, wide = SHAPE[1:]
    unit = (polarity * rows + (rows - 1 - y)) * wide + x
    return Events.sorted(events.t, unit, shape=SHAPE, clock=events.clock, duration=events.duration)
