"""Where data sets live on this machine, and in what state each of them is."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from neuro.data._lock import locked
from neuro.data._sums import check_sums
from neuro.data.cards import Card, CardFile, card
from neuro.data.download import Downloaded, Patience, Report, download
from neuro.data.unpack import unpack
from neuro.errors import CorruptFile, NeuroError
from neuro.files import atomic

RECORD = ".neuro.json"

State = Literal["made here", "absent", "partial", "unverified", "damaged", "whole"]
Progress = Callable[[str], Any]


class NotHere(NeuroError, FileNotFoundError):
    """A data set that is not on this machine; the message says how to get it."""


@dataclass(frozen=True)
class FileStatus:
    """One file of a set as it is on this machine.

    Args:
        name: of the file.
        state: "absent", "partial", "unverified", "damaged" or "whole".
        bytes: it has here, what it unpacked to included.
        why: what is wrong with a damaged file.
    """

    name: str
    state: State
    bytes: int
    why: str = ""


@dataclass(frozen=True)
class Status:
    """A data set as it is on this machine.

    Args:
        name: of the set.
        state: "whole": every file is there and was verified. "unverified": every file is there,
            but nobody has compared it with its checksum. "damaged", "partial", "absent": what they
            say. "made here": nothing is downloaded.
        folder: where it is, or would be.
        bytes: on disk.
        files: state of each.
    """

    name: str
    state: State
    folder: Path
    bytes: int
    files: tuple[FileStatus, ...]


def data_folder(root: str | os.PathLike[str] | None = None) -> Path:
    """Folder that holds a folder for each data set.

    `root` if given, else the environment's NEURO_DATA, else the place for data that can be had
    again: `$XDG_CACHE_HOME/neuro/data` or `~/.cache/neuro/data`, on macOS `~/Library/Caches/...`,
    on Windows `%LOCALAPPDATA%\\neuro\\data`.
    """
    if root is not None:
        return Path(root).expanduser()
    if given := os.environ.get("NEURO_DATA"):
        return Path(given).expanduser()
    return cache_folder() / "data"


def cache_folder() -> Path:
    """Folder of this user for what can be made or fetched again."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "neuro"


def set_folder(name: str, root: str | os.PathLike[str] | None = None) -> Path:
    """Folder of one data set, which need not exist.

    Raises:
        UnknownName: there is no such set.
    """
    return data_folder(root) / card(name).name


def status(name: str, root: str | os.PathLike[str] | None = None) -> Status:
    """State of a data set by the sizes of its files; quick, it reads no file through.

    Raises:
        UnknownName: there is no such set.
    """
    known, folder = card(name), set_folder(name, root)
    record = _read_record(folder)
    files = tuple(_file_status(f, folder, record.get(f.name)) for f in known.files)
    return Status(name, _overall(known, folder, files), folder, sum(f.bytes for f in files), files)


def check(name: str, root: str | os.PathLike[str] | None = None) -> Status:
    """Compare every file of a set with its checksum, and what was unpacked with its count.

    A file without a published checksum is compared with the one recorded when it was first seen
    here; at the first look that is recorded now.

    Raises:
        UnknownName: there is no such set.
    """
    known, folder = card(name), set_folder(name, root)
    if not folder.is_dir():
        return status(name, root)
    with locked(folder):
        record, wrong = _read_record(folder), {}
        for file in known.files:
            path, entry = folder / file.name, record.get(file.name, {})
            if not path.is_file():
                continue
            try:
                _accept(folder, file, None, record)
            except CorruptFile as error:
                wrong[file.name] = str(error)
                if entry:
                    record[file.name] = {**entry, "verified": False}
        _write_record(folder, record)
        files = tuple(
            FileStatus(f.name, "damaged", s.bytes, wrong[f.name]) if f.name in wrong else s
            for f in known.files
            for s in (_file_status(f, folder, record.get(f.name)),)
        )
    return Status(name, _overall(known, folder, files), folder, sum(f.bytes for f in files), files)


