"""The little of FlatBuffers that AEDAT 4 needs: tables read with bounds checked, and written."""

from __future__ import annotations

import struct

_U16, _U32, _I32, _I64 = (struct.Struct(c) for c in ("<H", "<I", "<i", "<q"))


class Malformed(ValueError):
    """A buffer that does not obey the format; turned into damage by whoever knows where it lies."""


class Table:
    """The root table of a size-prefixed buffer.

    Args:
        data: the buffer, with its size in the first four bytes.
        identifier: the four letters that it must bear.

    Raises:
        Malformed: the buffer is too short or its offsets point outside it.
    """

    def __init__(self, data: bytes | memoryview, identifier: bytes) -> None:
        self.data = data
        if len(data) < 12 or bytes(data[8:12]) != identifier:
            found = bytes(data[8:12])
            raise Malformed(f"a buffer marked {found!r}, expected {identifier.decode()}")
        (size,) = _U32.unpack_from(data, 0)
        if size + 4 > len(data):
            raise Malformed(f"a buffer of {size} bytes, but {len(data) - 4} are there")
        self.at = 4 + self._read(_U32, 4)
        self.vtable = self.at - self._read(_I32, self.at)
        self.fields = self._read(_U16, self.vtable)
        if self.fields < 4 or self.fields % 2 or self.vtable + self.fields > len(data):
            raise Malformed(f"a table of fields of {self.fields} bytes at {self.vtable}")

    def _read(self, kind: struct.Struct, at: int) -> int:
        if at < 0 or at + kind.size > len(self.data):
            raise Malformed(f"an offset to {at}, but the buffer has {len(self.data)} bytes")
        return kind.unpack_from(self.data, at)[0]

    def _field(self, number: int) -> int:
        """Where a field lies; 0 if it is not there."""
        slot = 4 + 2 * number
        offset = self._read(_U16, self.vtable + slot) if slot + 2 <= self.fields else 0
        return self.at + offset if offset else 0

    def int32(self, number: int, default: int) -> int:
        at = self._field(number)
        return self._read(_I32, at) if at else default

    def int64(self, number: int, default: int) -> int:
        at = self._field(number)
        return self._read(_I64, at) if at else default

    def vector(self, number: int, width: int) -> tuple[int, int]:
        """First byte and length of a vector of entries of `width` bytes; (0, 0) if absent."""
        at = self._field(number)
        if not at:
            return 0, 0
        at += self._read(_U32, at)
        length = self._read(_U32, at)
        if at + 4 + width * length > len(self.data):
            raise Malformed(
                f"a vector of {length} entries of {width} bytes at {at}, but the buffer has "
                f"{len(self.data)} bytes"
            )
        return at + 4, length

    def string(self, number: int) -> bytes:
        at, length = self.vector(number, 1)
        return bytes(self.data[at : at + length])


def _sized(body: bytes) -> bytes:
    return _U32.pack(len(body)) + body


def event_packet(events: bytes, count: int) -> bytes:
    """An EVTS buffer: one vector of events of 16 bytes."""
    # root offset, mark, filling; table of fields; table: offsets to fields and to the vector
    head = struct.pack("<I4s2x3Hii I", 16, b"EVTS", 6, 8, 4, 6, 4, count)
    return _sized(head + events)


def io_header(compression: int, table_at: int, xml: bytes) -> bytes:
    """An IOHE buffer: compression, where the table of packets begins, and the streams."""
    head = struct.pack("<I4s6x5H", 24, b"IOHE", 10, 24, 4, 12, 8)
    # the text follows the table's 24 bytes, 16 after the field that points to it
    table = struct.pack("<iIIq4xI", 10, compression, 16, table_at, len(xml))
    return _sized(head + table + xml + b"\0" * (4 - len(xml) % 4))


def packet_table(packets: list[tuple[int, int, int, int, int, int]]) -> bytes:
    """An FTAB buffer.

    Args:
        packets: for each the byte of its data, stream, size, number of events, first and last time.
    """
    count, row = len(packets), 56
    head = struct.pack("<I4s2x3Hii I", 16, b"FTAB", 6, 8, 4, 6, 4, count)
    offsets_at = 4 + len(head)
    fields_at = offsets_at + 4 * count
    fields_at += -(fields_at + 14) % 8  # so that the rows, which follow, lie on multiples of 8
    rows_at = fields_at + 14
    filling = fields_at - offsets_at - 4 * count
    offsets = b"".join(_U32.pack(rows_at + row * i - (offsets_at + 4 * i)) for i in range(count))
    # byte, stream and size, number, first, last: at 8, 4 bytes of struct at 48, 16, 24, 32
    fields = struct.pack("<7H", 14, row, 8, 40, 16, 24, 32)
    rows = bytearray()
    for i, (byte, stream, size, n, first, last) in enumerate(packets):
        back = rows_at + row * i - fields_at
        rows += struct.pack("<i4xqqqqii8x", back, byte, n, first, last, stream, size)
    return _sized(head + offsets + b"\0" * filling + fields + bytes(rows))
