"""What holds for files of every format: order, sensor, damage, chunks. Tried on a made-up one."""

from __future__ import annotations

import importlib
import itertools
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuro import Clock, us
from neuro.errors import CorruptFile, DamagedFile, InvalidValue, UnknownName, Unsupported
from neuro.formats import (
    _check_kernels,
    detect,
    read_events,
    read_recording,
    stream_events,
    write_events,
)
from neuro.formats import _columns as columns_module
from neuro.formats import detect as detect_format
from neuro.formats import reading as reading_module
from neuro.formats._base import Damage, Header, Options, Piece, Raw

detect_module = importlib.import_module("neuro.formats.detect")

SHAPE = (2, 4, 6)
RECORD = np.dtype([("t", "<i4"), ("p", "u1"), ("y", "u1"), ("x", "u1")])
MARK = b"TOY1"


class _Decoder:
    def __init__(self, raw: Raw, shape: tuple[int, ...] | None) -> None:
        self.raw = raw
        self.header = Header(shape, Clock(1 * us), len(MARK), facts={"maker": "toy"})

    def pieces(self, size: int) -> Iterator[Piece | Damage]:
        start, width = self.header.start, RECORD.itemsize
        whole = (len(self.raw) - start) // width
        for low in range(0, whole, size):
            high = min(low + size, whole)
            first = start + low * width
            table = np.frombuffer(self.raw[first : start + high * width].tobytes(), RECORD)
            yield Piece(
                table["t"].astype(np.int64), (table["p"], table["y"], table["x"]),
                lambda i, first=first: first + i * width, width,
            )  # fmt: skip
        rest = len(self.raw) - start - whole * width
        if rest:
            yield Damage(len(self.raw) - rest, rest, f"event cut off after {rest} bytes")


class _Toy:
    name, title, suffixes, writable = "toy", "Toy", (".toy",), False
    shape: tuple[int, ...] | None = SHAPE

    def recognises(self, head: bytes, path: Path) -> bool:
        return head.startswith(MARK)

    def open(self, path: Path, raw: Raw, options: Options) -> _Decoder:
        return _Decoder(raw, self.shape)

    def write(self, path: Path, events: object) -> None:
        raise AssertionError


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    made = _Toy()
    monkeypatch.setattr(detect_module, "formats", lambda: (made,))
    return made


@pytest.fixture(params=["compiled", "numpy"])
def path_taken(request, monkeypatch):
    """The compiled check and the one by NumPy must be the same check."""
    for module in (reading_module, columns_module):
        monkeypatch.setattr(module, "compiled", lambda: request.param == "compiled")
    return request.param


def save(path: Path, rows: list[tuple[int, int, int, int]], tail: bytes = b"") -> Path:
    path.write_bytes(MARK + np.array(rows, RECORD).tobytes() + tail)
    return path


def test_all_events_come_back_in_order_of_tick_and_unit(tmp_path, path_taken):
    rows = [(5, 1, 3, 5), (5, 0, 0, 1), (9, 1, 0, 0), (9, 1, 0, 0)]
    found = read_recording(save(tmp_path / "a.toy", rows))
    assert found.events.t.tolist() == [5, 5, 9, 9]
    assert found.events.unit.tolist() == [1, 47, 24, 24]
    assert found.events.duration == 10 and found.events.shape == SHAPE
    assert (found.format, found.facts, found.skipped) == ("toy", {"maker": "toy"}, 0)


def test_no_events_are_a_recording_too(tmp_path, path_taken):
    events = read_events(save(tmp_path / "a.toy", []), duration=7)
    assert len(events) == 0 and events.duration == 7


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((7, 0, 4, 0), r"at byte 11: event at y=4, outside the sensor \(2, 4, 6\)"),
        ((7, 0, 0, 6), "at byte 11: event at x=6"),
        ((7, 2, 0, 0), "at byte 11: event at polarity=2"),
        ((4, 0, 0, 0), 'at byte 11: time runs backwards to 4.*order="sort"'),
        ((-1, 0, 0, 0), "at byte 11: time stamp -1"),
    ],
)
def test_a_bad_event_is_refused_with_its_byte_or_left_out_and_counted(
    tmp_path, path_taken, row, message
):
    path = save(tmp_path / "a.toy", [(5, 0, 0, 0), row, (8, 0, 0, 3)])
    with pytest.raises(CorruptFile, match=message):
        read_events(path)
    with pytest.warns(DamagedFile, match="7 bytes could not be read"):
        found = read_recording(path, errors="keep")
    assert found.events.t.tolist() == [5, 8]
    assert found.skipped == 7 and len(found.problems) == 1


