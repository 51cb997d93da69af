"""AEDAT 3.1: packets of polarity events as cAER and libcaer wrote them, e.g. in DVS128 Gesture."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from neuro.clock import Clock
from neuro.errors import CorruptFile, InvalidValue
from neuro.events import Events
from neuro.formats._aedat_header import chip_sensor, comments, sensor_line, stated_sensor
from neuro.formats._base import Damage, Decoder, Fact, Header, Options, Piece, Raw
from neuro.formats._camera_fit import refuse_unfit
from neuro.units import us

_MARK = b"#!AER-DAT3."
_END = "#!END-HEADER"
_MICROSECOND = Clock(1 * us)
_HEADER = struct.Struct("<HHIIIIII")
_SOURCE = re.compile(r"#\s*Source\s+(\d{1,5}):\s*(.*)")
_FORMAT = re.compile(r"#\s*Format:\s*(.*)")
_PACKET = 8192  # events that are written in one packet
_SPAN = 1 << 31  # microseconds until the time stamps overflow


class _Aedat31:
    name = "aedat3"
    title = "AEDAT 3.1"
    suffixes = (".aedat3", ".aedat")
    writable = True

    def recognises(self, head: bytes, path: Path) -> bool:
        return head.startswith(_MARK)

    def open(self, path: Path, raw: Raw, options: Options) -> Decoder:
        lines, start = comments(raw, path)
        if not lines or lines[-1] != _END or not lines[0].startswith(_MARK.decode()):
            raise CorruptFile(
                f"{path}: the header ends at byte {start} without {_END}, expected {self.title}. "
                "Copy or download the file again"
            )
        for line in lines:
            stated = _FORMAT.match(line)
            if stated and stated[1].strip().upper() != "RAW":
                raise CorruptFile(
                    f"{path}: data format {stated[1].strip()!r}, neuro reads RAW. Convert the file"
                )
        found = [match for line in lines if (match := _SOURCE.match(line))]
        sources = {int(match[1]): match[2].strip() for match in found}
        if options.sample and options.sample >= len(sources):
            raise InvalidValue(
                f"{path}: sample {options.sample}, but the file names {len(sources)} sources; "
                "expected a number below that"
            )
        number = sorted(sources)[options.sample] if sources else -1
        facts: dict[str, Fact] = {}
        if sources:
            facts = {"camera": sources[number], "sources": len(sources)}
        shape = stated_sensor(lines, path) or chip_sensor(sources.get(number, ""))
        wanted = number if len(sources) > 1 else -1
        return _Packets(raw, Header(shape, _MICROSECOND, start, None, facts), wanted)

    def write(self, path: Path, events: Events) -> None:
        from neuro.formats._aedat_kernels import polarity_rows

        shape = events.shape
        refuse_unfit(self.name, events, 1 << 15, 1 << 15, 1 << 63)
        with open(path, "wb") as file:
            file.write(
                f"{_MARK.decode()}1\r\n#Format: RAW\r\n#Source 1: neuro\r\n{sensor_line(shape)}"
                f"{_END}\r\n".encode()
            )
            at, count = 0, len(events)
            while at < count:
                overflow = int(events.t[at]) >> 31
                past = min((overflow + 1) * _SPAN, (1 << 63) - 1)  # the first time of the next one
                stop = min(at + _PACKET, int(np.searchsorted(events.t, past)))
                rows = slice(at, stop)
                p, y, x = np.unravel_index(events.unit[rows], shape)
                out = np.empty((stop - at, 8), np.uint8)
                polarity_rows(events.t[rows] & (_SPAN - 1), p, y, x, out)
                n = stop - at
                file.write(_HEADER.pack(1, 1, 8, 4, overflow, n, n, n))
                file.write(out.data)
                at = stop


class _Packets:
    def __init__(self, raw: Raw, header: Header, source: int) -> None:
        self.raw, self.header, self.source = raw, header, source

    def pieces(self, size: int) -> Iterator[Piece | Damage]:
        from neuro.formats import _aedat_kernels as kernels

        raw, end = self.raw, len(self.raw)
        state = np.array([self.header.start, 0, 0, 0], np.int64)
        while True:
            # no more events than there are bytes for
            room = max(1, min(size, (end - int(state[0])) // 8))
            before = state.copy()
            columns = _columns(room)
            code = kernels.polarity_packets(raw, state, self.source, *columns)
            n, at = int(state[3]), int(state[0])
            if n:
                t, p, y, x = (c[:n] for c in columns)
                yield Piece(t, (p, y, x), self._at(before), 8)
            if code == kernels.ENDED:
                return
            if code == kernels.FULL:
                continue
            if code == kernels.BAD_PACKET:
                width, offset, _, _, number = struct.unpack("<5I", raw[at + 4 : at + 24].tobytes())
                length = 28 + width * number
                yield Damage(
                    at, length, f"a packet of polarity events of {width} bytes with the time stamp "
                    f"at {offset}, expected 8 and 4",
                )  # fmt: skip
                state[0] += length
                continue
            why = {
                kernels.CUT_HEADER: f"{end - at} bytes, expected a packet header of 28: cut off",
                kernels.BAD_HEADER: f"no packet header: {raw[at : at + 28].tobytes().hex()}",
                kernels.CUT_PACKET: f"a packet is cut off at the end of the file, byte {end}",
            }[code]
            yield Damage(at, end - at, why)
            return

    def _at(self, before: np.ndarray) -> Callable[[int], int]:
        """Byte of event i, found again only where an error is worded."""

        def at(i: int) -> int:
            from neuro.formats._aedat_kernels import polarity_packets

            state = before.copy()
            columns = _columns(i + 1)
            polarity_packets(self.raw, state, self.source, *columns)
            return int(state[0]) - 8  # it stops right after the last event that there is room for

        return at


def _columns(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    return (
        np.empty(n, np.int64),
        np.empty(n, np.uint8),
        np.empty(n, np.int16),
        np.empty(n, np.int16),
    )


AEDAT31 = _Aedat31()
