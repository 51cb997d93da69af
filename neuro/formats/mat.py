"""Spikes and camera events in MATLAB files: ST-MNIST's matrix, and structures of columns."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from numpy.typing import NDArray

from neuro.errors import CorruptFile, InvalidValue, Unsupported
from neuro.events import Events
from neuro.formats._base import Options, Raw
from neuro.formats._hdf5 import members
from neuro.formats._mat5 import Broken, Column, Struct, values, variables
from neuro.formats._mat_decoders import Columns, ColumnsDecoder, Matrix, MatrixDecoder
from neuro.formats.isolated import run

_NAMES = {
    "t": ("ts", "t", "timestamp", "timestamps"),
    "x": ("x",),
    "y": ("y",),
    "p": ("p", "pol", "polarity"),
}
_MATRIX = "spiketrain"
_TASK = "neuro.formats._matlab_child:matlab"


class _Mat:
    """Two layouts, in files of `save -v6`, `-v7` and `-v7.3`.

    A matrix `spiketrain` [units + 1, instants]: each column holds -1, 0 or 1 for each unit, and
    below them its time in seconds (ST-MNIST: See et al. 2020, arXiv 2005.04319; 100 units are its
    10 x 10 taxels, row by row, and become (2, 10, 10)).

    Columns x, y, p and ts in one structure (`TD` of the ATIS tools, `aedat.data.polarity`) or side
    by side: whole microseconds; p is -1 or 0 for OFF and 1 for ON. If p goes up to 2, it is 1 for
    OFF and 2 for ON, and x and y count from 1, as MATLAB readers of N-MNIST have them. `sample`
    counts several structures in the order of the file.
    """

    name = "mat"
    title = "MATLAB file"
    suffixes = (".mat",)
    writable = False

    def recognises(self, head: bytes, path: Path) -> bool:
        return head[:6] == b"MATLAB" and head[126:128] in (b"IM", b"MI")

    def open(self, path: Path, raw: Raw, options: Options) -> MatrixDecoder | ColumnsDecoder:
        if bytes(raw[:10]) == b"MATLAB 7.3":
            return _open73(path, options)
        try:
            held = variables(raw, options.limit)
        except Broken as error:
            raise CorruptFile(
                f"{path}: at byte {error.offset}: {error.why}. Copy or download the file again"
            ) from error
        matrix = held.get(_MATRIX)
        if isinstance(matrix, Column):
            blocks = functools.partial(values, raw, matrix)
            source = Matrix(matrix.dims, blocks, matrix.byte, matrix.kind.itemsize)
            return MatrixDecoder(path, source, options)
        found = list(_structs("", held))
        if not found:
            _refuse(path, list(_listed("", held)))
        name, columns = _chosen(path, found, options)
        sizes = {c: column.size for c, column in columns.items()}
        if len(set(sizes.values())) > 1:
            raise CorruptFile(f"{path}: {name or 'the variables'} differ in length: {sizes}")
        source = Columns(
            name,
            lambda n: zip(*(values(raw, columns[c], n) for c in ("t", "x", "y", "p")), strict=True),
            functools.partial(values, raw, columns["p"]),
            columns["t"].byte, sum(column.kind.itemsize for column in columns.values()),
        )  # fmt: skip
        return ColumnsDecoder(path, source, options)

    def write(self, path: Path, events: Events) -> None:
        raise Unsupported("mat", "write", "neuro only reads MATLAB files")


def _open73(path: Path, options: Options) -> MatrixDecoder | ColumnsDecoder:
    """A file of version 7.3 is HDF5, whose bytes nobody can tell beforehand."""

    def read(names: list[str], count: int) -> Iterator[list[NDArray[Any]]]:
        parts = run(_TASK, path, limit=options.limit, size=count, names=names)
        next(parts)
        return (arrays for _, arrays in parts)

    def one(name: str, count: int) -> Iterator[NDArray[Any]]:
        return (arrays[0] for arrays in read([name], count))

    names = [n.partition("{")[0] for n in members(path) if not n.startswith("#")]
    if _MATRIX in names:
        facts, _ = next(run(_TASK, path, limit=options.limit, size=1, names=[_MATRIX]))
        blocks = functools.partial(one, _MATRIX)
        return MatrixDecoder(path, Matrix(tuple(facts["dims"][0]), blocks, lambda _: 0, 8), options)
    found = []
    for group in ["", *(n for n in names if n.endswith("/"))]:
        own = {n[len(group) :]: n for n in names if n.startswith(group) and n != group}
        columns = _matched(own)
        if columns:
            found.append((group.rstrip("/").replace("/", "."), columns))
    if not found:
        _refuse(path, [n for n in names if not n.endswith("/")])
    name, columns = _chosen(path, found, options)
    every = [columns[c] for c in ("t", "x", "y", "p")]
    source = Columns(name, functools.partial(read, every), functools.partial(one, columns["p"]),
                     lambda _: 0, 8)  # fmt: skip
    return ColumnsDecoder(path, source, options)


def _chosen(
    path: Path, found: list[tuple[str, dict[str, Any]]], options: Options
) -> tuple[str, dict[str, Any]]:
    if not 0 <= options.sample < len(found):
        listed = ", ".join(repr(name) for name, _ in found)
        raise InvalidValue(f"{path}: sample {options.sample}, the file holds {listed}")
    return found[options.sample]


def _refuse(path: Path, held: list[str]) -> NoReturn:
    raise Unsupported(
        str(path), "read",
        f"no {_MATRIX!r} matrix and no columns x, y, p, ts; the file holds "
        + (", ".join(held[:20]) or "nothing"),
        "read it with scipy.io.loadmat or h5py, and build neuro.Events",
    )  # fmt: skip


def _matched(held: Mapping[str, Any]) -> dict[str, Any]:
    """What holds t, x, y and p; nothing unless all are there."""
    lower = {key.lower(): value for key, value in held.items()}
    found = {c: next((lower[k] for k in known if k in lower), None) for c, known in _NAMES.items()}
    return found if all(value is not None for value in found.values()) else {}


def _structs(
    name: str, held: Mapping[str, Column | Struct | None]
) -> Iterator[tuple[str, dict[str, Column]]]:
    """Every structure, and the file itself, that has all four columns."""
    columns = _matched({key: v for key, v in held.items() if isinstance(v, Column)})
    if columns:
        yield name, columns
    for key, value in held.items():
        if isinstance(value, Struct):
            yield from _structs(f"{name}.{key}".lstrip("."), value.fields)


def _listed(name: str, held: Mapping[str, Column | Struct | None]) -> Iterator[str]:
    for key, value in held.items():
        if isinstance(value, Struct):
            yield from _listed(f"{name}{key}.", value.fields)
        else:
            dims = "x".join(map(str, value.dims)) if isinstance(value, Column) else "other"
            yield f"{name}{key} ({dims})"


MAT = _Mat()
