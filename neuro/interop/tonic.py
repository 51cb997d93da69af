"""Tonic: its data sets as EventDatasets, and its event arrays to and from Events."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.data.dataset import EventDataset
from neuro.data.folder import EventFolder
from neuro.errors import InvalidValue, Unsupported
from neuro.events import Events
from neuro.units import us

MICROSECOND = Clock(1 * us)
CAMERA = np.dtype([("x", np.int16), ("y", np.int16), ("t", np.int64), ("p", bool)])
AUDIO = np.dtype([("t", np.int64), ("x", np.int64), ("p", np.int64)])


class TonicDataset(Protocol):
    """What is used of a data set of Tonic; anything of that form will do."""

    sensor_size: Any
    """(width, height, polarities), or None where recordings differ in size."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> tuple[Any, Any]: ...


def from_tonic(
    dataset: TonicDataset,
    *,
    classes: Sequence[str] | None = None,
    sensor_size: tuple[int, int, int] | None = None,
    limit: int | None = None,
    name: str | None = None,
    source: str = "",
) -> EventDataset:
    """Read a data set of Tonic into memory; no event is lost, moved or merged.

    Tonic is licensed under GPL-3, so neuro neither needs nor imports it: whoever installs it
    (`neuro[tonic]`) chooses that licence for what they pass on. Call it without a transform that
    makes frames: the samples must be structured arrays of events.

    Args:
        dataset: with `sensor_size`, a length, and samples `(events, target)`. Fields x, y, t, p
            in any order and of any whole type, t in microseconds; sound has no y.
        classes: names of the classes. By default those of the data set, or the targets as found,
            in order.
        sensor_size: (width, height, polarities), for sets whose recordings differ in size.
        limit: read only the first so many samples.
        name: of the result; by default the data set's class.
        source: where the data come from and under which licence.

    Returns:
        Recordings of shape (2, height, width), (height, width) where the sensor has one polarity,
        or (width,) for sound; 1 us ticks. Time stamps are kept as they are.

    Raises:
        InvalidValue: an array has not these fields, a value lies outside the sensor, a time is
            negative or no whole number; the message names the sample.
        Unsupported: samples are no arrays of events, e.g. frames of a transform.
    """
    size = _size(dataset, sensor_size)
    count = len(dataset) if limit is None else min(limit, len(dataset))
    recordings, targets = [], []
    for i in range(count):
        sample = dataset[i]
        if not isinstance(sample, tuple) or len(sample) != 2:
            raise Unsupported(f"tonic[{i}]", "sample", f"got {type(sample).__name__}, not a pair")
        recordings.append(events_from_tonic(sample[0], size, where=f"tonic[{i}]"))
        targets.append(_plain(sample[1], i))
    if not recordings:
        raise InvalidValue("from_tonic: the data set is empty")
    names, labels = _labels(dataset, targets, classes)
    return EventDataset.from_events(
        recordings, labels, classes=names, name=name or type(dataset).__name__, source=source
    )


def folder_from_tonic(
    dataset: TonicDataset,
    labels: Sequence[int],
    *,
    classes: Sequence[str],
    sensor_size: tuple[int, int, int] | None = None,
    name: str | None = None,
    source: str = "",
) -> EventFolder:
    """A data set of Tonic whose samples are read when they are looked at.

    Args:
        dataset: as for `from_tonic`.
        labels: class number of each sample; most sets of Tonic keep it in `targets`.
        classes: their names.
        sensor_size: as for `from_tonic`.
        name: as for `from_tonic`.
        source: as for `from_tonic`.
    """
    size = _size(dataset, sensor_size)
    return EventFolder(
        functools.partial(_sample, dataset, size), range(len(dataset)), labels, shape=_shape(size),
        clock=MICROSECOND, classes=classes, name=name or type(dataset).__name__, source=source,
    )  # fmt: skip


def _sample(dataset: TonicDataset, size: tuple[int, int, int], index: int) -> Events:
    return events_from_tonic(dataset[index][0], size, where=f"tonic[{index}]")


def events_from_tonic(
    array: NDArray[Any], sensor_size: tuple[int, int, int], *, where: str = "array"
) -> Events:
    """One structured array of Tonic as Events; the array is not altered.

    Args:
        array: with fields x, t, p and, for cameras, y, in any order.
        sensor_size: (width, height, polarities).
        where: how messages call it.

    Raises:
        InvalidValue, Unsupported: as for `from_tonic`.
    """
    given = np.asarray(array)
    if given.dtype.names is None or given.ndim != 1:
        raise Unsupported(
            where, "events",
            f"got shape {given.shape} of {given.dtype}, not a structured array of events",
            "leave the transform out that makes frames",
        )  # fmt: skip
    width, height, polarities = sensor_size
    shape = _shape(sensor_size)
    wanted = ("t", "x", "p") if len(shape) == 1 else ("t", "x", "y", "p")
    lacking = [field for field in wanted if field not in given.dtype.names]
    if lacking:
        raise InvalidValue(
            f"{where}: fields {given.dtype.names} lack {', '.join(lacking)} for a sensor of "
            f"{sensor_size}"
        )
    column = {field: _whole(where, field, given[field]) for field in wanted}
    limits = {"x": width, "y": height, "p": polarities}
    if polarities == 1:  # sets with one polarity mark it 0 or 1
        limits["p"] = 2
        if len(set(np.unique(column["p"]).tolist())) > 1:
            raise InvalidValue(f"{where}.p: holds 0 and 1, but the sensor has one polarity")
    for field, limit in limits.items():
        if field not in column:
            continue
        bad = (column[field] < 0) | (column[field] >= limit)
        if bad.any():
            i = int(bad.argmax())
            raise InvalidValue(
                f"{where}.{field}: event {i} has {column[field][i]}, expected 0 to {limit - 1}"
            )
    if len(shape) == 1:
        unit = column["x"]
    else:
        unit = column["y"] * width + column["x"]
        if polarities > 1:
            unit = unit + column["p"] * (width * height)
    return Events.sorted(column["t"], unit, shape=shape, clock=MICROSECOND)


