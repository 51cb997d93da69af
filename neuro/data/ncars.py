"""N-Cars: cars and background seen from a car."""

from __future__ import annotations

import functools
import os
from pathlib import Path

from neuro.clock import Clock
from neuro.data.folder import EventFolder, Order, by_class
from neuro.events import Events
from neuro.units import us

SHAPE = (2, 100, 120)
FOLDERS = ("background", "cars")
CLASSES = ("background", "car")
SOURCE = (
    "N-Cars by A. Sironi, M. Brambilla, N. Bourdis, X. Lagorce and R. Benosman, HATS, CVPR 2018. "
    "The terms of the download page hold."
)


def ncars(
    root: str | os.PathLike[str], *, order: Order = "check"
) -> tuple[EventFolder, EventFolder]:
    """Read N-Cars: 24,029 recordings of 100 ms.

    Args:
        root: folder somewhere below which lie .../*train*/.../cars/*.dat and background/*.dat, and
            likewise for test.
        order: "check" refuses time that runs backwards, "sort" brings it in order.

    Returns:
        (train, test), shape (2, 100, 120), 1 us ticks, read when looked at.

    Raises:
        FileNotFoundError: a folder is missing.
    """
    read = functools.partial(_read, order=order)
    train, test = (
        EventFolder(
            read, *by_class(root, ".dat", FOLDERS, name="ncars", under=part),
            shape=SHAPE, clock=Clock(1 * us), classes=CLASSES, name=f"N-Cars {part}", source=SOURCE,
        )
        for part in ("train", "test")
    )  # fmt: skip
    return train, test


def _read(path: Path, order: Order) -> Events:
    from neuro.formats import read_events

    return read_events(path, format="dat", sensor=SHAPE, order=order)
