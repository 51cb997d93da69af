"""The task of `isolated` that reads the spikes of an NWB file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from neuro.formats._hdf5_child import find, rows, whole

Part = tuple[dict[str, Any], list[NDArray[Any]]]


def sorted_units(path: str, limit: int, size: int) -> Iterator[Part]:
    """The units table of an NWB file: where each unit's spikes end; then seconds, unit by unit."""
    with h5py.File(path, "r") as file:
        times = find(file, "units/spike_times", limit)
        ends = whole(find(file, "units/spike_times_index", limit), "iu").astype(np.int64)
        if times.ndim != 1:
            raise ValueError(f"{times.name} has shape {times.shape}, expected one column")
        count = times.shape[0]
        if (np.diff(ends, prepend=0) < 0).any() or (ends[-1] if len(ends) else 0) != count:
            raise ValueError(
                f"units/spike_times_index is no rising list up to the {count} rows of spike_times"
            )
        facts: dict[str, Any] = {"units": len(ends)}
        resolution = times.attrs.get("resolution")
        if isinstance(resolution, float) and 0 < resolution < 1:
            facts["resolution_s"] = float(resolution)
        yield facts, [ends]
        for at in range(0, count, size):
            block = rows(times, at, min(at + size, count))
            if block.dtype.kind != "f" or not np.isfinite(block).all():
                raise ValueError(f"{times.name}, rows from {at}: expected finite seconds")
            yield {}, [block.astype(np.float64)]
