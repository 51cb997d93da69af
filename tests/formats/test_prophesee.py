"""Prophesee RAW files, word by word as the manufacturer defines them."""

from __future__ import annotations

import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from neuro.clock import Clock
from neuro.errors import CorruptFile, DamagedFile
from neuro.events import Events
from neuro.formats import _evt_kernels as kernels
from neuro.formats import read_events, read_recording
from neuro.formats._base import Options, Piece
from neuro.formats.detect import by_name
from neuro.units import us

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "events_io"
needs_samples = pytest.mark.skipif(not SHARED.exists(), reason="the shared samples are not here")

HEAD = {
    "evt2": b"% evt 2.0\n% geometry 640x480\n% end\n",
    "evt21": b"% evt 2.1\n% format EVT21;endianness=little;height=480;width=640\n% end\n",
    "evt3": b"% evt 3.0\n% format EVT3;height=720;width=1280\n% end\n",
}


def file_of(path: Path, name: str, words, head: bytes | None = None) -> Path:
    kind = {"evt2": "<u4", "evt21": "<u8", "evt3": "<u2"}[name]
    path.write_bytes((HEAD[name] if head is None else head) + np.array(words, kind).tobytes())
    return path


def rows(events: Events) -> list[tuple[int, int, int, int]]:
    """(t, polarity, y, x) of each event."""
    return list(zip(events.t.tolist(), *(c.tolist() for c in events.coordinates), strict=True))


def kept(path: Path, **how):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedFile)
        return read_recording(path, errors="keep", **how)


# -- EVT 2.0 --------------------------------------------------------------------------------------


def high2(value: int) -> int:
    return 0x8 << 28 | value


def cd2(polarity: int, low: int, x: int, y: int) -> int:
    return polarity << 28 | low << 22 | x << 11 | y


def test_evt2_words(tmp_path):
    words = [
        high2(1), cd2(0, 5, 237, 121), cd2(1, 63, 639, 479),
        0xA << 28 | 7 << 22 | 1,  # external trigger
        0xE << 28 | 123, 0xF << 28 | 456,  # others, and their continuation
        high2(2), cd2(1, 0, 0, 0),
    ]  # fmt: skip
    found = read_recording(file_of(tmp_path / "a.raw", "evt2", words))
    assert rows(found.events) == [(69, 0, 121, 237), (127, 1, 479, 639), (128, 1, 0, 0)]
    assert found.events.shape == (2, 480, 640) and found.format == "evt2"
    assert found.facts["geometry"] == "640x480"


def test_evt2_time_goes_on_after_34_bits(tmp_path):
    top = (1 << 28) - 1
    words = [high2(top), cd2(0, 63, 0, 0), high2(0), cd2(0, 0, 0, 0), high2(top), high2(0),
             cd2(1, 1, 0, 0)]  # fmt: skip
    events = read_events(file_of(tmp_path / "a.raw", "evt2", words))
    assert events.t.tolist() == [(1 << 34) - 1, 1 << 34, (1 << 35) + 1]


@pytest.mark.parametrize("kind", [2, 3, 4, 5, 6, 7, 9, 0xB, 0xC, 0xD])
def test_evt2_reserved_types_are_damage(kind, tmp_path):
    words = [high2(0), cd2(0, 1, 2, 3), kind << 28 | 5, kind << 28, cd2(1, 9, 2, 3)]
    path = file_of(tmp_path / "a.raw", "evt2", words)
    start = len(HEAD["evt2"])
    with pytest.raises(CorruptFile, match=f"at byte {start + 8}: .*reserved type"):
        read_events(path)
    found = kept(path)
    assert rows(found.events) == [(1, 0, 3, 2), (9, 1, 3, 2)]
    assert found.skipped == 8 and len(found.problems) == 1


# -- EVT 2.1 --------------------------------------------------------------------------------------


def swapped(words) -> list[int]:
    """The halves of each word in the order of IMX636."""
    return [(w & 0xFFFFFFFF) << 32 | w >> 32 for w in words]


