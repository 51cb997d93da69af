"""What holds for every transform: the input stays, the output is valid, seeds repeat, none lost."""

import copy
import dataclasses
import inspect
import json
import sys
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neuro.transforms as all_of_them
from neuro import Clock, Events, Hz, ms, us
from neuro.errors import InvalidValue, MissingExtra
from neuro.transforms import (
    Centre,
    CentreCrop,
    Coarsen,
    Compose,
    Crop,
    Denoise,
    Downsample,
    DropArea,
    DropEvents,
    DropTime,
    DropUnits,
    Flip,
    FlipPolarity,
    HotPixels,
    MergePolarities,
    Pad,
    RandomCrop,
    RandomTransform,
    Refractory,
    Shift,
    SpatialJitter,
    TimeJitter,
    TimeReverse,
    TimeScale,
    TimeShift,
    Transform,
    UniformNoise,
    average_surface,
    to_frames,
)

US = Clock(1 * us)
CAMERA = (2, 5, 7)

# as many events come out as went in
KEEPING: list[Transform] = [
    Centre(border="wrap"),
    Coarsen(Clock(7 * us)),
    Compose([]),
    Compose([Downsample(2), MergePolarities()]),
    Compose([Flip("x"), TimeJitter(5 * us), SpatialJitter(1.0), Compose([Flip("y", 0.5)])]),
    Downsample(2),
    Downsample((1, 2.5)),
    Downsample(size=(3, 4)),
    Flip("x"),
    Flip("y", 0.5),
    Flip("unit"),
    FlipPolarity(),
    FlipPolarity(0.5),
    MergePolarities(),
    MergePolarities(keep_axis=False),
    Pad(y=(1, 2), x=(0, 3), until=0.01),
    Pad(until=0.0),
    Shift(y=3, x=-2, border="wrap"),
    SpatialJitter(2.0),
    SpatialJitter((0, 30.0)),
    SpatialJitter(3.0, border="clip"),
    TimeJitter(100 * us),
    TimeJitter(50 * us, border="clip"),
    TimeReverse(),
    TimeReverse(flip_polarity=True, probability=0.5),
    TimeScale(0.01),
    TimeScale(3.7),
    TimeScale(Fraction(2, 3)),
    TimeShift(20 * us),
]
# it is their purpose to lose events, and never to make or move any
LOSING: list[Transform] = [
    CentreCrop((3, 4)),
    Crop(y=(1, 4), x=(2, 7)),
    Crop(y=(0, 2)),
    Crop(),
    Denoise(30 * us),
    Denoise(100 * us, radius=2, support=2),
    DropArea(0.3),
    DropEvents(0.4),
    DropTime(0.25),
    DropUnits(0.3),
    HotPixels(2.0),
    RandomCrop((2, 6)),
    Refractory(40 * us),
    Refractory(40 * us, per="pixel"),
    Shift(y=1, x=-2, border="drop"),
    SpatialJitter(2.0, border="drop"),
    TimeJitter(50 * us, border="drop"),
]
MAKING: list[Transform] = [UniformNoise(200 * Hz)]
ALL = KEEPING + LOSING + MAKING
FLAT: list[Transform] = [  # on recordings of one axis
    Centre(border="wrap"), Coarsen(Clock(7 * us)), Compose([]), Crop(units=(2, 9)),
    Denoise(30 * us), Downsample(3), DropEvents(0.4), DropTime(0.2), DropUnits(0.3), Flip("unit"),
    HotPixels(2.0), Pad(x=(2, 1)), Refractory(40 * us), Refractory(40 * us, per="pixel"),
    Shift(x=2, border="wrap"), SpatialJitter(2.0), TimeJitter(9 * us), TimeReverse(),
    TimeScale(0.5), TimeShift(3 * us), UniformNoise(200 * Hz),
]  # fmt: skip


def recording(pairs, shape, spare, graded=False):
    size = int(np.prod(shape))
    t, unit = zip(*pairs, strict=True) if pairs else ((), ())
    duration = max(t, default=-1) + 1 + spare
    unit = [u % size for u in unit]
    value = [n / 8 for n in range(len(t))] if graded else None
    return Events.sorted(t, unit, shape=shape, clock=US, duration=duration, value=value)


