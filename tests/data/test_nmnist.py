"""N-MNIST's file format against independent decoders, real files and damaged ones."""

import os
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuro.clock import Clock
from neuro.data import nmnist, read_nmnist, write_nmnist
from neuro.errors import CorruptFile, InvalidValue
from neuro.events import Events
from neuro.units import ms, us

SHARED = Path(
    os.environ.get(
        "NEURO_SHARED_DATA", Path(__file__).resolve().parents[2].parent / "shared" / "data"
    )
)
US = Clock(1 * us)


def record(x, y, p, t):
    return struct.pack(">BBI", x, y, (p << 23) | t)[:2] + struct.pack(">I", (p << 23) | t)[1:]


def shared(name):
    path = SHARED / name
    if not path.is_file():
        pytest.skip(f"real recordings are not here ({path})")
    return path


def event_stream(raw):
    """Decode the DVS Event Stream format byte by byte: (t, x, y, is_increase) rows."""
    assert raw[:12] == b"Event Stream" and raw[15] == 1
    width, height = struct.unpack("<HH", raw[16:20])
    at, t, rows = 20, 0, []
    while at < len(raw):
        if raw[at] >= 0b11111110:  # an overflow byte carries 127 us and no event
            t += 127
            at += 1
            continue
        t += raw[at] >> 1
        x, y = struct.unpack("<HH", raw[at + 1 : at + 5])
        rows.append((t, x, y, raw[at] & 1))
        at += 5
    return rows, (height, width)


def test_bytes_are_x_y_polarity_and_big_endian_microseconds(tmp_path):
    path = tmp_path / "tiny.bin"
    path.write_bytes(record(3, 5, 1, 10) + record(33, 0, 0, 0x012345) + record(0, 33, 1, 0x7FFFFF))
    assert path.read_bytes()[5:10] == bytes([33, 0, 0x01, 0x23, 0x45])
    events = read_nmnist(path)
    assert events.shape == (2, 34, 34) and events.clock == US
    assert events.t.tolist() == [10, 0x012345, 0x7FFFFF]
    assert [c.tolist() for c in events.coordinates] == [[1, 0, 1], [5, 0, 33], [3, 33, 0]]


def test_row_240_marks_a_time_stamp_overflow(tmp_path):
    path = tmp_path / "long.bin"
    marker = record(0, 240, 0, 0)
    path.write_bytes(
        record(1, 1, 1, 8000) + marker + record(2, 2, 0, 5) + marker + record(3, 3, 1, 7)
    )
    assert read_nmnist(path).t.tolist() == [8000, 8192 + 5, 2 * 8192 + 7]


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, (1 << 23) - 1), st.integers(0, 1), st.integers(0, 239),
            st.integers(0, 255),
        ),
        min_size=1, max_size=40,
    )
)  # fmt: skip
def test_writing_and_reading_changes_nothing(rows, tmp_path_factory):
    t, p, y, x = np.array(rows).T
    unit = (p * 240 + y) * 256 + x
    events = Events.sorted(t, unit, shape=(2, 240, 256), clock=US)
    path = tmp_path_factory.mktemp("bin") / "a.bin"
    write_nmnist(path, events)
    assert read_nmnist(path, sensor=(240, 256)) == events
    assert path.stat().st_size == 5 * len(rows)


