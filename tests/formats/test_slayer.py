"""SLAYER's spike files come back as they were written, and real ones decode as their bytes say."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuro.clock import Clock
from neuro.errors import CorruptFile, DamagedFile, InvalidValue, UnknownName
from neuro.events import Events
from neuro.formats import read_events, read_recording, stream_events, write_events
from neuro.formats.slayer import BS1, BS2
from neuro.units import ms, us

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
CLOCK = Clock(1 * us)
needs_samples = pytest.mark.skipif(not SHARED.is_dir(), reason="needs the shared recordings")


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["neuro.formats.detect"], "formats", lambda: (BS1, BS2))


def plain_decode(path: Path, camera: bool) -> list[tuple[int, ...]]:
    """(t, sign, y, x) or (t, sign, neuron) of each five bytes, in plain Python."""
    found = []
    raw = path.read_bytes()
    for i in range(0, len(raw), 5):
        a, b, *time = raw[i : i + 5]
        word = int.from_bytes(bytes(time), "big")
        where = (b, a) if camera else (a * 256 + b,)
        found.append((word & 0x7FFFFF, word >> 23, *where))
    return found


@st.composite
def recordings(draw: st.DrawFn, camera: bool) -> Events:
    edge = 256 if camera else 1 << 16
    if camera:
        shape: tuple[int, ...] = (2, draw(st.integers(1, edge)), draw(st.integers(1, edge)))
    else:
        units = draw(st.integers(1, edge))
        shape = draw(st.sampled_from([(units,), (2, 1, units)]))
    count = draw(st.integers(0, 40))
    time = st.integers(0, draw(st.sampled_from([3, 1000, (1 << 23) - 1])))
    t = draw(st.lists(time, min_size=count, max_size=count))
    size = int(np.prod(shape))
    unit = draw(st.lists(st.integers(0, size - 1), min_size=count, max_size=count))
    return Events.sorted(t, unit, shape=shape, clock=CLOCK)


@pytest.mark.parametrize("ending", ["bs1", "bs2"])
def test_what_is_written_is_read(tmp_path: Path, ending: str) -> None:
    path, form = tmp_path / f"a.{ending}", BS2 if ending == "bs2" else BS1

    @settings(max_examples=1000, deadline=None)
    @given(recordings(ending == "bs2"))
    def same(events: Events) -> None:
        form.write(path, events)  # without waiting for the disk a thousand times
        if not len(events):
            assert path.stat().st_size == 0
            return
        assert read_events(path, sensor=events.shape) == events
        rows = plain_decode(path, ending == "bs2")
        assert [r[0] for r in rows] == events.t.tolist()
        if len(events.shape) == 3:
            _, y, x = events.coordinates
            assert [r[-1] for r in rows] == x.tolist()
            assert ending == "bs1" or [r[2] for r in rows] == y.tolist()

    same()


@needs_samples
@pytest.mark.parametrize(
    ("name", "count", "shape"),
    [
        ("events_io/NTIDIGITS_1.bs1", 898, (64,)),
        ("slayer_oxford/input.bs1", 1889, (200,)),
        ("dvs128_gesture_like/1.bs2", 63471, (2, 128, 128)),
        ("dvs128_gesture_like/5.bs2", 181179, (2, 128, 128)),
    ],
)
def test_real_files_decode_as_their_bytes_say(
    name: str, count: int, shape: tuple[int, ...]
) -> None:
    events = read_events(SHARED / name)
    assert len(events) == count and events.shape == shape
    rows = sorted(plain_decode(SHARED / name, len(shape) == 3))
    columns = np.array(rows).T
    np.testing.assert_array_equal(events.t, columns[0])
    own = np.stack(events.coordinates)
    np.testing.assert_array_equal(own, columns[1:] if len(shape) == 3 else columns[2:])
    chunks = list(stream_events(SHARED / name, sensor=shape, chunk=500))
    np.testing.assert_array_equal(np.concatenate([c.t for c in chunks]), events.t)
    np.testing.assert_array_equal(np.concatenate([c.unit for c in chunks]), events.unit)


@needs_samples
def test_spikes_out_of_order_are_refused_or_sorted() -> None:
    path = SHARED / "slayer_oxford" / "output.bs1"
    with pytest.raises(CorruptFile, match=r"byte 15: time runs backwards to 4947"):
        read_events(path)
    events = read_events(path, order="sort")
    assert events.t.tolist() == [r[0] for r in sorted(plain_decode(path, False))]
    assert len(events) == 10361


def test_off_spikes_of_numbered_neurons_keep_their_sign(tmp_path: Path) -> None:
    path = tmp_path / "a.bs1"
    path.write_bytes(bytes([0, 7, 0x80, 0, 1, 1, 2, 0, 0, 5]))  # 7 ON at 1 us, 258 OFF at 5 us
    events = read_events(path)
    assert events.shape == (2, 1, 259)
    assert [c.tolist() for c in events.coordinates] == [[1, 0], [0, 0], [7, 258]]
    assert events.t.tolist() == [1, 5]
    with pytest.raises(InvalidValue, match=r"OFF spikes.*sensor=\(2, 1, 300\)"):
        read_events(path, sensor=(300,))


@pytest.mark.parametrize("ending", ["bs1", "bs2"])
def test_every_cut_is_noticed(tmp_path: Path, ending: str) -> None:
    shape = (40,) if ending == "bs1" else (2, 4, 5)
    events = Events.sorted([1, 1, 70000, 9], [3, 3, 39, 0], shape=shape, clock=CLOCK)
    write_events(tmp_path / f"a.{ending}", events)
    raw = (tmp_path / f"a.{ending}").read_bytes()
    for length in range(1, len(raw)):
        path = tmp_path / f"cut.{ending}"
        path.write_bytes(raw[:length])
        if length % 5 == 0:  # nothing in the file tells how many spikes it had
            assert len(read_events(path, sensor=shape)) == length // 5
            continue
        with pytest.raises(CorruptFile, match=f"byte {length // 5 * 5}: {length % 5} bytes"):
            read_events(path, sensor=shape)
        with pytest.warns(DamagedFile, match=f"{length % 5} bytes could not be read"):
            kept = read_recording(path, sensor=shape, errors="keep")
        assert kept.events.t.tolist() == events.t[: length // 5].tolist()
        assert kept.skipped == length % 5


def test_flipped_bits_end_in_events_or_a_clear_error(tmp_path: Path) -> None:
    events = Events.sorted([1, 5, 9], [3, 3, 19], shape=(2, 2, 5), clock=CLOCK)
    write_events(tmp_path / "a.bs2", events)
    raw = (tmp_path / "a.bs2").read_bytes()
    path, refused = tmp_path / "b.bs2", []
    for bit in range(8 * len(raw)):
        wrong = bytearray(raw)
        wrong[bit // 8] ^= 1 << bit % 8
        path.write_bytes(wrong)
        try:
            assert len(read_events(path, sensor=(2, 2, 5))) == 3
        except CorruptFile as error:
            refused.append(str(error))
    assert all("at byte" in text for text in refused)
    assert 0 < len(refused) < 8 * len(raw)


def test_foreign_files_are_not_taken_for_spikes(tmp_path: Path) -> None:
    page = tmp_path / "a.bs2"
    page.write_bytes(b"<!DOCTYPE html><html><body>Sign in</body></html>")
    with pytest.raises(CorruptFile, match="a web page"):
        read_events(page)
    (tmp_path / "b.bs1").touch()
    with pytest.raises(CorruptFile, match="empty"):
        read_events(tmp_path / "b.bs1")
    with pytest.raises(UnknownName):
        read_events(page, format="bs3")


@pytest.mark.parametrize(
    ("ending", "change", "message"),
    [
        ("bs1", {"shape": (70000,)}, "at most 65536 units"),
        ("bs1", {"shape": (2, 3, 4)}, r"expected \(units,\) or \(2, 1, units\)"),
        ("bs2", {"shape": (6,)}, r"expected \(2, rows, columns\)"),
        ("bs2", {"shape": (2, 257, 4)}, "at most 256"),
        ("bs2", {"shape": (2, 4, 300)}, "at most 256"),
        ("bs2", {"t": [1 << 23]}, "holds times below 8388608 us"),
        ("bs2", {"clock": Clock(0.1 * us)}, "whole microseconds"),
        ("bs2", {"value": [0.5]}, "plain spikes"),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, ending: str, change: dict[str, Any], message: str
) -> None:
    given = {"t": [1], "unit": [1], "shape": (2, 4, 4), "clock": CLOCK, **change}
    with pytest.raises(InvalidValue, match=message):
        write_events(tmp_path / f"a.{ending}", Events.sorted(**given))
    assert not list(tmp_path.iterdir())


def test_coarser_ticks_are_written_as_microseconds(tmp_path: Path) -> None:
    events = Events.sorted([1, 8000], [1, 2], shape=(5,), clock=Clock(1 * ms))
    write_events(tmp_path / "a.bs1", events)
    back = read_events(tmp_path / "a.bs1", sensor=(5,))
    assert back.clock == CLOCK
    np.testing.assert_array_equal(back.seconds, events.seconds)
