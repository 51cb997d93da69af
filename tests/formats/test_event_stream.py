"""Event Stream files, byte by byte as the specification defines them."""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

from neuro.clock import Clock
from neuro.errors import CorruptFile, DamagedFile
from neuro.events import Events
from neuro.formats import _es_kernels as kernels
from neuro.formats import read_events, read_recording, stream_events, write_events
from neuro.units import us

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
needs_samples = pytest.mark.skipif(not SHARED.exists(), reason="the shared samples are not here")
SIZE = bytes((0x40, 0x01, 0xF0, 0x00))  # 320 columns, 240 rows
DVS = b"Event Stream\x02\x00\x00\x01" + SIZE
ATIS = b"Event Stream\x02\x00\x00\x02" + SIZE
COLOR = b"Event Stream\x02\x00\x00\x04" + SIZE


def file_of(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def rows(events: Events) -> list[tuple[int, int, int, int]]:
    """(t, first axis, y, x) of each event."""
    return list(zip(events.t.tolist(), *(c.tolist() for c in events.coordinates), strict=True))


def kept(path: Path, **how):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedFile)
        return read_recording(path, errors="keep", **how)


def test_dvs_events(tmp_path):
    body = bytes([
        5 << 1 | 1, 0x3F, 0x01, 0xEF, 0x00,  # 5 us: on, x 319, y 239
        0xFF, 0xFF, 0xFE, 3 << 1, 2, 0, 1, 0,  # two overflows of 127 us, a reset, 3 us: off
        126 << 1, 0xFF, 0, 0x7F, 0,
    ])  # fmt: skip
    found = read_recording(file_of(tmp_path / "a.es", DVS + body))
    assert rows(found.events) == [(5, 1, 239, 319), (262, 0, 1, 2), (388, 0, 127, 255)]
    assert found.events.shape == (2, 240, 320) and found.format == "es"
    assert found.facts == {"stream": "dvs", "version": "2.0.0"}


def test_atis_events_are_read_and_threshold_crossings_stepped_over(tmp_path):
    body = bytes([
        7 << 2 | 0b10, 10, 0, 20, 0,  # 7 us: on
        4 << 2 | 0b01, 11, 0, 20, 0,  # first crossing
        0xFF, 0xFC, 0xFD, 1 << 2 | 0b11, 11, 0, 20, 0,  # 3 + 1 overflows of 63 us, second crossing
        2 << 2, 12, 1, 21, 0,  # 2 us: off
    ])  # fmt: skip
    found = read_recording(file_of(tmp_path / "a.es", ATIS + body))
    assert rows(found.events) == [(7, 1, 20, 10), (7 + 4 + 252 + 1 + 2, 0, 21, 268)]
    assert found.facts["stream"] == "atis"


def test_color_events_become_three_graded_events(tmp_path):
    body = bytes([4, 0x3F, 1, 2, 0, 10, 20, 30, 0xFF, 0xFE, 0, 1, 0, 2, 0, 0, 255, 7])
    path = file_of(tmp_path / "a.es", COLOR + body)
    events = read_events(path)
    assert events.shape == (3, 240, 320)
    assert rows(events) == [(4, c, 2, 319) for c in range(3)] + [(258, c, 2, 1) for c in range(3)]
    assert events.value is not None and events.value.tolist() == [10, 20, 30, 0, 255, 7]
    parts = list(stream_events(path, chunk=1))
    assert [len(p) for p in parts] == [3, 3]


def test_color_events_outside_the_sensor_are_damage(tmp_path):
    body = bytes([4, 0x40, 1, 2, 0, 1, 2, 3, 0, 1, 0, 2, 0, 4, 5, 6])
    path = file_of(tmp_path / "a.es", COLOR + body)
    with pytest.raises(CorruptFile, match="at byte 20: color event outside the sensor of 240 rows"):
        read_events(path)
    found = kept(path)
    assert rows(found.events) == [(4, c, 2, 1) for c in range(3)] and found.skipped == 8


def test_version_1_dvs(tmp_path):
    # x = 0b11_0110_1011 = 875, y = 0b1_0101_0110 = 342
    body = bytes([0b1011_0101, 0b10_110110, 0b1_1010101, 0x0F, 0x3F, 0x10 | 2, 0, 0])
    found = read_recording(file_of(tmp_path / "a.es", b"Event Stream\x01\x00\x00" + body))
    assert rows(found.events) == [(5, 1, 342, 875), (5 + 45 + 2, 0, 0, 1)]
    assert found.facts == {"stream": "dvs", "version": "1.0", "sensor_from": "events"}


def test_version_1_atis(tmp_path):
    # x = 0b1_0110_1101 = 365, y = 0b1011_0110 = 182
    body = bytes([0b101_00111, 0b10_101101, 0b1_0_101101, 0b010_11111, 1, 0, 0b01000000, 2, 0, 0])
    found = read_recording(file_of(tmp_path / "a.es", b"Event Stream\x01\x00\x01" + body))
    assert rows(found.events) == [(7, 1, 182, 365), (7 + 62 + 1 + 2, 0, 0, 0)]


