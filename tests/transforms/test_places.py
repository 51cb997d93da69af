"""Where each event goes on the sensor, worked out event by event in plain Python."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuro import Clock, Events, us
from neuro.transforms import (
    Centre,
    CentreCrop,
    Crop,
    Downsample,
    DropArea,
    DropEvents,
    DropUnits,
    Flip,
    FlipPolarity,
    HotPixels,
    MergePolarities,
    Pad,
    RandomCrop,
    Shift,
    SpatialJitter,
)
from neuro.transforms.jitter import at_border

US = Clock(1 * us)
P, H, W = SHAPE = (2, 5, 7)
DURATION = 100
points = st.lists(
    st.tuples(
        st.integers(0, DURATION - 1), st.integers(0, 1), st.integers(0, H - 1),
        st.integers(0, W - 1),
    ),
    max_size=40,
)  # fmt: skip


def seen(points):
    t = [q[0] for q in points]
    unit = [(p * H + y) * W + x for _, p, y, x in points]
    return Events.sorted(t, unit, shape=SHAPE, clock=US, duration=DURATION)


def bag(events):
    axes = [c.tolist() for c in events.coordinates]
    return Counter(zip(events.t.tolist(), *axes, strict=True))


def expected(points, place):
    """`place(p, y, x)` gives the new coordinates, or None for an event that is lost."""
    moved = [(t, place(p, y, x)) for t, p, y, x in points]
    return Counter((t, *q) for t, q in moved if q is not None)


CASES = [
    (Crop(y=(1, 4), x=(2, 7)), (2, 3, 5),
     lambda p, y, x: (p, y - 1, x - 2) if 1 <= y < 4 and x >= 2 else None),
    (Crop(x=(0, 1)), (2, 5, 1), lambda p, y, x: (p, y, 0) if x == 0 else None),
    (CentreCrop((2, 4)), (2, 2, 4),
     lambda p, y, x: (p, y - 1, x - 1) if 1 <= y < 3 and 1 <= x < 5 else None),
    (Downsample(2), (2, 3, 4), lambda p, y, x: (p, y // 2, x // 2)),
    (Downsample((1, 2.5)), (2, 5, 3), lambda p, y, x: (p, y, math.floor(x / 2.5))),
    (Downsample(size=(2, 7)), (2, 2, 7), lambda p, y, x: (p, 0 if y < 2.5 else 1, x)),
    (Flip("x"), SHAPE, lambda p, y, x: (p, y, 6 - x)),
    (Flip("unit"), SHAPE, lambda p, y, x: (p, y, 6 - x)),
    (Flip("y"), SHAPE, lambda p, y, x: (p, 4 - y, x)),
    (FlipPolarity(), SHAPE, lambda p, y, x: (1 - p, y, x)),
    (MergePolarities(), (1, 5, 7), lambda p, y, x: (0, y, x)),
    (MergePolarities(keep_axis=False), (5, 7), lambda p, y, x: (y, x)),
    (Pad(y=(2, 0), x=(1, 3)), (2, 7, 11), lambda p, y, x: (p, y + 2, x + 1)),
    (Shift(y=1, x=-2, border="wrap"), SHAPE, lambda p, y, x: (p, (y + 1) % 5, (x - 2) % 7)),
    (Shift(y=1, x=-2, border="drop"), SHAPE,
     lambda p, y, x: (p, y + 1, x - 2) if y < 4 and x >= 2 else None),
]  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(points)
@pytest.mark.parametrize(
    ("transform", "shape", "place"), CASES, ids=[repr(case[0]) for case in CASES]
)
def test_every_event_lands_where_the_formula_says(transform, shape, place, points):
    out = transform(seen(points))
    assert out.shape == shape and out.duration == DURATION
    assert bag(out) == expected(points, place)


def test_factors_are_read_as_the_decimal_numbers_they_were_written_as():
    # 3 / 0.1 style binary noise would put unit 21 of 1.05 into pixel 19
    line = Events.sorted(range(211), range(211), shape=211, clock=US)
    assert Downsample(1.05)(line).unit.tolist() == [i * 20 // 21 for i in range(211)]


@settings(deadline=None, max_examples=40)
@given(points, st.integers(0, 30))
def test_a_random_window_is_some_window(points, seed):
    out = RandomCrop((3, 4))(seen(points), seed)
    windows = [Crop(y=(y, y + 3), x=(x, x + 4))(seen(points)) for y in range(3) for x in range(4)]
    assert out in windows


def test_all_windows_come_up():
    one = seen([(0, 1, 2, 3)])  # inside every window
    places = [RandomCrop((3, 4))(one, seed).coordinates for seed in range(300)]
    corners = {(2 - int(y[0]), 3 - int(x[0])) for _, y, x in places}
    assert corners == {(y, x) for y in (0, 1, 2) for x in (0, 1, 2, 3)}


@pytest.mark.parametrize("length", [1, 2, 5, 9])
@pytest.mark.parametrize("border", ["reflect", "clip", "drop"])
def test_borders(length, border):
    def walk(place):  # step by step between mirrors at the first and the last pixel
        at, way = 0, 1 if place >= 0 else -1
        for _ in range(abs(place)):
            if not 0 <= at + way < length:
                way = -way
            at += way if length > 1 else 0
        return at

    places = np.arange(-30, 31)
    got, stay = at_border(places, length, border)
    for place, new, kept in zip(places.tolist(), got.tolist(), stay.tolist(), strict=True):
        if border == "reflect":
            assert (new, kept) == (walk(place), True)
        elif border == "clip":
            assert (new, kept) == (min(max(place, 0), length - 1), True)
        else:
            assert kept == (0 <= place < length) and (not kept or new == place)


def test_spatial_jitter_has_the_spread_it_was_asked_for():
    n = 20_000
    middle = Events.sorted(range(n), [50 * 101 + 50] * n, shape=(101, 101), clock=US)
    y, x = SpatialJitter((2.0, 5.0))(middle, 3).coordinates
    # rounding adds the variance 1/12 of a uniform distribution
    assert np.std(y) == pytest.approx((4 + 1 / 12) ** 0.5, rel=0.03)
    assert np.std(x) == pytest.approx((25 + 1 / 12) ** 0.5, rel=0.03)
    assert abs(np.mean(y) - 50) < 0.06 and abs(np.mean(x) - 50) < 0.15


def test_the_centre_of_activity_comes_to_the_middle():
    corner = seen([(0, 0, 0, 0), (1, 1, 1, 2), (2, 0, 2, 1)])
    out = Centre()(corner)
    assert [c.mean() for c in out.coordinates[1:]] == [2, 3]
    line = Events.sorted([0, 1], [0, 2], shape=7, clock=US)
    assert Centre()(line).unit.tolist() == [2, 4]


def test_drops_are_as_frequent_as_asked():
    n = 20_000
    events = Events.sorted(range(n), np.arange(n) % 5000, shape=(50, 100), clock=US)
    assert len(DropEvents(0.3)(events, 5)) == pytest.approx(0.7 * n, rel=0.02)
    alive = np.bincount(DropUnits(0.3)(events, 5).unit, minlength=5000)
    assert set(alive.tolist()) == {0, 4}  # a unit loses all its events or none
    assert (alive > 0).mean() == pytest.approx(0.7, abs=0.02)
    assert len(DropEvents(0)(events)) == n and len(DropEvents(1)(events)) == 0
    assert len(DropUnits(0)(events)) == n and len(DropUnits(1)(events)) == 0


def test_a_dropped_area_is_one_rectangle_of_that_size():
    everywhere = Events.sorted([0] * 5000, range(5000), shape=(50, 100), clock=US)
    corners = set()
    for seed in range(20):
        gone = np.ones((50, 100), bool)
        gone.flat[DropArea(0.25)(everywhere, seed).unit] = False
        rows, columns = np.flatnonzero(gone.any(1)), np.flatnonzero(gone.any(0))
        assert (len(rows), len(columns)) == (25, 50) and gone.sum() == 25 * 50
        assert np.ptp(rows) == 24 and np.ptp(columns) == 49
        corners.add((rows[0], columns[0]))
    assert len(corners) > 10
    assert len(DropArea(0)(everywhere)) == 5000 and len(DropArea(1)(everywhere)) == 0


def test_hot_pixels_are_told_and_removed():
    rng = np.random.default_rng(0)
    unit = np.concatenate([rng.integers(0, 400, 8000), [7] * 300, [399] * 150])
    events = Events.sorted(np.arange(len(unit)), unit, shape=(20, 20), clock=US)
    hot = HotPixels()
    assert hot.find(events).tolist() == [7, 399]
    out = hot(events)
    assert not np.isin(out.unit, [7, 399]).any()
    assert len(out) == np.count_nonzero(~np.isin(unit, [7, 399]))
    assert hot.find(out).tolist() == []


def test_the_threshold_of_hot_pixels_is_the_stated_one():
    counts = [4, 4, 4, 4, 4, 4, 4, 24, 25]  # median 4, distance 0: 4 + 10 sqrt(4) = 24 is not above
    unit = np.repeat(np.arange(9), counts)
    events = Events.sorted(np.arange(len(unit)), unit, shape=20, clock=US)
    assert HotPixels(10).find(events).tolist() == [8]
    spread = [10, 12, 14, 16, 18, 20, 22, 14 + 30]  # median 17, distances median 4
    unit = np.repeat(np.arange(8), spread)
    events = Events.sorted(np.arange(len(unit)), unit, shape=20, clock=US)
    robust = 1.4826 * 4
    assert HotPixels(26.9 / robust).find(events).tolist() == [7]
    assert HotPixels(27.1 / robust).find(events).tolist() == []
