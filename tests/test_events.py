"""Events: none is lost, doubled or moved, nobody can change them, bad ones are refused."""

import copy
import os
import pickle
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.events import Events, bin_events
from neuro.room import memory, refuse_too_large
from neuro.units import ms, us

US = Clock(1 * us)
SHAPE = (2, 3, 4)
SIZE = 24

EITHER = st.booleans()
rows = st.lists(st.tuples(st.integers(0, 3000), st.integers(0, SIZE - 1)), max_size=60)


@st.composite
def recordings(draw, graded=EITHER):
    pairs = draw(rows)
    t, unit = (list(column) for column in zip(*pairs, strict=True)) if pairs else ([], [])
    value = draw(
        st.none()
        if not draw(graded)
        else st.lists(st.integers(-64, 64).map(lambda n: n / 8), min_size=len(t), max_size=len(t))
    )
    duration = max(t, default=0) + draw(st.integers(1, 500))
    return Events.sorted(t, unit, shape=SHAPE, clock=US, duration=duration, value=value)


plain = recordings(graded=st.just(False))


def bag(events, shift=0, ratio=1):
    values = [1.0] * len(events) if events.value is None else events.value.tolist()
    return Counter(
        (int(t) // ratio + shift, int(unit), value)
        for t, unit, value in zip(events.t, events.unit, values, strict=True)
    )


@settings(deadline=None)
@given(rows, st.randoms())
def test_sorting_keeps_every_event_once_whatever_the_order(pairs, random):
    expected = Counter(pairs)
    random.shuffle(pairs)
    t, unit = zip(*pairs, strict=True) if pairs else ((), ())
    events = Events.sorted(t, unit, shape=SHAPE, clock=US)
    assert Counter(zip(events.t.tolist(), events.unit.tolist(), strict=True)) == expected
    assert list(zip(events.t, events.unit, strict=True)) == sorted(expected.elements())


def test_equal_rows_keep_the_order_of_their_values():
    events = Events.sorted([5, 1, 5], [2, 0, 2], shape=3, clock=US, value=[1.0, 2.0, 3.0])
    assert events.value is not None
    assert events.value.tolist() == [2.0, 1.0, 3.0]


@settings(deadline=None)
@given(recordings(), st.data())
def test_slices_cut_a_recording_into_the_same_events(events, data):
    cut = data.draw(st.integers(0, events.duration))
    head, tail = events.slice(0, cut), events.slice(cut, events.duration)
    assert bag(head) + bag(tail, shift=cut) == bag(events)
    assert (head.duration, tail.duration) == (cut, events.duration - cut)
    assert events.slice(0, events.duration) == events


@settings(deadline=None)
@given(recordings(), st.sampled_from([1, 2, 7, 100, 10_000]))
def test_coarser_ticks_move_every_event_to_the_tick_that_holds_it(events, ratio):
    coarse = events.on(Clock(US.tick * ratio))
    assert bag(coarse) == bag(events, ratio=ratio)
    assert coarse.duration == -(-events.duration // ratio)


@settings(deadline=None)
@given(recordings())
def test_dense_puts_every_event_into_its_own_cell(events):
    grid = events.dense()
    expected = np.zeros((events.duration, *SHAPE))
    for (t, unit, value), count in bag(events).items():
        expected[(t, *np.unravel_index(unit, SHAPE))] += count * value
    assert grid.dtype == np.float32 and np.array_equal(grid, expected)


@settings(deadline=None)
@given(plain)
def test_from_dense_undoes_dense(events):
    assert Events.from_dense(events.dense(), US) == events


def test_counts_above_255_survive():
    events = Events.sorted([3] * 1000, [1] * 1000, shape=2, clock=US)
    assert events.dense()[3, 1] == 1000
    assert Events.from_dense(events.dense().astype(np.int16), US) == events


@settings(deadline=None)
@given(st.lists(plain, min_size=1, max_size=4), st.sampled_from([1, 50, 1000]))
def test_a_batch_is_binned_without_loss_and_padded_with_silence(batch, ratio):
    step = Clock(US.tick * ratio)
    grid = bin_events(batch, step)
    length = max(-(-events.duration // ratio) for events in batch)
    assert grid.shape == (length, len(batch), *SHAPE)
    for b, events in enumerate(batch):
        assert Events.from_dense(grid[:, b], step).slice(0, events.on(step).duration) == events.on(
            step
        )
        assert grid[:, b].sum() == len(events)


@settings(deadline=None)
@given(recordings())
def test_no_operation_changes_its_input(events):
    before = copy.deepcopy(events)
    events.slice(0, events.duration // 2)
    events.on(Clock(10 * us)).dense()
    grid = bin_events([events], Clock(5 * us))
    grid += 1
    assert events == before


def test_nobody_can_change_events_through_any_door():
    t, unit, value = np.array([1, 2]), np.array([0, 1], np.int32), np.ones(2, np.float32)
    events = Events(t, unit, (2,), 9, US, value)
    t[0] = unit[0] = value[0] = 7
    assert events == Events.sorted([1, 2], [0, 1], shape=2, clock=US, duration=9, value=[1, 1])
    view = np.arange(4)[::2]
    assert Events(view, view * 0, (2,), 9, US).t.base is None
    for one in (events, pickle.loads(pickle.dumps(events)), copy.deepcopy(events), events.on(US)):
        assert one == events
        for column in (one.t, one.unit, one.value):
            assert column is not None
            with pytest.raises(ValueError, match="read-only"):
                column[0] = 1
        with pytest.raises(AttributeError):
            one.duration = 3  # type: ignore[misc]


def test_seconds_and_coordinates_read_as_on_the_sensor():
    events = Events.from_seconds([0.5e-3, 0.2e-3], [23, 6], shape=SHAPE, clock=US)
    assert events.t.tolist() == [200, 500] and events.duration == 501
    assert events.seconds.tolist() == [0.0002, 0.0005]
    assert [axis.tolist() for axis in events.coordinates] == [[0, 1], [1, 2], [2, 3]]
    assert events.size == 24 and len(events) == 2


def test_equality_looks_at_everything():
    one = Events.sorted([1], [1], shape=4, clock=US, duration=5)
    others = [
        Events.sorted([2], [1], shape=4, clock=US, duration=5),
        Events.sorted([1], [2], shape=4, clock=US, duration=5),
        Events.sorted([1], [1], shape=(2, 2), clock=US, duration=5),
        Events.sorted([1], [1], shape=4, clock=Clock(1 * ms), duration=5),
        Events.sorted([1], [1], shape=4, clock=US, duration=6),
        Events.sorted([1], [1], shape=4, clock=US, duration=5, value=[1.0]),
        "events",
    ]
    assert all(one != other for other in others)
    assert others[5] != Events.sorted([1], [1], shape=4, clock=US, duration=5, value=[2.0])


def test_repr_says_how_much_and_how_long():
    events = Events.sorted([1, 2], [0, 1], shape=SHAPE, clock=US, duration=300_000)
    assert repr(events) == "Events(2 events, shape=(2, 3, 4), 0.3 s in Clock(1 * us) ticks)"


GOOD = {"t": [1, 2], "unit": [0, 1], "shape": (2,), "duration": 5, "clock": US}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"t": [0.1, 0.2]}, r"Events\.t: got dtype float64, .*from_seconds"),
        ({"t": [[1, 2]]}, r"Events\.t: got shape \(1, 2\)"),
        ({"t": [1]}, "t has 1 rows but unit has 2"),
        ({"t": [-4, 2]}, r"Events\.t: row 0 is -4, expected ticks >= 0.*subtract the first"),
        ({"t": [1, 5]}, r"Events\.t: row 1 is 5, expected ticks < duration 5.*longer duration"),
        ({"t": [2, 1]}, r"row 1 \(t=1, unit=1\) comes before row 0 .*Events\.sorted"),
        ({"t": [1, 1], "unit": [1, 0]}, r"row 1 \(t=1, unit=0\).*Events\.sorted"),
        ({"t": np.array([1, 2**63], np.uint64)}, r"Events\.t: row 1 is 9223372036854775808"),
        ({"unit": [0, 2]}, r"Events\.unit: row 1 is 2, expected 0 <= unit < 2.*sensor size"),
        ({"unit": [-1, 1]}, r"Events\.unit: row 0 is -1"),
        ({"unit": [0, 2**40]}, r"Events\.unit: row 1 is 1099511627776, expected values in int32"),
        ({"unit": ["a", "b"]}, r"Events\.unit: got dtype"),
        ({"shape": ()}, r"Events\.shape: got \(\)"),
        ({"shape": (2, 0)}, r"Events\.shape: got \(2, 0\)"),
        ({"shape": (2.5,)}, r"Events\.shape: got \(2\.5,\)"),
        ({"shape": None}, r"Events\.shape: got None"),
        ({"duration": -1}, r"Events\.duration: got -1"),
        ({"duration": 2.5}, r"Events\.duration: got 2\.5, expected a whole number of ticks"),
        ({"duration": np.nan}, r"Events\.duration: got nan"),
        ({"duration": "5"}, r"Events\.duration: got '5'"),
        ({"clock": 1e-6}, r"Events\.clock: got 1e-06, expected a Clock"),
        ({"value": [1.0, np.nan]}, r"Events\.value: row 1 is nan.*drop or repair"),
        ({"value": [1.0]}, r"Events\.value: shape \(1,\), expected \(2,\)"),
        ({"value": ["a", "b"]}, r"Events\.value: got dtype"),
    ],
)
def test_bad_input_is_refused_with_column_row_value_and_remedy(change, words):
    with pytest.raises(InvalidValue, match=words):
        Events(**(GOOD | change))


def test_whole_numbers_of_any_kind_are_welcome():
    events = Events([1, 2], [0, 1], 2, np.float64(5.0), US)  # type: ignore[arg-type]
    assert (events.shape, events.duration) == ((2,), 5)
    assert len(Events([], [], (2,), 0, US)) == 0  # type: ignore[arg-type]


def test_bad_arguments_of_operations_are_refused():
    events = Events.sorted([1, 4], [0, 1], shape=2, clock=Clock(1 * ms), duration=6)
    with pytest.raises(InvalidValue, match="shape \\(1,\\), expected \\(2,\\)"):
        Events.sorted([1, 4], [0, 1], shape=2, clock=US, value=[1.0])
    with pytest.raises(InvalidValue, match="t has 1 rows but unit has 2"):
        Events.sorted([1], [0, 1], shape=2, clock=US)
    with pytest.raises(InvalidValue, match=r"got \[3, 9\), expected 0 <= start <= stop <= 6"):
        events.slice(3, 9)
    with pytest.raises(InvalidValue, match="not a whole multiple"):
        events.on(US)
    with pytest.raises(InvalidValue, match="drop events up to tick 4"):
        events.dense(3)
    with pytest.raises(InvalidValue, match=r"Events\.t: got nan s"):
        Events.from_seconds([np.nan], [0], shape=2, clock=US)
    with pytest.raises(InvalidValue, match="row 0 is -1000, expected ticks >= 0"):
        Events.from_seconds([-0.001], [0], shape=2, clock=US)
    with pytest.raises(InvalidValue, match="batch is empty"):
        bin_events([], US)
    with pytest.raises(InvalidValue, match="differ in shape"):
        bin_events([events, Events.sorted([1], [0], shape=3, clock=US)], Clock(1 * ms))


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ([1, 2], "got shape"),
        ([[0, 1], [0.5, 0]], r"count 0\.5 at \[1, 0\].*value="),
        ([[0, -1]], r"count -1 at \[0, 1\]"),
        ([[0, np.nan]], r"count nan at \[0, 1\]"),
        ([["a", "b"]], "got dtype"),
    ],
)
def test_from_dense_refuses_what_is_not_counts(counts, words):
    with pytest.raises(InvalidValue, match=words):
        Events.from_dense(counts, US)


