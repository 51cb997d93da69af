"""EventDataset: columns, grids and its file, also when the file is damaged."""

import errno
import hashlib
import pickle
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuro.clock import Clock
from neuro.data import EventDataset
from neuro.errors import CorruptFile, InvalidValue
from neuro.events import Events, bin_events
from neuro.units import ms, us

US = Clock(1 * us)
SHAPE = (2, 3, 4)


@st.composite
def datasets(draw):
    recordings = []
    for _ in range(draw(st.integers(1, 5))):
        rows = draw(st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 23)), max_size=30))
        t, unit = zip(*rows, strict=True) if rows else ((), ())
        duration = max(t, default=0) + draw(st.integers(1, 3000))
        recordings.append(Events.sorted(t, unit, shape=SHAPE, clock=US, duration=duration))
    labels = draw(st.lists(st.integers(0, 2), min_size=len(recordings), max_size=len(recordings)))
    return recordings, labels


def made(recordings, labels):
    return EventDataset.from_events(
        recordings, labels, classes=["a", "b", "ç"], name="toy", source="made up",
        attributes={"seed": 7, "gain": 0.5, "real": False, "note": "n"},
    )  # fmt: skip


def toy():
    rng = np.random.default_rng(0)
    recordings = [
        Events.sorted(
            rng.integers(5000, size=40), rng.integers(24, size=40), shape=SHAPE, clock=US,
            duration=5000,
        )
        for _ in range(6)
    ]  # fmt: skip
    return made(recordings, [0, 1, 2, 0, 1, 2])


@settings(max_examples=60, deadline=None)
@given(datasets())
def test_recordings_come_back_as_they_went_in_also_from_the_file(tmp_path_factory, case):
    recordings, labels = case
    dataset = made(recordings, labels)
    path = tmp_path_factory.mktemp("set") / "toy.h5"
    dataset.save(path)
    for one in (dataset, EventDataset.load(path), pickle.loads(pickle.dumps(dataset))):
        assert [events for events, _ in one] == recordings
        assert [label for _, label in one] == labels == one.labels.tolist()
        assert one == dataset and one.fingerprint == dataset.fingerprint
        assert (one.shape, one.clock, one.classes) == (SHAPE, US, ("a", "b", "ç"))
        assert (one.name, one.source) == ("toy", "made up")
        assert one.attributes == {"seed": 7, "gain": 0.5, "real": False, "note": "n"}


