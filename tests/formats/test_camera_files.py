"""What holds for every camera format: nothing is lost, doubled or moved; damage is told."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neuro.clock import Clock
from neuro.errors import CorruptFile, DamagedFile, InvalidValue
from neuro.events import Events
from neuro.formats import read_events, read_recording, stream_events, write_events
from neuro.formats.detect import by_name, by_suffix, detect
from neuro.units import ms, us

FORMATS = ("evt2", "evt21", "evt3", "dat", "es")
ENDING = {"evt2": "raw", "evt21": "raw", "evt3": "raw", "dat": "dat", "es": "es"}
WORD = {"evt2": 4, "evt21": 8, "evt3": 2, "dat": 8, "es": 5}
# Pauses at and around what the formats' counters can tell.
PAUSES = {
    "evt2": (63, 64, 1 << 33, (1 << 34) - 1, 1 << 34, 5 * (1 << 34) + 7),
    "evt21": (63, 64, 1 << 33, (1 << 34) - 1, 1 << 34, 5 * (1 << 34) + 7),
    "evt3": (4095, 4096, 1 << 23, (1 << 24) - 1, 1 << 24, (1 << 24) + 4096, 7 * (1 << 24) + 3),
    "dat": ((1 << 31) - 1, (1 << 31) - 4096, 123_456_789),
    "es": (126, 127, 128, 253, 254, 255, 20_000),
}
KEEP = settings(
    max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def events_of(t, unit, shape) -> Events:
    return Events.sorted(
        np.asarray(t, np.int64), np.asarray(unit, np.int32), shape=shape, clock=Clock(1 * us)
    )


@st.composite
def recordings(draw, name: str) -> Events:
    shape = (2, draw(st.integers(1, 5)), draw(st.integers(1, 75)))
    size = shape[1] * shape[2] * 2
    pause = st.one_of(st.just(0), st.just(0), st.integers(0, 70), st.sampled_from(PAUSES[name]))
    rows = draw(st.lists(st.tuples(pause, st.integers(0, size - 1)), max_size=25))
    if rows and draw(st.booleans()):  # a row of neighbours in one tick, some of them twice
        rows += [(0, u % size) for u in range(rows[-1][1], rows[-1][1] + draw(st.integers(1, 50)))]
    return events_of(np.cumsum([r[0] for r in rows]), [r[1] for r in rows], shape)


def example(seed: int = 0, count: int = 60) -> Events:
    rng = np.random.default_rng(seed)
    t = np.sort(rng.integers(100, 9000, count) // 300 * 300)
    return events_of(t, rng.integers(0, 2 * 4 * 40, count), (2, 4, 40))


def written(path: Path, events: Events, name: str) -> Path:
    by_name(name).write(path, events)
    return path


def kept(path: Path, **how):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedFile)
        return read_recording(path, errors="keep", **how)


def same(a: Events, b: Events) -> bool:
    return bool(a.shape == b.shape and np.array_equal(a.t, b.t) and np.array_equal(a.unit, b.unit))


@pytest.mark.parametrize("name", FORMATS)
def test_writing_and_reading_gives_the_same_events(name, tmp_path):
    path = tmp_path / "file"

    @KEEP
    @given(recordings(name))
    def check(events):
        assert same(read_events(written(path, events, name)), events)

    check()


@pytest.mark.parametrize("name", FORMATS)
def test_many_events_need_many_buffers_and_pieces(name, tmp_path):
    rng = np.random.default_rng(3)
    count = 1_300_000
    t = np.sort(rng.integers(0, 20_000_000, count))
    t[count // 2 :] += 1 << 30
    events = events_of(t, rng.integers(0, 2 * 480 * 640, count), (2, 480, 640))
    path = tmp_path / f"big.{ENDING[name]}"
    write_events(path, events, format=name)
    assert same(read_events(path), events)


@pytest.mark.parametrize("name", FORMATS)
def test_no_events_are_a_file_too(name, tmp_path):
    events = events_of([], [], (2, 3, 7))
    back = read_events(written(tmp_path / "empty", events, name))
    assert len(back) == 0 and back.shape == (2, 3, 7) and back.duration == 0


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_is_known_by_its_content(name, tmp_path):
    path = written(tmp_path / "no_ending", example(), name)
    assert detect(path).name == name
    assert by_suffix(Path("x." + ENDING[name])).suffixes[0] == "." + ENDING[name]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_chunks_one_after_another_are_the_whole(name, chunk, tmp_path):
    events = example(5, 300)
    path = written(tmp_path / "file", events, name)
    parts = list(stream_events(path, chunk=chunk))
    assert np.array_equal(np.concatenate([p.t for p in parts]), events.t)
    assert np.array_equal(np.concatenate([p.unit for p in parts]), events.unit)
    if chunk == 7:
        assert len(parts) > 5


def start_of(path: Path, name: str) -> int:
    return by_name(name).open(path, np.fromfile(path, np.uint8), _options()).header.start


def _options():
    from neuro.formats._base import Options

    return Options()


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_cut_anywhere_keeps_what_lies_before_and_counts_the_rest(name, tmp_path):
    events = example(1, 25)
    whole = written(tmp_path / "whole", events, name).read_bytes()
    start = start_of(tmp_path / "whole", name)
    path = tmp_path / "cut"
    counts = []
    for cut in range(start, len(whole) + 1):
        path.write_bytes(whole[:cut])
        found = kept(path)
        count = len(found.events)
        counts.append(count)
        assert np.array_equal(found.events.t, events.t[:count])
        assert np.array_equal(found.events.unit, events.unit[:count])
        if name != "es":  # bytes that pass the time have no word length
            assert found.skipped == (cut - start) % WORD[name]
        if found.skipped == 0:
            assert same(read_events(path), found.events)
        else:
            with pytest.raises(CorruptFile, match=f"at byte {cut - found.skipped}: .* middle"):
                read_events(path)
    assert counts == sorted(counts) and counts[0] == 0 and counts[-1] == len(events)
    assert set(np.diff(counts)) <= set(range(33))


def outcome(read, path: Path) -> int | str | None:
    """How many events there are, or "refused" with an error that names the file."""
    try:
        found = read(path)
    except (CorruptFile, InvalidValue) as error:
        return "refused" if str(path) in str(error) else None
    return len(found if isinstance(found, Events) else found.events)


@pytest.mark.parametrize("name", FORMATS)
def test_a_cut_header_is_an_error_or_an_empty_recording(name, tmp_path):
    whole = written(tmp_path / "whole", example(), name).read_bytes()
    path = tmp_path / "cut"
    for cut in range(start_of(tmp_path / "whole", name)):
        path.write_bytes(whole[:cut])
        assert outcome(read_events, path) in (0, "refused")


@pytest.mark.parametrize("name", FORMATS)
def test_a_flipped_bit_never_ends_in_anything_but_events_or_a_clear_error(name, tmp_path):
    whole = np.frombuffer(written(tmp_path / "whole", example(2, 12), name).read_bytes(), np.uint8)
    path = tmp_path / "flipped"
    for bit in range(8 * len(whole)):
        bad = whole.copy()
        bad[bit // 8] ^= 1 << bit % 8
        path.write_bytes(bad.tobytes())
        for read in (read_events, kept):
            assert outcome(read, path) is not None


@pytest.mark.parametrize("name", FORMATS)
def test_noise_is_read_without_hanging(name, tmp_path):
    events = example(2, 3)
    head = written(tmp_path / "whole", events, name).read_bytes()
    noise = np.random.default_rng(0).integers(0, 256, 60_001, np.uint8).tobytes()
    path = tmp_path / "noise"
    path.write_bytes(head + noise)
    with pytest.raises(CorruptFile, match="at byte"):
        read_events(path)
    found = kept(path)
    assert found.skipped > 1000 and len(found.problems) == 20
    assert np.array_equal(found.events.t[:3], events.t)


@pytest.mark.parametrize("name", FORMATS)
def test_an_event_outside_the_sensor_is_named_with_its_byte(name, tmp_path):
    """One event a tick, so that its word can be found."""
    events = events_of(np.arange(40) * 10, np.full(40, 3), (2, 4, 40))
    path = written(tmp_path / "file", events, name)
    with pytest.raises(CorruptFile, match=r"at byte (\d+): .* outside") as error:
        read_events(path, sensor=(2, 4, 3))
    byte = int(str(error.value).split("at byte ")[1].split(":")[0])
    cut = tmp_path / "cut"
    cut.write_bytes(path.read_bytes()[: byte + WORD[name]])
    assert len(kept(cut).events) == 1
    cut.write_bytes(path.read_bytes()[:byte])
    assert len(kept(cut).events) == 0
    assert len(kept(path, sensor=(2, 4, 3)).events) == 0


LIMITS = {"evt2": (2048, 2048), "evt21": (2048, 2048), "evt3": (2048, 2048), "dat": (16384, 16384),
          "es": (65535, 65535)}  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_the_last_row_and_column_are_written_and_one_more_is_refused(name, tmp_path):
    rows, columns = LIMITS[name]
    for shape in ((2, rows, 3), (2, 3, columns)):
        size = 2 * shape[1] * shape[2]
        events = events_of([5, 5, 5], [size - 1, size - 2, 0], shape)
        assert same(read_events(written(tmp_path / "edge", events, name)), events)
    for shape in ((2, rows + 1, 3), (2, 3, columns + 1)):
        with pytest.raises(InvalidValue, match=f"{name}: Events.shape is .* holds at most"):
            written(tmp_path / "edge", events_of([5], [0], shape), name)


@pytest.mark.parametrize("name", FORMATS)
def test_what_does_not_fit_is_refused(name, tmp_path):
    path = tmp_path / f"x.{ENDING[name]}"
    one = np.zeros(1, np.int64)
    grid, clock = (2, 3, 4), Clock(1 * us)
    for shape in ((4,), (3, 4), (1, 3, 4), (3, 3, 4)):
        with pytest.raises(InvalidValue, match="expected \\(2, rows, columns\\)"):
            write_events(path, events_of([0], [0], shape), format=name)
    slow = Events.sorted(one, one.astype(np.int32), shape=grid, clock=Clock(1 * ms))
    with pytest.raises(InvalidValue, match="clock"):
        write_events(path, slow, format=name)
    graded = Events.sorted(one, one.astype(np.int32), shape=grid, clock=clock, value=[1.0])
    with pytest.raises(InvalidValue, match="graded"):
        write_events(path, graded, format=name)
    with pytest.raises(InvalidValue, match=r"Events.t .*Remedy: .*slice"):
        write_events(path, events_of([1 << 55], [0], grid), format=name)
    assert not path.exists()
