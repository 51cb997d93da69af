"""The fuzzer finds faults that are there, none where there is none, and every format stands it."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuro.clock import Clock
from neuro.errors import CorruptFile, DamagedFile, InvalidValue
from neuro.events import Events
from neuro.formats import Recording, formats, read_events, read_recording, write_events
from neuro.units import ms, us

ROOT = Path(__file__).parents[2]
STAND_IN = "tests.formats.fuzz_stand_in"


def run(folder: Path, *arguments: str) -> tuple[int, dict]:
    command = [sys.executable, "-m", "tests.fuzz_formats", "--json", "--keep", str(folder)]
    done = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, cwd=ROOT, timeout=300
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout.splitlines()[-1])


def test_a_sound_format_stands_it(tmp_path: Path) -> None:
    code, result = run(tmp_path, "--seconds", "4", "--module", STAND_IN, "--format", "sound")
    assert result["findings"] == [] and code == 0
    row = result["formats"]["sound"]
    assert row["inputs"] > row["guided"] > 20
    assert row["corpus"] > 3  # some changed files took new ways
    assert 10 < result["peak_mb"] < 512


def test_a_fault_behind_two_conditions_is_found_and_its_file_kept_small(tmp_path: Path) -> None:
    code, result = run(tmp_path, "--seconds", "8", "--module", STAND_IN, "--format", "faulty")
    assert code == 1 and result["crashes"] == len(result["findings"]) > 0
    (fault,) = (f for f in result["findings"] if f["what"].startswith("KeyError"))
    raw = Path(fault["file"]).read_bytes()
    assert raw[:4] == b"FUZZ" and raw[4] > 200 and raw[5] > 100
    assert len(raw) <= 8


@pytest.mark.skipif(not formats(), reason="no formats are registered")
def test_every_format_stands_a_few_seconds(tmp_path: Path) -> None:
    code, result = run(tmp_path, "--seconds", "5")
    assert result["findings"] == [] and code == 0


FOUND = {  # what the fuzzer once found
    "es": "4576656e742053747265616d02000001ffffffff7f00000000",
    "aedat3": "23214145522d444154332e0a2353656e736f722d53697a653a380a2321454e442d4845414445520a0100"
    "0100080000000400000000000000190000001900000019000000c9000000005700c4",
    "npy": "934e554d505901000a007b2761273a202828310a",
}  # fmt: skip


@pytest.mark.parametrize("name", FOUND)
@pytest.mark.parametrize("errors", ["raise", "keep"])
def test_what_was_found_once_is_refused_now(name: str, errors: Any, tmp_path: Path) -> None:
    path = tmp_path / f"file{next(f for f in formats() if f.name == name).suffixes[0]}"
    path.write_bytes(bytes.fromhex(FOUND[name]))
    with pytest.raises(CorruptFile, match="file"):
        read_recording(path, format=name, errors=errors)


@pytest.mark.parametrize("kind", [1, 3])  # polarity events, and IMU samples that are stepped over
def test_a_packet_larger_than_64_bits_is_no_packet(kind: int, tmp_path: Path) -> None:
    huge = struct.pack("<HH6I", kind, 1, 0xF0000000, 4, 0, 0xFF000000, 0xFF000000, 0)
    for more in (b"", bytes(100)):
        path = tmp_path / "file.aedat3"
        path.write_bytes(b"#!AER-DAT3.1\r\n#!END-HEADER\r\n" + huge + more)
        with pytest.raises(CorruptFile, match="at byte 28: "):
            read_events(path, sensor=(2, 8, 8))
        with pytest.warns(DamagedFile, match=f"{28 + len(more)} bytes could not be read"):
            assert len(read_events(path, errors="keep", sensor=(2, 8, 8))) == 0


def test_a_numpy_file_of_python_2_is_read_without_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "file.npy"
    np.save(path, np.array([(1, 2, 3, 1)], [(n, "<i8") for n in ("t", "x", "y", "p")]))
    old = path.read_bytes().replace(b"'shape': (1,)", b"'shape': (1L,)").replace(b" \n", b"\n", 1)
    path.write_bytes(old)
    assert len(read_recording(path).events) == 1


def test_events_that_no_sensor_holds_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.npy"
    rows = np.array([(1, 60_000, 60_000, 1)], [(n, "<i8") for n in ("t", "x", "y", "p")])
    np.save(path, rows)
    with pytest.raises(CorruptFile, match=r"\(2, 60001, 60001\) has 7200240002 units"):
        read_recording(path)


def test_a_sensor_without_rows_is_refused_for_a_camera(tmp_path: Path) -> None:
    path = tmp_path / "file.es"
    write_events(path, Events.sorted([1, 2], [0, 3], shape=(2, 2, 2), clock=Clock(1 * us)))
    with pytest.raises(InvalidValue, match=r"sensor is \(16,\), expected sensor=\(2, rows"):
        read_recording(path, sensor=(16,))


def test_answers_that_contradict_each_other_are_told(tmp_path: Path) -> None:
    from tests import fuzz_verdicts as fuzz

    def recording(count: int, problems: tuple[str, ...] = ()) -> Recording:
        events = Events.sorted(range(count), [0] * count, shape=3, clock=Clock(1 * ms))
        return Recording(events, "x", {}, len(problems), problems)

    told = [
        fuzz.contradiction("x", tmp_path, recording(3), recording(3)),
        fuzz.contradiction("x", tmp_path, recording(3), recording(2)),
        fuzz.contradiction("x", tmp_path, recording(3), CorruptFile("bad")),
        fuzz.contradiction("x", tmp_path, CorruptFile("bad"), recording(3)),
        fuzz.contradiction("x", tmp_path, CorruptFile("bad"), CorruptFile("bad")),
    ]
    assert told[0] == told[4] == ""
    assert "though there is no damage" in told[1]
    assert "refused with errors='keep'" in told[2]
    assert "passed over in silence" in told[3]


def test_rows_are_compared_with_how_often_they_occur() -> None:
    from tests.fuzz_verdicts import contains

    few = np.array([[1, 2], [1, 2]])
    assert contains(np.array([[1, 2], [0, 0], [1, 2]]), few)
    assert not contains(np.array([[1, 2], [0, 0]]), few)


def test_alike_errors_are_one() -> None:
    from tests.fuzz_verdicts import worded

    assert worded("at byte 12: b'a\\'b', got 0.5") == worded("at byte 7: b'', got 99")
