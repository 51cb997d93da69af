"""Spikes and camera events in HDF5: every layout, every spike, and no damage that hurts."""

from __future__ import annotations

import gzip
import shutil
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuro.clock import Clock
from neuro.data import EventDataset
from neuro.errors import CorruptFile, DamagedFile, InvalidValue, Unsupported
from neuro.events import Events
from neuro.formats import detect, read_events, read_recording, stream_events, write_events
from neuro.formats.hdf5_events import HDF5_EVENTS
from neuro.formats.ntidigits import read_ntidigits
from neuro.formats.shd import SHD, read_shd, read_shd_extra, write_shd
from neuro.units import ms, us

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
SPEECH = SHARED / "fsdd_spikes" / "fsdd_shd_train.h5.gz"
CLOCK = Clock(1 * us)


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["neuro.formats.detect"], "formats", lambda: (SHD, HDF5_EVENTS))


def speech(path: Path, times: list[list[float]], units: list[list[int]], **more: Any) -> Path:
    """A file as the Heidelberg data sets are, by h5py alone."""
    with h5py.File(path, "w") as file:
        for name, values, kind in (("times", times, "<f2"), ("units", units, "<u2")):
            data = file.create_dataset(
                f"spikes/{name}", (len(values),), h5py.vlen_dtype(np.dtype(kind))
            )
            for i, row in enumerate(values):
                data[i] = np.array(row, kind)
        file["labels"] = np.array([i % 2 for i in range(len(times))], "<u2")
        file["extra/keys"] = np.array([b"zero", "fünf".encode()])
        file["extra/speaker"] = np.arange(len(times), dtype="<u2")
        for name, value in more.items():
            file[name] = value
    return path


def test_speech_is_read_whole_and_one_by_one(tmp_path: Path) -> None:
    times = [[0.25, 0.5, 0.5, 0.5, 1.0], [], [1.4990234375]]
    units = [[699, 3, 3, 1, 0], [], [5]]
    path = speech(tmp_path / "a.h5", times, units)
    data = read_shd(path)
    assert (len(data), data.shape, data.clock) == (3, (700,), CLOCK)
    assert data.classes == ("zero", "fünf") and data.labels.tolist() == [0, 1, 0]
    assert data.durations.tolist() == [1_000_001, 0, 1_499_024]
    first = data[0][0]
    assert first.t.tolist() == [250_000, 500_000, 500_000, 500_000, 1_000_000]
    assert first.unit.tolist() == [699, 1, 3, 3, 0]  # the double spike is kept
    assert read_shd(path, trusted=True) == data
    assert read_shd_extra(path)["speaker"].tolist() == [0, 1, 2]
    assert detect(path).name == "shd"
    for i in range(3):
        recording = read_recording(path, sample=i)
        assert recording.events == data[i][0]
        assert recording.facts["speaker"] == i and recording.facts["label"] == i % 2
    assert read_shd(path, clock=Clock(1 * ms))[2][0].t.tolist() == [1499]
    with pytest.raises(InvalidValue, match="recording 3 was asked for, the file holds 3"):
        read_events(path, sample=3)


def test_times_out_of_order_are_sorted_within_their_recording(tmp_path: Path) -> None:
    path = speech(tmp_path / "a.h5", [[1.0, 0.5], [0.25]], [[1, 2], [0]])
    data = read_shd(path)
    assert data[0][0].t.tolist() == [500_000, 1_000_000] and data[0][0].unit.tolist() == [2, 1]
    assert data[1][0].t.tolist() == [250_000]


def test_channels_beyond_the_ear_are_kept(tmp_path: Path) -> None:
    path = speech(tmp_path / "a.h5", [[0.5]], [[1000]])
    assert read_shd(path).shape == (1001,)
    assert read_events(path).shape == (1001,)
    with pytest.raises(InvalidValue, match="unit"):
        read_shd(path, channels=700)