def get(
    name: str,
    root: str | os.PathLike[str] | None = None,
    *,
    optional: bool = False,
    patience: Patience | None = None,
    progress: Callable[[str], Any] | None = None,
) -> Status:
    """Bring a data set here: download what is missing, verify it, unpack it.

    What is here and verified is not fetched again. Files that were put into the folder by hand are
    verified and used.

    Args:
        name: of the set.
        root: as for `data_folder`.
        optional: also fetch files that the set can do without.
        patience: of each download.
        progress: given a file's name, a context manager that gives a `Report`.

    Raises:
        UnknownName: there is no such set.
        NotHere: it is obtained by hand and a file is missing; the message says what to do.
        DownloadFailed: no mirror gave a file.
        CorruptFile: a file has the wrong checksum, or an archive is damaged.
    """
    known, folder = card(name), set_folder(name, root)
    if known.obtained == "made here":
        return status(name, root)
    folder.mkdir(parents=True, exist_ok=True)
    if not known.files:
        found = status(name, root)
        if found.state == "absent":
            raise NotHere(missing(known, folder))
        return found
    with locked(folder):
        record = _read_record(folder)
        for file in known.files:
            path = folder / file.name
            found = _file_status(file, folder, record.get(file.name))
            unpacked = file.unpack and (folder / file.unpack).is_dir()
            if found.state == "whole" or (file.optional and not optional and not path.is_file()):
                continue
            if found.state == "unverified" and unpacked and not path.is_file():
                continue  # unpacked by hand: there is nothing to compare it with
            if found.state == "damaged" and unpacked and _changed(file, folder, record):
                raise CorruptFile(f"{folder}: {found.why}")
            if found.state == "damaged" and file.urls:
                path.unlink(missing_ok=True)
            arrived = None
            if not path.is_file():
                if not file.urls:
                    raise NotHere(missing(known, folder, file.name))
                arrived = _fetch(file, path, patience, progress)
            _accept(folder, file, arrived, record)
            _write_record(folder, record)
    return status(name, root)


def missing(known: Card, folder: Path, file: str = "") -> str:
    """Words for a set that is not here: its licence, and what brings it."""
    what = f"{known.name}: {file or 'the data set'} is not in {folder}. "
    licence = f"Licence: {known.licence}. "
    command = f"neuro data get {known.name}"
    if known.obtained == "by hand":
        return f"{what}{licence}It is obtained by hand: {known.steps} Then: {command}"
    return f"{what}{licence}Get it with: {command}"


def _fetch(
    file: CardFile, path: Path, patience: Patience | None, progress: Progress | None
) -> Downloaded:
    def run(report: Report | None) -> Downloaded:
        return download(
            file.urls, path, bytes=file.bytes, md5=file.md5, sha256=file.sha256,
            patience=patience, report=report,
        )  # fmt: skip

    if progress is None:
        return run(None)
    with progress(file.name) as report:
        return run(report)


def _accept(
    folder: Path, file: CardFile, arrived: Downloaded | None, record: dict[str, Any]
) -> None:
    """Verify a file that is here, unpack it, and write both into the record."""
    path, entry = folder / file.name, dict(record.get(file.name, {}))
    size = path.stat().st_size
    if file.bytes is not None and size != file.bytes:
        raise CorruptFile(
            f"{path}: {size:,} bytes, expected {file.bytes:,}. Remove it and get it again"
        )
    published = bool(file.md5 or file.sha256)
    first = None if published else entry.get("sha256")
    if arrived is None or first is not None:
        md5, sha256 = check_sums(path, file.md5, file.sha256 or first)
    else:
        md5, sha256 = arrived.md5, arrived.sha256
    entry |= {
        "bytes": size, "md5": md5, "sha256": sha256, "verified": True,
        "against": "published checksum" if published else "first look",
    }  # fmt: skip
    if arrived is not None:
        entry["url"] = arrived.url
    target = folder / file.unpack
    if file.unpack and not target.is_dir():
        done = unpack(path, target, nested=file.nested)
        entry["unpacked"] = {"files": done.files, "bytes": done.bytes}
    elif file.unpack and "unpacked" not in entry:
        files, size = _measure(target)
        entry["unpacked"] = {"files": files, "bytes": size}
    record[file.name] = entry