WORDS21 = [
    high2(3) << 32,
    cd2(1, 2, 32, 7) << 32 | 0x80000001,
    cd2(0, 3, 608, 8) << 32 | 0x00010100,
    (0xA << 28) << 32, (0xE << 28) << 32 | 77, (0xF << 28) << 32,
    cd2(0, 4, 0, 0) << 32,  # no pixel has fired
]  # fmt: skip
ROWS21 = [(194, 1, 7, 32), (194, 1, 7, 63), (195, 0, 8, 616), (195, 0, 8, 624)]
LEGACY = HEAD["evt21"].replace(b"little", b"legacy")
UNSAID = b"% evt 2.1\n% geometry 640x480\n"


def test_evt21_words(tmp_path):
    assert rows(read_events(file_of(tmp_path / "a.raw", "evt21", WORDS21))) == ROWS21


def test_evt21_halves_in_the_other_order(tmp_path):
    path = file_of(tmp_path / "a.raw", "evt21", swapped(WORDS21), LEGACY)
    assert rows(read_events(path)) == ROWS21
    # the documentation's example of 0x0102030405060708
    assert np.array(swapped([0x0102030405060708]), "<u8").tobytes().hex() == "0403020108070605"


def test_evt21_order_is_told_from_the_words_where_the_header_is_silent(tmp_path):
    for words in (WORDS21, swapped(WORDS21)):
        assert rows(read_events(file_of(tmp_path / "a.raw", "evt21", words, UNSAID))) == ROWS21


def test_evt21_damage(tmp_path):
    words = [high2(0) << 32, 5 << 60, cd2(0, 1, 2030, 3) << 32 | 1 << 18, cd2(0, 1, 9, 3) << 32 | 1]
    path = file_of(tmp_path / "a.raw", "evt21", words)
    found = kept(path)
    start = len(HEAD["evt21"])
    assert rows(found.events) == [(1, 0, 3, 9)] and found.skipped == 16
    assert found.problems[0].startswith(f"at byte {start + 8}: word of a reserved type")
    assert found.problems[1].startswith(f"at byte {start + 16}: vector with pixels outside")


def test_evt21_last_columns_of_the_format(tmp_path):
    head = b"% evt 2.1\n% geometry 2048x10\n% end\n"
    words = [high2(0) << 32, cd2(0, 1, 2030, 3) << 32 | 1 << 17, cd2(0, 2, 2047, 3) << 32 | 1]
    assert rows(read_events(file_of(tmp_path / "a.raw", "evt21", words, head))) == [
        (1, 0, 3, 2047), (2, 0, 3, 2047),
    ]  # fmt: skip


# -- EVT 3.0 --------------------------------------------------------------------------------------


def y3(row: int, second: int = 0) -> int:
    return second << 11 | row


def x3(column: int, polarity: int = 0) -> int:
    return 0x2 << 12 | polarity << 11 | column


def base3(column: int, polarity: int = 0) -> int:
    return 0x3 << 12 | polarity << 11 | column


def v12(pixels: int) -> int:
    return 0x4 << 12 | pixels


def v8(pixels: int) -> int:
    return 0x5 << 12 | pixels


def low3(value: int) -> int:
    return 0x6 << 12 | value


def high3(value: int) -> int:
    return 0x8 << 12 | value


def test_evt3_single_events(tmp_path):
    words = [high3(2), low3(5), y3(200), x3(874), x3(806, 1), low3(6), x3(3), y3(9, 1), x3(4, 1)]
    found = read_recording(file_of(tmp_path / "a.raw", "evt3", words))
    now = 2 * 4096 + 5
    assert rows(found.events) == [
        (now, 0, 200, 874), (now, 1, 200, 806), (now + 1, 0, 200, 3), (now + 1, 1, 9, 4),
    ]  # fmt: skip
    assert found.events.shape == (2, 720, 1280) and found.format == "evt3"


def test_evt3_vectors_follow_one_another(tmp_path):
    words = [high3(0), low3(1), y3(7), base3(100, 1), v12(0x801), v12(0x002), v8(0xFF00 | 0x81),
             v12(1), x3(500), v12(2), base3(0), v8(1), v12(0)]  # fmt: skip
    words[6] = v8(0x81)
    events = read_events(file_of(tmp_path / "a.raw", "evt3", words))
    on = [100, 111, 113, 124, 131, 132, 145]
    assert rows(events) == [(1, 0, 7, 0), (1, 0, 7, 500)] + [(1, 1, 7, c) for c in on]