@pytest.mark.skipif(not SPEECH.is_file(), reason="needs the shared spoken digits")
def test_real_speech_has_every_spike(tmp_path: Path) -> None:
    path = tmp_path / "speech.h5"
    with gzip.open(SPEECH) as packed, open(path, "wb") as plain:
        shutil.copyfileobj(packed, plain)
    data = read_shd(path)
    assert len(data) == 2250 and int(data.counts.sum()) == 12_606_451  # as its manifest says
    rng = np.random.default_rng(0)
    with h5py.File(path) as opened:
        file: Any = opened
        assert data.labels.tolist() == file["labels"][:].tolist()
        for i in rng.integers(0, 2250, 30).tolist():
            stored = file["spikes/times"][i].tolist()  # exact as Python floats
            pairs = zip(stored, file["spikes/units"][i].tolist(), strict=True)
            expected = sorted((round(t * 1e6), u) for t, u in pairs)
            events = data[i][0]
            assert list(zip(events.t.tolist(), events.unit.tolist(), strict=True)) == expected


@st.composite
def data_sets(draw: st.DrawFn) -> EventDataset:
    units = draw(st.integers(1, 1 << 16))
    clock = Clock(draw(st.sampled_from([1e-6, 1e-3, 3e-5])))
    top = draw(st.sampled_from([4, 10**6, 10**12]))
    row = st.lists(st.tuples(st.integers(0, top), st.integers(0, units - 1)), max_size=8)
    recordings = []
    for rows in draw(st.lists(row, min_size=20, max_size=30)):
        t, unit = [r[0] for r in rows], [r[1] for r in rows]
        length = max(t, default=-1) + 1 + draw(st.integers(0, 9))
        recordings.append(Events.sorted(t, unit, shape=units, clock=clock, duration=length))
    labels = [draw(st.integers(0, 2)) for _ in recordings]
    return EventDataset.from_events(recordings, labels, classes=("a", "b", "ß"), name="a")


def test_a_data_set_comes_back_as_it_was_written(tmp_path: Path) -> None:
    path, count = tmp_path / "a.h5", []

    @settings(max_examples=50, deadline=None)
    @given(data_sets())
    def same(data: EventDataset) -> None:
        write_shd(path, data)
        back = read_shd(path, clock=data.clock, channels=data.shape[0], trusted=True)
        assert back.attributes == {"precision": "float64"}
        for (a, one), (b, two) in zip(data, back, strict=True):
            assert a == b and one == two
        assert back.classes == data.classes
        count.append(len(data))

    same()
    assert sum(count) >= 1000


def test_what_speech_files_cannot_hold_is_refused(tmp_path: Path) -> None:
    events = Events.sorted([1], [1], shape=(2, 2, 2), clock=CLOCK)
    data = EventDataset.from_events([events], [0], classes=["a"], name="a")
    with pytest.raises(InvalidValue, match="expected one axis"):
        write_shd(tmp_path / "a.h5", data)
    late = Events.sorted([2**60 + 1], [1], shape=(2,), clock=CLOCK)
    data = EventDataset.from_events([late], [0], classes=["a"], name="a")
    with pytest.raises(InvalidValue, match="too long for seconds"):
        write_shd(tmp_path / "a.h5", data)
    with pytest.raises(Unsupported, match="write"):
        write_events(tmp_path / "a.h5", late, format="shd")
    assert not list(tmp_path.iterdir())


# -- damage ---------------------------------------------------------------------------------------


def test_no_cut_file_is_read(tmp_path: Path) -> None:
    whole = speech(tmp_path / "a.h5", [[0.5, 0.75]], [[1, 2]]).read_bytes()
    path = tmp_path / "cut.h5"
    rng = np.random.default_rng(1)
    for length in [0, 1, 7, 8, 95, len(whole) - 1, *rng.integers(9, len(whole), 14).tolist()]:
        path.write_bytes(whole[:length])
        with pytest.raises(CorruptFile):
            read_shd(path)
        if length in (0, 95):
            with pytest.raises(CorruptFile):
                read_events(path)


