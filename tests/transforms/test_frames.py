"""Frames, packed bits, voxel grids and time surfaces, against plain loops over the events."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neuro.transforms._counting as counting
from neuro import Clock, Events, us
from neuro.errors import InvalidValue
from neuro.transforms import (
    average_surface,
    last_times,
    time_surface,
    to_bits,
    to_frames,
    to_voxels,
)
from neuro.transforms._frame_kernels import count as kernel
from neuro.transforms._surface_kernels import surfaces

US = Clock(1 * us)
SHAPES = [(2, 3, 4), (3, 4), (11,)]
DTYPES = ["uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64",
          "float16", "float32", "float64"]  # fmt: skip
pairs = st.lists(st.tuples(st.integers(0, 99), st.integers(0, 23)), max_size=60)
spares = st.integers(0, 40)


def recording(pairs, spare=0, shape=(2, 3, 4), value=None):
    size = math.prod(shape)
    t, unit = zip(*pairs, strict=True) if pairs else ((), ())
    return Events.sorted(
        t, [u % size for u in unit], shape=shape, clock=US,
        duration=max(t, default=-1) + 1 + spare, value=value,
    )  # fmt: skip


def rows(events):
    values = [1.0] * len(events) if events.value is None else events.value.tolist()
    return list(zip(events.t.tolist(), events.unit.tolist(), values, strict=True))


def counted(events, length, frame):
    """`frame(row, t)` says in which picture an event is."""
    grid = np.zeros((length, *events.shape))
    for row, (t, unit, value) in enumerate(rows(events)):
        grid[(frame(row, t), *np.unravel_index(unit, events.shape))] += value
    return grid


@pytest.fixture(params=["Numba", "NumPy"])
def way(request, monkeypatch):
    if request.param == "NumPy":
        monkeypatch.setattr(counting, "compiled", lambda: False)
        monkeypatch.setattr(counting, "_CELLS_AT_ONCE", 50)
    return request.param


def both(make):
    """The result, which is the same with and without Numba."""
    fast = make()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counting, "compiled", lambda: False)
        patch.setattr(counting, "_CELLS_AT_ONCE", 50)
        slow = make()
    assert slow.dtype == fast.dtype and np.array_equal(slow, fast)
    return fast


@settings(deadline=None, max_examples=25)
@given(pairs, spares, st.integers(1, 50), st.sampled_from(DTYPES))
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_frames_of_equal_time(shape, pairs, spare, width, dtype):
    events = recording(pairs, spare, shape)
    frames = both(lambda: to_frames(events, width=width * us, dtype=dtype))
    length = math.ceil(events.duration / width)
    assert np.array_equal(frames, counted(events, length, lambda _, t: t // width))
    assert frames.shape == (length, *shape) and frames.dtype == dtype
    assert frames.sum() == len(events)
    longer = to_frames(events, width=width * us, steps=length + 2)
    assert np.array_equal(longer[:length], frames) and not longer[length:].any()


@settings(deadline=None, max_examples=25)
@given(pairs, spares, st.integers(1, 50))
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_given_number_of_frames(shape, pairs, spare, number):
    events = recording(pairs, spare, shape)
    frames = both(lambda: to_frames(events, frames=number))
    assert frames.dtype == np.int16 and frames.sum() == len(events)
    oracle = counted(events, number, lambda _, t: t * number // events.duration)
    assert np.array_equal(frames, oracle)


@settings(deadline=None, max_examples=25)
@given(pairs, spares, st.integers(1, 20))
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_frames_of_equally_many_events(shape, pairs, spare, number):
    events = recording(pairs, spare, shape)
    frames = both(lambda: to_frames(events, count=number))
    oracle = counted(events, math.ceil(len(events) / number), lambda row, _: row // number)
    assert np.array_equal(frames, oracle)
    assert all(frame.sum() == number for frame in frames[:-1])


def test_values_of_graded_events_are_added_up(way):
    events = recording([(1, 3), (2, 3), (7, 5)], value=[0.5, 0.25, -2.0])
    frames = to_frames(events, width=5 * us)
    assert frames.dtype == np.float32
    assert np.array_equal(frames, counted(events, 2, lambda _, t: t // 5))
    with pytest.raises(InvalidValue, match=r"graded events do not fit int16.*float32"):
        to_frames(events, width=5 * us, dtype=np.int16)


@pytest.mark.parametrize(
    ("dtype", "limit", "wider"),
    [("int8", 127, "uint8"), ("uint8", 255, "int16"), ("int16", 32767, "int32"),
     ("uint16", 65535, "int32"), ("float16", 2048, "int16")],
)  # fmt: skip
def test_a_count_that_does_not_fit_is_refused_before_it_wraps(way, dtype, limit, wider):
    full = Events.sorted([12] * limit + [3], [17] * limit + [2], shape=(2, 3, 4), clock=US)
    frames = to_frames(full, width=10 * us, dtype=dtype)
    assert frames[1, 1, 1, 1] == limit and frames.sum(dtype=np.float64) == limit + 1
    more = Events.sorted([12] * (limit + 1), [17] * (limit + 1), shape=(2, 3, 4), clock=US)
    words = (
        rf"to_frames: frame 1 holds {limit + 1} events of unit \(1, 1, 1\), more than {dtype} can "
        rf"count \({limit}\)\. Remedy: dtype=np\.{wider}"
    )
    with pytest.raises(InvalidValue, match=words):
        to_frames(more, width=10 * us, dtype=dtype)


def test_frames_of_very_long_recordings_are_cut_exactly():
    late = 2**61
    events = Events.sorted([0, late // 3, late - 1], [0, 1, 2], shape=3, clock=US, duration=late)
    frames = to_frames(events, frames=6)
    oracle = counted(events, 6, lambda _, t: t * 6 // late)
    assert np.array_equal(frames, oracle) and np.array_equal(to_bits(events, 6, bits=1), oracle)
    assert np.array_equal(to_frames(events, count=1), np.eye(3))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda e: to_frames(e), "exactly one of width, count and frames"),
        (lambda e: to_frames(e, width=1 * us, count=3), "exactly one of width, count and frames"),
        (lambda e: to_frames(e, count=3, steps=4), r"to_frames\.steps: only with width"),
        (lambda e: to_frames(e, width=0.5 * us), r"to_frames\.width: 5e-07 s is not a whole"),
        (lambda e: to_frames(e, width=-1 * us), r"to_frames\.width: got -1e-06 s"),
        (lambda e: to_frames(e, count=0), r"to_frames\.count: got 0"),
        (lambda e: to_frames(e, frames=1.5), r"to_frames\.frames: got 1\.5"),
        (lambda e: to_frames(e, width=2 * us, steps=4), r"steps=4 would drop .* in step 4"),
        (lambda e: to_frames(e, width=2 * us, steps=-1), r"to_frames\.steps: got -1"),
        (lambda e: to_frames(e, width=2 * us, dtype=bool), r"got dtype bool"),
        (lambda e: to_frames(e, width=2 * us, dtype="complex64"), r"got dtype complex64"),
        (lambda e: to_bits(e, 0), r"to_bits\.frames: got 0"),
        (lambda e: to_bits(e, 2, bits=65), r"to_bits\.bits: got 65, expected 1 to 64"),
        (lambda e: to_voxels(e, 0), r"to_voxels\.bins: got 0"),
        (lambda e: to_voxels(e, 3, span="all"), r"to_voxels\.span: got 'all'"),
        (lambda e: to_voxels(e, 3, signed=True), r"to_voxels\.signed: .* \(3, 1\)"),
        (lambda e: time_surface(e, 0, [1 * us]), r"time_surface\.tau: got 0"),
        (lambda e: time_surface(e, 1, [2 * us, 1 * us]), r"time_surface\.at: .* rising"),
        (lambda e: average_surface(e, -1, 1 * us), r"average_surface\.tau: got -1"),
        (lambda e: average_surface(e, 1, 0), r"average_surface\.window: got 0 s"),
        (lambda e: average_surface(e, 1, 1, radius=-1), r"average_surface\.radius: got -1"),
        (lambda e: average_surface(e, 1, 1, cell=0), r"average_surface\.cell: got 0"),
        (lambda e: last_times(e, [-1 * us]), r"last_times\.at: .* >= 0"),
        (lambda e: last_times(e, [0.5 * us]), r"last_times\.at: 5e-07 s is not a whole"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(InvalidValue, match=message):
        make(Events.sorted([8], [2], shape=(3, 1), clock=US, duration=9))


@pytest.mark.parametrize(
    "make",
    [
        lambda e: to_frames(e, width=10 * us),
        lambda e: to_frames(e, frames=10**13),
        lambda e: to_bits(e, 10**13),
        lambda e: to_voxels(e, 10**13),
        lambda e: to_frames(e, width=10 * us, steps=10**15),
    ],
)
def test_grids_that_no_memory_holds_are_refused_with_the_bytes_they_need(make):
    events = Events.sorted([1_600_000_000_000_000], [0], shape=(2, 480, 640), clock=US)
    with pytest.raises(InvalidValue, match=r"takes [\d,]+ bytes, this machine has .*1970"):
        make(events)


@settings(deadline=None, max_examples=40)
@given(pairs, spares, st.integers(1, 5), st.sampled_from([1, 2, 7, 8, 9, 17, 33, 64]))
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_bits_say_in_which_parts_a_unit_fired(shape, pairs, spare, frames, bits):
    events = recording(pairs, spare, shape)
    packed = to_bits(events, frames, bits=bits)
    wanted = [[0] * math.prod(shape) for _ in range(frames)]
    for t, unit, _ in rows(events):
        frame, part = divmod(t * frames * bits // events.duration, bits)
        wanted[frame][unit] |= 1 << (bits - 1 - part)
    assert packed.reshape(frames, -1).tolist() == wanted
    assert packed.dtype.itemsize * 8 >= bits and packed.dtype.kind == "u"


def hat(distance):
    return max(0.0, 1.0 - abs(distance))


@settings(deadline=None, max_examples=40)
@given(pairs, spares, st.integers(1, 6), st.sampled_from(["events", "recording"]))
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_voxels_share_each_event_between_two_moments(shape, pairs, spare, bins, span):
    events = recording(pairs, spare, shape)
    grid = to_voxels(events, bins, span=span)
    first, last = 0, events.duration - 1
    if span == "events" and len(events):
        first, last = int(events.t[0]), int(events.t[-1])
    wanted = np.zeros((bins, *shape))
    for t, unit, _ in rows(events):
        place = (bins - 1) * (t - first) / max(last - first, 1)
        for b in range(bins):
            wanted[(b, *np.unravel_index(unit, shape))] += hat(b - place)
    assert grid.dtype == np.float32
    np.testing.assert_allclose(grid, wanted, atol=1e-5)
    assert grid.sum(dtype=np.float64) == pytest.approx(len(events), rel=1e-6)


def test_signed_voxels_count_on_minus_off_and_values_count_as_they_are():
    events = recording([(0, 3), (4, 15), (8, 4)])  # OFF, ON, OFF of pixels 3, 3, 4
    grid = to_voxels(events, 3, signed=True)
    assert grid.shape == (3, 3, 4)
    assert [grid[0].flat[3], grid[1].flat[3], grid[2].flat[4]] == [-1, 1, -1]
    graded = recording([(0, 3), (8, 4)], value=[0.5, 3.0])
    assert to_voxels(graded, 2).sum() == 3.5
    many = Events.sorted(np.arange(1_100_000), [0] * 1_100_000, shape=1, clock=US)
    assert to_voxels(many, 5).sum(dtype=np.float64) == pytest.approx(1_100_000, rel=1e-6)


@settings(deadline=None, max_examples=40)
@given(pairs, spares, st.lists(st.integers(0, 200), max_size=5).map(sorted), st.integers(1, 90))
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_surfaces_fade_since_the_last_event(shape, pairs, spare, at, tau):
    events = recording(pairs, spare, shape)
    last = last_times(events, np.array(at) * us)
    surface = time_surface(events, tau * us, np.array(at) * us)
    assert last.shape == surface.shape == (len(at), *shape) and surface.dtype == np.float32
    for k, moment in enumerate(at):
        for unit in range(math.prod(shape)):
            times = [t for t, u, _ in rows(events) if u == unit and t <= moment]
            assert last[k].flat[unit] == max(times, default=-1)
            wanted = math.exp(-(moment - max(times)) / tau) if times else 0.0
            assert surface[k].flat[unit] == pytest.approx(wanted, rel=1e-5, abs=1e-30)


def test_one_moment_may_be_given_alone():
    assert last_times(recording([(1, 3)]), 5 * us).shape == (1, 2, 3, 4)


@settings(deadline=None, max_examples=40)
@given(pairs, st.integers(1, 60), st.integers(1, 40), st.integers(0, 2), st.integers(1, 4))
@pytest.mark.parametrize("shape", [(2, 3, 4), (3, 4), (2, 1, 6)], ids=str)
def test_average_surfaces_hold_what_came_before_in_the_same_cell(
    shape, pairs, window, tau, radius, cell
):
    events = recording(pairs, 0, shape)
    got = average_surface(events, tau * us, window * us, radius=radius, cell=cell)
    full = (1,) * (3 - len(shape)) + shape
    seen = [(t, *np.unravel_index(unit, full)) for t, unit, _ in rows(events)]
    down, across = math.ceil(full[1] / cell), math.ceil(full[2] / cell)
    assert got.shape == (full[0], down, across, 2 * radius + 1, 2 * radius + 1)
    for p, v, u in np.ndindex(full[0], down, across):
        members = [e for e in seen if e[1] == p and (e[2] // cell, e[3] // cell) == (v, u)]
        wanted = np.zeros((2 * radius + 1, 2 * radius + 1))
        for t, _, y, x in members:
            for s, _, b, a in members:
                if t - window <= s < t and max(abs(b - y), abs(a - x)) <= radius:
                    wanted[b - y + radius, a - x + radius] += math.exp((s - t) / tau)
        np.testing.assert_allclose(got[p, v, u], wanted / max(len(members), 1), atol=1e-6)


def test_the_surface_kernel_does_what_its_source_says():
    rng = np.random.default_rng(0)
    group = np.repeat([0, 1, 3], 20)
    t = np.concatenate([np.sort(rng.integers(0, 50, 20)) for _ in range(3)])
    y, x = rng.integers(0, 4, 60), rng.integers(0, 5, 60)
    sums = np.zeros((4, 3, 3)), np.zeros((4, 3, 3))
    for run, into in zip((surfaces, surfaces.py_func), sums, strict=True):
        run(t, group, y, x, 12, 7.5, 1, into)
    np.testing.assert_allclose(*sums)
    assert sums[0][[0, 1, 3]].all() and not sums[0][2].any()


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_the_kernel_does_what_its_source_says(dtype):
    rng = np.random.default_rng(0)
    unit = rng.integers(0, 5, 60).astype(np.int32)
    bounds = np.array([0, 20, 20, 60])
    grids = []
    for run in (kernel, kernel.py_func):
        grid = np.zeros((3, 2, 5), dtype)
        assert run(unit, bounds, np.dtype(dtype).type(100), grid, 1)
        assert not run(unit, bounds, np.dtype(dtype).type(2), grid.copy(), 1)
        grids.append(grid)
    assert np.array_equal(*grids) and grids[0].sum() == 60 and not grids[0][:, 0].any()
    assert np.array_equal(grids[0][2, 1], np.bincount(unit[20:], minlength=5))
