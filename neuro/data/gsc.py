"""Google Speech Commands: spoken words, turned into spikes by a cochlea when looked at."""

from __future__ import annotations

import functools
import os
import zlib
from pathlib import Path
from typing import Literal

import numpy as np

from neuro.data.folder import EventFolder, by_class, find
from neuro.encode import Cochlea
from neuro.encode.wav import read_wav
from neuro.errors import CorruptFile, UnknownName
from neuro.events import Events

CLASSES = (
    "backward", "bed", "bird", "cat", "dog", "down", "eight", "five", "follow", "forward", "four",
    "go", "happy", "house", "learn", "left", "marvin", "nine", "no", "off", "on", "one", "right",
    "seven", "sheila", "six", "stop", "three", "tree", "two", "up", "visual", "wow", "yes", "zero",
)  # fmt: skip
SOURCE = (
    "Google Speech Commands v0.02 by P. Warden, arXiv:1804.03209 (2018), licence CC BY 4.0, turned "
    "into spikes by neuro's Cochlea. This is not SSC, and figures do not compare."
)
_LIMIT = 1 << 24  # bytes of one recording


def gsc(
    root: str | os.PathLike[str],
    *,
    held_out: Literal["test", "valid"] = "test",
    cochlea: Cochlea | None = None,
    seed: int = 0,
) -> tuple[EventFolder, EventFolder]:
    """Read Speech Commands v0.02: 35 words, about a second each, by thousands of speakers.

    A recording is encoded each time it is looked at; `folder.select(...).load()` keeps them, and
    `neuro.data.cached` keeps them on disk. Background noise (`_background_noise_`) is no class.

    Args:
        root: folder with a folder of .wav files for each word, testing_list.txt and
            validation_list.txt, or one above it.
        held_out: the second set: "valid" to tune on, "test" for the one figure at the end.
        cochlea: by default `Cochlea()`, 700 channels.
        seed: of the spikes. Those of a recording depend on its name and the seed alone.

    Returns:
        (train, held out), shape (channels,), ordered by word and file name.

    Raises:
        FileNotFoundError: a folder or list is missing.
        CorruptFile: a list names a recording that is not there.
        UnknownName: `held_out` is neither "test" nor "valid".
    """
    if held_out not in ("test", "valid"):
        raise UnknownName("gsc.held_out", held_out, ("test", "valid"))
    lists = {
        "test": find(root, "testing_list.txt", "gsc"),
        "valid": find(root, "validation_list.txt", "gsc"),
    }
    where = lists["test"].parent
    paths, labels = by_class(where, ".wav", CLASSES, name="gsc")
    names = [f"{path.parent.name}/{path.name}" for path in paths]
    parts = {part: set(path.read_text().split()) for part, path in lists.items()}
    for part, path in lists.items():
        lacking = parts[part] - set(names)
        if lacking:
            raise CorruptFile(
                f"{path}: names {min(lacking)}, which is not there; {len(lacking)} of "
                f"{len(parts[part])} recordings are missing. Unpack the archive again"
            )
    ear = cochlea or Cochlea()
    held = np.array([name in parts[held_out] for name in names])
    trained = np.array([name not in parts["test"] | parts["valid"] for name in names])
    whole = EventFolder(
        functools.partial(_hear, ear=ear, seed=seed), paths, labels, shape=(ear.channels,),
        clock=ear.clock, classes=CLASSES, name="Speech Commands", source=SOURCE,
    )  # fmt: skip
    return whole.select(trained), whole.select(held)


def _hear(path: Path, ear: Cochlea, seed: int) -> Events:
    samples, rate = read_wav(path, limit=_LIMIT)
    if samples.ndim > 1:
        samples = samples.mean(axis=1)
    key = zlib.crc32(f"{path.parent.name}/{path.name}".encode())
    return ear(samples, rate, (seed, key))
