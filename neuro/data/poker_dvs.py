"""Poker-DVS: the pips of playing cards passing an event camera."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from neuro.clock import Clock
from neuro.data.dataset import EventDataset
from neuro.data.folder import EventFolder, by_class
from neuro.errors import CorruptFile
from neuro.events import Events
from neuro.units import us

SHAPE = (2, 35, 35)
CLASSES = ("cl", "he", "di", "sp")  # clubs, hearts, diamonds, spades
SOURCE = (
    "Poker-DVS by T. Serrano-Gotarredona and B. Linares-Barranco, Front. Neurosci. 9:481 (2015). "
    "No licence is stated."
)


def poker_dvs(root: str | os.PathLike[str]) -> tuple[EventDataset, EventDataset]:
    """Read Poker-DVS in the conversion that has a training and a test folder.

    Args:
        root: folder somewhere below which lie .../*train*/.../cl/*.npy to sp/*.npy, and likewise
            for test; each file has columns t (microseconds), x, y, polarity.

    Returns:
        (train, test), shape (2, 35, 35), 1 us ticks.

    Raises:
        FileNotFoundError: a folder is missing.
        CorruptFile: a file is damaged or of another layout.
    """
    train, test = (
        EventFolder(
            _read, *by_class(root, ".npy", CLASSES, name="poker_dvs", under=part),
            shape=SHAPE, clock=Clock(1 * us), classes=CLASSES, name=f"Poker-DVS {part}",
            source=SOURCE,
        ).load()
        for part in ("train", "test")
    )  # fmt: skip
    return train, test


def _read(path: Path) -> Events:
    try:
        table = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise CorruptFile(f"{path}: not a whole .npy file ({error})") from error
    if table.ndim != 2 or table.shape[1] != 4 or table.dtype.kind not in "iu":
        raise CorruptFile(
            f"{path}: shape {table.shape} of {table.dtype}, expected whole numbers [events, 4]"
        )
    t, x, y, polarity = table.astype(np.int64).T
    rows, wide = SHAPE[1:]
    bad = (t < 0) | (x < 0) | (x >= wide) | (y < 0) | (y >= rows) | (polarity < 0) | (polarity > 1)
    if bad.any():
        i = int(bad.argmax())
        raise CorruptFile(
            f"{path}: event {i} is t={t[i]}, x={x[i]}, y={y[i]}, p={polarity[i]}, expected t >= 0, "
            f"x below {wide}, y below {rows}, p 0 or 1"
        )
    return Events.sorted(t, (polarity * rows + y) * wide + x, shape=SHAPE, clock=Clock(1 * us))