def test_evt3_vector_of_8_ignores_the_four_bits_above(tmp_path):
    words = [high3(0), low3(1), y3(7), base3(100, 1), 0x5 << 12 | 0xF01]
    assert rows(read_events(file_of(tmp_path / "a.raw", "evt3", words))) == [(1, 1, 7, 100)]


def test_evt3_steps_over_triggers_and_vendor_words(tmp_path):
    words = [high3(0), low3(1), 0xA << 12 | 0x101, 0xE << 12 | 0x014, 0xF << 12, 0xF << 12 | 9,
             0x7 << 12 | 3, y3(7), x3(1)]  # fmt: skip
    assert rows(read_events(file_of(tmp_path / "a.raw", "evt3", words))) == [(1, 0, 7, 1)]


def test_evt3_time_goes_on_after_24_bits(tmp_path):
    words = [high3(4095), low3(4095), y3(0), x3(0), high3(0), low3(0), x3(0),
             high3(2048), high3(4095), high3(0), high3(0), low3(9), x3(1)]  # fmt: skip
    events = read_events(file_of(tmp_path / "a.raw", "evt3", words))
    assert events.t.tolist() == [(1 << 24) - 1, 1 << 24, (1 << 25) + 9]


def test_evt3_new_time_high_clears_the_low_part_and_a_repeated_one_does_not(tmp_path):
    words = [high3(1), low3(4000), y3(0), x3(0), high3(1), x3(1), high3(2), x3(2), low3(5), x3(3)]
    events = read_events(file_of(tmp_path / "a.raw", "evt3", words))
    assert events.t.tolist() == [8096, 8096, 8192, 8197]


def test_evt3_time_high_a_little_back_is_time_running_backwards(tmp_path):
    words = [high3(9), low3(1), y3(0), x3(0), high3(8), low3(2), x3(1)]
    path = file_of(tmp_path / "a.raw", "evt3", words)
    byte = len(HEAD["evt3"]) + 12
    with pytest.raises(CorruptFile, match=f"at byte {byte}: time runs backwards to 32770"):
        read_events(path)
    assert read_events(path, order="sort").t.tolist() == [32770, 36865]


@pytest.mark.parametrize("kind", [1, 9, 0xB, 0xC, 0xD])
def test_evt3_reserved_types_are_damage(kind, tmp_path):
    words = [high3(0), low3(1), y3(7), kind << 12 | 5, x3(1)]
    found = kept(file_of(tmp_path / "a.raw", "evt3", words))
    assert rows(found.events) == [(1, 0, 7, 1)] and found.skipped == 2
    assert found.problems[0].startswith(f"at byte {len(HEAD['evt3']) + 6}: word of a reserved")


def test_evt3_vectors_past_the_last_column(tmp_path):
    head = b"% evt 3.0\n% geometry 2048x10\n% end\n"
    words = [high3(0), low3(1), y3(7), base3(2040), v12(0x080), v12(0x001), v8(1), v12(0),
             base3(2040), v12(0x100)]  # fmt: skip
    path = file_of(tmp_path / "a.raw", "evt3", words, head)
    found = kept(path)
    assert rows(found.events) == [(1, 0, 7, 2047)] and found.skipped == 6
    assert "outside the sensor of 10 rows and 2048 columns" in found.problems[0]
    # a vector may end beyond a smaller sensor as long as no pixel does
    words = [high3(0), low3(1), y3(7), base3(1272), v12(0x080), v12(0), v8(0)]
    assert rows(read_events(file_of(path, "evt3", words))) == [(1, 0, 7, 1279)]
    path = file_of(path, "evt3", [*words[:4], v12(0x181)])
    with pytest.raises(CorruptFile, match=f"at byte {len(HEAD['evt3']) + 8}: vector with pixels"):
        read_events(path)
    found = kept(path)  # what is on the sensor is kept
    assert [r[3] for r in rows(found.events)] == [1272, 1279] and found.skipped == 2


