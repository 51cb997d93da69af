"""NumPy files of events: neuro's own, those of others, round trips, damage and bombs."""

from __future__ import annotations

import contextlib
import io
import pickle
import tracemalloc
import warnings
import zipfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuro.clock import Clock
from neuro.errors import CorruptFile, DamagedFile, InvalidValue
from neuro.events import Events
from neuro.formats import read_events, read_recording, stream_events, write_events
from neuro.formats.arrays import NPY, NPZ
from neuro.units import ms, us

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "events_io"
US = Clock(1 * us)


def rows(events: Events) -> list[tuple[int, ...]]:
    return list(zip(events.t.tolist(), *(c.tolist() for c in events.coordinates), strict=True))


def kept(path, **how):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedFile)
        return read_recording(path, errors="keep", **how)


T, X, Y, P = [5, 5, 70_000], [4, 0, 3], [1, 2, 0], [1, 0, 1]
ROWS = sorted(zip(T, P, Y, X, strict=True))


def table(fields, t=T, x=X, y=Y, p=P):
    given = {"t": t, "x": x, "y": y, "p": p}
    out = np.zeros(len(t), [(name, kind) for name, kind, _ in fields])
    for name, _, role in fields:
        out[name] = given[role]
    return out


@pytest.mark.parametrize(
    "fields",
    [
        [("x", "i2", "x"), ("y", "i2", "y"), ("t", "i8", "t"), ("p", "?", "p")],
        [("t", ">u4", "t"), ("x", "u2", "x"), ("y", ">i2", "y"), ("p", "i1", "p")],
        [("timestamp", "u8", "t"), ("polarity", "f4", "p"), ("col", "f8", "x"), ("row", "i8", "y")],
    ],
)
@pytest.mark.parametrize("ending", ["npy", "npz"])
def test_structured_arrays_of_any_order_and_dtype(fields, ending, tmp_path):
    path = tmp_path / f"a.{ending}"
    data = table(fields)
    np.save(path, data) if ending == "npy" else np.savez_compressed(path, events=data)
    found = read_recording(path)
    assert rows(found.events) == ROWS and found.events.shape == (2, 3, 5)
    assert found.format == ending and found.facts["time"] == "ticks"
    assert read_events(path, sensor=(2, 9, 9), clock=Clock(1 * ms)).shape == (2, 9, 9)


def test_one_column_an_array(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(
        path, t=np.array(T), x=np.array(X), y=np.array(Y), p=np.array([1, -1, 1]), note="by hand"
    )
    assert rows(read_events(path)) == ROWS
    np.savez(path, ts=np.array(T) * 1e-6, xs=np.array(X), ys=np.array(Y), ps=np.array(P) > 0)
    found = read_recording(path)
    assert rows(found.events) == ROWS and found.facts["time"] == "seconds"
    np.savez(path, t=np.array([3, 4]), addr=np.array([9, 1], np.uint8))
    assert read_events(path).unit.tolist() == [9, 1]
    np.savez(path, t=np.array([3, 4]), x=np.array([9]), y=np.array([9]), p=np.array([1]))
    with pytest.raises(CorruptFile, match="different lengths: t 2, p 1"):
        read_events(path)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"a": np.zeros(3)}, "no column t"),
        ({"t": np.zeros(3, int), "x": np.zeros(3, int)}, "no column p, y"),
        ({"t": np.zeros(3, int), "ts": np.zeros(3, int), "unit": np.zeros(3, int)}, "same column"),
        ({"t": np.array(["1"]), "unit": np.array([1])}, "expected numbers"),
        ({"t": np.array([1]), "unit": np.array([1.0])}, "expected numbers"),
    ],
)
def test_columns_that_cannot_be_told_are_named(arrays, words, tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, **arrays)
    with pytest.raises(InvalidValue, match=words):
        read_events(path)


def test_arrays_without_names_are_refused_with_a_remedy(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.zeros((7, 4), np.int64))
    with pytest.raises(InvalidValue, match=r"\[7, 4\] without names .*Events\.sorted"):
        read_events(path)
    np.save(path, np.zeros((2, 2), [("t", "i8"), ("unit", "i4")]))
    with pytest.raises(InvalidValue, match="expected one axis"):
        read_events(path)


class Trap:
    def __reduce__(self):
        return (exec, ("raise SystemExit('this code must never run')",))


def test_pickles_are_never_loaded(tmp_path):
    for name, save in (("a.npy", np.save), ("a.npz", lambda p, a: np.savez(p, t=a, unit=a))):
        path = tmp_path / name
        save(path, np.array([Trap()], object))
        with pytest.raises(CorruptFile, match="Python objects"):
            read_events(path)
    path = tmp_path / "b.npy"
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(CorruptFile):
        read_events(path)