def test_flipped_bits_never_reach_this_process(tmp_path: Path) -> None:
    """HDF5 has no checksum over everything, so a flip may go unseen; it must not do more."""
    whole = speech(tmp_path / "a.h5", [[0.5, 0.75]], [[1, 2]]).read_bytes()
    path = tmp_path / "flip.h5"
    rng = np.random.default_rng(2)
    used = np.flatnonzero(np.frombuffer(whole, np.uint8))
    for at in rng.choice(used, 25).tolist():
        wrong = bytearray(whole)
        wrong[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(wrong)
        try:
            assert len(read_shd(path)) == 1
        except (CorruptFile, Unsupported) as error:
            assert "flip.h5" in str(error)  # noqa: PT017


def test_claims_without_data_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.h5"
    with h5py.File(path, "w") as file:
        for name, kind in (("t", "<i8"), ("x", "<u2"), ("y", "<u2"), ("p", "u1")):
            file.create_dataset(f"events/{name}", (1 << 40,), kind, chunks=(1 << 16,))
    assert path.stat().st_size < 20_000
    with pytest.raises(CorruptFile, match=r"declares 1099511627776 values.*more than the limit"):
        read_events(path)
    with pytest.raises(CorruptFile, match=r"declares 16777216 chunks but stores 0"):
        read_events(path, limit=1 << 50)
    with h5py.File(path, "w") as file:
        for name in "txyp":
            file.create_dataset(f"events/{name}", (1 << 20,), "<u2")
    with pytest.raises(CorruptFile, match="declares 2097152 bytes but stores 0"):
        read_events(path)
    with h5py.File(path, "w") as file:
        for name in ("times", "units"):
            kind = h5py.vlen_dtype(np.dtype("<f4" if name == "times" else "<u2"))
            file.create_dataset(f"spikes/{name}", (1 << 34,), kind, chunks=(1 << 10,))
    with pytest.raises(CorruptFile, match="more than the limit"):
        read_shd(path)


def test_other_files_are_not_opened(tmp_path: Path) -> None:
    camera(tmp_path / "other.h5", 5)
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["spikes/times"] = h5py.ExternalLink("other.h5", "events/t")
    with pytest.raises(Unsupported, match=r"lies in another file, 'other\.h5'"):
        read_shd(path)
    layout = h5py.VirtualLayout((5,), "<i8")
    layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "events/t", (5,))
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file.create_virtual_dataset("events/t", layout)
        for name in "xyp":
            file[f"events/{name}"] = np.zeros(5, "u1")
    with pytest.raises(Unsupported, match="takes its rows from other files"):
        read_events(tmp_path / "b.h5")


def test_files_of_another_kind_are_named(tmp_path: Path) -> None:
    page = tmp_path / "a.h5"
    page.write_bytes(b"<!DOCTYPE html><html><title>Sign in</title></html>")
    with pytest.raises(CorruptFile, match="a web page"):
        read_events(page)
    with pytest.raises(CorruptFile, match=r"a\.h5: .*(signature|superblock)"):
        read_shd(page)
    with pytest.raises(FileNotFoundError, match="no file"):
        read_shd(tmp_path / "none.h5")
    with h5py.File(page, "w") as file:
        file["weights"] = np.ones(3)
    with pytest.raises(CorruptFile, match=r"no data set 'spikes/times'; / holds: weights"):
        read_shd(page)
    with pytest.raises(CorruptFile, match="of no known format"):
        read_events(page)
    with pytest.raises(CorruptFile, match="no columns t, x, y, p; the file holds weights"):
        read_events(page, format="hdf5_events")