pairs = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 69)), max_size=50)
spares = st.integers(0, 200)


def bag(events):
    values = [None] * len(events) if events.value is None else events.value.tolist()
    return Counter(zip(events.t.tolist(), events.unit.tolist(), values, strict=True))


def apply(transform, events, seed):
    before = copy.deepcopy(events)
    if isinstance(transform, RandomTransform):
        out = transform(events, seed)
        assert transform(events, seed) == out
    else:
        out = transform(events)
        assert transform(events) == out
    assert events == before
    assert not any(c.flags.writeable for c in (events.t, events.unit, out.t, out.unit))
    again = Events(out.t, out.unit, out.shape, out.duration, out.clock, out.value)
    assert again == out  # all checks of Events hold
    return out


@settings(deadline=None, max_examples=20)
@given(pairs, spares, st.integers(0, 2**40))
@pytest.mark.parametrize("transform", ALL, ids=repr)
def test_on_a_camera(transform, pairs, spare, seed):
    events = recording(pairs, CAMERA, spare)
    out = apply(transform, events, seed)
    if transform in KEEPING:
        assert len(out) == len(events)
    elif transform in MAKING:
        assert not bag(events) - bag(out)
    else:
        assert len(out) <= len(events)
        if out.shape == events.shape and not isinstance(
            transform, Shift | SpatialJitter | TimeJitter
        ):
            assert not bag(out) - bag(events)


@settings(deadline=None, max_examples=20)
@given(pairs, spares, st.integers(0, 2**40))
@pytest.mark.parametrize("transform", FLAT, ids=repr)
def test_on_one_axis(transform, pairs, spare, seed):
    events = recording(pairs, (11,), spare)
    out = apply(transform, events, seed)
    assert len(out.shape) == 1
    if transform in KEEPING or isinstance(
        transform, Pad | Flip | Shift | SpatialJitter | TimeScale
    ):
        assert len(out) == len(events)


@settings(deadline=None, max_examples=8)
@given(pairs, spares, st.integers(0, 99))
@pytest.mark.parametrize("transform", KEEPING + LOSING, ids=repr)
def test_values_of_graded_events_travel_with_them(transform, pairs, spare, seed):
    events = recording(pairs, CAMERA, spare, graded=True)
    assert events.value is not None
    out = apply(transform, events, seed)
    assert out.value is not None
    assert not Counter(out.value.tolist()) - Counter(events.value.tolist())


@pytest.mark.parametrize("transform", ALL, ids=repr)
def test_a_recording_without_events_or_duration(transform):
    for duration in (0, 1, 900):
        out = apply(transform, Events.sorted([], [], shape=CAMERA, clock=US, duration=duration), 3)
        assert len(out) == 0 or transform in MAKING


@pytest.mark.parametrize("transform", ALL + FLAT, ids=repr)
def test_recipes_are_plain_values_that_tell_them_apart(transform):
    text = json.dumps(transform.plain())
    same = copy.deepcopy(transform)
    assert json.dumps(same.plain()) == text and same == transform and hash(same) == hash(transform)
    assert transform.plain()["transform"] == type(transform).__name__ in repr(transform)
    for field in dataclasses.fields(transform):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(transform, field.name, None)
    others = [json.dumps(t.plain()) for t in ALL + FLAT if t != transform]
    assert text not in others


def test_every_transform_there_is_was_tested():
    found = {
        thing
        for name in all_of_them.__all__
        if inspect.isclass(thing := getattr(all_of_them, name))
        and issubclass(thing, Transform)
        and not inspect.isabstract(thing)
    }
    assert {type(t) for t in ALL} == found