def test_a_vector_on_a_row_outside_the_sensor_is_damage_once(tmp_path):
    path = file_of(tmp_path / "a.raw", "evt3", [high3(0), y3(720), base3(0), v12(7), x3(1)])
    found = kept(path)
    assert len(found.events) == 0 and found.skipped == 4
    assert "vector with pixels" in found.problems[0] and "y=720" in found.problems[1]
    words = [high2(0) << 32, cd2(1, 0, 32, 480) << 32 | 0xF, cd2(0, 0, 32, 479) << 32 | 0xF]
    found = kept(file_of(path, "evt21", words))
    assert len(found.events) == 4 and found.skipped == 8
    assert len(read_events(path, sensor=(2, 500, 640))) == 8


def test_evt3_events_without_a_row_or_a_base_are_damage(tmp_path):
    words = [high3(0), low3(1), x3(1), base3(4), v12(1), y3(7), v12(1)]
    found = kept(file_of(tmp_path / "a.raw", "evt3", words))
    assert rows(found.events) == [(1, 0, 7, 16)] and found.skipped == 4
    assert all("before the first row" in text for text in found.problems)
    found = kept(file_of(tmp_path / "a.raw", "evt3", [high3(0), y3(1), v8(1), x3(2)]))
    assert rows(found.events) == [(0, 0, 1, 2)] and found.skipped == 2
    assert "before the first base" in found.problems[0]


# -- files that begin in the middle ---------------------------------------------------------------

EARLY = {
    "evt2": ([cd2(0, 9, 1, 2), cd2(1, 9, 1, 2)], high2, cd2(0, 20, 3, 4)),
    "evt21": ([cd2(0, 9, 0, 2) << 32 | 3], lambda h: high2(h) << 32, cd2(0, 20, 3, 4) << 32 | 1),
    "evt3": ([y3(2), base3(0), v12(3), y3(4)], high3, x3(3)),
}


@pytest.mark.parametrize("name", EARLY)
def test_events_before_the_first_time_high_are_told_and_counted(name, tmp_path):
    early, high, later = EARLY[name]
    path = file_of(tmp_path / "a.raw", name, [*early, high(1000), later])
    start, size = len(HEAD[name]), {"evt2": 4, "evt21": 8, "evt3": 2}[name]
    with pytest.raises(CorruptFile, match=f"at byte {start}: 2 events before the first time-high"):
        read_events(path)
    found = kept(path)
    assert found.skipped == size * len(early) and len(found.events) == 1
    assert found.events.t[0] // (4096 if name == "evt3" else 64) == 1000
    assert found.events.coordinates[1][0] == 4  # the row was kept in mind


@pytest.mark.parametrize("name", EARLY)
def test_time_counts_from_zero_where_the_first_turn_is_not_over(name, tmp_path):
    early, high, later = EARLY[name]
    for words in (early, [*early, high(0), later], [*early, high(1), later]):
        events = read_events(file_of(tmp_path / "a.raw", name, words))
        assert len(events) == 2 + (len(words) > len(early))
        assert events.t[0] == (0 if name == "evt3" else 9)


def test_words_without_events_before_the_first_time_high_are_no_damage(tmp_path):
    words = [y3(5), low3(9), 0xE << 12, high3(1000), low3(1), x3(3)]
    assert rows(read_events(file_of(tmp_path / "a.raw", "evt3", words))) == [(4096001, 0, 5, 3)]


# -- headers --------------------------------------------------------------------------------------


def shape_with(tmp_path, *lines: bytes) -> tuple[int, ...]:
    head = b"".join(b"% " + line + b"\n" for line in lines)
    words = [high3(0), low3(1), y3(7), x3(11)]
    return read_events(file_of(tmp_path / "a.raw", "evt3", words, head)).shape


def test_the_sensor_is_taken_from_what_the_header_says(tmp_path):
    assert shape_with(tmp_path, b"evt 3.0", b"geometry 320x200") == (2, 200, 320)
    assert shape_with(tmp_path, b"format EVT3;height=200;width=320") == (2, 200, 320)
    assert shape_with(tmp_path, b"evt 3.0", b"Width 320", b"Height 200") == (2, 200, 320)
    assert shape_with(tmp_path, b"evt 3.0", b"plugin_name hal_plugin_gen41_evk3") == (2, 720, 1280)
    assert shape_with(tmp_path, b"evt 3.0") == (2, 8, 12)  # as small as the events allow
    assert shape_with(tmp_path, b"evt 3.0\r", b"geometry 320x200\r", b"end\r") == (2, 200, 320)