def test_what_comes_before_a_cut_is_kept_on_request(tmp_path, path_taken):
    path = save(tmp_path / "a.toy", [(5, 0, 0, 0), (6, 0, 0, 1)], b"abc")
    with pytest.raises(CorruptFile, match="at byte 18: event cut off after 3 bytes"):
        read_events(path)
    with pytest.warns(DamagedFile, match="3 bytes"):
        assert len(read_events(path, errors="keep")) == 2


def test_time_that_runs_backwards_can_be_sorted(tmp_path, path_taken):
    path = save(tmp_path / "a.toy", [(9, 0, 0, 0), (2, 0, 0, 1), (4, 1, 0, 0)])
    assert read_events(path, order="sort").t.tolist() == [2, 4, 9]


def test_time_can_be_counted_from_the_first_event(tmp_path, path_taken):
    path = save(tmp_path / "a.toy", [(900, 0, 0, 0), (905, 0, 0, 1)])
    events = read_events(path, rebase=True)
    assert events.t.tolist() == [0, 5] and events.duration == 6


def test_an_unknown_sensor_is_as_small_as_the_events_allow(tmp_path, toy, path_taken):
    toy.shape = None
    path = save(tmp_path / "a.toy", [(1, 0, 2, 3)])
    found = read_recording(path)
    assert found.events.shape == (2, 3, 4) and found.facts["sensor_from"] == "events"
    assert read_events(path, sensor=(2, 9, 9)).shape == (2, 9, 9)
    with pytest.raises(CorruptFile, match="outside the sensor"):
        read_events(path, sensor=(2, 2, 9))
    with pytest.raises(InvalidValue, match="Pass sensor"):
        list(stream_events(path))
    with pytest.raises(InvalidValue, match="no events"):
        read_events(save(tmp_path / "b.toy", []))


rows_of_events = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 1), st.integers(0, 3), st.integers(0, 5)),
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(rows_of_events, st.integers(1, 9))
def test_chunks_one_after_another_are_the_file(tmp_path_factory, rows, chunk):
    path = save(tmp_path_factory.mktemp("chunks") / "a.toy", sorted(rows))
    whole = read_events(path)
    chunks = list(stream_events(path, chunk=chunk))
    t = np.concatenate([np.zeros(0, np.int64), *[c.t for c in chunks]])
    unit = np.concatenate([np.zeros(0, np.int32), *[c.unit for c in chunks]])
    np.testing.assert_array_equal(t, whole.t)
    np.testing.assert_array_equal(unit, whole.unit)
    ends = [(c.t[0], c.t[-1]) for c in chunks]
    assert all(a[1] < b[0] for a, b in itertools.pairwise(ends))  # no tick is cut


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-2, 8), st.integers(0, 2), st.integers(0, 4), st.integers(0, 6)),
        max_size=30,
    )
)
def test_keeping_gives_the_events_that_plain_python_would_keep(tmp_path_factory, rows):
    path = save(tmp_path_factory.mktemp("keep") / "a.toy", rows)
    kept, last = [], 0
    for t, p, y, x in rows:
        inside = p < 2 and y < 4 and x < 6
        if t >= last and inside:
            kept.append((t, (p * 4 + y) * 6 + x))
            last = t
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedFile)
        found = read_recording(path, errors="keep")
    got = list(zip(found.events.t.tolist(), found.events.unit.tolist(), strict=True))
    assert got == sorted(kept)
    assert found.skipped == 7 * (len(rows) - len(kept))


