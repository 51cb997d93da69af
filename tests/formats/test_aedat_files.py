"""All AEDAT versions alike: round trips, chunks, files that are cut or have flipped bits."""

from __future__ import annotations

import contextlib
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuro.clock import Clock
from neuro.errors import CorruptFile, DamagedFile, InvalidValue
from neuro.events import Events
from neuro.formats import read_events, read_recording, stream_events
from neuro.formats.aedat2 import AEDAT2
from neuro.formats.aedat4 import AEDAT4
from neuro.formats.aedat31 import AEDAT31
from neuro.units import ms, us

US = Clock(1 * us)
SOME = settings(max_examples=1000, deadline=None)


def rows(events: Events) -> list[tuple[int, ...]]:
    """(t, polarity, y, x) of each event."""
    return list(zip(events.t.tolist(), *(c.tolist() for c in events.coordinates), strict=True))


def kept(path, **how):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedFile)
        return read_recording(path, errors="keep", **how)


def events_of(shapes, largest):
    """Events with equal ticks and pixels, none at all, and large gaps."""

    @st.composite
    def build(draw):
        shape = draw(st.sampled_from(shapes))
        units = int(np.prod(shape))
        step = st.one_of(st.integers(0, 3), st.integers(0, largest // 30))
        pairs = draw(st.lists(st.tuples(step, st.integers(0, units - 1)), max_size=25))
        t = np.cumsum([0] + [p[0] for p in pairs])[1:]
        return Events.sorted(t, [p[1] for p in pairs], shape=shape, clock=US)

    return build()


CAMERAS = [(2, 128, 128), (2, 34, 34), (2, 1, 1), (2, 260, 346), (2, 500, 1000), (2, 190, 10)]


@SOME
@given(events_of([*CAMERAS, (128,), (70_000,)], 2**32 - 1))
def test_aedat2_writing_and_reading_changes_nothing(tmp_path_factory, events):
    path = tmp_path_factory.getbasetemp() / "round.aedat"
    AEDAT2.write(path, events)
    assert read_events(path, duration=events.duration) == events


@SOME
@given(events_of([*CAMERAS, (2, 32768, 3)], 2**50))
def test_aedat3_writing_and_reading_changes_nothing(tmp_path_factory, events):
    path = tmp_path_factory.getbasetemp() / "round.aedat3"
    AEDAT31.write(path, events)
    assert read_events(path, duration=events.duration) == events


@SOME
@given(events_of([*CAMERAS, (2, 32768, 3)], 2**60))
def test_aedat4_writing_and_reading_changes_nothing(tmp_path_factory, events):
    path = tmp_path_factory.getbasetemp() / "round.aedat4"
    AEDAT4.write(path, events)
    assert read_events(path, duration=events.duration) == events


FORMATS = [AEDAT2, AEDAT31, AEDAT4]


def some(count: int, shape: tuple[int, ...] = (2, 34, 34)) -> Events:
    rng = np.random.default_rng(3)
    t = np.sort(rng.integers(0, 3 * count, count))
    return Events.sorted(t, rng.integers(0, int(np.prod(shape)), count), shape=shape, clock=US)


@pytest.mark.parametrize("format", FORMATS)
def test_chunks_one_after_another_are_the_whole(format, tmp_path):
    events, path = some(50_000), tmp_path / f"a{format.suffixes[0]}"
    format.write(path, events)
    for chunk in (1, 700, 10**6):
        count = len(events) if chunk > 1 else 200
        if chunk == 1:
            format.write(path, events.slice(0, 600))
            count = len(events.slice(0, 600))
        parts = list(stream_events(path, chunk=chunk))
        assert np.concatenate([p.t for p in parts]).tolist() == events.t[:count].tolist()
        assert np.concatenate([p.unit for p in parts]).tolist() == events.unit[:count].tolist()
        format.write(path, events)


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_cut_anywhere_gives_what_is_whole_or_an_error(format, tmp_path):
    events, path = some(20), tmp_path / f"a{format.suffixes[0]}"
    format.write(path, events)
    raw = path.read_bytes()
    whole = rows(events)
    for length in range(len(raw)):
        path.write_bytes(raw[:length])
        with contextlib.suppress(CorruptFile, InvalidValue):
            found = rows(read_events(path, format=format.name))
            assert found == whole[: len(found)]
        try:
            some_of_it = kept(path, format=format.name)
        except (CorruptFile, InvalidValue):
            continue  # not even a header
        assert rows(some_of_it.events) == whole[: len(some_of_it.events)]
        header = len(raw) - 160 if format is AEDAT2 else len(raw) - 188
        if format is not AEDAT4 and length >= header:
            assert len(some_of_it.events) == max(0, length - (len(raw) - 160)) // 8
            if length > len(raw) - 160:
                assert some_of_it.skipped == (length - (len(raw) - 160)) % 8


@pytest.mark.parametrize("format", FORMATS)
def test_flipped_bits_raise_nothing_but_file_errors(format, tmp_path):
    path = tmp_path / f"a{format.suffixes[0]}"
    format.write(path, some(20))
    raw = path.read_bytes()
    rng = np.random.default_rng(5)
    for _ in range(400):
        bad = bytearray(raw)
        for at in rng.integers(0, len(raw), rng.integers(1, 4)):
            bad[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(bad)
        for errors in ("raise", "keep"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DamagedFile)
                with contextlib.suppress(CorruptFile, InvalidValue):
                    read_recording(path, format=format.name, errors=errors)


@pytest.mark.parametrize(
    ("format", "events", "words"),
    [
        (AEDAT2, Events.sorted([1], [1], shape=(2, 513, 4), clock=US), "rows <= 512"),
        (AEDAT2, Events.sorted([1 << 32], [1], shape=(2, 4, 4), clock=US), r"under 2\^32"),
        (AEDAT31, Events.sorted([1], [1], shape=(9,), clock=US), "shape"),
        (AEDAT31, Events.sorted([1], [1], shape=(2, 4, 40_000), clock=US), "32768"),
        (AEDAT4, Events.sorted([1], [1], shape=(9,), clock=US), "shape"),
        *(
            (f, Events.sorted([1], [1], shape=(2, 4, 4), clock=Clock(1 * ms)), "Clock")
            for f in FORMATS
        ),
        *(
            (f, Events.sorted([1], [1], shape=(2, 4, 4), clock=US, value=[0.5]), "graded")
            for f in FORMATS
        ),
    ],
)
def test_what_does_not_fit_is_not_written(format, events, words, tmp_path):
    with pytest.raises(InvalidValue, match=words):
        format.write(tmp_path / "a", events)
    assert not (tmp_path / "a").exists()
