"""A prepared set is read back only for the same source, transform and version."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import numpy as np
import pytest

from neuro.clock import Clock
from neuro.data import cache
from neuro.data.cache import cached, clear, entries
from neuro.data.dataset import EventDataset
from neuro.errors import DamagedFile, InvalidValue
from neuro.events import Events
from neuro.units import us

CLOCK = Clock(1 * us)


def dataset(seed: int) -> EventDataset:
    rng = np.random.default_rng(seed)
    recordings = [
        Events.sorted(rng.integers(0, 99, 20), rng.integers(0, 5, 20), shape=5, clock=CLOCK)
        for _ in range(4)
    ]
    return EventDataset.from_events(recordings, [0, 1, 0, 1], classes=("a", "b"), name=str(seed))


class Maker:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> EventDataset:
        self.calls += 1
        return dataset(self.calls)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "source.bin").write_bytes(b"content")
    return tmp_path / "source.bin"


def test_the_second_call_reads_what_the_first_made(source: Path, tmp_path: Path) -> None:
    make = Maker()
    first = cached(source, {"bins": 10}, make, folder=tmp_path / "c")
    second = cached(str(source), {"bins": 10}, make, folder=tmp_path / "c")
    assert make.calls == 1 and first == second == dataset(1)


def test_anything_that_matters_makes_it_anew(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, folder = Maker(), tmp_path / "c"
    for transform in (
        {"bins": 10}, {"bins": 10.0}, {"bins": "10"}, {"bins": True}, {"bins": 1}, {"bins": [10]},
        {"bins": None}, {}, "bins", ["bins", 10], [["bins"], 10], {"bins": {"10": 10}},
    ):  # fmt: skip
        before = make.calls
        cached(source, transform, make, folder=folder)  # type: ignore[arg-type]
        assert make.calls == before + 1, transform
    before = make.calls
    stamp = source.stat()
    source.write_bytes(b"CONTENT")  # as long, and as old
    os.utime(source, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    cached(source, {"bins": 10}, make, folder=folder)
    monkeypatch.setattr("neuro.__version__", "99.0")
    cached(source, {"bins": 10}, make, folder=folder)
    monkeypatch.setattr(cache, "FORMAT", "another")
    cached(source, {"bins": 10}, make, folder=folder)
    assert make.calls == before + 3


def test_a_folder_counts_with_the_names_in_it(tmp_path: Path) -> None:
    make, data = Maker(), tmp_path / "data"
    (data / "0").mkdir(parents=True)
    (data / "0" / "a").write_bytes(b"1")
    cached(data, "t", make, folder=tmp_path / "c")
    cached(data, "t", make, folder=tmp_path / "c")
    assert make.calls == 1
    (data / "0" / "a").rename(data / "0" / "b")
    cached(data, "t", make, folder=tmp_path / "c")
    cached([data, data], "t", make, folder=tmp_path / "c")
    assert make.calls == 3


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "other"])
def test_a_damaged_entry_is_told_and_made_again(source: Path, tmp_path: Path, damage: str) -> None:
    make, folder = Maker(), tmp_path / "c"
    cached(source, "t", make, folder=folder)
    path = entries(folder)[0].path
    raw = bytearray(path.read_bytes())
    if damage == "flip":
        raw[len(raw) // 2] ^= 1
    path.write_bytes({"flip": raw, "cut": raw[:-9], "empty": b"", "other": b"<html>" * 999}[damage])
    with pytest.warns(DamagedFile, match="made again"):
        again = cached(source, "t", make, folder=folder)
    assert make.calls == 2 and again == dataset(2)
    assert cached(source, "t", make, folder=folder) == dataset(2) and make.calls == 2


def test_a_failure_leaves_nothing_to_be_served(source: Path, tmp_path: Path) -> None:
    def fail() -> EventDataset:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached(source, "t", fail, folder=tmp_path / "c")
    assert entries(tmp_path / "c") == []
    assert cached(source, "t", Maker(), folder=tmp_path / "c") == dataset(1)


def _work(source: str, folder: str, log: str) -> None:
    def make() -> EventDataset:
        with open(log, "a") as file:
            file.write("made\n")
        return dataset(7)

    assert cached(source, "t", make, folder=folder) == dataset(7)


def test_processes_that_ask_at_once_make_it_once(source: Path, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    given = (str(source), str(tmp_path / "c"), str(tmp_path / "log"))
    runs = [context.Process(target=_work, args=given) for _ in range(3)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert [run.exitcode for run in runs] == [0, 0, 0]
    assert (tmp_path / "log").read_text() == "made\n"


def test_the_cache_is_listed_and_cleared(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEURO_CACHE", str(tmp_path / "home"))
    assert entries() == [] and clear() == (0, 0)
    cached(source, {"bins": 10}, Maker())
    cached(source, {"bins": 20}, Maker())
    found = entries()
    assert {e.sources for e in found} == {(str(source),)}
    assert sum(e.bytes for e in found) == sum(
        p.stat().st_size for p in (tmp_path / "home" / "prepared").glob("*.h5")
    )
    assert clear() == (2, sum(e.bytes for e in found))
    assert entries() == []


def test_bad_input_is_refused(source: Path, tmp_path: Path) -> None:
    for bad in (object(), {"f": print}, {1: 2}, [np.float32(1)]):
        with pytest.raises(InvalidValue, match=r"cached\.transform"):
            cached(source, bad, Maker(), folder=tmp_path)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError, match="no file or folder"):
        cached(tmp_path / "none", "t", Maker(), folder=tmp_path)
    with pytest.raises(InvalidValue, match="expected an EventDataset"):
        cached(source, "t", lambda: 3, folder=tmp_path)  # type: ignore[arg-type,return-value]