def test_header_statements_become_facts(tmp_path):
    head = b"% evt 3.0\n% serial_number 00ca0009\n% Date 2023-03-29 16:37:46\n% end\n"
    found = read_recording(file_of(tmp_path / "a.raw", "evt3", [y3(0), x3(0)], head))
    assert found.facts["serial_number"] == "00ca0009"
    assert found.facts["date"] == "2023-03-29 16:37:46"


def test_data_may_look_like_a_header_after_its_end(tmp_path):
    # 0x2025 is an event at x=37, and its bytes are "% "
    words = [y3(1), 0x2025, 0x0A41]
    path = file_of(tmp_path / "a.raw", "evt3", words[1:], b"% evt 3.0\n% geometry 64x2000\n% end\n")
    assert "before the first row" in kept(path).problems[0]


@pytest.mark.parametrize(
    ("head", "text"),
    [
        (b"% evt 3.0\n% geometry 0x720\n", "sensor size at byte 10 is '0' x '720'"),
        (b"% evt 3.0\n% geometry wide\n", "sensor size at byte 10"),
        (b"% evt 3.0\n% geometry 99999x720\n", "sensor size at byte 10"),
        (b"% format EVT3;height=720\n", "sensor size at byte 0"),
        (b"% evt 3.0\n% format EVT4;height=2;width=2\n", "at byte 10 says 'evt4'"),
        (b"% evt 3.0\n% ser\xff\n% end\n", "header line at byte 10 is no text"),
        (b"% evt 3.0\n% serial", "header line at byte 10 is cut"),
    ],
)
def test_damaged_headers_are_refused_with_the_byte(head, text, tmp_path):
    path = tmp_path / "a.raw"
    path.write_bytes(head)
    with pytest.raises(CorruptFile, match=text):
        read_events(path)


def test_a_file_is_not_read_as_another_coding(tmp_path):
    path = file_of(tmp_path / "a.raw", "evt3", [high3(0)])
    with pytest.raises(CorruptFile, match="says 'evt3', but the file is read as 'evt2'"):
        read_events(path, format="evt2")


# -- writing --------------------------------------------------------------------------------------


def words_of(path: Path, kind: str) -> list[int]:
    raw = path.read_bytes()
    return np.frombuffer(raw[raw.index(b"% end\n") + 6 :], kind).tolist()


def events_of(t, unit, shape) -> Events:
    return Events.sorted(t, unit, shape=shape, clock=Clock(1 * us))


def test_evt3_writes_neighbours_as_a_vector_and_single_events_as_such(tmp_path):
    shape = (2, 4, 200)
    path = tmp_path / "a.raw"
    by_name("evt3").write(path, events_of([7] * 5, [50, 51, 60, 70, 81], shape))
    assert words_of(path, "<u2") == [
        high3(0), low3(7), y3(0), base3(50), v12(0x403), v12(0x100), v8(0x80),
    ]  # fmt: skip
    by_name("evt3").write(path, events_of([7] * 4, [50, 51, 60, 70], shape))
    assert words_of(path, "<u2") == [high3(0), low3(7), y3(0), x3(50), x3(51), x3(60), x3(70)]


def test_evt3_vectors_stay_on_the_sensor(tmp_path):
    path = tmp_path / "a.raw"
    by_name("evt3").write(path, events_of([7] * 5, [195, 196, 197, 198, 199], (2, 4, 200)))
    assert words_of(path, "<u2")[3:] == [base3(168), v12(0), v12(0x800 | 0) & 0xF000, v8(0xF8)]


def test_evt3_passes_every_turn_of_a_long_pause(tmp_path):
    path = tmp_path / "a.raw"
    by_name("evt3").write(path, events_of([1, 2 * (1 << 24) + 4096], [0, 0], (2, 1, 1)))
    highs = [w & 0xFFF for w in words_of(path, "<u2") if w >> 12 == 8]
    assert highs.count(0) == 3 and highs[-1] == 1
    steps = np.diff(highs) % 4096
    assert steps.max() <= 2048
    assert all(before == 4095 for before, after in pairwise(highs) if after == 0)


