"""Opening HDF5 files with suspicion: what the tasks share that `isolated` runs in a child process.

Only what is really in the file is given: a data set may declare 2^40 rows and store none of them,
take its rows from another file, or be packed by a filter that is not there. Each is refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

Part = tuple[dict[str, Any], list[NDArray[Any]]]
FILTERS = {  # numbers that the HDF Group gave to filters
    305: "LZO", 307: "bzip2", 32000: "LZF", 32001: "Blosc", 32004: "LZ4", 32008: "bitshuffle",
    32013: "ZFP", 32015: "Zstandard", 32026: "Blosc2", 36559: "Prophesee's ECF",
}  # fmt: skip
_NAMES = 200  # members of a group that are listed


def members(path: str, limit: int) -> Iterator[Part]:
    """Names of the groups, data sets and compound fields of the upper three levels.

    A matrix of four columns is marked: {4} of whole numbers, {4f} of floats.
    """
    found: list[str] = []

    def walk(group: h5py.Group, prefix: str, depth: int) -> None:
        for number, name in enumerate(group):
            if number == _NAMES or len(found) > 10 * _NAMES:
                break
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                continue
            node = group[name]
            if isinstance(node, h5py.Group):
                found.append(f"{prefix}{name}/")
                if depth < 3:
                    walk(node, f"{prefix}{name}/", depth + 1)
            elif isinstance(node, h5py.Dataset):
                fields = node.dtype.names
                mark = f"[{','.join(fields)}]" if fields else ""
                if node.ndim == 2 and node.shape[1] == 4 and node.dtype.kind in "iuf":
                    mark = "{4f}" if node.dtype.kind == "f" else "{4}"
                found.append(f"{prefix}{name}{mark}")

    with h5py.File(path, "r") as file:
        walk(file, "", 1)
    yield {"members": found}, []


def find(file: h5py.File, name: str, limit: int) -> h5py.Dataset:
    """A data set whose rows are all in this file and can be unpacked."""
    at: Any = file
    for part in name.split("/"):
        link = at.get(part, getlink=True) if isinstance(at, h5py.Group) else None
        if link is None:
            held = ", ".join(list(at)[:20]) if isinstance(at, h5py.Group) else "no group"
            raise ValueError(f"no data set {name!r}; {at.name} holds: {held or 'nothing'}")
        if isinstance(link, h5py.ExternalLink):
            raise NotImplementedError(f"{name} lies in another file, {link.filename!r}")
        at = at[part]
    if not isinstance(at, h5py.Dataset):
        raise ValueError(f"{name} is a group, expected a data set")
    _stored(at, name, limit)
    return at


def _stored(data: h5py.Dataset, name: str, limit: int) -> None:
    if data.shape is None:
        raise ValueError(f"{name} is empty of shape, expected rows")
    plist = data.id.get_create_plist()
    if data.is_virtual or data.external:
        raise NotImplementedError(f"{name} takes its rows from other files")
    for number in range(plist.get_nfilters()):
        code = plist.get_filter(number)[0]
        if not _available(code):
            title = FILTERS.get(code, "an unknown filter")
            raise NotImplementedError(
                f"{name} is packed by {title} (HDF5 filter {code}), which is not installed. "
                + ("Prophesee's tools convert it to .raw" if code == 36559
                   else "pip install hdf5plugin brings the common ones; or unpack it with h5repack")
            )  # fmt: skip
    count, width = math.prod(data.shape), data.id.get_type().get_size()
    if count * width > limit:
        raise ValueError(
            f"{name} declares {count} values, {count * width} bytes, more than the limit of {limit}"
        )
    if plist.get_layout() == h5py.h5d.CHUNKED:
        chunk = data.chunks or (1,)
        wanted = math.prod(-(-n // c) for n, c in zip(data.shape, chunk, strict=True))
        held = data.id.get_num_chunks()
        if held < wanted:
            raise ValueError(f"{name} declares {wanted} chunks but stores {held} of them")
        if math.prod(chunk) * width > max(limit >> 2, 1 << 20):
            raise ValueError(f"{name} has chunks of {math.prod(chunk) * width} bytes")
    elif data.id.get_storage_size() < count * width:
        raise ValueError(
            f"{name} declares {count * width} bytes but stores {data.id.get_storage_size()}"
        )


def _available(code: int) -> bool:
    if h5py.h5z.filter_avail(code):
        return True
    try:
        import hdf5plugin  # pyright: ignore[reportMissingImports]  # noqa: F401
    except ImportError:
        return False
    return bool(h5py.h5z.filter_avail(code))


def rows(data: h5py.Dataset, start: int, stop: int) -> NDArray[Any]:
    """Some rows, or an error that names them."""
    try:
        return data[start:stop]
    except (OSError, RuntimeError) as error:
        raise ValueError(f"{data.name}, rows {start} to {stop}, cannot be read: {error}") from error


def whole(data: h5py.Dataset, kinds: str) -> NDArray[Any]:
    """All values as one column, of a number type given by NumPy's letters."""
    if data.dtype.kind not in kinds:
        raise ValueError(f"{data.name} has type {data.dtype}, expected one of kind {kinds!r}")
    return rows(data, 0, data.shape[0]).reshape(-1) if data.ndim else np.atleast_1d(data[()])


def strings(data: h5py.Dataset) -> list[str]:
    """Fixed or variable text."""
    values = rows(data, 0, data.shape[0]).reshape(-1).tolist()
    if not all(isinstance(v, bytes | str) for v in values):
        raise ValueError(f"{data.name} has type {data.dtype}, expected text")
    return [v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in values]


def seconds_of(values: NDArray[Any], where: str) -> NDArray[Any]:
    """Finite times from 0 on, in the precision that they have."""
    if values.dtype.kind != "f" or values.dtype.itemsize > 8:
        raise ValueError(f"{where} has type {values.dtype}, expected seconds as floats")
    bad = ~(np.isfinite(values) & (values >= 0))
    if bad.any():
        raise ValueError(f"{where} holds {values[bad][0]} s, expected 0 or later")
    return values


def units_of(values: NDArray[Any], where: str) -> NDArray[Any]:
    """Unit numbers that fit Events."""
    if values.dtype.kind not in "iu" and len(values):
        raise ValueError(f"{where} has type {values.dtype}, expected whole numbers")
    if len(values) and (int(values.min()) < 0 or int(values.max()) >= 2**31):
        worst = int(values.min()) if int(values.min()) < 0 else int(values.max())
        raise ValueError(f"{where} holds unit {worst}, expected 0 to 2^31 - 1")
    return values if values.dtype.itemsize <= 2 else values.astype(np.int32)
