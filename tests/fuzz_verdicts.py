"""Whether a damaged event file was answered as it should be, and which lines of code saw it."""

from __future__ import annotations

import re
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from neuro.errors import CorruptFile, DamagedFile, InvalidValue, MissingExtra, Unsupported
from neuro.events import Events
from neuro.formats import Recording, read_recording, stream_events
from neuro.formats import detect as detecting
from neuro.formats._base import Format

LIMIT = 64 << 20  # bytes that a file may unpack to
SLOW = 1.0  # seconds of processor time
REFUSED = (CorruptFile, InvalidValue, Unsupported, MissingExtra)
FOLDER = str(Path(sys.modules[Format.__module__].__file__ or "").parent)
Finding = tuple[str, str]  # kind, and what happened


def judged(name: str, path: Path, compiled: bool) -> tuple[str, Finding | None, float]:
    """How a file is answered, what is wrong with that, and the longest reading in seconds."""
    longest = 0.0
    answers: dict[str, Recording | Exception] = {}
    finding: Finding | None = None
    try:
        detected(path, compiled)
        answers, longest = answered(name, path, compiled)
        if compiled and longest > SLOW:  # the first reading may have had kernels to compile
            answers, longest = answered(name, path, compiled)
        with strict(compiled):
            wrong = contradiction(name, path, answers["raise"], answers["keep"])
        finding = ("crash", wrong) if wrong else None
    except Exception as error:
        finding = ("crash", place(error))
    words = [outcome(a, path) for a in answers.values()]
    if finding is None and compiled and longest > SLOW:
        finding = ("hang", f"took {longest:.1f} s")
    return " | ".join(words) + (finding[1] if finding else ""), finding, longest


def answered(
    name: str, path: Path, compiled: bool
) -> tuple[dict[str, Recording | Exception], float]:
    """The answer for each way to treat errors, and the longest reading in seconds."""
    longest = 0.0
    answers: dict[str, Recording | Exception] = {}
    for errors in ("raise", "keep"):
        begun = time.process_time()
        answers[errors] = answer(name, path, errors, compiled)
        longest = max(longest, time.process_time() - begun)
    return answers, longest


def detected(path: Path, compiled: bool) -> None:
    with strict(compiled), suppress(CorruptFile):
        detecting(path)


@contextmanager
def strict(compiled: bool) -> Iterator[None]:
    """Warnings are errors; but plain Python warns where compiled code wraps round."""
    with warnings.catch_warnings():
        warnings.simplefilter("error" if compiled else "ignore")
        warnings.simplefilter("ignore", DamagedFile)
        yield


def answer(name: str, path: Path, errors: Any, compiled: bool) -> Recording | Exception:
    """The recording, or the refusal; other exceptions, and warnings as such, come through."""
    with strict(compiled):
        try:
            return read_recording(path, format=name, errors=errors, limit=LIMIT)
        except REFUSED as error:
            return error


def contradiction(
    name: str, path: Path, strict: Recording | Exception, lenient: Recording | Exception
) -> str:
    """What is wrong with the answers for errors="raise" and "keep"; nothing if they agree."""
    for found in (strict, lenient):
        if isinstance(found, Recording):
            e = found.events
            Events(e.t, e.unit, e.shape, e.duration, e.clock, e.value)  # checks all rows
    if isinstance(strict, Recording):
        if not isinstance(lenient, Recording):
            return "refused with errors='keep', but not with 'raise'"
        if lenient.skipped or lenient.problems or strict.events != lenient.events:
            return "events differ between errors='raise' and 'keep' though there is no damage"
    elif isinstance(lenient, Recording):
        if not lenient.problems:
            return f"damage passed over in silence: {outcome(strict, path)}"
        before = ahead(name, path, lenient.events.shape)
        kept = lenient.events
        if len(before) and not contains(rows(kept.t, kept.unit), before):
            return "events before the damage are missing with errors='keep'"
    return ""


def ahead(name: str, path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """The events that come before the damage, as pairs of tick and unit."""
    found = [np.zeros((0, 2), np.int64)]
    with suppress(*REFUSED):
        parts = stream_events(path, chunk=8, format=name, sensor=shape, limit=LIMIT)
        found.extend(rows(part.t, part.unit) for part in parts)
    return np.concatenate(found)


def rows(t: np.ndarray, unit: np.ndarray) -> np.ndarray:
    return np.stack([t, unit.astype(np.int64)], axis=1)


def contains(many: np.ndarray, few: np.ndarray) -> bool:
    """Whether all rows of `few` are in `many`, as often."""
    both, where = np.unique(np.concatenate([many, few]), axis=0, return_inverse=True)
    where = where.ravel()
    there = np.bincount(where[: len(many)], minlength=len(both))
    return bool((there >= np.bincount(where[len(many) :], minlength=len(both))).all())


def outcome(answered: Recording | Exception, path: Path) -> str:
    """An answer in words that are the same for alike files."""
    if isinstance(answered, Recording):
        sizes = (len(answered.events), answered.skipped, len(answered.problems))
        return "read " + " ".join(str(int(n).bit_length()) for n in sizes)
    return f"{type(answered).__name__} {worded(str(answered).replace(str(path), 'FILE'))}"


def worded(text: str) -> str:
    """A text without what differs between alike files: numbers and quoted bytes."""
    text = re.sub(r"b?'(\\.|[^'\\])*'|b?\"(\\.|[^\"\\])*\"", "Q", text)
    return re.sub(r"[-+]?\d[\d.,e+]*", "#", text)[:160]


def place(error: BaseException) -> str:
    """An exception, and the innermost line of neuro that it came through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "neuro" in Path(f.filename).parts[-3:]] or frames
    where = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "?"
    return f"{type(error).__name__} at {where}: {worded(str(error))}"


class Ways:
    """Which line of neuro/formats followed which, over all inputs so far."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, int, int]] = set()
        self._new = False

    def __enter__(self) -> Ways:
        self._new, self._before = False, sys.gettrace()
        sys.settrace(self._call)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    @property
    def new(self) -> bool:
        """Whether a way was taken for the first time since `with` began."""
        return self._new

    def _call(self, frame: FrameType, event: str, argument: Any) -> Any:
        file = frame.f_code.co_filename
        if not file.startswith(FOLDER):
            return None
        last = frame.f_lineno

        def step(inner: FrameType, event: str, argument: Any) -> Any:
            nonlocal last
            way = (file, last, inner.f_lineno)
            last = way[2]
            if way not in self.seen:
                self.seen.add(way)
                self._new = True
            return step

        return step
