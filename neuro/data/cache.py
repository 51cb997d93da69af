"""Prepared data sets kept on disk under a key of all that they depend on, so none is ever stale."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuro.data._lock import locked
from neuro.data.dataset import FORMAT, EventDataset
from neuro.data.store import cache_folder
from neuro.errors import CorruptFile, DamagedFile, InvalidValue
from neuro.files import atomic

_VERSION = 1  # of the key and of the layout of the folder

Source = str | os.PathLike[str]
Plain = str | int | float | bool | None | Sequence["Plain"] | Mapping[str, "Plain"]


@dataclass(frozen=True)
class Entry:
    """One prepared data set in the cache.

    Args:
        path: its file.
        bytes: on disk.
        transform: what was done to the source, as it was described.
        sources: the files it came from, as they were called then.
    """

    path: Path
    bytes: int
    transform: Plain
    sources: tuple[str, ...]


def prepared_folder() -> Path:
    """Where prepared sets are kept: the environment's NEURO_CACHE, or the user's cache folder."""
    given = os.environ.get("NEURO_CACHE")
    return (Path(given).expanduser() if given else cache_folder()) / "prepared"


def cached(
    source: Source | Sequence[Source],
    transform: Plain,
    make: Callable[[], EventDataset],
    *,
    folder: Source | None = None,
) -> EventDataset:
    """A prepared data set: read from the cache if it is there, else made and kept.

    The key is taken over the content of the source, the description of the transform, neuro's
    version and that of the file format. Whoever changes one of them gets a new set. An entry that
    is damaged is found by its seal, told with a warning, and made again. Several processes may ask
    at once: one makes the set, the others wait for it.

    Args:
        source: the file or files, or folders of files, that `make` reads. All of their bytes are
            read to form the key.
        transform: everything that `make` does, in plain values: names and numbers, seeds included.
        make: reads the source and prepares it.
        folder: of the cache.

    Raises:
        FileNotFoundError: a source is missing.
        InvalidValue: the transform is not described in plain values, or `make` gave something else
            than an EventDataset.
    """
    sources = [source] if isinstance(source, str | os.PathLike) else list(source)
    facts = {
        "sources": [content(s) for s in sources],
        "transform": _plain(transform, "cached.transform"),
        "versions": _versions(),
    }
    key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    where = Path(folder) if folder is not None else prepared_folder()
    path = where / f"{key[:32]}.h5"
    with locked(path):
        if path.is_file():
            try:
                return EventDataset.load(path)
            except CorruptFile as error:
                warnings.warn(f"{error} It is made again.", DamagedFile, stacklevel=2)
        dataset = make()
        if not isinstance(dataset, EventDataset):
            raise InvalidValue(
                f"cached.make: gave {type(dataset).__name__}, expected an EventDataset"
            )
        dataset.save(path)
        with atomic(path.with_suffix(".json")) as tmp:
            note = {"sources": [str(s) for s in sources], "transform": facts["transform"]}
            tmp.write_text(json.dumps(note), encoding="utf-8")
    return dataset


def content(source: Source) -> str:
    """SHA-256 of a file, or of the names and contents of all files in a folder.

    Raises:
        FileNotFoundError: there is neither.
    """
    path = Path(source)
    if path.is_file():
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    if not path.is_dir():
        raise FileNotFoundError(f"cached: no file or folder {path}")
    files = sorted((p.relative_to(path).as_posix(), p) for p in path.rglob("*") if p.is_file())
    listed = [[name, content(file)] for name, file in files]
    return hashlib.sha256(json.dumps(["folder", listed]).encode()).hexdigest()


def entries(folder: Source | None = None) -> list[Entry]:
    """Everything in the cache, by file name."""
    where = Path(folder) if folder is not None else prepared_folder()
    found = []
    for path in sorted(where.glob("*.h5")) if where.is_dir() else []:
        try:
            note = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            note = {}  # its writer was stopped between the two files
        sources = tuple(str(s) for s in note.get("sources", ()))
        found.append(Entry(path, path.stat().st_size, note.get("transform"), sources))
    return found


def clear(folder: Source | None = None) -> tuple[int, int]:
    """Remove everything from the cache; gives the number of sets and their bytes."""
    where = Path(folder) if folder is not None else prepared_folder()
    gone = entries(where)
    for entry in gone:
        with locked(entry.path):  # nobody reads or writes it
            entry.path.unlink(missing_ok=True)
            entry.path.with_suffix(".json").unlink(missing_ok=True)
    return len(gone), sum(entry.bytes for entry in gone)


def _versions() -> dict[str, Any]:
    from neuro import __version__

    return {"neuro": __version__, "file": FORMAT, "cache": _VERSION}


def _plain(value: Any, where: str) -> Any:
    """A description with its types kept apart: 1, 1.0, True and "1" are four different things."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int | float):
        return [type(value).__name__, repr(value)]
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise InvalidValue(f"{where}: key {key!r}, expected text")
        return {key: _plain(v, f"{where}[{key!r}]") for key, v in value.items()}
    if isinstance(value, list | tuple):
        return ["list", [_plain(v, f"{where}[{i}]") for i, v in enumerate(value)]]
    raise InvalidValue(
        f"{where}: got {type(value).__name__}, expected text, numbers, true or false, None, lists "
        "or mappings of them. Describe the transform by its name and arguments"
    )