def test_values_that_no_integers_hold_are_refused_by_row_and_byte(tmp_path):
    path = tmp_path / "a.npy"
    fields = [("t", "f8"), ("x", "f4"), ("y", "u8"), ("p", "i1")]
    good = (1e-6, 1, 1, 1)
    head = len_of_header(fields)
    for bad, words in [
        ((np.nan, 1, 1, 1), "t is nan"),
        ((1e300, 1, 1, 1), "t is 1e"),
        ((1e-6, 1.5, 1, 1), "x is 1.5, expected a whole"),
        ((1e-6, np.inf, 1, 1), "x is inf"),
        ((1e-6, 1, 2**60, 1), "y is 1152921504606846976, beyond"),
        ((1e-6, 1, 1, 2), "p is 2, expected 0, 1 or -1"),
    ]:
        np.save(path, np.array([good, bad, good], fields))
        with pytest.raises(CorruptFile, match=f"byte {head + 21}: row 1: {words}"):
            read_events(path)
        found = kept(path)
        assert len(found.events) == 2 and found.skipped == 21
    np.save(path, np.array([(2**64 - 1, 1)], [("t", "u8"), ("unit", "i4")]))
    with pytest.raises(CorruptFile, match="beyond int64"):
        read_events(path)


def len_of_header(fields) -> int:
    file = io.BytesIO()
    np.save(file, np.zeros(0, fields))
    return file.tell()


# -- writing and reading -------------------------------------------------------------------------


@st.composite
def recordings(draw, shapes, own):
    shape = draw(st.sampled_from(shapes))
    step = st.integers(0, 3) | st.integers(0, 2**55)
    pair = st.tuples(step, st.integers(0, int(np.prod(shape)) - 1))
    pairs = draw(st.lists(pair, max_size=25))
    t = np.cumsum([0] + [p[0] for p in pairs])[1:]
    value, clock = None, US
    if own:
        clock = draw(st.sampled_from([US, Clock(Fraction(7, 3)), Clock(Fraction(1, 10**40))]))
        if pairs and draw(st.booleans()):
            size = len(pairs)
            value = draw(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False),
                                  min_size=size, max_size=size))  # fmt: skip
    length = int(t[-1] if len(t) else 0) + 1 + draw(st.integers(0, 9))
    units = [p[1] for p in pairs]
    return Events.sorted(t, units, shape=shape, clock=clock, duration=length, value=value)


@settings(max_examples=1000, deadline=None)
@given(recordings([(2, 34, 34), (2, 1, 1), (5,), (2, 3, 4, 5), (70_000, 3)], own=True))
def test_npz_writing_and_reading_changes_nothing(tmp_path_factory, events):
    path = tmp_path_factory.getbasetemp() / "round.npz"
    NPZ.write(path, events)
    assert read_events(path) == events


@settings(max_examples=1000, deadline=None)
@given(recordings([(2, 34, 34), (2, 1, 1), (2, 720, 1280), (5,), (70_000,)], own=False))
def test_npy_writing_and_reading_changes_nothing(tmp_path_factory, events):
    path = tmp_path_factory.getbasetemp() / "round.npy"
    NPY.write(path, events)
    assert read_events(path, sensor=events.shape, duration=events.duration) == events


def test_written_npz_can_be_read_by_numpy_and_is_the_same_each_time(tmp_path):
    events = Events.sorted([5, 7], [1, 3], shape=(2, 2, 2), clock=US, duration=9, value=[0.5, 2])
    write_events(tmp_path / "a.npz", events)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as found:
        assert found["t"].tolist() == [5, 7] and found["unit"].dtype == np.int32
        assert found["value"].tolist() == [0.5, 2] and found["clock"] == "1/1000000"
        assert found["shape"].tolist() == [2, 2, 2] and found["duration"] == 9
    write_events(tmp_path / "b.npz", events)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@pytest.mark.parametrize(
    ("events", "words"),
    [
        (Events.sorted([1], [1], shape=(3, 4), clock=US), "shape"),
        (Events.sorted([1], [1], shape=(3,), clock=US, value=[1]), "graded"),
        (Events.sorted([1], [1], shape=(3,), clock=Clock(1 * ms)), "Clock"),
    ],
)
def test_what_npy_cannot_hold_is_not_written(events, words, tmp_path):
    with pytest.raises(InvalidValue, match=words):
        NPY.write(tmp_path / "a.npy", events)


def some(count=40) -> Events:
    rng = np.random.default_rng(3)
    t = np.sort(rng.integers(0, 3 * count, count))
    return Events.sorted(t, rng.integers(0, 2 * 34 * 34, count), shape=(2, 34, 34), clock=US)


def test_chunks_one_after_another_are_the_whole(tmp_path):
    events = some(5000)
    write_events(tmp_path / "a.npz", events)
    write_events(tmp_path / "a.npy", events)
    np.savez_compressed(tmp_path / "b.npz", t=events.t, x=events.coordinates[2],
                        y=events.coordinates[1], p=events.coordinates[0])  # fmt: skip
    for name in ("a.npz", "a.npy", "b.npz"):
        for chunk in (7, 700, 10**6):
            parts = list(stream_events(tmp_path / name, chunk=chunk, sensor=(2, 34, 34)))
            assert np.concatenate([p.t for p in parts]).tolist() == events.t.tolist()
            assert np.concatenate([p.unit for p in parts]).tolist() == events.unit.tolist()


