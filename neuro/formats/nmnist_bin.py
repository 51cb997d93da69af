"""N-MNIST and N-Caltech101 recordings: five bytes an event, and no mark that tells the format."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.formats._base import Damage, Decoder, Header, Options, Piece, Raw
from neuro.units import us

MICROSECOND = Clock(1 * us)
SENSOR = (34, 34)  # rows and columns of N-MNIST
OVERFLOW_ROW = 240  # an event in this row is no event but a time-stamp overflow
OVERFLOW_TICKS = 1 << 13
_EVENT = 5  # bytes
_BLOCK = 1 << 20  # events that are looked at together


class _NmnistBin:
    """`.bin` files: x, y, then polarity (1 bit, 1 = ON) and microseconds (23 bits), big endian.

    An event in row 240 marks an overflow: all later ones come 2^13 us later (the reading of the
    authors' own eventvision.py and of Tonic; N-MNIST itself needs no marker).
    """

    name = "nmnist"
    title = "N-MNIST / N-Caltech101 .bin"
    suffixes = (".bin",)
    writable = True

    def recognises(self, head: bytes, path: Path) -> bool:
        if path.suffix.lower() != ".bin" or len(head) < _EVENT:
            return False
        raw = np.frombuffer(head[: len(head) // _EVENT * _EVENT], np.uint8).reshape(-1, _EVENT)
        t, _ = _times(raw)
        order = np.count_nonzero(np.diff(t) >= 0) >= 0.9 * (len(t) - 1) - 1
        return bool(order and np.count_nonzero(raw[:, 1] <= OVERFLOW_ROW) >= 0.9 * len(raw))

    def open(self, path: Path, raw: Raw, options: Options) -> Decoder:
        shape = options.sensor
        if shape is None:
            shape = (2, *SENSOR) if _is_nmnist(raw) else None
        elif len(shape) != 3 or shape[0] != 2:
            raise InvalidValue(f"{path}: sensor {shape}, expected (2, rows, columns)")
        return _Rows(raw, Header(shape, MICROSECOND))

    def write(self, path: Path, events: Events) -> None:
        """Write one recording. The sensor and the duration are not stored."""
        shape = events.shape
        if len(shape) != 3 or shape[0] != 2 or shape[1] > OVERFLOW_ROW or shape[2] > 256:
            raise InvalidValue(
                f"{self.title}: events have shape {shape}, expected (2, rows <= 240, "
                "columns <= 256)"
            )
        if events.clock != MICROSECOND:
            raise InvalidValue(
                f"{self.title}: events have {events.clock!r}, expected Clock(1 * us)"
            )
        if events.value is not None:
            raise InvalidValue(f"{self.title}: graded events have no place in a .bin file")
        if not len(events):
            raise InvalidValue(f"{self.title}: no events; an empty .bin file cannot be read back")
        if events.t[-1] >= 1 << 23:
            raise InvalidValue(
                f"{self.title}: the last event is at {events.t[-1]} us, the format holds 23 bits "
                "(8388607 us). Slice the recording."
            )
        with open(path, "wb") as file:
            for start in range(0, len(events), _BLOCK):
                rows = slice(start, start + _BLOCK)
                polarity, y, x = np.unravel_index(events.unit[rows], shape)
                word = (polarity << 23) | events.t[rows]
                columns = [x, y, word >> 16, (word >> 8) & 255, word & 255]
                table = np.empty((len(word), _EVENT), np.uint8)
                for i, column in enumerate(columns):
                    table[:, i] = column
                file.write(table.data)


class _Rows:
    def __init__(self, raw: Raw, header: Header) -> None:
        self.raw, self.header = raw, header

    def pieces(self, size: int) -> Iterator[Piece | Damage]:
        whole = len(self.raw) // _EVENT
        if not len(self.raw):
            yield Damage(0, 0, "the file is empty, expected 5 bytes an event")
        passed = 0  # overflows so far
        for start in range(0, whole, size):
            stop = min(start + size, whole)
            rows = self.raw[_EVENT * start : _EVENT * stop].reshape(-1, _EVENT)
            t, marker = _times(rows)
            t += passed * OVERFLOW_TICKS
            p, y, x = rows[:, 2] >> 7, rows[:, 1], rows[:, 0]
            markers = np.count_nonzero(marker)
            passed += markers
            number = np.arange(0)
            if markers:
                number = np.flatnonzero(~marker)
                t, p, y, x = t[number], p[number], y[number], x[number]

            def at(i: int, start: int = start, number: np.ndarray = number) -> int:
                return _EVENT * (start + (int(number[i]) if len(number) else i))

            # copies: the columns of a table are far apart in memory
            yield Piece(t, (p, y.copy(), x.copy()), at, _EVENT)
        rest = len(self.raw) - _EVENT * whole
        if rest:
            yield Damage(
                _EVENT * whole, rest,
                f"{len(self.raw)} bytes is not a multiple of 5, so the event at byte "
                f"{_EVENT * whole} is cut off",
            )  # fmt: skip


def _times(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Microseconds of each row, and which rows are overflow markers."""
    t = (rows[:, 2] & 127).astype(np.int64)
    for column in (3, 4):
        t <<= 8
        t |= rows[:, column]
    marker = rows[:, 1] == OVERFLOW_ROW
    if marker.any():
        t += np.cumsum(marker) * OVERFLOW_TICKS
    return t, marker


def _is_nmnist(raw: Raw) -> bool:
    """Whether nearly all events lie on N-MNIST's sensor; a damaged one does not make it larger."""
    rows, columns = SENSOR
    whole = len(raw) // _EVENT
    inside, outside = 0, 0
    for start in range(0, whole, _BLOCK):
        table = raw[_EVENT * start : _EVENT * min(start + _BLOCK, whole)].reshape(-1, _EVENT)
        x, y = table[:, 0], table[:, 1]
        inside += np.count_nonzero((x < columns) & (y < rows))
        outside += np.count_nonzero(((x >= columns) | (y >= rows)) & (y != OVERFLOW_ROW))
    return bool(outside <= 0.01 * (inside + outside))


NMNIST_BIN = _NmnistBin()
