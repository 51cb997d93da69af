"""Braille letters read by a robot finger: touch sensors turned into events by send-on-delta."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.data.dataset import EventDataset
from neuro.data.folder import find
from neuro.encode.delta import delta
from neuro.errors import CorruptFile

FILE = "tutorial5_braille_spiking_data.pkl.gz"
CLASSES = ("Space", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
TAXELS = 12
CLOCK = Clock(Fraction(1, 40))  # the sensors are sampled at 40 Hz
TESTED_FROM = 40  # repetitions 40 to 49 of each letter are tested
SOURCE = (
    "Tactile Braille Letters by S. F. Müller-Cleve et al., Front. Neurosci. 16:951164 (2022), "
    "doi:10.5281/zenodo.6556273, licence CC BY 4.0; turned into events by send-on-delta."
)
_LIMIT = 1 << 28  # bytes that the file may unpack to
# All that an array needs to be unpickled, under the names of NumPy 1 and 2.
_ALLOWED = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
}


def braille(
    root: str | os.PathLike[str], *, threshold: float = 5.0
) -> tuple[EventDataset, EventDataset]:
    """Read the Braille letters: 27 letters, 50 repetitions, 12 touch sensors.

    Every sensor gives an UP event for each `threshold` that its value has risen since the last
    one, and a DOWN event for each that it has fallen (`neuro.encode.delta`). The paper uses 1, 2, 5
    and 10 of the sensors' 256 steps. Touch lowers the stored value; here it counts as UP.

    Args:
        root: folder with the file, or the file: `tutorial5_braille_spiking_data.pkl.gz`, or an
            .npz with x [n, frames, 12], y, repetition and classes.
        threshold: steps of the sensor for one event, above 0.

    Returns:
        (train, test), shape (2, 12): DOWN = 0 or UP = 1, sensor; ticks of 25 ms. Repetitions 0 to
        39 are trained on, 40 to 49 tested; a file without the latter gives an empty test set.

    Raises:
        FileNotFoundError: there is no such file.
        CorruptFile: it is damaged, or holds something else than these arrays.
    """
    where = Path(root)
    path = where if where.is_file() else find(where, FILE, "braille")
    touches, labels, repetitions = _from_npz(path) if path.suffix == ".npz" else _pickled(path)
    parts: list[EventDataset] = []
    for name, wanted in (
        ("train", repetitions < TESTED_FROM),
        ("test", repetitions >= TESTED_FROM),
    ):
        recordings = [
            delta(touches[i], threshold=threshold, clock=CLOCK) for i in np.flatnonzero(wanted)
        ]
        counts = [len(events) for events in recordings]
        joined = [np.zeros(0, np.int64), *(events.t for events in recordings)]
        units = [np.zeros(0, np.int32), *(events.unit for events in recordings)]
        parts.append(
            EventDataset(
                np.concatenate(joined), np.concatenate(units), np.cumsum([0, *counts]),
                [events.duration for events in recordings], labels[wanted], shape=(2, TAXELS),
                clock=CLOCK, classes=CLASSES, name=f"Braille letters {name}", source=SOURCE,
                attributes={"threshold": float(threshold)},
            )
        )  # fmt: skip
    return parts[0], parts[1]


Recordings = tuple[list[NDArray[np.float64]], NDArray[np.int64], NDArray[np.int64]]


def _pickled(path: Path) -> Recordings:
    """The authors' file: a pickle, read by a reader that builds arrays and calls nothing else."""
    try:
        with gzip.open(path, "rb") as file:
            raw = file.read(_LIMIT + 1)
        if len(raw) > _LIMIT:
            raise CorruptFile(f"{path}: unpacks to more than {_LIMIT:,} bytes")
        found = _Arrays(io.BytesIO(raw)).load()
        entries = found.values() if isinstance(found, dict) else found
        rows = [(e["taxel_data"], e["letter"], e["repetition"]) for e in entries]
        touches = [_touch(path, np.asarray(r[0], dtype=np.float64)) for r in rows]
        labels = np.array([CLASSES.index(r[1]) for r in rows], np.int64)
        repetitions = np.array([int(r[2]) for r in rows], np.int64)
    except CorruptFile:
        raise
    except (OSError, EOFError, zlib.error, pickle.UnpicklingError) as error:
        raise CorruptFile(f"{path}: damaged, or not the expected pickle ({error})") from error
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise CorruptFile(f"{path}: not the layout of the Braille letters ({error!r})") from error
    return touches, labels, repetitions


class _Arrays(pickle.Unpickler):
    """Builds arrays and plain containers, and refuses everything that could run code."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it wants {module}.{name}, which is refused")
        if name == "_reconstruct":
            return _empty
        return np.dtype if name == "dtype" else np.ndarray


def _empty(kind: Any, shape: Any, code: Any) -> NDArray[Any]:
    """What an array's pickle begins with: an empty array that its state is then put into."""
    if kind is not np.ndarray:
        raise pickle.UnpicklingError("it rebuilds something else than an array")
    return np.ndarray.__new__(np.ndarray, (0,), "b")


def _from_npz(path: Path) -> Recordings:
    try:
        with np.load(path, allow_pickle=False) as file:
            x, y, repetition = file["x"], file["y"], file["repetition"]
            classes = tuple(str(c) for c in file["classes"])
    except (OSError, KeyError, ValueError, EOFError, zlib.error) as error:
        raise CorruptFile(f"{path}: not the layout of the Braille letters ({error!r})") from error
    if x.ndim != 3 or not len(x) == len(y) == len(repetition) or classes != CLASSES:
        raise CorruptFile(
            f"{path}: x {x.shape}, y {y.shape}, repetition {repetition.shape}, {len(classes)} "
            f"classes; expected x [n, frames, {TAXELS}], y [n], repetition [n], {len(CLASSES)}"
        )
    touches = [_touch(path, recording.astype(np.float64)) for recording in x]
    return touches, y.astype(np.int64), repetition.astype(np.int64)


def _touch(path: Path, taxels: NDArray[np.float64]) -> NDArray[np.float64]:
    """How hard each sensor is touched, [frames, 12] from 0 to 255."""
    if taxels.ndim != 2 or taxels.shape[1] != TAXELS or len(taxels) < 2:
        raise CorruptFile(f"{path}: a recording of shape {taxels.shape}, expected [frames, 12]")
    if not ((taxels >= 0) & (taxels <= 255)).all():
        raise CorruptFile(f"{path}: a sensor's value lies outside 0 to 255")
    return 255.0 - taxels