def test_evt21_groups_pixels_of_a_block(tmp_path):
    path = tmp_path / "a.raw"
    by_name("evt21").write(path, events_of([64] * 4, [33, 63, 63, 64], (2, 4, 200)))
    assert words_of(path, "<u8") == [
        high2(0) << 32, high2(1) << 32, cd2(0, 0, 32, 0) << 32 | 0x80000002,
        cd2(0, 0, 32, 0) << 32 | 0x80000000, cd2(0, 0, 64, 0) << 32 | 1,
    ]  # fmt: skip


# -- samples --------------------------------------------------------------------------------------


@needs_samples
@pytest.mark.parametrize(
    ("name", "count", "shape"),
    [
        ("evt2_sample.raw", 539_481, (2, 480, 640)),
        ("faery_evt2.raw", 521_252, (2, 480, 640)),
        ("evt3_sample.raw", 219_596, (2, 720, 1280)),
    ],
)
def test_samples_have_all_their_events(name, count, shape):
    events = read_events(SHARED / name)
    assert len(events) == count and events.shape == shape


@needs_samples
def test_evt3_sample_agrees_with_another_decoder():
    """x, y and polarity do. That decoder takes each step back of the low time for a turn of it.

    The file has eleven such steps (low parts 811, then 800, with no event between), each of which
    adds 4096 us to all its later times; the time-high words of the file contradict them.
    """
    expected = np.load(SHARED / "evt3_sample_expected.npz")
    raw = np.fromfile(SHARED / "evt3_sample.raw", np.uint8)
    decoder = by_name("evt3").open(SHARED / "evt3_sample.raw", raw, Options())
    (piece,) = decoder.pieces(1 << 20)
    assert isinstance(piece, Piece)
    for column, key in zip(piece.axes, "pyx", strict=True):
        assert np.array_equal(column, expected[key])
    ahead = expected["t"] - piece.t
    assert set(np.diff(ahead).tolist()) == {0, 4096} and ahead[0] == 0 and ahead[-1] == 11 * 4096
    assert (np.diff(piece.t) >= 0).all()
    words = raw[decoder.header.start :].view("<u2")
    highs = words[words >> 12 == 8] & 0xFFF
    assert np.array_equal(np.unique(piece.t >> 12), np.unique(highs))


# -- kernels --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["evt2", "evt21", "evt3"])
def test_kernels_do_the_same_uncompiled(name, tmp_path):
    rng = np.random.default_rng(1)
    t = np.sort(rng.integers(0, 3 << 24, 80) // 997 * 997)
    unit = np.sort(rng.integers(0, 2 * 3 * 80, 80)).astype(np.int32)
    t[20:60] = t[20]
    shape, size = np.array([2, 3, 80]), {"evt2": 4, "evt21": 8, "evt3": 2}[name]
    out = {}
    for form in ("compiled", "py_func"):
        write, read = (getattr(kernels, f"{what}_{name}") for what in ("write", "read"))
        high = kernels.first_high
        if form == "py_func":
            write, read, high = write.py_func, read.py_func, high.py_func
        raw, state = np.zeros(4096, np.uint8), np.array([-1, -1, -1])
        done, count = write(t, unit, shape, 0, state, raw)
        assert done == 80
        # behind the events: a reserved type, and a vector that runs off the format
        raw[count : count + 16] = 0xDF
        end = count + 16
        state = np.array([0, 0, 1, 3, 80] if name == "evt21" else [0, 0, 0, -1, -1, 0, 3, 80])
        columns = [np.zeros(200, k) for k in (np.int64, np.uint8, np.uint16, np.uint16)]
        bad = np.zeros((64, 4), np.int64)
        result = read(raw.view(f"<u{min(size, 4)}"), 0, end, state, 100, *columns, bad)
        out[form] = [*result, *columns, bad, raw, high(raw, 0, end, size, size - 1)]
        assert result[1] == 80 and result[2] == 1
        assert np.array_equal(columns[0][:80], t)
    assert all(np.array_equal(a, b) for a, b in zip(*out.values(), strict=True))