# -- damage --------------------------------------------------------------------------------------


def test_a_cut_npy_keeps_its_whole_rows(tmp_path):
    path = tmp_path / "a.npy"
    events = some(10)
    write_events(path, events)
    raw = path.read_bytes()
    start = len_of_header([("t", "i8"), ("x", "i4"), ("y", "i4"), ("p", "?")])
    for length in range(len(raw)):
        path.write_bytes(raw[:length])
        with pytest.raises(CorruptFile, match="byte"):
            read_events(path, format="npy")
        if length >= start + 17:
            found = kept(path, sensor=(2, 34, 34))
            whole = (length - start) // 17
            assert rows(found.events) == rows(events)[:whole]
            assert found.skipped == (length - start) % 17


def test_a_cut_npz_is_refused(tmp_path):
    path = tmp_path / "a.npz"
    write_events(path, some(10))
    raw = path.read_bytes()
    for length in range(0, len(raw), 3):
        path.write_bytes(raw[:length])
        with pytest.raises(CorruptFile, match="not a whole"):
            read_events(path, format="npz")


@pytest.mark.parametrize("name", ["a.npz", "a.npy", "c.npz"])
def test_flipped_bits_raise_nothing_but_file_errors(name, tmp_path):
    path = tmp_path / name
    events = some(30)
    if name == "c.npz":
        np.savez_compressed(path, t=events.t, unit=events.unit)
    else:
        write_events(path, events)
    raw = path.read_bytes()
    rng = np.random.default_rng(5)
    wrong = 0
    for _ in range(600):
        bad = bytearray(raw)
        for at in rng.integers(0, len(raw), rng.integers(1, 4)):
            bad[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(bad)
        for errors in ("raise", "keep"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DamagedFile)
                with contextlib.suppress(CorruptFile, InvalidValue):
                    found = read_recording(path, format=name[2:], errors=errors)
                    if errors == "raise" and name == "a.npz":
                        wrong += found.events != events
    assert wrong == 0  # each member has a check sum


def test_zip_bombs_are_refused_before_they_are_unpacked(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, t=np.zeros(10**7, np.int64), unit=np.zeros(10**7, np.int32))
    assert path.stat().st_size < 10**6
    tracemalloc.start()
    with pytest.raises(CorruptFile, match="times as much"):
        read_events(path)
    with pytest.raises(CorruptFile, match="more than the limit of 1000000"):
        read_events(path, limit=10**6)
    assert tracemalloc.get_traced_memory()[1] < 10**7
    tracemalloc.stop()


def test_declared_sizes_are_never_believed(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header,
        {"descr": [("t", "<i8"), ("unit", "<i4")], "fortran_order": False, "shape": (10**9,)},
    )
    row = np.array([(7, 2)], [("t", "<i8"), ("unit", "<i4")]).tobytes()
    path = tmp_path / "a.npy"
    path.write_bytes(header.getvalue() + row)
    with pytest.raises(CorruptFile, match="takes 12000000000 bytes, but 12 are there"):
        read_events(path)
    assert kept(path).events.t.tolist() == [7]
    with pytest.raises(CorruptFile, match="more than the limit"):
        read_events(path, limit=10**6)
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("events.npy", header.getvalue() + row)
    with pytest.raises(CorruptFile, match="takes 12000000000 bytes, but it has 12"):
        read_events(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"shape": np.array([2, 0, 3])}, "positive"),
        ({"shape": np.array([1 << 20, 1 << 20])}, "2.31"),
        ({"shape": np.array([2.5])}, "whole numbers"),
        ({"shape": np.zeros(10**5, int)}, "bytes"),
        ({"duration": np.array(-1)}, "duration"),
        ({"clock": np.array("1/0")}, "clock"),
        ({"clock": np.array(5)}, "clock"),
        ({"t": np.array([1.0])}, "one column"),
        ({"t": np.array([1, 2])}, "different lengths"),
        ({"unit": np.array([99])}, "unit=99, outside"),
    ],
)
def test_own_files_with_impossible_fields_are_refused(change, words, tmp_path):
    path = tmp_path / "a.npz"
    fields = {"t": np.array([1]), "unit": np.array([1]), "shape": np.array([2, 3, 4]),
              "duration": np.array(9), "clock": np.array("1/1000")}  # fmt: skip
    np.savez(path, **fields)  # pyright: ignore[reportArgumentType]
    assert read_events(path).duration == 9
    np.savez(path, **(fields | change))
    with pytest.raises(CorruptFile, match=words):
        read_events(path)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared samples are not here")
def test_a_real_npz_of_columns():
    path = SHARED / "evt3_sample_expected.npz"
    events = read_events(path, sensor=(2, 720, 1280))
    with np.load(path) as found:
        t, x, y, p = (found[k].astype(np.int64) for k in "txyp")
    assert len(events) == 219_596
    unit = (p * 720 + y) * 1280 + x
    assert events == Events.sorted(t, unit, shape=(2, 720, 1280), clock=US)
