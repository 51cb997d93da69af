"""Prophesee DAT files: decoded events of 8 bytes behind a text header."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neuro.errors import CorruptFile, InvalidValue
from neuro.events import Events
from neuro.formats._base import Damage, Header, Options, Piece, Raw
from neuro.formats._camera_fit import TICK, refuse_unfit
from neuro.formats._decoding import Coding, decoded
from neuro.formats._evt_format import kernels
from neuro.formats._prophesee_header import LONGEST, fields, shape

_SIDE = 1 << 14
_TRIGGER = 0x0E
_KINDS = {0x00: "2d", 0x0C: "cd", _TRIGGER: "triggers"}
_WHY = ("event whose polarity is neither 0 nor 1",)
_CHUNK = 1 << 20  # events that are written at a time


@dataclass(frozen=True)
class _Decoder:
    raw: Raw
    header: Header
    version: int

    def pieces(self, size: int) -> Iterator[Piece | Damage]:
        cut = "the file ends in the middle of an event of 8 bytes"
        coding = Coding(kernels().read_dat, "<u4", 8, 1, _WHY, cut)
        state = np.array([self.version, 0, 0], np.int64)
        return decoded(coding, self.raw, self.header.start, len(self.raw), state, size)


class _DAT:
    """Little-endian events: 32 bits of microseconds, then x, y and polarity.

    Version 2 has 14 bits for x and for y; older files 9 and 8. Time stamps wrap after 2^32 us
    (71.6 minutes): one that lies more than half a turn back is a turn later. The two bytes before
    the events give their kind (2d, CD or trigger) and size; the oldest files lack them, or the
    whole header.

    Sources: Prophesee, "DAT File Format", Metavision documentation; for older files the loaders of
    Prophesee's toolbox for the N-Cars and Gen1 automotive data sets.
    """

    name = "dat"
    title = "Prophesee DAT"
    suffixes: tuple[str, ...] = (".dat",)
    writable = True

    def recognises(self, head: bytes, path: Path) -> bool:
        if head[:1] != b"%":
            return path.suffix.lower() == ".dat" and _plausible(head)
        try:
            found = fields(head, path)
        except CorruptFile:
            return head.startswith(b"% Data file containing")
        kind = head[found.start : found.start + 2]
        known = len(kind) == 2 and kind[0] in _KINDS and kind[1] == 8
        return found.coding is None and (
            known or "data" in found.value or path.suffix.lower() == ".dat"
        )

    def open(self, path: Path, raw: Raw, options: Options) -> _Decoder:
        found = fields(raw[:LONGEST].tobytes(), path)
        start, given = found.start, found.value.get("version", "0")
        if given.split(".")[0] not in ("0", "1", "2"):
            raise CorruptFile(
                f"{path}: header at byte {found.at['version']} says version {given!r}, expected "
                "DAT version 1 or 2"
            )
        mark = raw[start : start + 2].tolist()
        facts = found.facts
        if start and len(mark) == 2 and mark[0] in _KINDS and mark[1] == 8:
            if mark[0] == _TRIGGER:
                raise CorruptFile(
                    f"{path}: byte {start} says that the file holds external triggers, expected "
                    "camera events (type 0 or 12)"
                )
            facts["kind"] = _KINDS[mark[0]]
            start += 2
        elif start and (len(raw) - start) % 8 != 0:
            raise CorruptFile(
                f"{path}: bytes {start} and {start + 1} are {mark}, expected the type of the "
                "events (0 or 12) and their size (8)"
            )
        header = Header(shape(found, path), TICK, start, facts=facts)
        return _Decoder(raw, header, int(given.split(".")[0]))

    def write(self, path: Path, events: Events) -> None:
        """Write a file of version 2 with CD events.

        Raises:
            InvalidValue: not a camera's events in microseconds, on more than 16384 rows or columns,
                or with a pause so long that the wrap of the 32-bit time stamps cannot be told.
        """
        refuse_unfit(self.name, events, _SIDE, _SIDE, 1 << 62)
        _refuse_pauses(events.t)
        _, rows, columns = events.shape
        header = (
            f"% Data file containing CD events.\n% Version 2\n% Width {columns}\n% Height {rows}\n"
        )
        with open(path, "wb") as file:
            file.write(header.encode() + bytes((0x0C, 8)))
            for first in range(0, len(events), _CHUNK):
                t = events.t[first : first + _CHUNK]
                unit = events.unit[first : first + _CHUNK]
                line, x = np.divmod(unit, columns)
                polarity, y = np.divmod(line, rows)
                words = np.empty((len(t), 2), "<u4")
                words[:, 0] = t & 0xFFFFFFFF
                words[:, 1] = x | y << 14 | polarity << 28
                file.write(words.data)


def _refuse_pauses(t: np.ndarray) -> None:
    """Refuse times that a reader of 32 bits, who has seen time 0, would tell wrongly."""
    pause = np.diff(t, prepend=0)
    turns = np.diff(t >> 32, prepend=0)
    bad = (turns > 1) | ((turns == 1) & (pause >= 1 << 31))
    if bad.any():
        row = int(bad.argmax())
        raise InvalidValue(
            f"dat: Events.t jumps by {pause[row]} ticks to {t[row]} at row {row}; time stamps of "
            "32 bits cannot tell such a pause. Remedy: count time from the first event with "
            "events.slice(first, events.duration), or choose another format"
        )


def _plausible(head: bytes) -> bool:
    """Whether bytes look like events of the old layout without a header."""
    words = np.frombuffer(head[: len(head) // 8 * 8], "<u4").reshape(-1, 2)
    if not len(words):
        return False
    return bool(
        (np.diff(words[:, 0].astype(np.int64)) >= 0).all() and (words[:, 1] < 1 << 18).all()
    )


DAT = _DAT()
