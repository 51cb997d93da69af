"""Tasks of `isolated` that read spoken words as spikes from HDF5."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from neuro.formats._hdf5_child import find, rows, seconds_of, strings, units_of, whole

Part = tuple[dict[str, Any], list[NDArray[Any]]]


def spiking_speech(
    path: str, limit: int, size: int, first: int = 0, last: int | None = None
) -> Iterator[Part]:
    """Facts, labels, durations, extras; then recordings: numbers of spikes, seconds, units.

    Args:
        first, last: which recordings; all by default.
    """
    with h5py.File(path, "r") as file:
        times, units = (find(file, f"spikes/{n}", limit) for n in ("times", "units"))
        for data in (times, units):
            if h5py.check_vlen_dtype(data.dtype) is None or data.ndim != 1:
                raise ValueError(f"{data.name}: expected one variable-length row a recording")
        count = times.shape[0]
        labels = np.zeros(0, np.int64)
        facts: dict[str, Any] = {
            "recordings": count, "precision": str(h5py.check_vlen_dtype(times.dtype)),
        }  # fmt: skip
        if "labels" in file:
            labels = whole(find(file, "labels", limit), "iu").astype(np.int64)
            if len(labels) != count:
                raise ValueError(f"labels has {len(labels)} rows, spikes/times has {count}")
        if units.shape[0] != count:
            raise ValueError(f"spikes/units has {units.shape[0]} rows, spikes/times has {count}")
        if "extra/keys" in file:
            facts["classes"] = strings(find(file, "extra/keys", limit))
        lasting = np.zeros(0)
        if "extra/duration_s" in file:  # of our own files; others end with their last spike
            lasting = seconds_of(whole(find(file, "extra/duration_s", limit), "f"), "duration_s")
            if len(lasting) != count:
                raise ValueError(f"duration_s has {len(lasting)} rows, spikes/times has {count}")
        columns = []
        extra: Any = file.get("extra")
        for name in sorted(extra) if isinstance(extra, h5py.Group) else []:
            if name != "keys" and extra.get(name, getclass=True) is h5py.Dataset:
                node = find(file, f"extra/{name}", limit)
                if node.shape == (count,) and node.dtype.kind in "iu":
                    columns.append((name, whole(node, "iu")))
        facts["extra"] = [name for name, _ in columns]
        end = count if last is None else last
        if not 0 <= first <= end <= count or (last is not None and first >= count):
            raise IndexError(f"recording {first} was asked for, the file holds {count}")
        yield facts, [labels, lasting, *(column for _, column in columns)]
        yield from _recordings(times, units, first, end, limit, size)


def _recordings(
    times: h5py.Dataset, units: h5py.Dataset, first: int, end: int, limit: int, size: int
) -> Iterator[Part]:
    at, step, used = first, 1, 0
    while at < end:
        stop = min(at + step, end)
        t, u = rows(times, at, stop), rows(units, at, stop)
        for i, (a, b) in enumerate(zip(t, u, strict=True), at):
            if len(a) != len(b):
                raise ValueError(f"recording {i}: spikes/times has {len(a)} stamps but "
                                 f"spikes/units has {len(b)} units")  # fmt: skip
        lengths = np.array([len(a) for a in t], np.int64)
        where = f"recordings {at} to {stop}"
        seconds = seconds_of(np.concatenate(t), f"spikes/times, {where}")
        numbers = units_of(np.concatenate(u), f"spikes/units, {where}")
        used += int(lengths.sum()) * (t[0].itemsize + u[0].itemsize)
        if used > limit:
            raise ValueError(f"spikes take more than the limit of {limit} bytes")
        yield {"first": at}, [lengths, seconds, numbers]
        # about `size` spikes at a time, as far as one can know beforehand
        mean = max(1.0, len(seconds) / len(lengths))
        at, step = stop, max(1, min(2 * step, int(size / mean)))


def tidigits(path: str, limit: int, split: str, size: int) -> Iterator[Part]:
    """Names of a split's recordings; then each one's number of spikes, seconds, and addresses."""
    with h5py.File(path, "r") as file:
        names = strings(find(file, f"{split}_labels", limit))
        yield {"names": names}, []
        held: list[list[Any]] = [[], [], []]
        for number, name in enumerate(names):
            if "/" in name or name in ("", "."):
                raise ValueError(f"{split}_labels holds {name!r}, expected a recording's name")
            t, u = (find(file, f"{split}_{kind}/{name}", limit)
                    for kind in ("timestamps", "addresses"))  # fmt: skip
            seconds = seconds_of(whole(t, "f"), str(t.name))
            units = units_of(whole(u, "iu"), str(u.name))
            if len(seconds) != len(units):
                raise ValueError(f"{t.name} has {len(seconds)} stamps, {u.name} {len(units)} units")
            for column, value in zip(held, (len(seconds), seconds, units), strict=True):
                column.append(value)
            if sum(held[0]) >= size or number + 1 == len(names):
                yield {}, [np.array(held[0], np.int64), np.concatenate(held[1]),
                           np.concatenate(held[2])]  # fmt: skip
                held = [[], [], []]
