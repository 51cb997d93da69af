"""AEDAT 2.0, 3.1 and 4: known bytes, real samples, round trips and damage."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path

import lz4.frame
import numpy as np
import pytest
import zstandard

from neuro.clock import Clock
from neuro.errors import CorruptFile, DamagedFile, InvalidValue
from neuro.events import Events
from neuro.formats import _aedat_kernels as kernels
from neuro.formats import read_events, read_recording, stream_events
from neuro.formats._aedat4_streams import description
from neuro.formats._flatbuffer import event_packet, io_header
from neuro.formats.aedat4 import AEDAT4
from neuro.units import us

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
needs_samples = pytest.mark.skipif(not SHARED.exists(), reason="the shared samples are not here")
US = Clock(1 * us)


def rows(events: Events) -> list[tuple[int, ...]]:
    """(t, polarity, y, x) of each event."""
    return list(zip(events.t.tolist(), *(c.tolist() for c in events.coordinates), strict=True))


def kept(path, **how):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedFile)
        return read_recording(path, errors="keep", **how)


def word(address: int, t: int) -> bytes:
    return struct.pack(">II", address, t)


def dvs(t: int, p: int, y: int, x: int) -> bytes:
    return word((127 - y) << 8 | (127 - x) << 1 | (1 - p), t)


def davis(t: int, p: int, y: int, x: int, rows: int = 260, columns: int = 346) -> bytes:
    return word((rows - 1 - y) << 22 | (columns - 1 - x) << 12 | p << 11, t)


HEAD2 = b"#!AER-DAT2.0\r\n# AEChip: eu.seebetter.ini.chips.davis.Davis346red\r\n"
EVENTS = [(5, 1, 3, 4), (5, 1, 3, 4), (70_000, 0, 127, 0), (2**32 - 1, 1, 0, 127)]


# -- AEDAT 2.0 ---------------------------------------------------------------------------------


def test_aedat2_without_a_chip_has_dvs128_addresses(tmp_path):
    path = tmp_path / "a.aedat"
    external = word(1 << 15, 6)  # a trigger, stepped over
    data = [dvs(*e) for e in EVENTS]
    path.write_bytes(
        b"#!AER-DAT2.0\r\n# made by hand\r\n" + data[0] + external + b"".join(data[1:])
    )
    found = read_recording(path)
    assert found.format == "aedat2" and found.events.shape == (2, 128, 128)
    assert rows(found.events) == EVENTS


def test_aedat2_of_a_davis_steps_over_frames_and_triggers(tmp_path):
    path = tmp_path / "a.aedat"
    frame, trigger = word(1 << 31 | 77, 5), word(1 << 10, 6)
    path.write_bytes(HEAD2 + frame + davis(7, 1, 0, 345) + trigger + davis(8, 0, 259, 0))
    found = read_recording(path)
    assert found.events.shape == (2, 260, 346) and "Davis346red" in str(found.facts["camera"])
    assert rows(found.events) == [(7, 1, 0, 345), (8, 0, 259, 0)]
    path.write_bytes(HEAD2 + frame + davis(7, 1, 0, 345) + trigger + davis(6, 0, 259, 0))
    at = len(HEAD2) + 24  # words that are no events are counted too
    with pytest.raises(CorruptFile, match=f"byte {at}: time runs backwards"):
        read_events(path)


def test_aedat2_time_stamps_wrap_after_2_to_the_32(tmp_path):
    path = tmp_path / "a.aedat"
    stamps = [2**32 - 10, 3, 2**31 - 1, 2**32 - 5, 2]
    path.write_bytes(b"#!AER-DAT2.0\n" + b"".join(dvs(t, 1, 1, 1) for t in stamps))
    turn = 2**32
    expected = [turn - 10, turn + 3, turn + 2**31 - 1, 2 * turn - 5, 2 * turn + 2]
    assert read_events(path).t.tolist() == expected
    stamps = [2**32 - 10, 3, 2**32 - 8]  # late, from before the stamps wrapped
    path.write_bytes(b"#!AER-DAT2.0\n" + b"".join(dvs(t, 1, 1, 1) for t in stamps))
    with pytest.raises(CorruptFile, match=f"byte 29: time runs backwards to {turn - 8}"):
        read_events(path)


def test_an_event_that_begins_like_a_comment_is_an_event(tmp_path):
    path = tmp_path / "a.aedat"
    first = davis(9, 1, 260 - 1 - (0x23 << 2), 5)  # its first byte is "#"
    assert first[:1] == b"#"
    path.write_bytes(HEAD2 + first + davis(10, 0, 1, 1))
    assert rows(read_events(path)) == [(9, 1, 119, 5), (10, 0, 1, 1)]


def test_addresses_of_cochleas_are_units(tmp_path):
    path = tmp_path / "a.aedat"
    path.write_bytes(b"#!AER-DAT2.0\r\n# AEChip: NAS64\r\n" + word(5, 1) + word(127, 2))
    found = read_recording(path, sensor=(128,))
    assert found.events.unit.tolist() == [5, 127] and found.events.shape == (128,)
    assert read_events(path).shape == (128,)
    path.write_bytes(word(5, 1) + word(127, 2))  # no header
    assert read_events(path, sensor=(256,)).unit.tolist() == [5, 127]


def test_cameras_whose_addresses_are_not_known_are_refused(tmp_path):
    path = tmp_path / "a.aedat"
    path.write_bytes(b"#!AER-DAT2.0\r\n# AEChip: Odd7\r\n" + dvs(1, 1, 1, 1))
    with pytest.raises(InvalidValue, match=r"Odd7.*Pass sensor="):
        read_events(path)
    assert rows(read_events(path, sensor=(2, 128, 128))) == [(1, 1, 1, 1)]
    path.write_bytes(b"#!AER-DAT2.0\r\n# AEChip: DAVISxyz\r\n" + davis(1, 1, 1, 1, 200, 300))
    with pytest.raises(InvalidValue, match=r"DAVISxyz.*Pass sensor="):
        read_events(path)
    assert rows(read_events(path, sensor=(2, 200, 300))) == [(1, 1, 1, 1)]
    with pytest.raises(InvalidValue, match="sensor"):
        read_events(path, sensor=(3, 4))


@needs_samples
def test_a_real_cochlea_agrees_with_its_decoded_twin():
    path = SHARED / "events_io" / "nas_261_nonoise.aedat"
    with pytest.raises(CorruptFile, match="time runs backwards"):
        read_events(path)  # its writer did not sort
    events = read_events(path, order="sort")
    twin = np.load(SHARED / "nas_tones" / "No_noise" / "261.npz")
    t = np.cumsum(twin["dt_us"].astype(np.int64))
    expected = Events.sorted(t, twin["addr"].astype(np.int32), shape=(128,), clock=US)
    assert len(events) == 416_373 and events == expected


@needs_samples
def test_a_real_header_is_read_to_its_end():
    found = read_recording(SHARED / "events_io" / "tonic_sample_aedat_header.aedat")
    assert len(found.events) == 0 and found.events.shape == (2, 260, 346)


# -- AEDAT 3.1 ---------------------------------------------------------------------------------

HEAD3 = b"#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n#Start-Time: now\r\n#!END-HEADER\r\n"


def polarity(t: int, p: int, y: int, x: int, valid: int = 1) -> bytes:
    return struct.pack("<Ii", valid | p << 1 | y << 2 | x << 17, t)


def packet(events: list[bytes], kind=1, source=1, size=8, offset=4, overflow=0) -> bytes:
    n = len(events)
    head = struct.pack("<HHIIIIII", kind, source, size, offset, overflow, n, n, n)
    return head + b"".join(events)


def test_aedat3_packets(tmp_path):
    path = tmp_path / "a.aedat"
    special = packet([b"\1" * 8], kind=0)
    frame = packet([b"\2" * 100, b"\3" * 100], kind=2, size=100)
    first = packet([polarity(5, 1, 3, 4), polarity(6, 0, 3, 4, valid=0), polarity(6, 0, 127, 0)])
    late = packet([polarity(2, 1, 0, 127)], overflow=3)
    path.write_bytes(HEAD3 + special + first + frame + late + packet([]))
    found = read_recording(path)
    assert found.format == "aedat3" and found.events.shape == (2, 128, 128)
    expected = [(5, 1, 3, 4), (6, 0, 127, 0), (3 * 2**31 + 2, 1, 0, 127)]
    assert rows(found.events) == expected


def test_aedat3_says_where_a_bad_event_lies(tmp_path):
    path = tmp_path / "a.aedat"
    special = packet([b"\1" * 8], kind=0)
    events = [polarity(5, 1, 3, 4), polarity(6, 0, 3, 4, valid=0), polarity(4, 0, 127, 0)]
    path.write_bytes(HEAD3 + special + packet(events[:1]) + packet(events[1:]))
    at = len(HEAD3) + 36 + 36 + 28 + 8
    with pytest.raises(CorruptFile, match=f"byte {at}: time runs backwards to 4"):
        read_events(path)


def test_aedat3_of_two_cameras_gives_the_one_that_is_asked_for(tmp_path):
    path = tmp_path / "a.aedat"
    head = HEAD3.replace(b"#Start", b"#Source 2: DAVIS240C\r\n#Start")
    path.write_bytes(
        head + packet([polarity(9, 1, 1, 1)]) + packet([polarity(5, 0, 150, 200)], source=2)
    )
    assert rows(read_events(path)) == [(9, 1, 1, 1)]
    second = read_recording(path, sample=1)
    assert rows(second.events) == [(5, 0, 150, 200)] and second.events.shape == (2, 180, 240)
    assert second.facts["sources"] == 2
    with pytest.raises(InvalidValue, match="sample 2"):
        read_events(path, sample=2)


def test_aedat3_damage(tmp_path):
    path = tmp_path / "a.aedat"
    good, odd = packet([polarity(5, 1, 3, 4)]), packet([b"\1" * 16], size=16)
    path.write_bytes(HEAD3 + good + odd + packet([polarity(7, 1, 3, 4)]))
    with pytest.raises(CorruptFile, match=f"byte {len(HEAD3) + 36}: a packet .* 16 bytes"):
        read_events(path)
    found = kept(path)
    assert found.events.t.tolist() == [5, 7] and found.skipped == 28 + 16
    path.write_bytes(HEAD3 + good + b"\xff" * 40)
    assert kept(path).skipped == 40 and len(kept(path).events) == 1
    path.write_bytes(HEAD3.replace(b"RAW", b"SerializedTS") + good)
    with pytest.raises(CorruptFile, match="SerializedTS"):
        read_events(path)
    path.write_bytes(HEAD3[:-16] + good)
    with pytest.raises(CorruptFile, match="END-HEADER"):
        read_events(path)


# -- AEDAT 4 -----------------------------------------------------------------------------------


def xml(*kinds: str, more: str = "") -> bytes:
    nodes = "".join(
        f'<node name="{i}"><attr key="typeIdentifier">{kind}</attr><node name="info">'
        f'<attr key="sizeX">40</attr><attr key="sizeY">30</attr>'
        f'<attr key="source">cam</attr></node></node>'
        for i, kind in enumerate(kinds)
    )
    return f'{more}<dv version="2.0"><node name="outInfo">{nodes}</node></dv>'.encode()


def evts(events: list[tuple[int, int, int, int]]) -> bytes:
    data = b"".join(struct.pack("<qhhB3x", t, x, y, p) for t, p, y, x in events)
    return event_packet(data, len(events))


def aedat4(
    path: Path, packets: list[tuple[int, bytes]], description: bytes, compression=1
) -> bytes:
    pack = {0: bytes, 1: lz4.frame.compress, 3: zstandard.ZstdCompressor().compress}[compression]
    raw = b"#!AER-DAT4.0\r\n" + io_header(compression, -1, description)
    for stream, data in packets:
        packed = pack(data)
        raw += struct.pack("<ii", stream, len(packed)) + packed
    path.write_bytes(raw)
    return raw


A, B = [(5, 1, 3, 4), (6, 0, 29, 39)], [(6, 1, 0, 0), (2**40, 0, 1, 2)]


@pytest.mark.parametrize("compression", [0, 1, 3])
def test_aedat4_packets_and_streams(compression, tmp_path):
    path = tmp_path / "a.aedat4"
    packets = [
        (1, b"a frame"),
        (0, evts(A)),
        (2, evts([(9, 1, 1, 1)])),
        (0, evts(B)),
        (0, evts([])),
    ]
    aedat4(path, packets, xml("EVTS", "FRME", "EVTS"), compression)
    found = read_recording(path)
    assert found.format == "aedat4" and found.events.shape == (2, 30, 40)
    assert sorted(rows(found.events)) == sorted(A + B)
    assert found.facts["camera"] == "cam" and found.facts["streams"] == 2
    assert rows(read_events(path, sample=1)) == [(9, 1, 1, 1)]
    with pytest.raises(InvalidValue, match="sample 2"):
        read_events(path, sample=2)


def test_aedat4_damage_costs_one_packet(tmp_path):
    path = tmp_path / "a.aedat4"
    raw = aedat4(path, [(0, evts(A)), (0, b"\1" * 60), (7, b"x"), (0, evts(B))], xml("EVTS"))
    found = kept(path)
    assert sorted(rows(found.events)) == sorted(A + B)
    assert "EVTS" in found.problems[0] and "stream 7" in found.problems[1]
    lost = sum(8 + len(lz4.frame.compress(d)) for d in (b"\1" * 60, b"x"))
    assert found.skipped == lost
    at = raw.index(lz4.frame.compress(evts(A))) - 8 + 8 + len(lz4.frame.compress(evts(A)))
    with pytest.raises(CorruptFile, match=f"byte {at}: a packet of events"):
        read_events(path)


@pytest.mark.parametrize("compression", [1, 3])
def test_aedat4_packets_never_unpack_beyond_the_limit(compression, tmp_path):
    path = tmp_path / "a.aedat4"
    bomb = bytes(50_000_000)
    raw = aedat4(path, [(0, evts(A)), (0, bomb)], xml("EVTS"), compression)
    assert len(raw) < 1_000_000
    with pytest.raises(CorruptFile, match="limit"):
        read_events(path, limit=1_000_000)
    assert rows(kept(path, limit=1_000_000).events) == A


@pytest.mark.parametrize(
    "description",
    [
        xml("EVTS", more='<!DOCTYPE a [<!ENTITY b "c">]>'),
        xml("EVTS", more='<!DOCTYPE a SYSTEM "http://nowhere.invalid/a.dtd">'),
        b"<dv>" * 100 + b"</dv>" * 100,
        b"<dv",
        b"",
        b'<?xml version="1.0" encoding="odd"?><dv></dv>',
    ],
)
def test_aedat4_descriptions_that_no_camera_writes_are_refused(description, tmp_path):
    path = tmp_path / "a.aedat4"
    aedat4(path, [(0, evts(A))], description)
    with pytest.raises(CorruptFile, match="description"):
        read_events(path)


def test_aedat4_tables_of_packets_are_looked_for(tmp_path):
    path = tmp_path / "a.aedat4"
    t = np.arange(40_000)
    AEDAT4.write(path, Events.sorted(t, t % 2000, shape=(2, 34, 34), clock=US))
    raw = path.read_bytes()
    packets = [at for at in range(len(raw)) if raw.startswith(b"\x04\x22\x4d\x18", at)]
    early = io_header(1, packets[1] - 8, description(34, 34))  # in front of the second packet
    path.write_bytes(raw[:14] + early + raw[14 + len(early) :])
    with pytest.raises(CorruptFile, match=f"byte {packets[1] - 8}: no table of packets"):
        read_events(path)


def test_aedat4_without_events_is_said_to_have_none(tmp_path):
    path = tmp_path / "a.aedat4"
    aedat4(path, [], xml("FRME"))
    with pytest.raises(InvalidValue, match="0 streams of events"):
        read_events(path)


@needs_samples
@pytest.mark.parametrize(
    ("name", "count", "shape"),
    [("davis346", 117_667, (2, 260, 346)), ("tonic_sample", 111_954, (2, 240, 320))],
)
def test_real_aedat4_recordings(name, count, shape, tmp_path):
    path = SHARED / "events_io" / f"{name}.aedat4"
    events = read_events(path)
    assert len(events) == count and events.shape == shape
    # the same packets once more, unpacked and read by hand
    raw, at, found = path.read_bytes(), 14, []
    at += 4 + int.from_bytes(raw[14:18], "little")
    while at + 8 <= len(raw):
        stream, size = struct.unpack_from("<ii", raw, at)
        if not 0 <= stream < 8:
            break  # the table of packets
        if stream == 0:
            data = lz4.frame.decompress(raw[at + 8 : at + 8 + size])
            table = np.frombuffer(data[32:], "<i8,<i2,<i2,u1,u1,u2")
            assert len(table) == int.from_bytes(data[28:32], "little")
            found.append(table)
        at += 8 + size
    table = np.concatenate(found)
    unit = (table["f3"].astype(np.int64) * shape[1] + table["f2"]) * shape[2] + table["f1"]
    assert events == Events.sorted(table["f0"], unit, shape=shape, clock=US)
    assert sum(len(c) for c in stream_events(path, chunk=1000)) == count
    AEDAT4.write(tmp_path / "b.aedat4", events)
    assert read_events(tmp_path / "b.aedat4") == events


# -- compiled loops against the same loops in plain Python --------------------------------------


def columns(n):
    return (
        np.zeros(n, np.int64),
        np.zeros(n, np.uint8),
        np.zeros(n, np.int16),
        np.zeros(n, np.int16),
    )


def test_compiled_camera_words_are_the_plain_ones():
    stamps = [2**32 - 10, 3, 2**32 - 8, 2**31 + 4, 2]
    raw = np.frombuffer(b"".join(davis(t, 1, 5, 6) for t in stamps) + word(1 << 31, 1), np.uint8)
    layout = np.array([1 << 31 | 1 << 10, 12, 0x3FF, 22, 0x1FF, 11, 1, 345, 259])
    outputs = []
    for loop in (kernels.camera_words, kernels.camera_words.py_func):
        state, out = np.zeros(2, np.int64), columns(6)
        outputs.append((loop(raw, layout, state, *out), state.tolist(), *(o.tolist() for o in out)))
    assert outputs[0] == outputs[1] and outputs[0][0] == 5
    outputs = []
    for loop in (kernels.unit_words, kernels.unit_words.py_func):
        state, t, unit = np.zeros(2, np.int64), np.zeros(6, np.int64), np.zeros(6, np.uint32)
        outputs.append((loop(raw, state, t, unit), state.tolist(), t.tolist(), unit.tolist()))
    assert outputs[0] == outputs[1] and outputs[0][0] == 6


def test_compiled_packets_are_the_plain_ones():
    good = packet([polarity(5, 1, 3, 4), polarity(6, 0, 1, 1, valid=0), polarity(-1, 0, 9, 9)])
    tails = [
        b"", b"\0" * 5, b"\xff" * 28, packet([b"\1" * 16], size=16), good[:40],
        packet([b"\1" * 8], kind=3)[:30],
    ]  # fmt: skip
    codes = set()
    for tail in tails:
        raw = np.frombuffer(packet([b"\1" * 9], kind=2, size=9) + good + tail, np.uint8)
        for room in (1, 8):
            outputs = []
            for loop in (kernels.polarity_packets, kernels.polarity_packets.py_func):
                state, out = np.zeros(4, np.int64), columns(room)
                code = loop(raw, state, -1, *out)
                codes.add(code)
                outputs.append((code, state.tolist(), *(o.tolist() for o in out)))
            assert outputs[0] == outputs[1]
    assert codes == set(range(6))


def test_compiled_splitting_is_the_plain_one():
    data = b"".join(struct.pack("<qhhB3x", t, x, y, p) for t, p, y, x in [*A, (-3, 9, -1, -2)])
    outputs = []
    for loop in (kernels.split_events, kernels.split_events.py_func):
        out = columns(3)
        loop(np.frombuffer(data, "<i8"), *out)
        outputs.append([o.tolist() for o in out])
    assert outputs[0] == outputs[1] == [[5, 6, -3], [1, 0, 1], [3, 29, -1], [4, 39, -2]]


def test_compiled_writers_are_the_plain_ones():
    t, address = np.array([5, 2**32 - 1]), np.array([2**31 + 5, 77])
    two = [np.zeros(16, np.uint8), np.zeros(16, np.uint8)]
    kernels.words(address, t, two[0])
    kernels.words.py_func(address, t, two[1])
    assert two[0].tolist() == two[1].tolist() == list(word(2**31 + 5, 5) + word(77, 2**32 - 1))
    p, y, x = np.array([1, 0]), np.array([3, 127]), np.array([4, 32767])
    two = [np.zeros((2, 8), np.uint8), np.zeros((2, 8), np.uint8)]
    kernels.polarity_rows(np.array([5, 6]), p, y, x, two[0])
    kernels.polarity_rows.py_func(np.array([5, 6]), p, y, x, two[1])
    expected = polarity(5, 1, 3, 4) + polarity(6, 0, 127, 32767)
    assert two[0].tobytes() == two[1].tobytes() == expected