@pytest.mark.parametrize("transform", [t for t in ALL if isinstance(t, RandomTransform)], ids=repr)
def test_seeds_differ_and_may_be_several_numbers(transform):
    rng = np.random.default_rng(1)
    events = Events.sorted(
        rng.integers(0, 4000, 300), rng.integers(0, 70, 300), shape=CAMERA, clock=US, duration=4000
    )
    results = [transform(events, seed) for seed in range(12)]
    certain = getattr(transform, "probability", 0) == 1 or all(
        not isinstance(step, RandomTransform) for step in getattr(transform, "steps", [transform])
    )
    assert certain == all(r == results[0] for r in results)
    assert transform(events, (4, 2)) == transform(events, [4, 2])
    assert transform(events) == transform(events, 0)


def test_a_chain_gives_each_step_numbers_of_its_own():
    events = Events.sorted(range(1000), [0] * 1000, shape=1, clock=US)
    half = DropEvents(0.5)
    both = Compose([half, half])(events, 7)
    assert both == half(half(events, (7, 0)), (7, 1))
    assert 200 < len(both) < 300  # the same draws twice would leave about 333
    first = Compose([half, TimeReverse()])(events, 7)
    assert TimeReverse()(first) == half(events, (7, 0))  # a later step changes no earlier draw


