"""The task of `isolated` that reads camera events from HDF5."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from neuro.formats._hdf5_child import find, rows

Part = tuple[dict[str, Any], list[NDArray[Any]]]


def camera(path: str, limit: int, size: int, place: str, columns: dict[str, str]) -> Iterator[Part]:
    """Events of a camera: facts; then rows as the columns t, x, y, p, and the bytes of chunks.

    A chunk that cannot be unpacked is reported as {"damage": why, "rows": n, "byte": b}.

    Args:
        place: group of the columns, or data set whose rows hold them.
        columns: what holds t, x, y and p: names in the group, fields, or numbers of columns.
    """
    with h5py.File(path, "r") as file:
        sets = _columns(file, place, columns, limit)
        t = sets["t"][0]
        count = t.shape[0]
        kinds = {c: _part(source, 0, 0).dtype for c, source in sets.items()}
        row = sum(kind.itemsize for kind in kinds.values())
        yield {"rows": count, "kind": kinds["t"].kind, "row": row, **_stated(file, place)}, []
        chunk = max((d.chunks[0] for d, _ in sets.values() if d.chunks), default=size)
        step = max(1, size // chunk) * chunk
        at = 0
        while at < count:
            stop = min(at + step, count)
            yield from _rows_of(sets, at, stop, chunk)
            at = stop


def _columns(
    file: h5py.File, place: str, names: dict[str, str], limit: int
) -> dict[str, tuple[h5py.Dataset, str]]:
    """For each of t, x, y, p its data set, and the field or column of it ("" for all of it)."""
    if isinstance(file.get(place), h5py.Group):
        sets = {c: (find(file, f"{place}/{n}".lstrip("/"), limit), "") for c, n in names.items()}
    else:
        data = find(file, place, limit)
        sets = {column: (data, name) for column, name in names.items()}
    lengths = {c: d.shape[0] if d.ndim else -1 for c, (d, _) in sets.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"{place}: columns differ in their rows: {lengths}")
    for column, (data, name) in sets.items():
        kinds = "biuf" if column == "t" else "biu"
        kind = _part((data, name), 0, 0).dtype
        if data.dtype.names is None and data.ndim == 2 and column != "t":
            kinds = "biuf"  # a matrix has one type for all
        if kind.kind not in kinds or data.ndim > 2 or (data.ndim == 2 and not name):
            raise ValueError(f"{data.name} as {column}: shape {data.shape} of {kind}, expected "
                             "a column of numbers")  # fmt: skip
    return sets


def _part(source: tuple[h5py.Dataset, str], start: int, stop: int) -> NDArray[Any]:
    data, name = source
    if not name:
        return rows(data, start, stop)
    if data.dtype.names is not None:
        return np.ascontiguousarray(rows(data, start, stop)[name])
    return np.ascontiguousarray(rows(data, start, stop)[:, int(name)])


def _rows_of(
    sets: dict[str, tuple[h5py.Dataset, str]], start: int, stop: int, chunk: int
) -> Iterator[Part]:
    """Some rows; where they cannot be read, chunk by chunk what can."""
    try:
        parts = [_part(sets[c], start, stop) for c in ("t", "x", "y", "p")]
    except ValueError as error:
        if stop - start > chunk:
            for at in range(start, stop, chunk):
                yield from _rows_of(sets, at, min(at + chunk, stop), chunk)
            return
        yield {"damage": str(error), "rows": stop - start,
               "byte": _bytes(sets["t"][0], start, start + 1)[0]}, []  # fmt: skip
        return
    t = sets["t"][0]
    length, width = t.chunks[0] if t.chunks else 0, t.dtype.itemsize * math.prod(t.shape[1:])
    yield {"first": start, "chunk": length, "width": width}, [
        *parts, np.array(_bytes(t, start, stop), np.int64),
    ]  # fmt: skip


def _bytes(data: h5py.Dataset, start: int, stop: int) -> list[int]:
    """Byte of the first row if they lie together, or of each chunk (0 where HDF5 does not say)."""
    if not data.chunks:
        offset, width = data.id.get_offset(), data.dtype.itemsize * math.prod(data.shape[1:])
        return [0 if offset is None else offset + start * width]
    firsts = range(start - start % data.chunks[0], max(stop, start + 1), data.chunks[0])
    if len(firsts) > 4096:
        firsts = firsts[:1]
    tail = (0,) * (data.ndim - 1)
    return [data.id.get_chunk_info_by_coord((at, *tail)).byte_offset or 0 for at in firsts]


def _stated(file: h5py.File, place: str) -> dict[str, Any]:
    """What a file says about its sensor and its time, in the ways that are common."""
    found: dict[str, Any] = {}
    nodes: list[Any] = [file]
    for part in [p for p in place.split("/") if p]:
        nodes.append(nodes[-1][part])
        if not isinstance(nodes[-1], h5py.Group):
            break
    for node in nodes:
        for name in ("width", "height", "duration", "sensor_resolution", "geometry", "tick"):
            if name in node.attrs:
                array = np.asarray(node.attrs[name])
                if array.dtype.kind in "OSU" and array.ndim == 0:
                    text = array.item()
                    found[name] = text.decode() if isinstance(text, bytes) else str(text)
                elif array.dtype.kind in "iu" and array.size <= 2:
                    found[name] = array.reshape(-1).tolist()
    parent = place.rpartition("/")[0]
    for name in {"t_offset", f"{place}/t_offset", f"{parent}/t_offset"}:
        node = file.get(name.lstrip("/"))
        if isinstance(node, h5py.Dataset) and node.shape in ((), (1,)) and node.dtype.kind in "iu":
            found["t_offset"] = int(np.asarray(node[()]).reshape(-1)[0])
    return found