@pytest.mark.parametrize(
    ("times", "units", "message"),
    [
        ([[0.5, 0.75]], [[1]], "recording 0: spikes/times has 2 stamps but spikes/units has 1"),
        ([[float("nan")]], [[1]], "spikes/times, recordings 0 to 1 holds nan s"),
        ([[-0.5]], [[1]], "holds -0.5 s, expected 0 or later"),
        ([[0.5], [0.5]], [[1]], "spikes/units has 1 rows, spikes/times has 2"),
    ],
)
def test_contradictions_are_named(
    tmp_path: Path, times: list[list[float]], units: list[list[int]], message: str
) -> None:
    path = speech(tmp_path / "a.h5", times, units)
    with pytest.raises(CorruptFile, match=message):
        read_shd(path)


# -- N-TIDIGITS18 ---------------------------------------------------------------------------------


def tidigits(path: Path) -> Path:
    with h5py.File(path, "w") as file:
        for split, names in (("train", ["man-ae-1", "man-ae-o3z", "girl-b-z"]), ("test", [])):
            file[f"{split}_labels"] = np.array([n.encode() for n in names], "S20")
            for i, name in enumerate(names):
                file[f"{split}_timestamps/{name}"] = np.array([0.1, 0.1, 0.3]) * (i + 1)
                file[f"{split}_addresses/{name}"] = np.array([63, 0, i])
    return path


def test_spoken_digits_of_the_cochlea(tmp_path: Path) -> None:
    path = tidigits(tmp_path / "n-tidigits.hdf5")
    data = read_ntidigits(path)
    assert (len(data), data.shape) == (2, (64,))
    assert [data.classes[i] for i in data.labels] == ["1", "z"]
    assert data.classes == ("o", *"123456789", "z")
    assert data[1][0].t.tolist() == [300_000, 300_000, 900_000]
    assert data[1][0].unit.tolist() == [0, 63, 2]
    everything = read_ntidigits(path, single=False, trusted=True)
    assert [everything.classes[i] for i in everything.labels] == ["1", "o3z", "z"]
    with pytest.raises(InvalidValue, match="expected 'train' or 'test'"):
        read_ntidigits(path, "valid")  # pyright: ignore[reportArgumentType]
    with h5py.File(path, "a") as file:
        del file["train_addresses/girl-b-z"]
    with pytest.raises(CorruptFile, match="no data set 'train_addresses/girl-b-z'"):
        read_ntidigits(path)
    with h5py.File(path, "a") as file:
        file["train_addresses/girl-b-z"] = np.array([1, 2, 64])
    with pytest.raises(CorruptFile, match="unit"):
        read_ntidigits(path)


# -- cameras --------------------------------------------------------------------------------------


def columns(count: int, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "t": np.sort(rng.integers(0, 10**6, count)),
        "x": rng.integers(0, 30, count).astype("<u2"),
        "y": rng.integers(0, 20, count).astype("<u2"),
        "p": rng.integers(0, 2, count).astype("u1"),
    }


def expected(data: dict[str, np.ndarray], shape: tuple[int, int, int] = (2, 20, 30)) -> Events:
    unit = np.ravel_multi_index((data["p"] > 0, data["y"], data["x"]), shape)
    return Events.sorted(data["t"], unit, shape=shape, clock=CLOCK)


def camera(path: Path, count: int, **how: Any) -> dict[str, np.ndarray]:
    data = columns(count)
    with h5py.File(path, "w") as file:
        for name, column in data.items():
            file.create_dataset(f"events/{name}", data=column, **how)
    return data


