"""AEDAT 4: compressed packets of events as iniVation's DV writes them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from neuro.clock import Clock
from neuro.errors import CorruptFile, InvalidValue
from neuro.events import Events
from neuro.formats._aedat4_packing import DoesNotUnpack, pack, unpack
from neuro.formats._aedat4_streams import NotReadable, Stream, description, streams
from neuro.formats._base import Damage, Decoder, Fact, Header, Options, Piece, Raw
from neuro.formats._camera_fit import refuse_unfit
from neuro.formats._flatbuffer import Malformed, Table, event_packet, io_header, packet_table
from neuro.units import us

_MARK = b"#!AER-DAT4.0\r\n"
_EVENT = np.dtype(
    {"names": ["t", "x", "y", "on"], "formats": ["<i8", "<i2", "<i2", "u1"],
     "offsets": [0, 8, 10, 12], "itemsize": 16}
)  # fmt: skip
_HEADER = struct.Struct("<ii")  # stream and size of a packet
_MICROSECOND = Clock(1 * us)
_LZ4 = 1
_PACKET = 16384  # events that are written in one packet


class _Aedat4:
    name = "aedat4"
    title = "AEDAT 4.0"
    suffixes = (".aedat4",)
    writable = True

    def recognises(self, head: bytes, path: Path) -> bool:
        return head.startswith(_MARK[:-2])

    def open(self, path: Path, raw: Raw, options: Options) -> Decoder:
        at = len(_MARK)
        try:
            if raw[:at].tobytes() != _MARK or len(raw) < at + 4:
                raise Malformed(f"{raw[:at].tobytes()!r}, expected the mark {_MARK!r} and a header")
            start = at + 4 + int.from_bytes(raw[at : at + 4].tobytes(), "little")
            if start > len(raw):
                raise Malformed(f"a header up to byte {start}, but the file ends at {len(raw)}")
            table = Table(raw[at:start].tobytes(), b"IOHE")
            compression = table.int32(0, 0)
            end = table.int64(1, -1)
            known = streams(table.string(2))
            if not 0 <= compression <= 4:
                raise Malformed(f"compression {compression}, expected 0 to 4")
            if end != -1 and end < start:
                raise Malformed(f"a table of packets at byte {end}, before the packets at {start}")
        except (Malformed, NotReadable) as error:
            raise CorruptFile(
                f"{path}: the header at byte {at}: {error}. Copy or download the file again"
            ) from error
        carriers = sorted(number for number, stream in known.items() if stream.kind == "EVTS")
        if options.sample >= len(carriers):
            raise InvalidValue(
                f"{path}: sample {options.sample}, but the file has {len(carriers)} streams of "
                "events; expected a number below that"
            )
        number = carriers[options.sample]
        stream = known[number]
        facts: dict[str, Fact] = {"stream": number, "streams": len(carriers)}
        if stream.source:
            facts["camera"] = stream.source
        shape = None if stream.size is None else (2, *stream.size)
        header = Header(shape, _MICROSECOND, start, None, facts)
        return _Packets(raw, header, known, number, compression, end, options.limit)

    def write(self, path: Path, events: Events) -> None:
        shape = events.shape
        refuse_unfit(self.name, events, 1 << 15, 1 << 15, 1 << 63)
        xml = description(shape[1], shape[2])
        packets: list[tuple[int, int, int, int, int, int]] = []
        with open(path, "wb") as file:
            file.write(_MARK + io_header(_LZ4, -1, xml))
            for start in range(0, len(events), _PACKET):
                rows = slice(start, start + _PACKET)
                t = events.t[rows]
                columns = np.zeros(len(t), _EVENT)
                columns["t"] = t
                columns["on"], columns["y"], columns["x"] = np.unravel_index(
                    events.unit[rows], shape
                )
                data = pack(event_packet(columns.tobytes(), len(t)))
                packets.append(
                    (file.tell() + _HEADER.size, 0, len(data), len(t), int(t[0]), int(t[-1]))
                )
                file.write(_HEADER.pack(0, len(data)) + data)
            table_at = file.tell()
            file.write(pack(packet_table(packets)))
            file.seek(0)
            file.write(_MARK + io_header(_LZ4, table_at, xml))


class _Packets:
    def __init__(
        self,
        raw: Raw,
        header: Header,
        known: dict[int, Stream],
        number: int,
        compression: int,
        end: int,
        limit: int,
    ) -> None:
        self.raw, self.header, self.known, self.number = raw, header, known, number
        self.compression, self.table, self.limit = compression, end, limit
        self.end = len(raw) if end < 0 else min(end, len(raw))

    def pieces(self, size: int) -> Iterator[Piece | Damage]:
        at, self.left = self.header.start, self.limit
        held: list[tuple[int, np.ndarray]] = []
        count = 0
        for item in self._packets(at):
            if isinstance(item, Damage):
                if held:
                    yield _joined(held)
                    held, count = [], 0
                yield item
                continue
            held.append(item)
            count += len(item[1])
            if count >= size:
                yield _joined(held)
                held, count = [], 0
        if held:
            yield _joined(held)

    def _packets(self, at: int) -> Iterator[tuple[int, np.ndarray] | Damage]:
        """Events of one packet after another, with the packet's byte."""
        while at < self.end:
            if self.end - at < _HEADER.size:
                yield Damage(at, self.end - at, "a packet header is cut off, expected 8 bytes")
                return
            stream, size = _HEADER.unpack(self.raw[at : at + _HEADER.size].tobytes())
            past = at + _HEADER.size + size
            if size < 0 or past > self.end:
                why = f"a packet of {size} bytes, but the packets end at byte {self.end}"
                yield Damage(at, self.end - at, why)
                break
            if stream == self.number:
                try:
                    events = self._events(self.raw[at + _HEADER.size : past])
                except (Malformed, DoesNotUnpack) as error:
                    yield Damage(at, past - at, f"a packet of events: {error}")
                else:
                    yield at, events
            elif stream not in self.known:
                why = f"a packet of stream {stream}, expected one of {sorted(self.known)}"
                yield Damage(at, past - at, why)
            at = past
        size = len(self.raw)
        if self.table >= size:
            why = f"the file ends here, but its table of packets is at byte {self.table}: cut off"
            yield Damage(size, 0, why)
        elif self.table >= 0:
            # the table itself is not needed, but where there is none, packets may be missing
            try:
                Table(unpack(self.raw[self.table :], self.compression, self.left), b"FTAB")
            except (Malformed, DoesNotUnpack) as error:
                yield Damage(self.table, size - self.table, f"no table of packets: {error}")

    def _events(self, packed: Raw) -> np.ndarray:
        data = unpack(packed, self.compression, self.left)
        self.left -= len(data)
        at, count = Table(data, b"EVTS").vector(0, _EVENT.itemsize)
        return np.frombuffer(data, _EVENT, count, at)


def _joined(held: list[tuple[int, np.ndarray]]) -> Piece:
    from neuro.formats._aedat_kernels import split_events

    first = np.cumsum([0] + [len(e) for _, e in held])
    byte = [at for at, _ in held]
    n = int(first[-1])
    t, p = np.empty(n, np.int64), np.empty(n, np.uint8)
    y, x = np.empty(n, np.int16), np.empty(n, np.int16)
    for start, (_, events) in zip(first, held, strict=False):
        rows = slice(start, start + len(events))
        pairs = events.view("<i8") if events.flags.aligned else events.copy().view("<i8")
        split_events(pairs, t[rows], p[rows], y[rows], x[rows])

    def at(i: int) -> int:
        return byte[int(np.searchsorted(first, i, "right")) - 1]

    return Piece(t, (p, y, x), at, _EVENT.itemsize)


AEDAT4 = _Aedat4()