@settings(max_examples=60, deadline=None)
@given(datasets(), st.sampled_from([1, 3, 250, 5000]))
def test_the_dense_grid_counts_every_event_in_its_cell_once(case, ticks):
    recordings, labels = case
    step = Clock(US.tick * ticks)
    grid = made(recordings, labels).dense(step)
    expected = np.zeros(grid.shape)
    for b, events in enumerate(recordings):
        for t, place in zip(events.t, zip(*events.coordinates, strict=True), strict=True):
            expected[(t // ticks, b, *place)] += 1
    assert np.array_equal(grid, expected)
    assert np.array_equal(grid, bin_events(recordings, step))
    assert grid.dtype == np.float32


def test_a_dense_grid_of_many_parts_equals_one_of_a_single_part(monkeypatch):
    whole = toy().dense(Clock(1 * ms))
    monkeypatch.setattr("neuro.data.dataset._CELLS_AT_ONCE", 2 * whole[:, 0].size)
    assert np.array_equal(toy().dense(Clock(1 * ms)), whole)


def test_dense_pads_with_silence_and_never_drops_or_wraps():
    dataset = toy()
    assert dataset.dense(Clock(1 * ms), steps=9).shape == (9, 6, *SHAPE)
    assert dataset.dense(Clock(1 * ms), steps=9)[5:].sum() == 0
    assert dataset.dense(Clock(1 * ms), dtype=np.uint8).sum() == 240
    with pytest.raises(InvalidValue, match="steps=3"):
        dataset.dense(Clock(1 * ms), steps=3)
    with pytest.raises(InvalidValue, match="not a whole multiple"):
        dataset.dense(Clock(1.5 * us))
    many = Events.sorted([0] * 300, [5] * 300, shape=SHAPE, clock=US)
    with pytest.raises(InvalidValue, match="300 events, more than uint8"):
        made([many], [0]).dense(US, dtype=np.uint8)
    assert made([many], [0]).dense(US).max() == 300


def test_select_takes_numbers_masks_and_slices_in_order():
    dataset = toy()
    chosen = dataset.select([4, 0, -1])
    assert [chosen[i][0] for i in range(3)] == [dataset[i][0] for i in (4, 0, 5)]
    assert chosen.labels.tolist() == [1, 0, 2]
    assert dataset.select(dataset.labels == 2) == dataset.select([2, 5])
    assert dataset[1:3] == dataset.select([1, 2]) and len(dataset.select([])) == 0
    assert dataset[-1] == dataset[5]
    assert chosen.name == dataset.name and chosen.attributes == dataset.attributes
    for bad, words in (([6], "recording 6 of 6"), ([True], "mask"), ([0.5], "dtype float64")):
        with pytest.raises(InvalidValue, match=words):
            dataset.select(bad)
    with pytest.raises(IndexError, match="recording 6 of 6"):
        dataset[6]


def test_nobody_can_change_a_dataset():
    labels = np.array([0, 1, 2, 0, 1, 2])
    dataset = made([events for events, _ in toy()], labels)
    labels[:] = 0
    dataset.attributes["seed"] = 99
    assert dataset == toy()
    for one in (dataset, pickle.loads(pickle.dumps(dataset))):
        with pytest.raises(ValueError, match="read-only"):
            one.labels[0] = 1
    with pytest.raises(AttributeError):
        dataset.name = "other"  # type: ignore[misc]


def test_repr_says_what_it_holds():
    assert repr(toy()) == (
        "EventDataset('toy': 6 recordings, 240 events, 3 classes, shape=(2, 3, 4), "
        "Clock(1 * us) ticks)"
    )


GOOD = {
    "t": [1, 5, 0, 3], "unit": [0, 1, 2, 3], "offsets": [0, 2, 4], "durations": [10, 10],
    "labels": [0, 1],
}  # fmt: skip


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("t", [1.0, 5.0, 0.0, 3.0], r"\.t: got dtype float64"),
        ("t", [[1, 5, 0, 3]], r"\.t: got shape \(1, 4\)"),
        ("t", [1, 5, -1, 3], r"\.t: row 2 \(recording 1: t=-1, unit=2\), expected ticks >= 0"),
        ("t", [1, 5, 3, 0], r"\.t: row 3 .*order by t, then unit"),
        ("t", [1, 10, 0, 3], r"\.t: row 1 .*below the recording's duration"),
        ("unit", [0, 1, 24, 3], r"\.unit: row 2 .*0 <= unit < 24"),
        ("unit", [0, 1, 2], r"\.unit: has 3 rows but t has 4"),
        ("unit", [0, 1, 2**31, 3], r"\.unit: values do not fit int32"),
        ("offsets", [0, 4], r"\.offsets: has 2 rows, expected 3"),
        ("offsets", [0, 3, 3], r"\.offsets: expected to rise from 0 to the 4 rows"),
        ("durations", [10], r"\.durations: has 1 rows"),
        ("durations", [10, -1], r"\.durations: recording 1 has -1"),
        ("labels", [0, 2], r"\.labels: recording 1 has 2, expected 0 <= label < 2 classes"),
    ],
)
def test_a_bad_column_is_refused_by_name_and_row(column, value, words):
    columns: dict[str, Any] = GOOD | {column: value}
    with pytest.raises(InvalidValue, match=words):
        EventDataset(**columns, shape=SHAPE, clock=US, classes="ab", name="bad")


def test_recordings_of_another_kind_are_refused():
    one = Events.sorted([1], [1], shape=SHAPE, clock=US)
    for other, words in (
        (Events.sorted([1], [1], shape=(5,), clock=US), "recording 1 has shape"),
        (Events.sorted([1], [1], shape=SHAPE, clock=Clock(1 * ms)), "recording 1 has shape"),
        (Events.sorted([1], [1], shape=SHAPE, clock=US, value=[2.0]), "graded"),
    ):
        with pytest.raises(InvalidValue, match=words):
            made([one, other], [0, 0])
    with pytest.raises(InvalidValue, match="no recordings"):
        made([], [])
    listed: dict[str, Any] = GOOD | {"attributes": {"x": [1]}}
    with pytest.raises(InvalidValue, match=r"attributes\['x'\]: got list"):
        EventDataset(**listed, shape=SHAPE, clock=US, classes="ab", name="x")