far = st.sampled_from([1, 50, 2**20, 2**40, 2**62])


@settings(deadline=None)
@given(st.data(), far, st.sampled_from([1, 7, 2**20, 2**31 - 1]), st.booleans(), st.booleans())
def test_sorting_is_right_for_any_size_of_times_and_units(data, span, size, in_time, graded):
    pairs = data.draw(
        st.lists(st.tuples(st.integers(0, span - 1), st.integers(0, size - 1)), max_size=30)
    )
    if in_time:  # as in files: only within a tick are events out of order
        pairs.sort(key=lambda pair: pair[0])
    t, unit = zip(*pairs, strict=True) if pairs else ((), ())
    value = list(range(len(pairs))) if graded else None
    given_t, given_unit = np.array(t, np.int64), np.array(unit, np.int32)
    events = Events.sorted(given_t, given_unit, shape=size, clock=US, value=value)
    order = sorted(range(len(pairs)), key=lambda i: pairs[i])  # stable
    assert list(zip(events.t.tolist(), events.unit.tolist(), strict=True)) == [
        pairs[i] for i in order
    ]
    if graded:
        assert events.value is not None and events.value.tolist() == order
    assert given_t.tolist() == list(t) and given_unit.tolist() == list(unit)


def test_a_row_out_of_order_is_found_wherever_it_is():
    n = 100_000  # more than is looked at together
    for row in (1, 32_767, 32_768, 32_769, 65_536, n - 1):
        t = np.arange(n)
        t[row] = t[row - 1] - 1 if row > 1 else 0
        t[0] = 0 if row > 1 else 1
        with pytest.raises(InvalidValue, match=rf"Events: row {row} \("):
            Events(t, np.zeros(n, int), (1,), n, US)
        assert np.array_equal(Events.sorted(t, np.zeros(n, int), shape=1, clock=US).t, np.sort(t))
        unit = np.full(n, 5)
        unit[row] = 4
        with pytest.raises(InvalidValue, match=rf"Events: row {row} \(t=3, unit=4\)"):
            Events(np.full(n, 3), unit, (9,), n, US)