def test_every_layout_gives_the_same_events(tmp_path: Path) -> None:
    data = columns(300)
    wanted = expected(data)
    signed = np.where(data["p"] > 0, 1, -1).astype("i1")
    rows = np.stack([data["t"], data["x"], data["y"], data["p"]], axis=1)
    compound = np.zeros(300, [("x", "<u2"), ("y", "<u2"), ("p", "<i2"), ("t", "<i8")])
    for name in compound.dtype.names or ():
        compound[name] = data[name]
    layouts: dict[str, dict[str, Any]] = {
        "dsec": {f"events/{n}": c for n, c in data.items()} | {"t_offset": np.int64(7)},
        "m3ed": {f"prophesee/left/{n}": c for n, c in {**data, "p": signed}.items()},
        "e2vid": {"events/ts": data["t"] * 1e-6, "events/xs": data["x"], "events/ys": data["y"],
                  "events/ps": data["p"].astype(bool)},
        "prophesee": {"CD/events": compound},
        "root": dict(data),
        "v2e": {"events": rows.astype("<u4")},
        "mvsec": {"davis/left/events": np.stack(
            [data["x"], data["y"], data["t"] * 1e-6, signed], axis=1)},
    }  # fmt: skip
    for name, held in layouts.items():
        path = tmp_path / f"{name}.h5"
        with h5py.File(path, "w") as file:
            for place, values in held.items():
                file[place] = values
        assert detect(path).name == "hdf5_events"
        recording = read_recording(path, sensor=(2, 20, 30))
        assert recording.events == wanted, name
        if name == "dsec":
            assert recording.facts["t_offset"] == 7
    with h5py.File(tmp_path / "prophesee.h5", "a") as file:
        file.attrs["geometry"] = "30x20"
    assert read_events(tmp_path / "prophesee.h5") == wanted


def test_two_cameras_are_two_samples(tmp_path: Path) -> None:
    left, right = columns(50, 1), columns(60, 2)
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        for side, data in (("left", left), ("right", right)):
            for name, column in data.items():
                file[f"prophesee/{side}/{name}"] = column
    for sample, data in enumerate((left, right)):
        recording = read_recording(path, sample=sample, sensor=(2, 20, 30))
        assert recording.events == expected(data) and recording.facts["cameras"] == 2
    with pytest.raises(InvalidValue, match="sample 2, the file holds prophesee/left"):
        read_events(path, sample=2, sensor=(2, 20, 30))


def test_chunks_are_the_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    data = camera(path, 5000, chunks=(64,), compression="gzip")
    chunks = list(stream_events(path, sensor=(2, 20, 30), chunk=700))
    assert len(chunks) > 4
    whole = expected(data)
    np.testing.assert_array_equal(np.concatenate([c.t for c in chunks]), whole.t)
    np.testing.assert_array_equal(np.concatenate([c.unit for c in chunks]), whole.unit)


@st.composite
def camera_events(draw: st.DrawFn) -> Events:
    shape = (2, draw(st.integers(1, 1 << 14)), draw(st.integers(1, 1 << 14)))
    rows = draw(st.lists(
        st.tuples(st.integers(0, draw(st.sampled_from([3, 10**6, 2**50]))),
                  st.integers(0, int(np.prod(shape)) - 1)), max_size=20))  # fmt: skip
    clock = Clock(draw(st.sampled_from([1e-6, 1e-9, 1e-3])))
    events = Events.sorted([r[0] for r in rows], [r[1] for r in rows], shape=shape, clock=clock)
    length = events.duration + draw(st.integers(0, 5))
    return Events(events.t, events.unit, shape, length, clock)


def test_camera_events_come_back_as_they_were_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def here(task: str, path: Path, **how: Any) -> Any:
        return isolated(task, path, **{**how, "trusted": True})

    # the files are our own and whole, so a process for each would only take time
    isolated = sys.modules["neuro.formats.isolated"].run
    for module in ("_hdf5", "hdf5_events"):
        monkeypatch.setattr(sys.modules[f"neuro.formats.{module}"], "run", here)
    numbers = iter(range(10**6))

    @settings(max_examples=1000, deadline=None)
    @given(camera_events())
    def same(events: Events) -> None:
        path = tmp_path / f"{next(numbers)}.h5"
        HDF5_EVENTS.write(path, events)
        assert read_events(path, format="hdf5_events") == events
        path.unlink()

    same()


