"""Batches: every event once, the length of each recording, silence after it."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuro import Clock, Events, bin_events, ms, us
from neuro.errors import InvalidValue
from neuro.transforms import Batch, collate

US = Clock(1 * us)
pairs = st.lists(st.tuples(st.integers(0, 99), st.integers(0, 5)), max_size=30)


def recording(pairs, spare, clock=US):
    t, unit = zip(*pairs, strict=True) if pairs else ((), ())
    duration = max(t, default=-1) + 1 + spare
    return Events.sorted(t, unit, shape=(2, 3), clock=clock, duration=duration)


@settings(deadline=None)
@given(st.lists(st.tuples(pairs, st.integers(0, 50)), min_size=1, max_size=4),
       st.integers(1, 30), st.sampled_from(["float32", "uint8", "int64"]))  # fmt: skip
def test_each_recording_is_counted_and_its_length_told(drawn, ratio, dtype):
    recordings = [recording(*one) for one in drawn]
    step = Clock(US.tick * ratio)
    batch = collate(recordings, step, dtype=dtype)
    lengths = [math.ceil(e.duration / ratio) for e in recordings]
    assert batch.lengths.tolist() == lengths and len(batch) == len(recordings)
    wanted = np.zeros((max(lengths), len(recordings), 2, 3))
    for b, events in enumerate(recordings):
        for t, unit in zip(events.t.tolist(), events.unit.tolist(), strict=True):
            wanted[t // ratio, b].flat[unit] += 1
    assert np.array_equal(batch.spikes, wanted) and batch.spikes.dtype == dtype
    assert batch.mask.shape == (max(lengths), len(recordings))
    assert batch.mask.sum(0).tolist() == lengths
    assert not batch.spikes[~batch.mask].any()
    assert np.array_equal(bin_events(recordings, step), batch.spikes)
    longer = collate(recordings, step, steps=max(lengths) + 3)
    assert longer.lengths.tolist() == lengths and len(longer.spikes) == max(lengths) + 3


def test_clocks_may_differ():
    fine = recording([(1500, 1)], 0)
    coarse = recording([(1, 2)], 3, Clock(1 * ms))
    batch = collate([fine, coarse], Clock(1 * ms))
    assert batch.lengths.tolist() == [2, 5]
    assert np.argwhere(batch.spikes).tolist() == [[1, 0, 0, 1], [1, 1, 0, 2]]


def test_a_silent_end_may_be_cut_off_but_no_event():
    batch = collate([recording([(10, 0)], 500)], US, steps=20)
    assert batch.lengths.tolist() == [20]
    with pytest.raises(InvalidValue, match=r"collate: steps=10 would drop events.*step 10"):
        collate([recording([(10, 0)], 500)], US, steps=10)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: collate([], US), "collate: no recordings"),
        (
            lambda: collate([recording([], 1), Events.sorted([], [], shape=3, clock=US)], US),
            "collate: recordings differ in shape",
        ),
        (lambda: collate([recording([(1, 1)], 0, Clock(1 * ms))], US), "not a whole multiple"),
        (lambda: collate([recording([(0, 1)] * 300, 0)], US, dtype="uint8"), "300 events.*int16"),
        (lambda: collate([recording([], 1)], US, dtype="bool"), "collate: got dtype bool"),
        (lambda: collate([recording([], 1)], US, steps=10**16), "takes .* bytes"),
        (lambda: collate([recording([], 1)], US, steps=-1), r"collate\.steps: got -1"),
        (lambda: Batch(np.zeros((3, 2)), np.ones(2, int), US), "spikes have shape"),
        (lambda: Batch(np.zeros((3, 2, 1)), np.ones(3, int), US), r"lengths \(3,\)"),
        (lambda: Batch(np.zeros((3, 2, 1)), np.array([1, 4]), US), "from 1 to 4, expected 0 to 3"),
    ],
)
def test_what_makes_no_batch_is_refused(make, message):
    with pytest.raises(InvalidValue, match=message):
        make()