MANY = Events.sorted([1, 2], [0, 69], shape=CAMERA, clock=US, duration=10)
LINE = Events.sorted([1, 2], [0, 9], shape=11, clock=US, duration=10)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Compose([3]), r"Compose\.steps\[0\]: got 3, expected a transform"),  # type: ignore[list-item]
        (lambda: Crop(y=(1, 2), units=(0, 1)), r"Crop: got units and y or x"),
        (lambda: Crop(y=3), r"Crop\.y: got 3, expected \(first, last \+ 1\)"),  # type: ignore[arg-type]
        (lambda: Crop(y=(-1, 3)), r"Crop\.y: got -1, expected a whole number >= 0"),
        (lambda: Crop(y=(2, 6))(MANY), r"Crop\.y: got \(2, 6\), expected .* <= 5"),
        (lambda: Crop(y=(2, 2))(MANY), r"Crop\.y: got \(2, 2\)"),
        (lambda: Crop(units=(0, 1))(MANY), r"Crop\.units: the recording has shape"),
        (lambda: Crop(x=(0, 1))(LINE), r"Crop: the recording has shape \(11,\)"),
        (lambda: CentreCrop((6, 2))(MANY), r"CentreCrop\.size: got \(6, 2\), but .* 5 rows"),
        (lambda: CentreCrop(3), r"CentreCrop\.size: got 3, expected \(rows"),  # type: ignore[arg-type]
        (lambda: RandomCrop((0, 3)), r"RandomCrop\.size: got 0, expected a whole number >= 1"),
        (lambda: Downsample(), r"expected either factor or size"),
        (lambda: Downsample(0.5), r"Downsample\.factor: got 0\.5, expected a number >= 1"),
        (lambda: Downsample((2, 2, 2)), r"Downsample\.factor: got \(2, 2, 2\)"),  # type: ignore[arg-type]
        (lambda: Downsample(size=(9, 2))(MANY), r"Downsample\.size: got \(9, 2\)"),
        (lambda: Coarsen(3), r"Coarsen\.step: got 3"),  # type: ignore[arg-type]
        (lambda: Denoise(1.5 * us)(MANY), r"Denoise\.window: 1\.5e-06 s is not a whole number"),
        (lambda: Denoise(0)(MANY), r"Denoise\.window: got 0 s, which is 0 ticks"),
        (lambda: Denoise("1")(MANY), r"Denoise\.window: got '1', expected seconds"),  # type: ignore[arg-type]
        (lambda: Denoise(1 * ms, radius=0), r"Denoise\.radius: got 0"),
        (lambda: Denoise(1 * ms, support=True), r"Denoise\.support: got True"),
        (lambda: Denoise(1 * ms, support=9), r"Denoise\.support: got 9, .* at most 8"),
        (lambda: Refractory(1 * ms, per="row"), r"Refractory\.per: got 'row'"),  # type: ignore[arg-type]
        (lambda: TimeJitter(-1), r"TimeJitter\.sigma: got -1, expected a number >= 0"),
        (lambda: TimeJitter(1 * ms, "wrap"), r"TimeJitter\.border: got 'wrap'"),  # type: ignore[arg-type]
        (lambda: SpatialJitter(float("nan")), r"SpatialJitter\.sigma: got nan"),
        (lambda: SpatialJitter((1, 2, 3)), r"SpatialJitter\.sigma: got \(1, 2, 3\)"),  # type: ignore[arg-type]
        (lambda: DropEvents(1.1), r"DropEvents\.probability: got 1\.1, .* >= 0 and <= 1"),
        (lambda: DropTime(-0.1), r"DropTime\.fraction: got -0\.1"),
        (lambda: DropArea(2), r"DropArea\.fraction: got 2"),
        (lambda: DropArea(0.5)(LINE), r"DropArea: the recording has shape"),
        (lambda: DropUnits("all"), r"DropUnits\.probability: got 'all'"),  # type: ignore[arg-type]
        (lambda: Flip("z"), r"Flip\.axis: got 'z'"),  # type: ignore[arg-type]
        (lambda: Flip("x", 2), r"Flip\.probability: got 2"),
        (lambda: Flip("x")(LINE), r"Flip: the recording has shape \(11,\)"),
        (lambda: FlipPolarity()(LINE), r"FlipPolarity: .* expected a first axis of 2"),
        (lambda: FlipPolarity(-1), r"FlipPolarity\.probability: got -1"),
        (lambda: MergePolarities()(LINE), r"MergePolarities: the recording"),
        (lambda: HotPixels(0), r"HotPixels\.factor: got 0, expected a number above 0"),
        (lambda: TimeScale(0), r"TimeScale\.factor: got 0, expected a number above 0"),
        (lambda: TimeScale(Fraction(-1, 2)), r"TimeScale\.factor: got -1/2"),
        (lambda: TimeScale(1e18)(MANY), r"TimeScale\.factor: .* does not fit int64"),
        (lambda: TimeShift(-1 * us)(MANY), r"TimeShift\.delay: got -1e-06 s, .* at least 0"),
        (lambda: UniformNoise(-1), r"UniformNoise\.rate: got -1"),
        (lambda: Shift(x=1.5), r"Shift\.x: got 1\.5, expected whole pixels"),  # type: ignore[arg-type]
        (lambda: Shift(x=1)(MANY), r"Shift: 1 of 2 events would leave.*Pad first"),
        (lambda: Shift(y=1)(LINE), r"Shift\.y: the recording has shape"),
        (lambda: Shift(border="clip"), r"Shift\.border: got 'clip'"),  # type: ignore[arg-type]
        (lambda: Centre("no"), r"Centre\.border: got 'no'"),  # type: ignore[arg-type]
        (lambda: Pad(y=3), r"Pad\.y: got 3, expected \(before, after\)"),  # type: ignore[arg-type]
        (lambda: Pad(x=(-1, 0)), r"Pad\.x: got -1"),
        (lambda: Pad(y=(1, 0))(LINE), r"Pad\.y: the recording has shape"),
        (lambda: DropEvents(0.1)(MANY, -1), r"seed: got -1, expected whole numbers >= 0"),
        (lambda: DropEvents(0.1)(MANY, (1, 0.5)), r"seed: got \(1, 0\.5\)"),  # type: ignore[arg-type]
    ],
)
def test_what_makes_no_sense_is_refused_by_name(make, message):
    with pytest.raises(InvalidValue, match=message):
        make()


def test_noise_has_no_size():
    with pytest.raises(InvalidValue, match="UniformNoise: graded events"):
        UniformNoise(1.0)(recording([(1, 2)], CAMERA, 0, graded=True))


def test_without_numba_filters_say_what_to_install_and_frames_are_the_same(monkeypatch):
    frames = to_frames(MANY, count=1)
    monkeypatch.setitem(sys.modules, "numba", None)
    assert np.array_equal(to_frames(MANY, count=1), frames)
    for filtered in (
        Denoise(1 * us), Refractory(1 * us), lambda e: average_surface(e, 1 * us, 1 * us)
    ):  # fmt: skip
        with pytest.raises(MissingExtra, match=r"neuro\[events\]"):
            filtered(MANY)
