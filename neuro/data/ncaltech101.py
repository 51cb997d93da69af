"""N-Caltech101: pictures of Caltech101 seen by a moving event camera."""

from __future__ import annotations

import os
from pathlib import Path

from neuro.clock import Clock
from neuro.data.folder import EventFolder, by_class, held_out
from neuro.data.nmnist import read_nmnist
from neuro.events import Events
from neuro.units import us

SENSOR = (180, 240)
SOURCE = (
    "N-Caltech101 by G. Orchard, A. Jayawant, G. K. Cohen and N. Thakor, Front. Neurosci. 9:437 "
    "(2015). Split here: a fixed random fifth of each class is tested."
)
_HELD_OUT, _SEED = 5, 2015


def ncaltech101(root: str | os.PathLike[str]) -> tuple[EventFolder, EventFolder]:
    """Read N-Caltech101: 8,709 recordings of three saccades.

    There is no official split: a fixed random fifth of each class is tested, and the data sets'
    `source` says so. Recordings have differing sizes; they lie in the upper left of the sensor.

    Args:
        root: folder somewhere below which lie <class>/*.bin; the folders' names are the classes.

    Returns:
        (train, test), shape (2, 180, 240), 1 us ticks, read when looked at.

    Raises:
        FileNotFoundError: there are no recordings.
    """
    where = Path(root)
    found = (path for path in where.rglob("*.bin") if not path.name.startswith("._"))
    classes = sorted({path.parent.name for path in found})
    if not classes:
        raise FileNotFoundError(f"ncaltech101: {where} holds no <class>/*.bin")
    paths, labels = by_class(where, ".bin", classes, name="ncaltech101")
    folder = EventFolder(
        _read, paths, labels, shape=(2, *SENSOR), clock=Clock(1 * us), classes=classes,
        name="N-Caltech101", source=SOURCE,
    )  # fmt: skip
    test = held_out(labels, _HELD_OUT, _SEED)
    return folder.select(~test), folder.select(test)


def _read(path: Path) -> Events:
    return read_nmnist(path, sensor=SENSOR)
