"""N-TIDIGITS18: spoken digits as spikes of a silicon cochlea, read from their HDF5 file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import numpy as np

from neuro.clock import Clock
from neuro.data.dataset import EventDataset
from neuro.errors import CorruptFile, InvalidValue
from neuro.formats._base import LIMIT
from neuro.formats.isolated import run
from neuro.formats.shd import columns, durations
from neuro.units import us

CHANNELS = 64
WORDS = ("o", "1", "2", "3", "4", "5", "6", "7", "8", "9", "z")
"""What a single digit may be: o and z are two words for 0."""


def read_ntidigits(
    path: str | os.PathLike[str],
    split: Literal["train", "test"] = "train",
    *,
    single: bool = True,
    clock: Clock | None = None,
    limit: int = LIMIT,
    trusted: bool = False,
) -> EventDataset:
    """Recordings of one split; every spike is kept, those with equal time and channel too.

    Source: Anumula et al. 2018, "Feature Representations for Neuromorphic Audio Spike Streams",
    Frontiers in Neuroscience 12. A recording's name ends with what is said, e.g. "man-ae-3z1".

    Args:
        path: n-tidigits.hdf5.
        split: "train" or "test".
        single: only recordings of one digit, with the 11 words as classes; otherwise all, and each
            sequence of words is a class.
        clock: of the result; 1 us by default.
        limit: bytes that the file may unpack to.
        trusted: read in this process, which is only safe for a file whose checksum was compared.

    Returns:
        Recordings of shape (64,), each up to its last spike.

    Raises:
        FileNotFoundError: there is no such file.
        CorruptFile: the file is damaged, or of another layout.
        InvalidValue: there is no such split.
    """
    where, clock = Path(path), clock or Clock(1 * us)
    if split not in ("train", "test"):
        raise InvalidValue(f"read_ntidigits.split: got {split!r}, expected 'train' or 'test'")
    if not where.is_file():
        raise FileNotFoundError(f"read_ntidigits: no file {where}")
    parts = run(
        "neuro.formats._speech_child:tidigits",
        where,
        limit=limit,
        trusted=trusted,
        split=split,
        size=1 << 20,
    )
    facts, _ = next(parts)
    said = [name.rpartition("-")[2] for name in facts["names"]]
    counts, t, unit = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0, np.int32)]
    for _, (lengths, seconds, addresses) in parts:
        ticks, numbers = columns(where, clock, lengths, seconds, addresses)
        counts.append(lengths)
        t.append(ticks)
        unit.append(numbers)
    ticks, units = np.concatenate(t), np.concatenate(unit)
    offsets = np.concatenate([[0], np.cumsum(np.concatenate(counts))]).astype(np.int64)
    classes = list(dict.fromkeys([*WORDS, *sorted(set(said))]))
    number = {name: i for i, name in enumerate(classes)}
    try:
        dataset = EventDataset(
            ticks, units, offsets, durations(ticks, offsets, np.zeros(0), clock),
            [number[s] for s in said],
            shape=(CHANNELS,), clock=clock, classes=classes, name=f"N-TIDIGITS18 {split}",
        )  # fmt: skip
    except InvalidValue as error:
        raise CorruptFile(f"{where}: {error}") from error
    if not single:
        return dataset
    chosen = dataset.select(np.array([s in WORDS for s in said], bool))
    rows = [chosen[i] for i in range(len(chosen))]
    if not rows:
        raise CorruptFile(f"{where}: no recording of a single digit among {len(said)}")
    return EventDataset.from_events(
        [events for events, _ in rows], chosen.labels, classes=WORDS, name=dataset.name
    )
