"""What a file format of events is: how it is known, read in pieces, and written.

A decoder only turns bytes into columns. What every file must obey (time runs forward, events lie on
the sensor, a tick is never cut in two, damage is refused or counted) is checked once, in `reading`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.events import Events

Raw = NDArray[np.uint8]
Fact = str | int | float | bool
PIECE = 1 << 18  # about so many events are decoded at a time; their columns stay in the cache
LIMIT = 1 << 34  # bytes that a file may unpack to, unless the caller allows more


@dataclass(frozen=True)
class Header:
    """What a file says before its events.

    Args:
        shape: of the sensor, (2, rows, columns) or (units,); None where the file does not say.
        clock: of the time stamps.
        start: byte of the first event.
        duration: ticks that the recording lasts; None where the file does not say.
        facts: further statements of the file as plain values, e.g. {"camera": "DAVIS346"}.
    """

    shape: tuple[int, ...] | None
    clock: Clock
    start: int = 0
    duration: int | None = None
    facts: Mapping[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True)
class Piece:
    """Some events, in the order of the file.

    Args:
        t: int64 [n], ticks as stamped.
        axes: one integer column [n] for each axis of the shape: (polarity, y, x) or (unit,).
            Polarity is 0 for OFF and 1 for ON; y counts rows from the top.
        at: byte of event i of this piece; called only to word an error.
        width: bytes of one event; what is counted as skipped when one is left out.
        value: float32 [n] of graded events.
    """

    t: NDArray[np.int64]
    axes: tuple[NDArray[Any], ...]
    at: Callable[[int], int]
    width: int
    value: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Damage:
    """A stretch of a file that holds no readable events.

    Args:
        offset: its first byte.
        length: bytes; what follows them is read again, if the decoder goes on.
        why: what was found, and what was expected.
    """

    offset: int
    length: int
    why: str


class Decoder(Protocol):
    """One file that is being read."""

    @property
    def header(self) -> Header: ...

    def pieces(self, size: int) -> Iterator[Piece | Damage]:
        """The events from the beginning, about `size` at a time, and the damage between them.

        Memory is bounded by `size`, never by what the file declares. Whoever can read on after
        damage does so; whoever cannot yields one Damage up to the end of the file and returns.
        Markers, triggers, frames and the like are no damage: they are stepped over.
        """
        ...


class Format(Protocol):
    """One file format: a module of `neuro.formats` holds it as an object."""

    @property
    def name(self) -> str:
        """Short name, e.g. "evt3"; unique."""
        ...

    @property
    def title(self) -> str:
        """Name in full, e.g. "Prophesee EVT 3.0"."""
        ...

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Usual endings, with the dot; the first is the one that is written."""
        ...

    @property
    def writable(self) -> bool:
        """Whether neuro writes it, too."""
        ...

    def recognises(self, head: bytes, path: Path) -> bool:
        """Whether a file that begins with `head` (its first 4096 bytes) is of this format.

        By content. The path may decide only where the content cannot (formats without any mark).
        """
        ...

    def open(self, path: Path, raw: Raw, options: Options) -> Decoder:
        """Read the header.

        Args:
            path: the file, for those that a library opens, and for messages.
            raw: all its bytes, mapped, not loaded.
            options: what the caller knows about the file.

        Raises:
            CorruptFile: the header is damaged; the message gives the byte.
        """
        ...

    def write(self, path: Path, events: Events) -> None:
        """Write a whole file (`path` is a temporary one that is renamed afterwards).

        Raises:
            InvalidValue: the events do not fit the format; the message says what does not.
        """
        ...


@dataclass(frozen=True)
class Options:
    """What the caller knows about a file that the file itself may not say.

    Args:
        sensor: shape of the sensor, (2, rows, columns) or (units,), for formats that do not store
            it; where a file states another one, the given one wins.
        clock: of the time stamps, for formats that do not define it.
        limit: bytes that the file may unpack to.
        sample: number of the recording, for files that hold several.
    """

    sensor: tuple[int, ...] | None = None
    clock: Clock | None = None
    limit: int = LIMIT
    sample: int = 0