def test_units_that_are_negative_are_told_by_their_row_in_order():
    with pytest.raises(InvalidValue, match=r"Events\.unit: row 0 is -3"):
        Events.sorted([5, 1], [2, -3], shape=4, clock=US)


def test_columns_that_nobody_can_change_are_shared_and_others_are_not():
    events = Events.sorted(range(100), [0] * 100, shape=1, clock=US)
    again = Events(events.t, events.unit, (1,), 100, US)
    assert np.shares_memory(again.t, events.t)
    most, few = events.slice(10, 100), events.slice(10, 20)
    assert np.shares_memory(most.unit, events.unit)
    assert not np.shares_memory(few.unit, events.unit)  # it would keep ten times its size alive
    owner = np.arange(100)
    view = owner[:]
    view.flags.writeable = False
    safe = Events(view, np.zeros(100, int), (1,), 100, US)
    owner[:] = 0
    assert safe.t[-1] == 99
    shared = np.frombuffer(bytearray(np.arange(100).tobytes()), np.int64)
    shared.flags.writeable = False
    assert not np.shares_memory(Events(shared, np.zeros(100, int), (1,), 100, US).t, shared)


LATE = 1_600_000_000_000_000  # microseconds since 1970


@pytest.mark.parametrize("steps", [None, 2 * LATE])
def test_times_that_count_from_1970_are_refused_with_the_bytes_and_the_remedy(steps):
    events = Events.sorted([LATE, LATE + 3], [0, 1], shape=(2, 480, 640), clock=US)
    # 1.6e15 steps of 614,400 units of 4 bytes
    words = r"takes [\d,]{20,} bytes, this machine has [\d,]+\. Remedy: .*slice\(int\(events\.t\[0"
    with pytest.raises(InvalidValue, match=rf"Events\.dense: .*{words}"):
        events.dense(steps)
    with pytest.raises(InvalidValue, match=rf"bin_events: .*{words}"):
        bin_events([events], US, steps)
    assert events.slice(int(events.t[0]), events.duration).dense().sum() == 2


