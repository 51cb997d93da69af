"""The event benchmark: what its JSON promises, and that its loop sees what the camera sees.

No test here looks at a time.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from neuro.encode import EventCamera, saccades
from neuro.formats import formats

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "benchmarks" / "events.py"


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    """The benchmark's own modules, which lie beside the package."""
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    import contest.events_camera
    import contest.events_readers
    import events

    return {
        "camera": contest.events_camera, "readers": contest.events_readers, "events": events,
    }  # fmt: skip


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_json_has_the_keys_that_readers_rely_on(tmp_path: Path) -> None:
    out = tmp_path / "events.json"
    done = run("--json", "--quick", "--peers", "none", "--out", str(out))
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout.splitlines()[-1])
    assert json.loads(out.read_text()) == printed
    writable = [f.name for f in formats() if f.writable]
    assert [row["name"] for row in printed["formats"]] == writable
    for row in printed["formats"]:
        assert row["ours_Mev_s"] > 0 and row["peers"] == {} and row["ratio"] is None
        assert row["read"] == {"neuro": row["events"]}  # nothing was lost on the way
    binning = printed["binning"]
    assert binning["ours"] > 0 and binning["tonic"] is None and binning["ratio"] is None
    assert binning["counted"] == {"neuro": binning["events"]}
    camera = printed["camera"]
    assert camera["images_s"] > 0 and camera["numpy_loop_images_s"] > 0
    assert camera["ratio"] == camera["images_s"] / camera["numpy_loop_images_s"]
    seen = camera["events_of_the_same_images"]
    assert seen["ours"] == pytest.approx(seen["numpy_loop"], rel=1e-3) and seen["ours"] > 1000
    assert str(ROOT) not in done.stdout  # no path of this machine


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--peers", "none", "--formats", "evt9"], ["evt9 matches none of", "evt3"]),
        (["--peers", "none", "--rounds", "0"], ["--rounds: got 0"]),
        (["--python", "nowhere/python"], ["not installed", "make bench-events"]),
    ],
)
def test_bad_options_are_refused_with_the_remedy(given: list[str], said: list[str]) -> None:
    done = run(*given)
    assert done.returncode != 0
    for words in said:
        assert words in done.stderr


def test_the_plain_loop_sees_the_same_events_as_the_camera(
    modules: dict[str, ModuleType],
) -> None:
    """One more independent statement of what an event is: levels that a straight line crosses."""
    pictures = modules["camera"].pictures(3)
    seen = EventCamera(threshold=0.25, refractory=0.0).columns(*saccades(pictures))
    for k, one in enumerate(pictures):
        t, unit = modules["camera"].loop_camera(one, modules["camera"].eye(), 0.25)
        rows = np.s_[seen.offsets[k] : seen.offsets[k + 1]]
        # A pixel that returns to the dark meets its first level exactly, where rounding decides:
        # one event more or less, in few pixels
        assert abs(len(unit) - (rows.stop - rows.start)) < 0.005 * len(unit)
        ours = np.bincount(seen.unit[rows], minlength=2 * 34 * 34)
        loop = np.bincount(unit, minlength=2 * 34 * 34)
        assert (ours != loop).mean() < 0.02 and np.abs(ours - loop).max() <= 1
        assert abs(t.mean() - seen.t[rows].mean()) < 1000


def test_the_numpy_loop_sees_the_very_events_of_the_camera(modules: dict[str, ModuleType]) -> None:
    pictures, weights = modules["camera"].pictures(4, seed=2), modules["camera"].eye()
    for refractory in (0.0, 1e-3):
        camera = EventCamera(threshold=0.25, refractory=refractory)
        seen = camera.columns(*saccades(pictures))
        for k, one in enumerate(pictures):
            t, unit = modules["camera"].numpy_camera(one, weights, 0.25, refractory)
            rows = np.s_[seen.offsets[k] : seen.offsets[k + 1]]
            np.testing.assert_array_equal(t, seen.t[rows])
            np.testing.assert_array_equal(unit, seen.unit[rows])


def test_pictures_are_strokes_on_black(modules: dict[str, ModuleType]) -> None:
    made = modules["camera"].pictures(20, seed=1)
    assert made.shape == (20, 28, 28) and made.min() == 0 and made.max() == 1
    assert 0.05 < (made > 0.5).mean() < 0.4
    np.testing.assert_array_equal(made, modules["camera"].pictures(20, seed=1))


@pytest.mark.parametrize("shape", [(2, 60, 80), (50,)])
def test_recordings_have_as_many_events_as_they_say(
    shape: tuple[int, ...], modules: dict[str, ModuleType]
) -> None:
    for count in (1, 1001):
        events = modules["events"].recording(count, shape)
        assert len(events) == count and events.shape == shape


def test_every_peer_that_reads_is_among_the_requirements(modules: dict[str, ModuleType]) -> None:
    required = (SCRIPT.parent / "peers" / "events.txt").read_text()
    readers = modules["readers"]
    for names in readers.READS.values():
        for name in names:
            assert readers.PACKAGES[name] in required or name == "numpy"
            assert name in readers.READERS


def test_the_table_names_the_best_peer(modules: dict[str, ModuleType]) -> None:
    row = {"name": "evt3", "ours_Mev_s": 50.0, "peers": {"a": 10.0, "b": 25.0}, "ratio": 2.0}
    alone = {"name": "npz", "ours_Mev_s": 5.0, "peers": {}, "ratio": None}
    result = {
        "formats": [row, alone], "binning": {"ours": 8.0, "tonic": 2.0, "ratio": 4.0},
        "camera": {
            "images_s": 100.0, "numpy_loop_images_s": 10.0, "ratio": 10.0,
            "lean_loop_images_s": 20.0, "ratio_lean": 5.0,
        },
    }  # fmt: skip
    lines = modules["events"].table(result).splitlines()
    assert lines[0] == "| format | neuro | a | b | neuro / best peer |"
    assert lines[2] == "| evt3 | 50.0 | 10.0 | 25.0 | 2.00 |"
    assert lines[3] == "| npz | 5.0 |  |  |  |"
