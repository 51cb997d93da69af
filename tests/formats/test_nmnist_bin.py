"""N-MNIST `.bin` files as a format: recognition, sensor, round trips and damage."""

from __future__ import annotations

import contextlib
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuro.clock import Clock
from neuro.data import read_nmnist
from neuro.errors import CorruptFile, DamagedFile, InvalidValue
from neuro.events import Events
from neuro.formats import read_events, read_recording, stream_events, write_events
from neuro.formats.nmnist_bin import NMNIST_BIN
from neuro.units import us

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "events_io"
US = Clock(1 * us)


def record(x: int, y: int, p: int, t: int) -> bytes:
    return bytes([x, y]) + (p << 23 | t).to_bytes(3, "big")


def rows(events: Events) -> list[tuple[int, ...]]:
    return list(zip(events.t.tolist(), *(c.tolist() for c in events.coordinates), strict=True))


def kept(path, **how):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedFile)
        return read_recording(path, errors="keep", **how)


def test_records_and_overflow_markers(tmp_path):
    path = tmp_path / "a.bin"
    marker = record(0, 240, 0, 0)
    path.write_bytes(record(3, 5, 1, 10) + marker + record(33, 0, 0, 0x1234) + record(0, 33, 1, 9))
    with pytest.raises(CorruptFile, match="byte 15: time runs backwards to 8201"):
        read_events(path)
    found = kept(path)
    assert found.format == "nmnist" and found.events.shape == (2, 34, 34)
    assert rows(found.events) == [(10, 1, 5, 3), (8192 + 0x1234, 0, 0, 33)]
    assert found.skipped == 5


def test_the_sensor_is_that_of_n_mnist_where_nearly_all_events_lie_on_it(tmp_path):
    path = tmp_path / "a.bin"
    small = b"".join(record(i % 34, i % 33, 1, i) for i in range(200))
    path.write_bytes(small)
    assert read_events(path).shape == (2, 34, 34)
    assert read_events(path, sensor=(2, 180, 240)).shape == (2, 180, 240)
    path.write_bytes(small + record(200, 1, 1, 300))
    with pytest.raises(CorruptFile, match="byte 1000: event at x=200, outside the sensor"):
        read_events(path)
    path.write_bytes(small + b"".join(record(200, 150, 1, 300) for _ in range(20)))
    found = read_recording(path)  # N-Caltech101, where every recording has its own size
    assert found.events.shape == (2, 151, 201) and found.facts["sensor_from"] == "events"
    with pytest.raises(InvalidValue, match="sensor"):
        read_events(path, sensor=(9,))


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.dat", record(1, 1, 1, 1)), ("a.bin", b"\xff\xff\0\0\0" * 9), ("a.bin", b"")],
)
def test_other_files_are_not_taken_for_recordings(name, data, tmp_path):
    path = tmp_path / name
    path.write_bytes(data)
    assert not NMNIST_BIN.recognises(data, path)


@settings(max_examples=1000, deadline=None)
@given(
    st.sampled_from([(2, 34, 34), (2, 240, 256), (2, 3, 1)]),
    st.lists(
        st.tuples(st.integers(0, 2**23 - 1) | st.integers(0, 3), st.integers(0, 2 * 240 * 256)),
        min_size=1, max_size=30,
    ),
)  # fmt: skip
def test_writing_and_reading_changes_nothing(tmp_path_factory, shape, pairs):
    path = tmp_path_factory.getbasetemp() / "round.bin"
    units = [u % int(np.prod(shape)) for _, u in pairs]
    events = Events.sorted([t for t, _ in pairs], units, shape=shape, clock=US)
    NMNIST_BIN.write(path, events)
    assert read_events(path, sensor=shape, format="nmnist") == events
    assert read_nmnist(path, sensor=shape[1:]) == events


def test_a_file_cut_anywhere_keeps_its_whole_events(tmp_path):
    events = Events.sorted(range(12), range(12), shape=(2, 34, 34), clock=US)
    path = tmp_path / "a.bin"
    write_events(path, events)
    raw = path.read_bytes()
    for length in range(1, len(raw)):
        path.write_bytes(raw[:length])
        if length % 5:
            with pytest.raises(CorruptFile, match=f"byte {length // 5 * 5}"):
                read_events(path, format="nmnist")
        else:
            assert rows(read_events(path)) == rows(events)[: length // 5]
        found = kept(path, format="nmnist")
        assert rows(found.events) == rows(events)[: length // 5]
        assert found.skipped == length % 5


def test_flipped_bits_raise_nothing_but_file_errors(tmp_path):
    path = tmp_path / "a.bin"
    write_events(path, Events.sorted(range(30), range(30), shape=(2, 34, 34), clock=US))
    raw = path.read_bytes()
    for at in range(0, len(raw) * 8, 3):
        bad = bytearray(raw)
        bad[at // 8] ^= 1 << at % 8
        path.write_bytes(bad)
        for how in ({}, {"sensor": (2, 34, 34)}):
            with contextlib.suppress(CorruptFile, InvalidValue):
                read_events(path, format="nmnist", **how)


def test_chunks_one_after_another_are_the_whole(tmp_path):
    path = tmp_path / "a.bin"
    marker = record(0, 240, 0, 0)
    blocks = [b"".join(record(i % 34, 7, 1, 40 * i) for i in range(200)) for _ in range(5)]
    path.write_bytes(marker.join(blocks))
    whole = read_events(path)
    assert len(whole) == 1000 and whole.t[-1] == 4 * 8192 + 40 * 199
    for chunk in (1, 77, 5000):
        parts = list(stream_events(path, chunk=chunk))
        assert np.concatenate([p.t for p in parts]).tolist() == whole.t.tolist()
        assert np.concatenate([p.unit for p in parts]).tolist() == whole.unit.tolist()


@pytest.mark.skipif(not SHARED.exists(), reason="the shared samples are not here")
def test_a_real_recording_agrees_with_a_decoder_in_plain_python():
    path = SHARED / "tonic_sample_nmnist.bin"
    raw, expected = path.read_bytes(), []
    for at in range(0, len(raw), 5):
        word = int.from_bytes(raw[at + 2 : at + 5], "big")
        expected.append((word & 0x7FFFFF, word >> 23, raw[at + 1], raw[at]))
    found = read_recording(path)
    assert found.format == "nmnist" and len(found.events) == 4325
    assert rows(found.events) == sorted(expected)