def test_our_own_file_is_read_in_a_child_too(tmp_path: Path) -> None:
    events = Events.sorted([5, 5, 9], [0, 0, 11], shape=(2, 2, 3), clock=Clock(1 * ms), duration=70)
    write_events(tmp_path / "a.events.h5", events)
    assert read_events(tmp_path / "a.events.h5") == events
    nothing = Events.sorted([], [], shape=(2, 2, 3), clock=CLOCK, duration=7)
    write_events(tmp_path / "b.events.h5", nothing)
    assert read_events(tmp_path / "b.events.h5") == nothing
    with pytest.raises(InvalidValue, match="graded"):
        write_events(tmp_path / "c.h5", Events.sorted(
            [1], [1], shape=(2, 2, 3), clock=CLOCK, value=[1.0]))  # fmt: skip


def test_a_broken_chunk_costs_only_its_own_events(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    data = camera(path, 1000, chunks=(100,), compression="gzip", fletcher32=True)
    with h5py.File(path) as opened:
        file: Any = opened
        info = file["events/x"].id.get_chunk_info(3)
        stamps = file["events/t"].id.get_chunk_info(3).byte_offset
    raw = bytearray(path.read_bytes())
    raw[info.byte_offset + 20] ^= 255
    path.write_bytes(raw)
    with pytest.raises(CorruptFile, match=rf"byte {stamps}: /events/x, rows 300 to 400, cannot"):
        read_events(path, sensor=(2, 20, 30))
    with pytest.warns(DamagedFile):
        kept = read_recording(path, sensor=(2, 20, 30), errors="keep")
    rest = {n: np.delete(c, np.s_[300:400]) for n, c in data.items()}
    assert kept.events == expected(rest) and kept.skipped == 1300  # 13 bytes a row


def test_wrong_events_are_named_by_their_byte(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    data = columns(10)
    data["x"][7] = 44
    with h5py.File(path, "w") as file:
        for name, column in data.items():
            file[f"events/{name}"] = column
        stamps: Any = file["events/t"]
        at = stamps.id.get_offset() + 7 * 8
    with pytest.raises(CorruptFile, match=f"byte {at}: event at x=44, outside"):
        read_events(path, sensor=(2, 20, 30))
    matrix = np.stack([data[n] for n in "txyp"], axis=1)
    with h5py.File(path, "w") as file:
        file["events"] = matrix
        rows: Any = file["events"]
        at = rows.id.get_offset() + 7 * 4 * 8
    with pytest.raises(CorruptFile, match=f"byte {at}: event at x=44, outside"):
        read_events(path, sensor=(2, 20, 30))
    data["x"][7], data["p"][2] = 4, 5
    with h5py.File(path, "w") as file:
        for name, column in data.items():
            file[f"events/{name}"] = column
    with pytest.raises(CorruptFile, match="event at polarity=5"):
        read_events(path, sensor=(2, 20, 30))


def test_filters_that_are_not_there_are_named(tmp_path: Path) -> None:
    for code, title in ((36559, "Prophesee's ECF"), (32013, "ZFP"), (40000, "an unknown filter")):
        path = tmp_path / f"{code}.h5"
        with h5py.File(path, "w") as file:
            for name in ("t", "x", "y", "p"):
                create = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
                create.set_chunk((10,))
                create.set_filter(code, h5py.h5z.FLAG_OPTIONAL)
                space = h5py.h5s.create_simple((10,))
                group = file.require_group("events")
                data = h5py.h5d.create(group.id, name.encode(), h5py.h5t.STD_I64LE, space, create)
                data.write_direct_chunk((0,), np.zeros(10, "<i8").tobytes())
        with pytest.raises(Unsupported, match=f"packed by {title} .HDF5 filter {code}"):
            read_events(path, sensor=(2, 20, 30))