def _file_status(file: CardFile, folder: Path, entry: dict[str, Any] | None) -> FileStatus:
    path = folder / file.name
    target = folder / file.unpack if file.unpack else None
    size = path.stat().st_size if path.is_file() else 0
    part = path.with_name(path.name + ".part")
    why, state = "", "absent"
    if path.is_file():
        expected = file.bytes if file.bytes is not None else (entry or {}).get("bytes")
        state = "whole" if entry and entry.get("verified") else "unverified"
        if entry and not entry.get("verified"):
            state, why = "damaged", "its checksum was wrong at the last check"
        if expected is not None and size != expected:
            state, why = "damaged", f"{size:,} bytes, expected {expected:,}"
    elif part.is_file():
        state, size = "partial", part.stat().st_size
    if target is not None and target.is_dir():
        size += _measure(target)[1]
        noted = (entry or {}).get("unpacked")
        if changed := _changed(file, folder, {file.name: entry or {}}):
            state, why = "damaged", changed
        elif state == "absent":  # the archive may be removed once it is unpacked
            state = "whole" if noted and entry and entry.get("verified") else "unverified"
    elif target is not None and state == "whole":
        state = "unverified"  # still to be unpacked
    return FileStatus(file.name, state, size, why)  # type: ignore[arg-type]


def _changed(file: CardFile, folder: Path, record: dict[str, Any]) -> str:
    """How an unpacked folder differs from what was unpacked; "" if it does not."""
    noted = record.get(file.name, {}).get("unpacked")
    count, size = _measure(folder / file.unpack)
    if not noted or (count, size) == (noted["files"], noted["bytes"]):
        return ""
    return (
        f"{file.unpack} has {count:,} files of {size:,} bytes, {noted['files']:,} of "
        f"{noted['bytes']:,} were unpacked. Remove that folder to unpack it again"
    )


def _overall(known: Card, folder: Path, files: tuple[FileStatus, ...]) -> State:
    if known.obtained == "made here":
        return "made here"
    if not known.files:  # whatever recordings the user chose to put there
        return "unverified" if folder.is_dir() and any(folder.iterdir()) else "absent"
    needed = [f for f, c in zip(files, known.files, strict=True) if not c.optional]
    present = [f for f in files if f.state != "absent"]
    if any(f.state == "damaged" for f in files):
        return "damaged"
    if not present:
        return "absent"
    if any(f.state in ("absent", "partial") for f in needed or files):
        return "partial"
    return "whole" if all(f.state == "whole" for f in present) else "unverified"


def _measure(folder: Path) -> tuple[int, int]:
    """Number of files below a folder, and their bytes."""
    files = size = 0
    for base, _, names in os.walk(folder):
        files += len(names)
        size += sum(os.stat(os.path.join(base, name)).st_size for name in names)
    return files, size


def _read_record(folder: Path) -> dict[str, Any]:
    path = folder / RECORD
    if not path.is_file():
        return {}
    try:
        record = json.loads(path.read_text(encoding="utf-8"))["files"]
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptFile(
            f"{path}: not the record that neuro keeps ({error!r}). Remove it and check the set"
        ) from error
    return dict(record)


def _write_record(folder: Path, record: dict[str, Any]) -> None:
    with atomic(folder / RECORD) as tmp:
        tmp.write_text(json.dumps({"files": record}, indent=1, sort_keys=True), encoding="utf-8")