def to_tonic(events: Events) -> NDArray[Any]:
    """Events as a structured array of Tonic, with t in microseconds.

    Args:
        events: of shape (2, rows, columns) give the fields x, y, t, p; of shape (units,) the
            fields t, x, p with p = 1, as Tonic's sound sets have them.

    Raises:
        InvalidValue: another shape, graded events, a tick that is no whole number of microseconds,
            or a sensor too large for Tonic's 16 bits. The duration has no place in the array.
    """
    if events.value is not None:
        raise InvalidValue("to_tonic: graded events have no place in an array of Tonic")
    ratio = events.clock.tick / MICROSECOND.tick
    if ratio.denominator != 1:
        raise InvalidValue(
            f"to_tonic: {events.clock!r} is no whole number of microseconds. Remedy: events.on(...)"
        )
    t = events.t * ratio.numerator
    if len(events.shape) == 1:
        array = np.empty(len(events), AUDIO)
        array["t"], array["x"], array["p"] = t, events.unit, 1
        return array
    if len(events.shape) != 3 or events.shape[0] != 2 or max(events.shape) > 1 << 15:
        raise InvalidValue(
            f"to_tonic: events of shape {events.shape}, expected (2, rows, columns) of at most "
            "32768, or (units,)"
        )
    polarity, y, x = events.coordinates
    array = np.empty(len(events), CAMERA)
    array["x"], array["y"], array["t"], array["p"] = x, y, t, polarity
    return array


def sensor_size(events: Events) -> tuple[int, int, int]:
    """What Tonic calls the sensor size: (width, height, polarities)."""
    if len(events.shape) == 1:
        return events.shape[0], 1, 1
    if len(events.shape) != 3:
        raise InvalidValue(f"sensor_size: shape {events.shape}, expected three axes or one")
    return events.shape[2], events.shape[1], events.shape[0]


def _size(dataset: TonicDataset, given: tuple[int, int, int] | None) -> tuple[int, int, int]:
    size = given if given is not None else getattr(dataset, "sensor_size", None)
    try:
        width, height, polarities = (int(n) for n in size)  # type: ignore[union-attr]
    except (TypeError, ValueError):
        raise InvalidValue(
            f"from_tonic: sensor_size is {size!r}, expected (width, height, polarities). "
            "Recordings that differ in size need the largest: pass sensor_size="
        ) from None
    if min(width, height, polarities) < 1 or polarities > 2:
        raise InvalidValue(
            f"from_tonic: sensor_size {size!r}, expected sizes >= 1, polarities <= 2"
        )
    return width, height, polarities


def _shape(size: tuple[int, int, int]) -> tuple[int, ...]:
    width, height, polarities = size
    if height == 1 and polarities == 1:
        return (width,)
    return (2, height, width) if polarities == 2 else (height, width)


def _whole(where: str, field: str, column: NDArray[Any]) -> NDArray[np.int64]:
    if column.dtype.kind not in "iubf":
        raise InvalidValue(f"{where}.{field}: got {column.dtype}, expected whole numbers")
    if not np.isfinite(column).all() or (column != np.trunc(column)).any():
        raise InvalidValue(f"{where}.{field}: has fractions, expected whole numbers")
    if len(column) and (float(column.max()) >= 2.0**63 or float(column.min()) < -(2.0**63)):
        raise InvalidValue(f"{where}.{field}: numbers do not fit 64 bits")
    return column.astype(np.int64)


def _plain(target: Any, index: int) -> int | str:
    if isinstance(target, int | np.integer) and not isinstance(target, bool):
        return int(target)
    if isinstance(target, str | np.str_):
        return str(target)
    if isinstance(target, bytes):
        return target.decode()
    raise Unsupported(
        f"tonic[{index}]", "target", f"got {type(target).__name__}, expected one class",
        "use events_from_tonic for sets whose targets are no classes",
    )  # fmt: skip


def _labels(
    dataset: TonicDataset, targets: list[int | str], classes: Sequence[str] | None
) -> tuple[list[str], list[int]]:
    """Names of the classes, and the number of each target's."""
    names = None if classes is None else [str(c) for c in classes]
    if names is None and all(isinstance(t, int) for t in targets):
        own = getattr(dataset, "classes", None)
        if own is not None and len(own) > max(int(t) for t in targets):
            names = [c.decode() if isinstance(c, bytes) else str(c) for c in own]
        else:
            names = [str(i) for i in range(max(int(t) for t in targets) + 1)]
    if names is None:
        names = sorted({str(t) for t in targets})
    labels = []
    for i, target in enumerate(targets):
        if isinstance(target, str):
            if target not in names:
                raise InvalidValue(f"tonic[{i}]: target {target!r} is none of the classes {names}")
            labels.append(names.index(target))
        elif not 0 <= target < len(names):
            raise InvalidValue(f"tonic[{i}]: target {target}, expected 0 to {len(names) - 1}")
        else:
            labels.append(target)
    return names, labels