def test_an_event_outside_the_sensor_is_damage(tmp_path):
    body = bytes([0xFF, 1, 0x40, 1, 0, 0, 2, 5, 0, 6, 0])
    path = file_of(tmp_path / "a.es", DVS + body)
    with pytest.raises(CorruptFile, match="at byte 21: event at x=320, outside the sensor"):
        read_events(path)
    found = kept(path)
    assert rows(found.events) == [(128, 0, 6, 5)] and found.skipped == 5


def test_bytes_that_pass_the_time_may_end_a_file(tmp_path):
    assert len(read_events(file_of(tmp_path / "a.es", DVS + b"\xff\xfe\xff"))) == 0


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"Event Stream", "ends at byte 12, in the middle of the header"),
        (b"Event Stream\x02\x00\x00", "ends at byte 15, in the middle of the header"),
        (DVS[:18], "ends at byte 18, in the middle of the header"),
        (b"Event Stream\x03\x00\x00\x01" + SIZE, "byte 12 says version 3, expected 1 or 2"),
        (b"Event Stream\x02\x00\x00\x00\x05\x02a", "byte 15 is 0: a stream of generic events"),
        (b"Event Stream\x02\x00\x00\x03", "byte 15 is 3: a stream of display events"),
        (b"Event Stream\x02\x00\x00\x09", "byte 15 is 9: a stream of unknown events"),
        (b"Event Stream\x01\x00\x03", "byte 14 is 3: a stream of color events in version 1"),
        (DVS[:16] + bytes(4), "byte 16 says 0 columns and 0 rows"),
    ],
)
def test_other_and_damaged_files_are_refused(content, text, tmp_path):
    with pytest.raises(CorruptFile, match=text):
        read_events(file_of(tmp_path / "a.es", content))


def test_not_an_event_stream(tmp_path):
    with pytest.raises(CorruptFile, match="expected b'Event Stream'"):
        read_events(file_of(tmp_path / "a.es", b"something else"), format="es")


def test_written_bytes(tmp_path):
    path = tmp_path / "a.es"
    events = Events.sorted(
        [0, 0, 126, 253, 634], [0, 0, (240 + 239) * 320 + 319, 1, 320], shape=(2, 240, 320),
        clock=Clock(1 * us),
    )  # fmt: skip
    write_events(path, events)
    assert path.read_bytes() == DVS + bytes([
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        126 << 1 | 1, 0x3F, 1, 0xEF, 0,
        0xFF, 0, 1, 0, 0, 0,
        0xFF, 0xFF, 0xFF, 0, 0, 0, 1, 0,
    ])  # fmt: skip


@needs_samples
def test_sample_equals_the_same_digit_in_its_own_format():
    with zipfile.ZipFile(SHARED / "nmnist" / "nmnist_train1000.zip") as archive:
        raw = np.frombuffer(archive.read("Train/0/00002.bin"), np.uint8).reshape(-1, 5).astype(int)
    events = read_events(SHARED / "events_io" / "nmnist_00002.es")
    assert len(events) == len(raw) == 5028 and events.shape == (2, 34, 34)
    t = (raw[:, 2] & 0x7F) << 16 | raw[:, 3] << 8 | raw[:, 4]
    expected = sorted(zip(t, raw[:, 2] >> 7, raw[:, 1], raw[:, 0], strict=True))
    assert rows(events) == expected


@needs_samples
def test_samples_have_all_their_bytes_in_events():
    """Each byte is one of an event or passes the time, so that the counts must add up."""
    for name, width in (("faery_dvs.es", 5), ("faery_color.es", 8)):
        path = SHARED / "events_io" / name
        events = read_events(path)
        count = len(events) // (3 if width == 8 else 1)
        passing = path.stat().st_size - 20 - width * count
        assert events.shape[1:] == (240, 320) and passing >= 0
        assert passing == {"faery_dvs.es": 6993, "faery_color.es": 2997}[name]


def test_kernels_do_the_same_uncompiled():
    rng = np.random.default_rng(0)
    raw = rng.integers(0, 256, 400, np.uint8)
    raw[::7] = 0xFF
    cases = [
        (kernels.read_events2, [0, 0], 4), (kernels.read_events2, [0, 1], 4),
        (kernels.read_events1, [0, 0], 4), (kernels.read_events1, [0, 1], 4),
        (kernels.read_colors, [0, 40_000, 40_000], 5),
    ]  # fmt: skip
    for read, start, count in cases:
        results = []
        for form in (read, read.py_func):
            kinds = (np.int64, np.uint8, np.uint16, np.uint16, np.float32)[:count]
            columns = [np.zeros(200, k) for k in kinds]
            state, bad = np.array(start), np.zeros((64, 4), np.int64)
            results.append([*form(raw, 0, 400, state, 150, *columns, bad), *columns, state, bad])
        assert results[0][1] > 10
        assert all(np.array_equal(a, b) for a, b in zip(*results, strict=True))
    t, unit = np.array([3, 200, 200, 999]), np.array([0, 5, 23, 7], np.int32)
    shape, written = np.array([2, 3, 4]), []
    for form in (kernels.write_dvs, kernels.write_dvs.py_func):
        out, state = np.zeros(100, np.uint8), np.zeros(1, np.int64)
        written.append([*form(t, unit, shape, 0, state, out), out, state])
    assert written[0][0] == 4
    assert all(np.array_equal(a, b) for a, b in zip(*written, strict=True))
