"""Slices lose nothing and count from zero; time is turned, stretched and shifted as stated."""

import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuro import Clock, Events, us
from neuro.errors import InvalidValue
from neuro.transforms import (
    Coarsen,
    DropTime,
    Pad,
    TimeJitter,
    TimeReverse,
    TimeScale,
    TimeShift,
    UniformNoise,
    slice_at,
    slice_count,
    slice_time,
)

US = Clock(1 * us)
pairs = st.lists(st.tuples(st.integers(0, 99), st.integers(0, 5)), max_size=40)
spares = st.integers(0, 30)


def recording(pairs, spare, graded=False):
    t, unit = zip(*pairs, strict=True) if pairs else ((), ())
    value = list(range(len(t))) if graded else None
    return Events.sorted(
        t, unit, shape=6, clock=US, duration=max(t, default=-1) + 1 + spare, value=value
    )


def bag(events, shift=0):
    return Counter(zip((events.t + shift).tolist(), events.unit.tolist(), strict=True))


def joined(slices):
    return sum((bag(piece, o) for piece, o in zip(slices, slices.origins, strict=True)), Counter())


@settings(deadline=None)
@given(pairs, spares, st.integers(1, 50))
def test_time_slices_hold_every_event_once_and_cover_the_recording(pairs, spare, width):
    events = recording(pairs, spare)
    slices = slice_time(events, width * us)
    assert joined(slices) == bag(events)
    assert sum(piece.duration for piece in slices) == events.duration
    assert [piece.duration for piece in slices[:-1]] == [width] * max(len(slices) - 1, 0)
    assert list(slices.origins) == list(range(0, events.duration, width))
    whole = slice_time(events, width * us, partial="drop")
    assert all(piece.duration == width for piece in whole)
    assert len(whole) == events.duration // width
    assert joined(whole) == Counter(
        {k: n for k, n in bag(events).items() if k[0] < len(whole) * width}
    )


@settings(deadline=None)
@given(pairs, spares, st.integers(1, 50), st.integers(1, 60))
def test_strides_repeat_or_skip_events_as_the_windows_do(pairs, spare, width, stride):
    events = recording(pairs, spare)
    slices = slice_time(events, width * us, stride * us)
    expected = Counter()
    for start in slices.origins:
        assert start % stride == 0
        expected += Counter({k: n for k, n in bag(events).items() if start <= k[0] < start + width})
    assert joined(slices) == expected
    if stride <= width:  # no event is left out
        assert set(joined(slices)) == set(bag(events))
    if events.duration:
        assert slices.origins[-1] + max(width, stride) >= events.duration
        assert all(start + width < events.duration for start in slices.origins[:-1])


@settings(deadline=None)
@given(pairs, spares, st.integers(1, 12), st.booleans())
def test_count_slices_hold_every_event_once(pairs, spare, count, graded):
    events = recording(pairs, spare, graded)
    slices = slice_count(events, count)
    assert joined(slices) == bag(events)
    assert all(len(piece) == count for piece in slices[:-1])
    assert all(piece.t[0] == 0 and piece.duration == piece.t[-1] + 1 for piece in slices)
    if graded:
        assert sum(piece.value.sum() for piece in slices) == events.value.sum()
    whole = slice_count(events, count, partial="drop")
    assert len(whole) == len(events) // count


@settings(deadline=None)
@given(pairs, spares, st.integers(1, 12), st.integers(1, 12))
def test_overlapping_count_slices_are_runs_of_rows(pairs, spare, count, stride):
    events = recording(pairs, spare)
    slices = slice_count(events, count, stride)
    rows = list(zip(events.t.tolist(), events.unit.tolist(), strict=True))
    for k, (piece, origin) in enumerate(zip(slices, slices.origins, strict=True)):
        assert bag(piece, origin) == Counter(rows[k * stride : k * stride + count])
    if stride <= count:
        assert set(joined(slices)) == set(rows)


@settings(deadline=None)
@given(pairs, spares, st.data())
def test_slices_at_marks_hold_every_event_once(pairs, spare, data):
    events = recording(pairs, spare)
    marks = sorted(data.draw(st.lists(st.integers(0, events.duration), max_size=5)))
    slices = slice_at(events, np.array(marks) * us)
    assert len(slices) == len(marks) + 1
    assert joined(slices) == bag(events)
    assert list(slices.origins) == [0, *marks]


