"""Spike trains of NWB files keep their units, and contradictions in the table are named."""

from __future__ import annotations

import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from neuro.clock import Clock
from neuro.errors import CorruptFile, Unsupported
from neuro.formats import detect, read_events, read_recording, stream_events, write_events
from neuro.formats.nwb import NWB
from neuro.units import ms, us


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["neuro.formats.detect"], "formats", lambda: (NWB,))


def table(path: Path, trains: list[list[float]], ends: list[int] | None = None) -> Path:
    """The part of an NWB file that holds spikes, as the schema of NWB 2 lays it out."""
    with h5py.File(path, "w") as file:
        file.attrs["nwb_version"] = "2.7.0"
        units = file.create_group("units")
        units.attrs["neurodata_type"] = "Units"
        units["id"] = np.arange(len(trains))
        units["spike_times"] = np.array([t for train in trains for t in train], "<f8")
        units["spike_times"].attrs["resolution"] = 1 / 30000
        last = np.cumsum([len(t) for t in trains]) if ends is None else ends
        units["spike_times_index"] = np.array(last, "u1")
    return path


def test_units_keep_their_spikes(tmp_path: Path) -> None:
    trains = [[0.5, 1.25, 1.25], [], [0.000001, 0.5], [3.0]]
    path = table(tmp_path / "a.nwb", trains)
    assert detect(path).name == "nwb"
    recording = read_recording(path)
    events = recording.events
    assert (events.shape, events.clock, len(events)) == ((4,), Clock(1 * us), 6)
    for unit, train in enumerate(trains):
        assert events.t[events.unit == unit].tolist() == [round(t * 1e6) for t in train]
    assert recording.facts["units"] == 4
    assert recording.facts["resolution_s"] == pytest.approx(1 / 30000)
    assert read_events(path, clock=Clock(1 * ms)).t.tolist() == [0, 500, 500, 1250, 1250, 3000]
    chunks = list(stream_events(path, chunk=2))
    assert [len(c) for c in chunks] == [1, 2, 2, 1]


def test_this_process_reads_what_a_child_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = table(tmp_path / "a.nwb", [[0.5, 1.25, 1.25], [], [0.000001, 0.5]])
    child = read_events(path)
    isolated = sys.modules["neuro.formats.isolated"].run
    monkeypatch.setattr(
        "neuro.formats.nwb.run", lambda *task, **how: isolated(*task, **how, trusted=True)
    )
    assert read_events(path) == child


@pytest.mark.parametrize(
    ("trains", "ends", "message"),
    [
        ([[0.5], [0.75]], [2, 1], "no rising list"),
        ([[0.5], [0.75]], [1, 3], "no rising list up to the 2 rows"),
        ([[0.5], [float("inf")]], None, "expected finite seconds"),
        ([[0.5], [-1.0]], None, "time stamp -1000000, expected 0 or later"),
        ([[0.5], [1e300]], None, "does not fit int64"),
    ],
)
def test_contradictions_are_named(
    tmp_path: Path, trains: list[list[float]], ends: list[int] | None, message: str
) -> None:
    with pytest.raises(CorruptFile, match=message):
        read_events(table(tmp_path / "a.nwb", trains, ends))


def test_files_without_spikes_or_cut_ones_are_refused(tmp_path: Path) -> None:
    path = table(tmp_path / "a.nwb", [[0.5]])
    raw = path.read_bytes()
    for length in (9, 600, len(raw) // 2, len(raw) - 1):
        path.write_bytes(raw[:length])
        with pytest.raises(CorruptFile, match=r"a\.nwb"):
            read_events(path)
    with h5py.File(path, "w") as file:
        file["acquisition/x"] = np.zeros(3)
    with pytest.raises(CorruptFile, match="no data set 'units/spike_times'"):
        read_events(path, format="nwb")
    with pytest.raises(Unsupported, match="write"):
        write_events(tmp_path / "b.nwb", read_events(table(path, [[0.5]])), format="nwb")