def test_duration_may_be_longer_but_not_shorter_than_the_events(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(record(1, 1, 1, 99))
    assert read_nmnist(path).duration == 100
    assert read_nmnist(path, duration=300_000).duration == 300_000
    with pytest.raises(InvalidValue, match="duration 50"):
        read_nmnist(path, duration=50)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "empty"),
        (record(1, 1, 1, 5) + b"\x01\x02", "event at byte 5 is cut off"),
        (record(1, 1, 1, 5) + record(34, 1, 1, 6), r"byte 5 is at x=34, y=1, outside"),
        (record(1, 239, 1, 5), r"byte 0 is at x=1, y=239, outside"),
        (record(1, 1, 1, 9) + record(1, 1, 0, 8), "byte 5 is at 8 us, before .* 9 us"),
    ],
)
def test_a_damaged_file_is_refused_with_its_path_and_byte(raw, words, tmp_path):
    path = tmp_path / "bad.bin"
    path.write_bytes(raw)
    with pytest.raises(CorruptFile, match=words) as caught:
        read_nmnist(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.bin"):
        read_nmnist(tmp_path / "none.bin")


@pytest.mark.parametrize(
    ("events", "words"),
    [
        (Events.sorted([1], [1], shape=(34, 34), clock=US), r"shape \(34, 34\)"),
        (Events.sorted([1], [1], shape=(2, 4, 4), clock=Clock(1 * ms)), "expected Clock"),
        (Events.sorted([], [], shape=(2, 4, 4), clock=US), "no events"),
        (Events.sorted([1 << 23], [1], shape=(2, 4, 4), clock=US), "8388608 us"),
        (Events.sorted([1], [1], shape=(2, 4, 4), clock=US, value=[0.5]), "graded"),
    ],
)
def test_events_that_do_not_fit_the_format_are_not_written(events, words, tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(InvalidValue, match=words):
        write_nmnist(path, events)
    assert path.read_bytes() == b"old"


def fill(folder, part, per_class):
    for label in range(10):
        for i in range(per_class):
            path = folder / part / str(label) / f"{i:05d}.bin"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(record(label, i, 1, 10 * label + i))


def test_the_official_folders_give_train_and_test(tmp_path):
    fill(tmp_path, "Train", 3)
    fill(tmp_path, "Test", 1)
    (tmp_path / "Train" / "notes.txt").write_text("not a recording")
    train, test = nmnist(tmp_path)
    assert (len(train), len(test)) == (30, 10)
    assert train.labels.tolist() == [c for c in range(10) for _ in range(3)]
    events, label = train[7]
    assert (label, [int(c[0]) for c in events.coordinates]) == (2, [1, 1, 2])
    assert "CC BY-SA 4.0" in train.source and "held out" not in train.source
    assert len(nmnist(tmp_path, per_class=2)[0]) == 20


def test_archives_give_the_same_as_folders(tmp_path):
    fill(tmp_path / "folders", "Train", 2)
    fill(tmp_path / "folders", "Test", 1)
    for part in ("Train", "Test"):
        with zipfile.ZipFile(tmp_path / f"{part}.zip", "w") as archive:
            for path in (tmp_path / "folders" / part).rglob("*.bin"):
                archive.write(path, path.relative_to(tmp_path / "folders"))
    assert nmnist(tmp_path) == nmnist(tmp_path / "folders")


def test_without_a_test_folder_a_fixed_part_of_train_is_held_out_and_said_so(tmp_path):
    fill(tmp_path, "Train", 12)
    train, test = nmnist(tmp_path)
    assert (len(train), len(test)) == (100, 20)
    assert np.bincount(test.labels).tolist() == [2] * 10
    assert "not N-MNIST's test set" in train.source and "held-out" in test.name
    assert nmnist(tmp_path) == (train, test)
    seen = {(label, int(e.coordinates[1][0])) for part in (train, test) for e, label in part}
    assert len(seen) == 120  # nobody is in both parts


def test_a_damaged_archive_or_recording_is_named(tmp_path):
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("Train/3/00001.bin", record(1, 1, 1, 1) * 20)
    raw = bytearray(path.read_bytes())
    raw[60] ^= 255
    path.write_bytes(raw)
    with pytest.raises(CorruptFile, match=r"Train/3/00001\.bin"):
        nmnist(path)
    path.write_bytes(raw[:50])
    with pytest.raises(CorruptFile, match=r"set\.zip"):
        nmnist(path)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        nmnist(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="holds no Train"):
        nmnist(tmp_path)
    with pytest.raises(InvalidValue, match="per_class"):
        nmnist(tmp_path, per_class=0)


def test_a_real_recording_survives_a_round_trip_byte_for_byte(tmp_path):
    path = shared("events_io/tonic_sample_nmnist.bin")
    events = read_nmnist(path)
    assert len(events) == 4325
    write_nmnist(tmp_path / "copy.bin", events)
    assert read_nmnist(tmp_path / "copy.bin") == events


def test_a_real_recording_agrees_with_its_event_stream_twin(tmp_path):
    archive, twin = shared("nmnist/nmnist_train1000.zip"), shared("events_io/nmnist_00002.es")
    with zipfile.ZipFile(archive) as opened:
        opened.extract("Train/0/00002.bin", tmp_path)
    events = read_nmnist(tmp_path / "Train/0/00002.bin")
    rows, size = event_stream(twin.read_bytes())
    assert size == (34, 34)
    polarity, y, x = events.coordinates
    assert sorted(zip(events.t, x, y, polarity, strict=True)) == sorted(rows)


def test_a_thousand_real_recordings_are_read():
    archive = shared("nmnist/nmnist_train1000.zip")
    train, test = nmnist(archive, per_class=5)
    assert len(train) == len(test) == 50
    assert 0.29 < float(train.clock.seconds(train.durations).min()) < 0.32
    assert train.shape == (2, 34, 34)
