"""Spiking speech in HDF5, in the layout of the Spiking Heidelberg Digits and Speech Commands."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.data.dataset import EventDataset
from neuro.errors import CorruptFile, InvalidValue
from neuro.events import Events
from neuro.files import atomic
from neuro.formats._base import LIMIT, Damage, Header, Options, Piece, Raw
from neuro.formats._hdf5 import is_hdf5, members
from neuro.formats.isolated import run
from neuro.units import us

CHANNELS = 700  # of the inner-ear model behind both data sets
_TASK = "neuro.formats._speech_child:spiking_speech"
_SPIKES = 1 << 20  # that the reader sends at a time
"""Cramer et al. 2022, "The Heidelberg Spiking Data Sets for the Systematic Evaluation of Spiking
Neural Networks", IEEE TNNLS 33(7)."""


def read_shd(
    path: str | os.PathLike[str],
    *,
    clock: Clock | None = None,
    channels: int | None = None,
    limit: int = LIMIT,
    trusted: bool = False,
) -> EventDataset:
    """All recordings of a file in the layout of SHD and SSC.

    Each spike is kept, those with the same time and channel too. The data sets store seconds in
    half precision: between 0.5 s and 1 s a stamp is a multiple of 0.49 ms, and up to 2 s of
    0.98 ms, so it may be half of that off whatever the clock. `read_shd_extra` gives what the file
    says about each recording, e.g. its speaker.

    Args:
        path: the file, unpacked (.h5).
        clock: of the result; 1 us by default.
        channels: of the ear; by default 700, or as many as the spikes need if those are more.
        limit: bytes that the file may unpack to.
        trusted: read in this process, which is only safe for a file whose checksum was compared.

    Returns:
        Recordings of shape (channels,). A recording lasts up to its last spike. The classes are
        those of extra/keys, or the labels' numbers.

    Raises:
        FileNotFoundError: there is no such file.
        CorruptFile: the file is damaged, or of another layout.
    """
    where, clock = Path(path), clock or Clock(1 * us)
    if not where.is_file():
        raise FileNotFoundError(f"read_shd: no file {where}")
    parts = run(_TASK, where, limit=limit, trusted=trusted, size=_SPIKES)
    facts, (labels, lasting, *_) = next(parts)
    lengths, t, unit = [], [], []
    for _, (counts, seconds, units) in parts:
        ticks, numbers = columns(where, clock, counts, seconds, units)
        lengths.append(counts)
        t.append(ticks)
        unit.append(numbers)
    counts = np.concatenate([np.zeros(0, np.int64), *lengths])
    units = np.concatenate([np.zeros(0, np.int32), *unit])
    ticks = np.concatenate([np.zeros(0, np.int64), *t])
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    if not len(labels) and len(counts):
        labels = np.zeros(len(counts), np.int64)
    classes = facts.get("classes") or [str(i) for i in range(int(labels.max(initial=-1)) + 1)]
    try:
        return EventDataset(
            ticks, units, offsets, durations(ticks, offsets, lasting, clock), labels,
            shape=(_channels(channels, units),), clock=clock, classes=classes, name=where.stem,
            attributes={"precision": facts["precision"]},
        )  # fmt: skip
    except InvalidValue as error:
        if channels is not None:
            raise
        raise CorruptFile(f"{where}: {error}") from error


def read_shd_extra(
    path: str | os.PathLike[str], *, limit: int = LIMIT, trusted: bool = False
) -> dict[str, NDArray[np.int64]]:
    """Whole numbers that a file in SHD layout holds for each recording under `extra`.

    Returns:
        int64 [recordings] by name, e.g. {"speaker": ...}.

    Raises:
        FileNotFoundError, CorruptFile: as for `read_shd`.
    """
    where = Path(path)
    if not where.is_file():
        raise FileNotFoundError(f"read_shd_extra: no file {where}")
    facts, (_, _, *extra) = next(run(_TASK, where, limit=limit, trusted=trusted, size=1))
    return {n: c.astype(np.int64) for n, c in zip(facts["extra"], extra, strict=True)}


def write_shd(path: str | os.PathLike[str], dataset: EventDataset) -> None:
    """Write a data set in the layout of SHD and SSC, with times in double precision.

    Readers of SHD take any float. Half precision, as in the original files, would move spikes.
    How long each recording lasts goes to `extra/duration_s`, which other readers pass over.

    Args:
        path: the file; an old one is replaced.
        dataset: recordings of shape (channels,).

    Raises:
        InvalidValue: recordings have more than one axis, channels or classes go beyond 65535, or a
            time would not come back to its tick.
    """
    if len(dataset.shape) != 1 or dataset.shape[0] > 1 << 16 or len(dataset.classes) > 1 << 16:
        raise InvalidValue(
            f"write_shd: shape {dataset.shape} and {len(dataset.classes)} classes, expected one "
            "axis of at most 65536 channels, and as many classes"
        )
    with atomic(path) as temporary:
        _write(temporary, dataset)


