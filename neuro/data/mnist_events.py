"""MNIST and its followers (IDX pictures of ten classes) seen by the simulated event camera."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from neuro.data.dataset import EventDataset
from neuro.data.idx import read_idx
from neuro.encode import EventCamera, saccades
from neuro.errors import CorruptFile, InvalidValue, UnknownName
from neuro.units import ms

CAMERA = EventCamera(threshold=0.3, mismatch=0.03, refractory=2 * ms)
SENSOR = (34, 34)
SOURCE = (
    "IDX pictures in MNIST's layout (MNIST by Y. LeCun, C. Cortes and C. J. C. Burges; "
    "Fashion-MNIST by H. Xiao, K. Rasul and R. Vollgraf, licence MIT), turned into events by a "
    "simulated event camera and the three saccades of N-MNIST (Orchard et al. 2015). These are not "
    "N-MNIST's recordings, and figures do not compare."
)
_FILES = {"train": "train", "test": "t10k"}
_CHUNK = 256  # pictures seen at once


def mnist_events(
    root: str | os.PathLike[str],
    split: Literal["train", "test"] = "train",
    *,
    per_class: int | None = None,
    seed: int = 0,
    camera: EventCamera = CAMERA,
    classes: Sequence[str] = tuple("0123456789"),
    threads: int | None = None,
    progress: bool = False,
) -> EventDataset:
    """Pictures in MNIST's files as event recordings of 300 ms.

    Each picture stands in the middle of a 34x34 sensor and moves through N-MNIST's three saccades.

    Args:
        root: folder with MNIST's or Fashion-MNIST's files under their own names, packed or not:
            train-images-idx3-ubyte(.gz), train-labels-idx1-ubyte(.gz), t10k-...
        split: "train" or "test" (the t10k files).
        per_class: only the first so many pictures of each class. All 60,000 give about 140
            million events (1.7 GB).
        seed: of the camera's mismatch and noise.
        camera: the camera.
        classes: name of each label.
        threads: at most so many at once, by default one for each processor; the events do not
            depend on it.
        progress: show a progress bar.

    Returns:
        Shape (2, 34, 34), 1 us ticks, in the order of the files.

    Raises:
        FileNotFoundError: a file is missing; the message names it.
        CorruptFile: a file is damaged, or pictures and labels do not belong together.
        UnknownName: there is no such split.
        InvalidValue: `per_class` is below 1.
        MissingExtra: numba is not installed (`neuro[events]`).
    """
    if split not in _FILES:
        raise UnknownName("mnist_events.split", split, _FILES)
    if per_class is not None and per_class < 1:
        raise InvalidValue(f"mnist_events.per_class: got {per_class}, expected at least 1")
    images, labels = _pictures(Path(root), _FILES[split], len(classes))
    if per_class is not None:
        rows = [np.flatnonzero(labels == label)[:per_class] for label in range(len(classes))]
        chosen = np.sort(np.concatenate(rows))
        images, labels = images[chosen], labels[chosen]
    ts, units, offsets = [], [], [np.zeros(1, np.int64)]
    duration, done = 0, 0
    for first in _steps(len(images), progress):
        video, times = saccades(
            images[first : first + _CHUNK] / 255.0, sensor=SENSOR, threads=threads
        )
        seen = camera.columns(video, times, seed=seed, first=first, threads=threads)
        ts.append(seen.t)
        units.append(seen.unit)
        offsets.append(seen.offsets[1:] + done)
        done, duration = done + len(seen.t), seen.duration
    settings = dataclasses.asdict(camera) | {"clock": str(camera.clock.tick)}
    return EventDataset(
        np.concatenate(ts), np.concatenate(units), np.concatenate(offsets),
        np.full(len(labels), duration), labels, shape=(2, *SENSOR), clock=camera.clock,
        classes=classes, name=f"{Path(root).name} {split} through a simulated camera",
        source=SOURCE,
        attributes={"seed": seed, "split": split}
        | {f"camera.{name}": value for name, value in settings.items()},
    )  # fmt: skip


def _pictures(root: Path, part: str, classes: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    images, labels = (
        read_idx(_file(root, f"{part}-{what}-ubyte")) for what in ("images-idx3", "labels-idx1")
    )
    if images.ndim != 3 or images.dtype != np.uint8 or labels.shape != images.shape[:1]:
        raise CorruptFile(
            f"{root}: {part} pictures have shape {images.shape} ({images.dtype}) and labels "
            f"{labels.shape}, expected uint8 [N, rows, columns] and [N]"
        )
    if not len(labels) or labels.max() >= classes or labels.min() < 0:
        raise CorruptFile(
            f"{root}: {part} labels run from {labels.min(initial=0)} to {labels.max(initial=0)}, "
            f"expected 0 to {classes - 1}"
        )
    return images, labels.astype(np.int64)


def _file(root: Path, name: str) -> Path:
    for path in (root / name, root / f"{name}.gz"):
        if path.is_file():
            return path
    raise FileNotFoundError(f"mnist_events: {root} holds neither {name} nor {name}.gz")


def _steps(total: int, progress: bool) -> Sequence[int]:
    steps = range(0, total, _CHUNK)
    if not progress:
        return steps
    from rich.progress import track

    return track(steps, description="events")  # type: ignore[return-value]
