"""Every error and warning neuro raises on purpose, and the two functions that word them.

    NeuroError
     +-- InvalidValue (ValueError)     an argument or field has a value that cannot be used
     +-- UnknownName (KeyError)        a name that is not in the list it must come from
     +-- CorruptFile (ValueError)      a file is truncated, damaged or of another kind
     +-- Unsupported                   a target cannot represent what it was given
     +-- MissingExtra (ImportError)    an optional package is not installed

    CoarseStep (UserWarning)           the clock's tick is long for a neuron's dynamics
    Interrupted (UserWarning)          a run was stopped before its end; what it did is kept
    DamagedFile (UserWarning)          a part of a file could not be read; the rest is kept

A message says where, what was given, what was expected and the remedy.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable
from types import ModuleType


class NeuroError(Exception):
    """Base of all errors raised by neuro."""


class InvalidValue(NeuroError, ValueError):
    """A value that cannot be used; the message names the object and the field."""


class UnknownName(NeuroError, KeyError):
    """A name outside the allowed list; the message suggests the nearest one."""

    def __init__(self, where: str, given: object, allowed: Iterable[str]) -> None:
        options = sorted(allowed)
        near = difflib.get_close_matches(str(given), options, n=1, cutoff=0.5)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        listed = ", ".join(repr(o) for o in options) or "nothing"
        super().__init__(f"{where}: unknown name {given!r}.{hint} Known names: {listed}.")

    def __str__(self) -> str:  # KeyError would print the repr of the message
        return str(self.args[0])


class CorruptFile(NeuroError, ValueError):
    """A file that is truncated, damaged or not of the expected kind."""


class Unsupported(NeuroError):
    """A back end or file format cannot represent what it was given."""

    def __init__(self, path: str, field: str, why: str, remedy: str = "") -> None:
        self.path, self.field, self.why = path, field, why
        super().__init__(f"{path}.{field}: {why}" + (f". Remedy: {remedy}" if remedy else ""))


class MissingExtra(NeuroError, ImportError):
    """An optional dependency is not installed."""


class Interrupted(UserWarning):
    """A run was stopped before its end; what it did is kept."""


class DamagedFile(UserWarning):
    """A part of a file could not be read; the rest is kept, the message counts the bytes."""


class CoarseStep(UserWarning):
    """The clock's tick is stable but so long that the result is off; the message says how far."""


def require(module: str, extra: str) -> ModuleType:
    """Import an optional dependency, or say which extra brings it.

    Raises:
        MissingExtra: the package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.split(".")[0] != module.split(".")[0]:
            raise  # the package is there, one of its own imports is not
        raise MissingExtra(
            f"{module} is not installed. Install it with: pip install 'neuro[{extra}]'"
        ) from error
