"""Spoken digits (the layout of the Free Spoken Digit Dataset) as spikes of a simulated cochlea."""

from __future__ import annotations

import dataclasses
import os
import re
import zipfile
import zlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from neuro.data.dataset import EventDataset
from neuro.encode import Cochlea
from neuro.encode._threads import parallel
from neuro.encode.wav import decode_wav
from neuro.errors import CorruptFile, InvalidValue, UnknownName
from neuro.events import Events

CLASSES = tuple("0123456789")
SOURCE = (
    "Free Spoken Digit Dataset by Z. Jackson et al., licence CC BY-SA 4.0, turned into spikes by "
    "neuro's Cochlea (gammatone filters, Meddis hair cells, bushy cells). This is not SHD, and "
    "figures do not compare."
)
_NAME = re.compile(r"([0-9])_([A-Za-z]+)_([0-9]{1,4})\.wav")
_TESTED = range(5)  # recordings 0 to 4 of each speaker and digit, as its authors say
_BYTES = 1 << 24  # of one recording
_FILES = 100_000


class _Spoken(NamedTuple):
    digit: int
    speaker: str
    number: int
    where: str
    load: Callable[[], bytes]


def spoken_digits(
    root: str | os.PathLike[str],
    *,
    cochlea: Cochlea | None = None,
    speakers: Sequence[str] | None = None,
    per_speaker: int | None = None,
    seed: int = 0,
    threads: int | None = None,
    progress: bool = False,
) -> tuple[EventDataset, EventDataset]:
    """Recordings of spoken digits as spikes: the training and the test set.

    Recordings 0 to 4 of each speaker and digit are tested, as the authors of the data say. Where
    there are none, the five lowest numbers of each are held out instead, and `source` says so:
    such figures are not figures on the official test set. Speakers are in both parts either way.

    Args:
        root: folder (searched through) or .zip file with files `{digit}_{speaker}_{index}.wav`.
        cochlea: by default `Cochlea()`, 700 channels.
        speakers: only these; all by default.
        per_speaker: only the first so many training recordings of each digit and speaker.
        seed: of the spikes. Those of a recording depend on its name and the seed alone.
        threads: at most so many at once, by default one for each processor; the spikes do not
            depend on it.
        progress: show a progress bar.

    Returns:
        (train, test), shape (channels,), ordered by digit, speaker and index.

    Raises:
        FileNotFoundError: `root` does not exist, or holds no such files.
        CorruptFile: an archive or a recording is damaged, or too large.
        UnknownName: there is no such speaker.
        InvalidValue: `per_speaker` is below 1, or nothing is left to train on.
        MissingExtra: numba is not installed (`neuro[events]`).
    """
    where = Path(root)
    if per_speaker is not None and per_speaker < 1:
        raise InvalidValue(f"spoken_digits.per_speaker: got {per_speaker}, expected at least 1")
    if not where.exists():
        raise FileNotFoundError(f"spoken_digits: no folder or .zip file {where}")
    ear = cochlea or Cochlea()
    with ExitStack() as stack:
        found = _find(where, stack)
        known = sorted({one.speaker for one in found})
        for speaker in speakers or ():
            if speaker not in known:
                raise UnknownName("spoken_digits.speakers", speaker, known)
        if speakers is not None:
            found = [one for one in found if one.speaker in speakers]
        train, test, note = _split(found, per_speaker)
        facts = {f.name: getattr(ear, f.name) for f in dataclasses.fields(ear)}
        facts["clock"], facts["fmax"] = str(ear.clock.tick), ear.fmax or "0.45 rate"
        attributes = {"seed": seed, "speakers": " ".join(sorted({one.speaker for one in found}))}
        attributes |= {f"cochlea.{name}": value for name, value in facts.items()}
        parts = []
        for name, recordings in (("train", train), ("test", test)):
            parts.append(
                EventDataset.from_events(
                    _hear(recordings, ear, seed, threads, progress, name),
                    [one.digit for one in recordings],
                    classes=CLASSES,
                    name=f"spoken digits {name}",
                    source=SOURCE + note,
                    attributes=attributes,
                )
            )
    return parts[0], parts[1]


