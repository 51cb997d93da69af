"""The task of `isolated` that reads matrices of MATLAB 7.3 files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import h5py
from numpy.typing import NDArray

from neuro.formats._hdf5_child import find, rows

Part = tuple[dict[str, Any], list[NDArray[Any]]]


def matlab(path: str, limit: int, size: int, names: list[str]) -> Iterator[Part]:
    """Dimensions in MATLAB's order of some variables; then about `size` values of each at a time.

    MATLAB's columns are HDF5's rows, so whole rows of HDF5 are whole columns of MATLAB.
    """
    with h5py.File(path, "r") as file:
        sets: list[Any] = [find(file, name, limit) for name in names]
        for data in sets:
            if data.dtype.kind not in "iufb" or data.ndim != 2 or "MATLAB_empty" in data.attrs:
                raise ValueError(f"{data.name} has shape {data.shape} of {data.dtype}, expected a "
                                 "matrix of numbers")  # fmt: skip
        yield {"dims": [list(data.shape[::-1]) for data in sets]}, []
        if len(sets) == 1:
            step = max(1, size // max(1, sets[0].shape[1]))
            for at in range(0, sets[0].shape[0], step):
                yield {}, [rows(sets[0], at, min(at + step, sets[0].shape[0])).reshape(-1)]
            return
        if len({data.size for data in sets}) > 1:
            raise ValueError(f"columns differ in length: {[data.size for data in sets]}")
        for at in range(0, sets[0].size, size):
            yield {}, [_line(data, at, min(at + size, data.size)) for data in sets]


def _line(data: h5py.Dataset, start: int, stop: int) -> NDArray[Any]:
    """Some values of a matrix that is one row or one column."""
    if data.shape[0] == 1:
        try:
            return data[0, start:stop]
        except (OSError, RuntimeError) as error:
            raise ValueError(f"{data.name} cannot be read: {error}") from error
    if data.shape[1] != 1:
        raise ValueError(f"{data.name} has shape {data.shape}, expected one row or one column")
    return rows(data, start, stop).reshape(-1)