def test_a_file_cut_off_anywhere_is_refused(tmp_path):
    path = tmp_path / "toy.h5"
    toy().save(path)
    raw = path.read_bytes()
    for length in [0, 1, 7, *np.linspace(8, len(raw) - 1, 25).astype(int)]:
        path.write_bytes(raw[:length])
        with pytest.raises(CorruptFile, match=r"toy\.h5"):
            EventDataset.load(path)


def test_a_flipped_bit_anywhere_is_refused(tmp_path):
    # byte 2073 or so of an unsealed file makes the HDF5 library loop for ever
    path = tmp_path / "toy.h5"
    toy().save(path)
    raw = path.read_bytes()
    for at in [*range(0, 600, 3), *range(600, len(raw), 11)]:
        damaged = bytearray(raw)
        damaged[at] ^= 1 << at % 8
        path.write_bytes(damaged)
        with pytest.raises(CorruptFile, match=r"toy\.h5"):
            EventDataset.load(path)


def altered(path, change):
    """A file with other contents under a right checksum, made without the code under test."""
    toy().save(path)
    with h5py.File(path, "r+") as file:
        change(file)
    raw = path.read_bytes()[512:]
    line = f"neuro.EventDataset/1 sha256 {hashlib.sha256(raw).hexdigest()}\n"
    path.write_bytes(line.encode().ljust(512, b"\0") + raw)
    return path


def test_the_file_is_plain_hdf5_that_other_programs_can_read(tmp_path):
    path = tmp_path / "toy.h5"
    toy().save(path)
    with h5py.File(path) as file:
        assert set(file) == {"t", "unit", "offsets", "durations", "labels"}
    assert EventDataset.load(altered(path, lambda file: None)) == toy()


def test_contents_are_checked_also_under_a_right_checksum(tmp_path):
    def other_dtype(file):
        del file["t"]
        file["t"] = np.zeros(240)

    def outside(file):
        file["unit"][3] = 24

    def no_class(file):
        file["labels"][0] = 3

    def no_column(file):
        del file["t"]

    def no_header(file):
        del file.attrs["header"]

    def no_table(file):
        del file["t"]
        file.create_group("t")

    for change, words in (
        (other_dtype, "'t' has dtype float64"),
        (outside, "row 3 .*0 <= unit < 24"),
        (no_class, "recording 0 has 3"),
        (no_column, "'t'"),
        (no_header, "header"),
        (no_table, "'t' is not a data set"),
    ):
        with pytest.raises(CorruptFile, match=words):
            EventDataset.load(altered(tmp_path / "toy.h5", change))


def test_a_file_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "other.h5"
    path.write_text("not HDF5")
    with pytest.raises(CorruptFile, match=r"other\.h5: not a neuro\.EventDataset"):
        EventDataset.load(path)
    with h5py.File(path, "w") as file:
        file["x"] = [1]
    with pytest.raises(CorruptFile, match=r"begins with .*HDF"):
        EventDataset.load(path)
    with pytest.raises(FileNotFoundError, match=r"none\.h5"):
        EventDataset.load(tmp_path / "none.h5")


@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "disk full"), KeyboardInterrupt()])
def test_a_full_disk_or_an_interrupt_leaves_the_old_file(failure, tmp_path, monkeypatch):
    path = tmp_path / "toy.h5"
    toy().save(path)

    def fail(*_args, **_options):
        raise failure

    monkeypatch.setattr(h5py.Group, "create_dataset", fail)
    with pytest.raises(type(failure)):
        toy().select([0]).save(path)
    monkeypatch.undo()
    assert EventDataset.load(path) == toy()
    assert [p.name for p in tmp_path.iterdir()] == ["toy.h5"]
