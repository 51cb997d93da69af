"""ST-MNIST: digits written on a skin of touch sensors."""

from __future__ import annotations

import os
from pathlib import Path

from neuro.clock import Clock
from neuro.data.dataset import EventDataset
from neuro.data.folder import EventFolder, by_class, held_out
from neuro.events import Events
from neuro.units import us

SHAPE = (2, 10, 10)
CLASSES = tuple("0123456789")
SOURCE = (
    "ST-MNIST by H. H. See, B. Lim, S. Li, H. Yao, W. Cheng, H. Soh and B. C. K. Tee, "
    "arXiv:2005.04319 (2020). The terms of the download page hold. Split here: a fixed random "
    "fifth of each digit is tested."
)
_HELD_OUT, _SEED = 5, 2020


def st_mnist(root: str | os.PathLike[str]) -> tuple[EventDataset, EventDataset]:
    """Read ST-MNIST: 6,953 recordings of 100 touch sensors.

    There is no official split: a fixed random fifth of each digit is tested, and the data sets'
    `source` says so.

    Args:
        root: folder somewhere below which lie 0/*.mat to 9/*.mat.

    Returns:
        (train, test), shape (2, 10, 10): pressure falls (0) or rises (1), row, column; 1 us ticks.

    Raises:
        FileNotFoundError: a digit is missing.
        CorruptFile: a file is damaged or of another layout.
    """
    paths, labels = by_class(root, ".mat", CLASSES, name="st_mnist")
    folder = EventFolder(
        _read, paths, labels, shape=SHAPE, clock=Clock(1 * us), classes=CLASSES,
        name="ST-MNIST", source=SOURCE,
    )  # fmt: skip
    test = held_out(labels, _HELD_OUT, _SEED)
    return folder.select(~test).load(), folder.select(test).load()


def _read(path: Path) -> Events:
    from neuro.formats import read_events

    return read_events(path, format="mat", sensor=SHAPE)
