"""What Prophesee's EVT 2, 2.1 and 3 files have in common: the header, the start, the writing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.errors import require
from neuro.events import Events
from neuro.formats._base import Damage, Header, Options, Piece, Raw
from neuro.formats._camera_fit import TICK, refuse_unfit
from neuro.formats._decoding import Coding, Kernel, decoded
from neuro.formats._prophesee_header import CODINGS, LONGEST, Fields, coded, fields, shape

SIDE = 2048  # rows and columns that 11 bits address
_NAME = re.compile(rb"^% (?:evt|format) +([\w.]+)", re.MULTILINE)
_BUFFER = 1 << 22  # bytes that are written at a time


@dataclass(frozen=True)
class Words:
    """The words of one of the formats.

    Args:
        size: bytes of a word.
        spread: events that a word may hold.
        type_byte: byte of a word whose upper half is its type.
        state: what the decoding kernel remembers, at the start; wraps and time-high come first,
            rows and columns of the sensor are put behind.
        read: the decoding kernel.
    """

    size: int
    spread: int
    type_byte: int
    state: tuple[int, ...]
    read: Kernel


def says(head: bytes, name: str) -> bool:
    """Whether a header names the coding `name`."""
    found = _NAME.search(head) if head[:2] == b"% " else None
    return found is not None and CODINGS.get(found[1].decode().lower()) == name


def kernels() -> Any:
    require("numba", "events")
    from neuro.formats import _evt_kernels

    return _evt_kernels


def opened(path: Path, raw: Raw, name: str) -> tuple[Fields, Header]:
    """The header of a file that is read as `name`."""
    found = fields(raw[:LONGEST].tobytes(), path)
    coded(found, name, path)
    header = Header(shape(found, path), TICK, found.start, facts=found.facts)
    return found, header


@dataclass(frozen=True)
class EvtDecoder:
    """One RAW file.

    Events before the first time-high word have a known time only if the clock has not left its
    first turns there, or if the file has no such word at all: then it counts from zero. Otherwise
    they are damage: nothing in the file says when they were.
    """

    raw: Raw
    header: Header
    words: Words
    sensor: tuple[int, int]

    def pieces(self, size: int) -> Iterator[Piece | Damage]:
        words, raw, begin = self.words, self.raw, self.header.start
        rows, columns = self.sensor
        why = (
            "word of a reserved type, expected one that the format defines",
            f"vector with pixels outside the sensor of {rows} rows and {columns} columns",
            "event before the first row address",
            "vector of pixels before the first base column",
        )
        coding = Coding(
            words.read, f"<u{min(words.size, 4)}", words.size, words.spread, why,
            f"the file ends in the middle of a word of {words.size} bytes",
        )  # fmt: skip
        state = np.array((*words.state, rows, columns), np.int64)
        first = int(kernels().first_high(raw, begin, len(raw), words.size, words.type_byte))
        high = self._high(first) if first > begin else 0
        if high > 1:
            early, unread = 0, first - begin
            for item in decoded(coding, raw, begin, first, state, size):
                if isinstance(item, Damage):
                    unread -= item.length
                    yield item
                else:
                    early += len(item.t)
            if early:
                why = f"{early} events before the first time-high word: their time is not known"
                yield Damage(begin, unread, why)
            begin, state[0], state[1] = first, 0, high
        yield from decoded(coding, raw, begin, len(raw), state, size)

    def _high(self, at: int) -> int:
        count, last = min(self.words.size, 4), at + self.words.type_byte + 1
        word = int.from_bytes(self.raw[last - count : last].tobytes(), "little")
        return word & ((1 << 8 * count - 4) - 1)


class EvtFormat:
    """Prophesee RAW files of one coding; times are in microseconds."""

    name: str
    """Short name, also that of the coding."""
    title: str
    version: str
    """As the header gives it, e.g. "3.0"."""
    stop: int
    """Ticks that are written without filling the file with time words."""
    suffixes: tuple[str, ...] = (".raw",)
    writable: bool = True

    def words(self, raw: Raw, header: Fields) -> Words:
        """The words of a file with this header."""
        raise NotImplementedError

    def writer(self) -> tuple[Callable[..., tuple[int, int]], NDArray[np.int64]]:
        """The encoding kernel, and what it remembers at the start."""
        raise NotImplementedError

    def recognises(self, head: bytes, path: Path) -> bool:
        return says(head, self.name)

    def open(self, path: Path, raw: Raw, options: Options) -> EvtDecoder:
        found, header = opened(path, raw, self.name)
        size = options.sensor if options.sensor and len(options.sensor) == 3 else header.shape
        _, rows, columns = size or (2, SIDE, SIDE)
        return EvtDecoder(raw, header, self.words(raw, found), (rows, columns))

    def write(self, path: Path, events: Events) -> None:
        """Write all events; the order within a tick is that of the rows.

        Raises:
            InvalidValue: not a camera's events in microseconds, on more than 2048 rows or columns,
                or so late that the file would be mostly words that only pass the time.
        """
        refuse_unfit(self.name, events, SIDE, SIDE, self.stop)
        encode, state = self.writer()
        _, rows, columns = events.shape
        name = self.name.upper()
        order = ";endianness=little" if self.name == "evt21" else ""
        header = (
            f"% evt {self.version}\n% format {name};height={rows};width={columns}{order}\n"
            f"% geometry {columns}x{rows}\n% end\n"
        )
        size = np.array(events.shape, np.int64)
        out = np.empty(min(_BUFFER, 64 + 64 * len(events)), np.uint8)
        with open(path, "wb") as file:
            file.write(header.encode())
            done = 0
            while done < len(events):
                done, count = encode(events.t, events.unit, size, done, state, out)
                file.write(out[:count].data)