def _write(path: Path, dataset: EventDataset) -> None:
    count = len(dataset)
    with h5py.File(path, "w", libver=("earliest", "v110")) as file:
        spikes = file.create_group("spikes")
        times = spikes.create_dataset("times", (count,), h5py.vlen_dtype(np.dtype("<f8")))
        units = spikes.create_dataset("units", (count,), h5py.vlen_dtype(np.dtype("<u2")))
        for i, (events, _) in enumerate(dataset):
            seconds = events.seconds
            ends = np.append(events.t, events.duration)
            if not np.array_equal(dataset.clock.ticks(dataset.clock.seconds(ends)), ends):
                raise InvalidValue(f"write_shd: recording {i} is too long for seconds as float64")
            times[i], units[i] = seconds, events.unit.astype(np.uint16)
        file["extra/duration_s"] = dataset.clock.seconds(dataset.durations)
        file["labels"] = dataset.labels.astype("<u2")
        file["extra/keys"] = np.array([c.encode() for c in dataset.classes] or [b""])


class _SHD:
    """One recording of a file; `read_shd` reads all."""

    name = "shd"
    title = "Spiking Heidelberg Digits layout (HDF5)"
    suffixes = (".shd.h5", ".h5", ".hdf5")
    writable = False

    def recognises(self, head: bytes, path: Path) -> bool:
        return is_hdf5(head) and {"spikes/times", "spikes/units"} <= set(members(path))

    def open(self, path: Path, raw: Raw, options: Options) -> _Decoder:
        return _Decoder(path, options)

    def write(self, path: Path, events: Events) -> None:
        raise InvalidValue("shd: the layout holds labelled data sets; use write_shd(path, dataset)")


class _Decoder:
    def __init__(self, path: Path, options: Options) -> None:
        self.clock = options.clock or Clock(1 * us)
        sample = options.sample
        parts = run(
            _TASK, path, limit=options.limit, size=_SPIKES, first=sample, last=sample + 1
        )  # fmt: skip
        facts, (labels, lasting, *extra) = next(parts)
        _, (counts, seconds, units) = next(parts)  # one recording is one row, so it comes at once
        parts.close()
        self.t, self.unit = columns(path, self.clock, counts, seconds, units)
        told: dict[str, Any] = {"recordings": facts["recordings"], "precision": facts["precision"]}
        if len(labels):
            told["label"] = int(labels[sample])
            if told["label"] < len(facts.get("classes", ())):
                told["class"] = facts["classes"][told["label"]]
        told |= {n: int(c[sample]) for n, c in zip(facts["extra"], extra, strict=True)}
        duration = int(self.clock.ticks(lasting[sample])) if len(lasting) else None
        self.header = Header((_channels(None, self.unit),), self.clock, 0, duration, told)

    def pieces(self, size: int) -> Iterator[Piece | Damage]:
        for at in range(0, len(self.t), size):
            rows = np.s_[at : at + size]
            # a recording lies in HDF5's heap, which does not tell its byte
            yield Piece(self.t[rows], (self.unit[rows],), lambda _: 0, 0)


def columns(
    where: Path, clock: Clock, counts: NDArray[Any], seconds: NDArray[Any], units: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Ticks and channels, each recording in order of time and channel."""
    try:
        # cast before scaling: half precision cannot count microseconds
        t = clock.ticks(seconds.astype(np.float64), what=f"{where}: spikes/times")
    except InvalidValue as error:
        raise CorruptFile(str(error)) from error
    unit = units.astype(np.int32)
    owner = np.repeat(np.arange(len(counts)), counts)
    new = np.diff(owner, prepend=-1) > 0
    step = np.diff(t, prepend=0)
    if (step[~new] >= 0).all():  # only equal times are to be sorted
        tie = np.cumsum(new | (step != 0)) << 31
        return t, (np.sort(tie | unit) & 0x7FFFFFFF).astype(np.int32)
    order = np.lexsort((unit, t, owner))
    return t[order], unit[order]


def durations(
    t: NDArray[np.int64], offsets: NDArray[np.int64], stated: NDArray[np.float64], clock: Clock
) -> NDArray[np.int64]:
    """Ticks that recordings last: as stated in seconds, if at all, or up to their last spike."""
    last = t[np.maximum(offsets[1:] - 1, 0)] + 1 if len(t) else np.zeros(len(offsets) - 1, np.int64)
    last = np.where(np.diff(offsets) > 0, last, 0)
    return np.maximum(last, clock.ticks(stated)) if len(stated) else last


def _channels(given: int | None, units: NDArray[np.int32]) -> int:
    return given if given is not None else max(CHANNELS, int(units.max(initial=-1)) + 1)


SHD = _SHD()