@pytest.mark.parametrize("python", [False, True])
def test_the_kernels_check_flatten_and_order(python):
    def run(kernel, *arguments):
        return (kernel.py_func if python else kernel)(*arguments)

    t = np.array([1, 1, 1, 2, 4], np.int64)
    columns = [np.array(c, np.uint8) for c in ([1, 0, 1, 0, 1], [3, 0, 1, 2, 3], [5, 0, 1, 2, 3])]
    times, units = np.zeros(7, np.int64), np.zeros(7, np.int32)
    rest = (times, units, 2)
    assert run(_check_kernels.take_camera, t, *columns, SHAPE, 0, *rest) == (5, True)
    assert times.tolist() == [0, 0, *t] and units.tolist() == [0, 0, 0, 31, 47, 14, 45]
    assert run(_check_kernels.take_camera, t, *columns, SHAPE, 2, *rest) == (0, False)
    assert run(_check_kernels.take_camera, t, *columns, (2, 3, 6), 0, *rest) == (0, False)
    assert run(_check_kernels.take_line, t, columns[2], 6, 0, *rest) == (5, True)
    assert units.tolist() == [0, 0, 0, 1, 5, 2, 3]
    assert run(_check_kernels.take_line, t, columns[2], 5, 0, *rest) == (0, False)

    falling = np.arange(100, 0, -1).astype(np.uint8)
    same, units = np.zeros(100, np.int64), np.zeros(100, np.int32)
    times = np.zeros(100, np.int64)
    done = run(_check_kernels.take_line, same, falling, 200, 0, times, units, 0)
    assert done == (100, False) and sorted(units) == list(range(1, 101))
    run(_check_kernels.order_ties, same, units)
    assert units.tolist() == list(range(1, 101))
    units = np.zeros(100, np.int32)
    zeros = np.zeros(100, np.uint8)
    done = run(
        _check_kernels.take_camera, same, zeros, zeros, falling, (1, 1, 200), 0, times, units, 0
    )
    assert done == (100, False) and sorted(units) == list(range(1, 101))


def test_large_files_are_decoded_in_a_thread_and_errors_come_through(tmp_path, monkeypatch):
    monkeypatch.setattr(reading_module, "_LARGE", 10)
    rows = [(i, i % 2, i % 4, i % 6) for i in range(50)]
    path = save(tmp_path / "a.toy", rows)
    assert len(read_events(path)) == 50
    assert sum(len(c) for c in stream_events(path, chunk=7)) == 50
    for _ in stream_events(path, chunk=3):
        break  # the thread ends with the stream
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(CorruptFile, match="cut off"):
        read_events(path)
    monkeypatch.setattr(_Decoder, "pieces", lambda self, size: (_ for _ in [1 / 0]))
    with pytest.raises(ZeroDivisionError):
        read_events(path)


def test_a_web_page_and_an_empty_file_are_called_what_they_are(tmp_path):
    page = tmp_path / "a.toy"
    page.write_bytes(b"\n<!DOCTYPE html><html>Sign in</html>")
    with pytest.raises(CorruptFile, match="a web page"):
        read_events(page)
    page.write_bytes(b"")
    with pytest.raises(CorruptFile, match="the file is empty"):
        detect_format(page)
    page.write_bytes(b"\x00\x01\x02")
    with pytest.raises(CorruptFile, match=r"begins with b'\\x00"):
        detect(page)


def test_wrong_arguments_are_named(tmp_path):
    path = save(tmp_path / "a.toy", [(1, 0, 0, 0)])
    with pytest.raises(FileNotFoundError, match="no file"):
        read_events(tmp_path / "none.toy")
    with pytest.raises(UnknownName, match="Did you mean 'toy'"):
        read_events(path, format="toys")
    with pytest.raises(InvalidValue, match="errors: got 'skip'"):
        read_events(path, errors="skip")
    with pytest.raises(InvalidValue, match="order: got 'any'"):
        read_events(path, order="any")
    with pytest.raises(InvalidValue, match="chunk: got 0"):
        list(stream_events(path, chunk=0))
    with pytest.raises(InvalidValue, match="duration"):
        read_events(path, duration=1)
    with pytest.raises(Unsupported, match="does not write"):
        write_events(tmp_path / "b.toy", read_events(path), format="toy")
    with pytest.raises(UnknownName, match="ending"):
        write_events(tmp_path / "b.xyz", read_events(path))
