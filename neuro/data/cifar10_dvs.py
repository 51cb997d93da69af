"""CIFAR10-DVS: pictures of CIFAR-10 moved before an event camera."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import numpy as np

from neuro.clock import Clock
from neuro.data.folder import EventFolder, Order, by_class
from neuro.events import Events
from neuro.units import us

SHAPE = (2, 128, 128)
CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
SOURCE = (
    "CIFAR10-DVS by H. Li, H. Liu, X. Ji, G. Li and L. Shi, Front. Neurosci. 11:309 (2017). "
    "Split here: the last tenth of each class, by number, is tested."
)
_HELD_OUT = 10


def cifar10_dvs(
    root: str | os.PathLike[str], *, order: Order = "check"
) -> tuple[EventFolder, EventFolder]:
    """Read CIFAR10-DVS: 10,000 recordings.

    There is no official split. Of each class, the tenth with the highest numbers is tested, and
    the data sets' `source` says so.

    Args:
        root: folder somewhere below which lie airplane/*.aedat to truck/*.aedat (AEDAT 2.0).
        order: "check" refuses time that runs backwards, "sort" brings it in order.

    Returns:
        (train, test), shape (2, 128, 128), 1 us ticks from the first event, read when looked at.

    Raises:
        FileNotFoundError: a class is missing.
    """
    paths, labels = by_class(root, ".aedat", CLASSES, name="cifar10_dvs")
    counts = np.bincount(labels)
    place = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    test = place >= (counts - np.maximum(counts // _HELD_OUT, 1))[labels]
    folder = EventFolder(
        functools.partial(_read, order=order), paths, labels, shape=SHAPE, clock=Clock(1 * us),
        classes=CLASSES, name="CIFAR10-DVS", source=SOURCE,
    )  # fmt: skip
    return folder.select(~test), folder.select(test)


def _read(path: Path, order: Order) -> Events:
    from neuro.formats import read_events

    return read_events(path, format="aedat2", sensor=SHAPE, order=order, rebase=True)
