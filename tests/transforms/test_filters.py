"""Denoise and Refractory against their definitions in plain Python, and their kernels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuro import Clock, Events, us
from neuro.transforms import Denoise, Refractory
from neuro.transforms._filter_kernels import rested, supported

US = Clock(1 * us)
SHAPES = [(2, 4, 5), (4, 5), (9,), (2, 1, 3)]
pairs = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 39)), max_size=60)


def recording(pairs, shape):
    size = int(np.prod(shape))
    t, unit = zip(*pairs, strict=True) if pairs else ((), ())
    return Events.sorted(t, [u % size for u in unit], shape=shape, clock=US, duration=70)


def rows(events):
    return list(zip(events.t.tolist(), events.unit.tolist(), strict=True))


def place(unit, shape):
    where = np.unravel_index(unit, shape)
    return tuple(int(c) for c in where[-2:]) if len(shape) > 1 else (0, int(where[0]))


def with_company(events, window, radius, support):
    kept = []
    for t, unit in rows(events):
        y, x = place(unit, events.shape)
        company = set()
        for other_t, other in rows(events):
            v, u = place(other, events.shape)
            near = max(abs(v - y), abs(u - x)) <= radius and (v, u) != (y, x)
            if near and t - window <= other_t <= t:
                company.add((v, u))
        if len(company) >= support:
            kept.append((t, unit))
    return kept


@settings(deadline=None, max_examples=40)
@given(pairs, st.integers(1, 30), st.integers(1, 2), st.integers(1, 2))
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_denoise_keeps_the_events_that_have_company(shape, pairs, window, radius, support):
    events = recording(pairs, shape)
    out = Denoise(window * us, radius, support)(events)
    assert rows(out) == with_company(events, window, radius, support)


def with_rest(events, period, per):
    kept, last = [], {}
    for t, unit in rows(events):
        key = unit if per == "unit" else place(unit, events.shape)
        if key not in last or t - last[key] >= period:
            kept.append((t, unit))
            last[key] = t
    return kept


@settings(deadline=None, max_examples=40)
@given(pairs, st.integers(1, 40))
@pytest.mark.parametrize("per", ["unit", "pixel"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_refractory_counts_from_the_last_event_that_stayed(shape, per, pairs, period):
    events = recording(pairs, shape)
    assert rows(Refractory(period * us, per)(events)) == with_rest(events, period, per)


def test_an_event_after_exactly_the_period_stays():
    events = Events.sorted([0, 9, 10, 19, 20], [0] * 5, shape=1, clock=US)
    assert Refractory(10 * us)(events).t.tolist() == [0, 10, 20]


def test_a_window_holds_its_first_tick():
    for gap, stays in ((10, [10]), (11, [])):
        events = Events.sorted([0, gap], [0, 1], shape=3, clock=US)
        assert Denoise(10 * us)(events).t.tolist() == stays


def test_the_kernels_do_what_their_source_says():
    rng = np.random.default_rng(0)
    t = np.sort(rng.integers(0, 50, 80))
    unit = rng.integers(0, 40, 80).astype(np.int32)
    outcome = []
    for run in (supported, supported.py_func):
        keep = np.zeros(80, bool)
        run(t, unit, 4, 5, 7, 1, 2, np.full(20, -8, np.int64), keep)
        outcome.append(keep)
    assert (outcome[0] == outcome[1]).all() and 0 < outcome[0].sum() < 80
    outcome = []
    for run in (rested, rested.py_func):
        keep = np.zeros(80, bool)
        run(t, unit, 20, np.full(40, -20, np.int64), keep)
        outcome.append(keep)
    assert (outcome[0] == outcome[1]).all() and 0 < outcome[0].sum() < 80
