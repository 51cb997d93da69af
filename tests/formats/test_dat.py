"""Prophesee DAT files of all ages."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuro.clock import Clock
from neuro.errors import CorruptFile, DamagedFile, InvalidValue
from neuro.events import Events
from neuro.formats import _evt_kernels as kernels
from neuro.formats import detect, read_events, read_recording, write_events
from neuro.units import us

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "events_io"
needs_samples = pytest.mark.skipif(not SHARED.exists(), reason="the shared samples are not here")
HEAD2 = b"% Data file containing CD events.\n% Version 2\n% Width 640\n% Height 480\n"


def event2(t: int, x: int, y: int, polarity: int) -> bytes:
    word = (polarity & 0xF) << 28 | y << 14 | x
    return t.to_bytes(4, "little") + word.to_bytes(4, "little")


def event1(t: int, x: int, y: int, polarity: int) -> bytes:
    word = polarity << 17 | y << 9 | x
    return t.to_bytes(4, "little") + word.to_bytes(4, "little")


def rows(events: Events) -> list[tuple[int, int, int, int]]:
    """(t, polarity, y, x) of each event."""
    return list(zip(events.t.tolist(), *(c.tolist() for c in events.coordinates), strict=True))


def kept(path: Path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedFile)
        return read_recording(path, errors="keep")


EVENTS = [(0, 6, 18, 1), (70_000, 639, 479, 0), (70_000, 639, 479, 0), (4_000_000_000, 0, 0, 1)]
ROWS = [(t, p, y, x) for t, x, y, p in EVENTS]


@pytest.mark.parametrize(("kind", "name"), [(0x0C, "cd"), (0x00, "2d")])
def test_version_2(kind, name, tmp_path):
    path = tmp_path / "a.dat"
    path.write_bytes(HEAD2 + bytes((kind, 8)) + b"".join(event2(*e) for e in EVENTS))
    found = read_recording(path)
    assert rows(found.events) == ROWS and found.events.shape == (2, 480, 640)
    assert found.facts["kind"] == name and found.facts["version"] == "2"


@pytest.mark.parametrize("mark", [bytes((0x0C, 8)), b""])
def test_version_1_with_and_without_the_two_bytes(mark, tmp_path):
    path = tmp_path / "a.dat"
    events = [(t, x % 512, y % 256, p) for t, x, y, p in EVENTS]
    head = b"% Data file containing ATIS events\n% Version 1\n"
    path.write_bytes(head + mark + b"".join(event1(*e) for e in events))
    assert detect(path).name == "dat"
    assert rows(read_events(path)) == [(t, p, y, x) for t, x, y, p in events]


def test_a_file_without_any_header_is_read_in_the_old_layout(tmp_path):
    path = tmp_path / "a.dat"
    path.write_bytes(b"".join(event1(t, 300, 200, 1) for t in (5, 6, 9)))
    assert rows(read_events(path)) == [(t, 1, 200, 300) for t in (5, 6, 9)]
    assert read_recording(path).facts["sensor_from"] == "events"
    other = tmp_path / "a.xyz"
    other.write_bytes(path.read_bytes())
    with pytest.raises(CorruptFile, match="of no known format"):
        read_events(other)
    assert len(read_events(other, format="dat")) == 3


def test_text_that_is_called_dat_is_not_taken_for_events(tmp_path):
    path = tmp_path / "a.dat"
    path.write_bytes(b"0.003811000 96 133 0\n0.003820001 127 171 0\n")
    assert not any(f.name == "dat" and f.recognises(path.read_bytes(), path) for f in known())


def known():
    from neuro.formats import formats

    return formats()


def test_time_goes_on_after_32_bits(tmp_path):
    path = tmp_path / "a.dat"
    stamps = [(1 << 32) - 1, 0, 3_000_000_000, 5]
    path.write_bytes(HEAD2 + bytes((12, 8)) + b"".join(event2(t, 1, 2, 1) for t in stamps))
    turn = 1 << 32
    assert read_events(path).t.tolist() == [turn - 1, turn, turn + 3_000_000_000, 2 * turn + 5]


def test_a_smaller_step_back_is_time_running_backwards(tmp_path):
    path = tmp_path / "a.dat"
    path.write_bytes(HEAD2 + bytes((12, 8)) + event2(1 << 31, 1, 2, 1) + event2(7, 1, 2, 0))
    with pytest.raises(CorruptFile, match=f"at byte {len(HEAD2) + 10}: time runs backwards to 7"):
        read_events(path)
    assert read_events(path, order="sort").t.tolist() == [7, 1 << 31]


def test_other_polarities_are_damage(tmp_path):
    path = tmp_path / "a.dat"
    body = event2(1, 1, 1, 1) + event2(2, 1, 1, 2) + event2(3, 1, 1, 15) + event2(4, 1, 1, 0)
    path.write_bytes(HEAD2 + bytes((12, 8)) + body)
    with pytest.raises(CorruptFile, match=f"at byte {len(HEAD2) + 10}: .*neither 0 nor 1"):
        read_events(path)
    found = kept(path)
    assert found.events.t.tolist() == [1, 4] and found.skipped == 16


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (HEAD2 + bytes((0x0E, 8)) + event2(1, 1, 1, 1), "holds external triggers"),
        (HEAD2 + bytes((0x0C, 7)) + event2(1, 1, 1, 1), r"are \[12, 7\], expected the type"),
        (HEAD2 + bytes((0x55, 8)) + event2(1, 1, 1, 1), r"are \[85, 8\], expected the type"),
        (HEAD2.replace(b"Version 2", b"Version 3"), "says version '3', expected"),
        (HEAD2.replace(b"Width 640", b"Width abc"), "sensor size at byte 46 is 'abc' x '480'"),
        (HEAD2[:-20], "header line at byte .* is cut"),
    ],
)
def test_damaged_or_other_files_are_refused(content, text, tmp_path):
    path = tmp_path / "a.dat"
    path.write_bytes(content)
    with pytest.raises(CorruptFile, match=text):
        read_events(path)


def events_of(t) -> Events:
    unit = np.zeros(len(t), np.int32)
    return Events.sorted(np.array(t), unit, shape=(2, 4, 5), clock=Clock(1 * us))


def test_pauses_that_32_bits_cannot_tell_are_refused(tmp_path):
    path = tmp_path / "a.dat"
    turn = 1 << 32
    for t in (
        [0, turn - 1],
        [turn - 1, turn, 2 * turn - 1],
        [3_000_000_000, 3_000_000_000 + turn // 2 - 1],
    ):
        write_events(path, events_of(t))
        assert read_events(path).t.tolist() == t
    for t in ([turn], [0, turn], [turn - 1, turn - 1 + turn // 2], [5, 2 * turn + 9]):
        with pytest.raises(InvalidValue, match=r"dat: Events.t jumps by \d+ ticks to"):
            write_events(path, events_of(t))


def test_written_bytes(tmp_path):
    path = tmp_path / "a.dat"
    unit = (1 * 480 + 479) * 640 + 638
    one = Events.sorted([9], [unit], shape=(2, 480, 640), clock=Clock(1 * us))
    write_events(path, one)
    assert path.read_bytes() == HEAD2 + bytes((12, 8)) + event2(9, 638, 479, 1)


@needs_samples
@pytest.mark.parametrize(
    ("name", "count", "first", "last"),
    [
        ("NCARS_obj_004397_td.dat", 4407, (0, 1, 18, 6), (99_937, 1, 47, 48)),
        ("tonic_sample_ncars.dat", 2009, (0, 0, 8, 25), (99_952, 1, 28, 75)),
    ],
)
def test_samples_have_all_their_events(name, count, first, last):
    events = read_events(SHARED / name)
    assert len(events) == count
    assert rows(events)[0] == first and rows(events)[-1] == last
    body = np.fromfile(SHARED / name, np.uint8)[-8 * count :].view("<u4").reshape(-1, 2)
    assert np.array_equal(np.sort(body[:, 0]), events.t)
    assert int((body[:, 1] >> 28).sum()) == int(events.coordinates[0].sum())


def test_kernel_does_the_same_uncompiled():
    body = b"".join(event2(*e) for e in [*EVENTS, (3, 1, 2, 0), (9, 1, 2, 7)])
    old = b"".join(event1(t, x % 512, y % 256, p) for t, x, y, p in EVENTS)
    for version, content, count in ((2, body, 5), (1, old, 4)):
        words = np.frombuffer(content, "<u4")
        results = []
        forms: list[Any] = [kernels.read_dat, kernels.read_dat.py_func]
        for read in forms:
            columns = [np.zeros(9, k) for k in (np.int64, np.uint8, np.uint16, np.uint16)]
            state, bad = np.array([version, 0, 0]), np.zeros((64, 4), np.int64)
            results.append(
                [*read(words, 0, 4 * len(words), state, 8, *columns, bad), *columns, state, bad]
            )
            assert results[-1][1] == count
        assert all(np.array_equal(a, b) for a, b in zip(*results, strict=True))