def _split(
    found: list[_Spoken], per_speaker: int | None
) -> tuple[list[_Spoken], list[_Spoken], str]:
    note, test = "", {one.where for one in found if one.number in _TESTED}
    members: dict[tuple[int, str], list[_Spoken]] = {}
    for one in found:
        members.setdefault((one.digit, one.speaker), []).append(one)
    if not test:
        test = {one.where for mine in members.values() for one in mine[: len(_TESTED)]}
        note = (
            " Recordings 0 to 4, the official test set, were not found: the five lowest numbers "
            "of each speaker and digit are held out instead."
        )
    chosen = {
        one.where
        for mine in members.values()
        for one in [one for one in mine if one.where not in test][:per_speaker]
    }
    train = [one for one in found if one.where in chosen]
    held = [one for one in found if one.where in test]
    if not train:
        raise InvalidValue(
            f"spoken_digits: all {len(found)} recordings are held out for testing, none is left "
            "to train on"
        )
    return train, held, note


def _hear(
    recordings: list[_Spoken], ear: Cochlea, seed: int, threads: int | None, progress: bool,
    part: str,
) -> list[Events]:  # fmt: skip
    def listen(given: tuple[_Spoken, bytes]) -> Events:
        one, raw = given
        samples, rate = decode_wav(raw, one.where)
        if samples.ndim > 1:
            samples = samples.mean(axis=1)
        if not len(samples):
            raise CorruptFile(f"{one.where}: a recording without samples")
        key = zlib.crc32(f"{one.digit}_{one.speaker}_{one.number}".encode())
        return ear(samples, rate, (seed, key))

    steps: Sequence[int] = range(0, len(recordings), 64)
    if progress:
        from rich.progress import track

        steps = track(steps, description=f"sound to spikes, {part}")  # type: ignore[assignment]
    heard: list[Events] = []
    for first in steps:
        chunk = recordings[first : first + 64]
        # a ZipFile is read by one thread only
        heard += parallel(listen, [(one, one.load()) for one in chunk], threads, "spoken_digits")
    return heard


def _find(root: Path, stack: ExitStack) -> list[_Spoken]:
    found: dict[tuple[int, str, int], _Spoken] = {}
    listed = _members(root, stack) if root.is_file() else _files(root)
    for name, where, load in listed:
        match = _NAME.fullmatch(name)
        if match is None:
            continue
        key = (int(match[1]), match[2], int(match[3]))
        if key in found:
            raise CorruptFile(f"{where}: the same recording is also in {found[key].where}")
        found[key] = _Spoken(*key, where, load)
        if len(found) > _FILES:
            raise CorruptFile(f"{root}: more than {_FILES} recordings")
    if not found:
        raise FileNotFoundError(
            f"spoken_digits: {root} holds no files named like 7_jackson_32.wav "
            "(digit_speaker_index.wav)"
        )
    return [found[key] for key in sorted(found)]


def _files(root: Path) -> list[tuple[str, str, Callable[[], bytes]]]:
    def loader(path: Path) -> Callable[[], bytes]:
        def load() -> bytes:
            _bound(str(path), path.stat().st_size)
            return path.read_bytes()

        return load

    return [(path.name, str(path), loader(path)) for path in sorted(root.rglob("*.wav"))]


def _members(root: Path, stack: ExitStack) -> list[tuple[str, str, Callable[[], bytes]]]:
    try:
        archive = stack.enter_context(zipfile.ZipFile(root))
    except zipfile.BadZipFile as error:
        raise CorruptFile(f"{root}: not a whole .zip file ({error}). Download it again.") from error

    def loader(member: zipfile.ZipInfo, where: str) -> Callable[[], bytes]:
        def load() -> bytes:
            _bound(where, member.file_size)
            try:
                with archive.open(member) as file:
                    raw = file.read(_BYTES + 1)  # whatever size the archive states
            except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
                raise CorruptFile(
                    f"{where}: damaged ({error}). Download the archive again."
                ) from error
            _bound(where, len(raw))
            return raw

        return load

    return [
        (PurePosixPath(member.filename).name, where, loader(member, where))
        for member in archive.infolist()
        for where in [f"{root}/{member.filename}"]
    ]


def _bound(where: str, size: int) -> None:
    if size > _BYTES:
        raise CorruptFile(f"{where}: {size} bytes, expected at most {_BYTES} of a spoken digit")