def test_an_event_at_a_mark_begins_the_next_piece():
    events = Events.sorted([3, 4, 5], [0, 1, 2], shape=3, clock=US, duration=9)
    slices = slice_at(events, [4 * us, 4 * us])
    assert [piece.unit.tolist() for piece in slices] == [[0], [], [1, 2]]
    assert slices[2].t.tolist() == [0, 1] and slices[-1].duration == 5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda e: slice_time(e, 0), r"slice_time\.width: got 0 s"),
        (lambda e: slice_time(e, 1.5 * us), r"slice_time\.width: 1\.5e-06 s is not a whole"),
        (lambda e: slice_time(e, 5 * us, -1 * us), r"slice_time\.stride: got -1e-06 s"),
        (lambda e: slice_time(e, 5 * us, partial="no"), r"slice_time\.partial: got 'no'"),
        (lambda e: slice_count(e, 0), r"slice_count\.count: got 0"),
        (lambda e: slice_count(e, 2, 0), r"slice_count\.stride: got 0"),
        (lambda e: slice_count(e, 2.5), r"slice_count\.count: got 2\.5"),
        (lambda e: slice_at(e, [5 * us, 4 * us]), r"slice_at\.marks: .* rising"),
        (lambda e: slice_at(e, [11 * us]), r"from tick 11 to 11, expected 0 to 10"),
        (lambda e: slice_at(e, [1.2 * us]), r"slice_at\.marks: 1\.2e-06 s is not a whole"),
    ],
)
def test_slices_that_make_no_sense_are_refused(make, message):
    with pytest.raises(InvalidValue, match=message):
        make(Events.sorted([1], [0], shape=1, clock=US, duration=10))


def test_a_recording_that_counts_from_1970_is_not_cut_into_millions():
    late = 1_600_000_000_000_000
    events = Events.sorted([late, late + 5], [0, 0], shape=1, clock=US)
    with pytest.raises(InvalidValue, match=r"160,000,000,000 windows.*1970"):
        slice_time(events, 10_000 * us)
    assert slice_count(events, 1).origins == (late, late + 5)


@settings(deadline=None)
@given(pairs, spares)
def test_reversing_twice_gives_the_recording_back(pairs, spare):
    events = recording(pairs, spare)
    back = TimeReverse()(events)
    last = events.duration - 1
    assert bag(back) == Counter({(last - t, u): n for (t, u), n in bag(events).items()})
    assert TimeReverse()(back) == events


def test_reversing_may_exchange_polarities():
    events = Events.sorted([0, 2], [0, 3], shape=(2, 1, 2), clock=US, duration=4)
    out = TimeReverse(flip_polarity=True)(events)
    assert (out.t.tolist(), out.unit.tolist()) == ([1, 3], [1, 2])


@settings(deadline=None)
@given(pairs, spares, st.fractions(Fraction(1, 50), 20, max_denominator=50))
def test_stretched_time_is_exact(pairs, spare, factor):
    events = recording(pairs, spare)
    out = TimeScale(factor)(events)
    assert out.duration == math.ceil(events.duration * factor)
    expected = Counter()
    for (t, unit), n in bag(events).items():
        expected[(math.floor(t * factor), unit)] += n
    assert bag(out) == expected


def test_a_decimal_factor_has_no_binary_noise():
    events = Events.sorted(range(0, 1000, 10), [0] * 100, shape=1, clock=US)
    assert TimeScale(0.3)(events).t.tolist() == [3 * k for k in range(100)]


@settings(deadline=None)
@given(pairs, spares, st.integers(0, 50))
def test_shifts_coarser_ticks_and_longer_ends(pairs, spare, ticks):
    events = recording(pairs, spare)
    late = TimeShift(ticks * us)(events)
    assert bag(late) == bag(events, ticks) and late.duration == events.duration + ticks
    assert Coarsen(Clock(7 * us))(events) == events.on(Clock(7 * us))
    assert Pad(until=ticks * us)(events).duration == max(events.duration, ticks)


def test_time_jitter_has_the_spread_it_was_asked_for_and_stays_inside():
    n = 20_000
    events = Events.sorted([5000] * n, [0] * n, shape=1, clock=US, duration=10_001)
    t = TimeJitter(300 * us)(events, 1).t
    assert np.std(t) == pytest.approx(300, rel=0.02) and abs(np.mean(t) - 5000) < 8
    early = Events.sorted([0] * n, [0] * n, shape=1, clock=US, duration=10_001)
    assert np.mean(TimeJitter(300 * us)(early, 1).t) == pytest.approx(
        300 * (2 / np.pi) ** 0.5, 0.02
    )
    assert len(TimeJitter(300 * us, "drop")(early, 1)) == pytest.approx(n / 2, rel=0.03)
    clipped = TimeJitter(300 * us, "clip")(early, 1).t
    assert len(clipped) == n and (clipped == 0).mean() == pytest.approx(0.5, abs=0.02)


def test_a_dropped_span_is_one_span_of_that_length():
    events = Events.sorted(range(1000), [0] * 1000, shape=1, clock=US)
    starts = set()
    for seed in range(20):
        gone = sorted(set(range(1000)) - set(DropTime(0.2)(events, seed).t.tolist()))
        assert gone == list(range(gone[0], gone[0] + 200))
        starts.add(gone[0])
    assert len(starts) > 10
    assert len(DropTime(0)(events)) == 1000 and len(DropTime(1)(events)) == 0


def test_noise_has_the_stated_rate_everywhere():
    silent = Events.sorted([], [], shape=(2, 10, 10), clock=US, duration=2_000_000)
    out = UniformNoise(50.0)(silent, 2)
    assert len(out) == pytest.approx(50 * 200 * 2, rel=0.05)
    counts = np.bincount(out.unit, minlength=200)
    assert counts.var() == pytest.approx(counts.mean(), rel=0.4) and counts.min() > 50
    halves = np.bincount(out.t // 1_000_000, minlength=2)
    assert halves[0] == pytest.approx(halves[1], rel=0.05)