def test_where_a_system_does_not_tell_its_memory_64_gigabytes_are_taken(monkeypatch):
    monkeypatch.delattr(os, "sysconf")
    assert memory() == 2**36
    refuse_too_large("here", (2**34,), np.float32)
    with pytest.raises(InvalidValue, match=r"here: the grid \[17179869185\] of float32 takes"):
        refuse_too_large("here", (2**34 + 1,), np.float32)


def test_more_events_in_a_cell_than_float32_counts_are_refused():
    n = 2**24
    t, unit = np.zeros(n + 1, np.int64), np.zeros(n + 1, np.int32)
    assert Events(t[:n], unit[:n], (1,), 1, US).dense()[0, 0] == n
    assert bin_events([Events(t[:n], unit[:n], (1,), 1, US)], US)[0, 0, 0] == n
    for count in (lambda e: e.dense(), lambda e: bin_events([e], US)):
        with pytest.raises(InvalidValue, match="holds 16777217 events, more than float32"):
            count(Events(t, unit, (1,), 1, US))


def test_graded_events_of_a_batch_are_added_up():
    events = Events.sorted([1, 2, 7], [0, 0, 1], shape=2, clock=US, value=[0.5, 0.25, -1])
    grid = bin_events([events, events.slice(0, 2)], Clock(5 * us))
    assert grid.tolist() == [[[0.75, 0], [0.5, 0]], [[0, -1], [0, 0]]]
    with pytest.raises(InvalidValue, match="bin_events: steps=1 would drop events up to step 1"):
        bin_events([events], Clock(5 * us), 1)
