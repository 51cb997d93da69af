"""The command line, as a user meets it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from neuro import LI, LIF, Clock, Events, feedforward, ms, us
from neuro.checkpoint import save_network, save_tree
from neuro.data import EventDataset, write_nmnist
from neuro.export import write_nir

NETWORK = feedforward(3, LIF(4), LI(2), clock=Clock(1 * ms), seed=0)


def neuro(*words: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "neuro.cli", *map(str, words)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done


def last_json(*words: object) -> dict:
    return json.loads(neuro(*words, "--json").stdout.splitlines()[-1])


def events() -> Events:
    shape = (2, 34, 34)
    return Events.sorted([5, 9, 9], [0, 40, 1200], shape=shape, clock=Clock(1 * us), duration=20)


def test_recipes_are_listed_with_paper_and_task() -> None:
    listed = last_json("run", "--list")["recipes"]
    assert all(set(recipe) == {"name", "paper", "task"} for recipe in listed)
    assert "digits" in [recipe["name"] for recipe in listed]
    assert "digits" in neuro("run").stdout


def test_an_unknown_recipe_suggests_the_nearest() -> None:
    done = neuro("run", "digit", code=1)
    assert "Did you mean 'digits'" in done.stderr and "Traceback" not in done.stderr


def test_a_recipe_explains_its_own_options() -> None:
    text = neuro("run", "digits", "--help").stdout
    assert all(option in text for option in ("--quick", "--seed", "--out", "--json", "--data"))


def test_doctor_names_versions_and_threads() -> None:
    facts = last_json("doctor")
    assert facts["packages"]["numpy"] == np.__version__
    assert facts["torch"]["threads"] >= 1 and "python" in facts
    assert "numpy" in neuro("doctor").stdout


def test_info_tells_kinds_apart_by_content(tmp_path: Path) -> None:
    write_nir(NETWORK, tmp_path / "a")
    save_network(NETWORK, tmp_path / "b")
    save_tree(tmp_path / "c", {"state_dict": {}, "epoch": 3, "global_step": 12})
    dataset = EventDataset.from_events([events()], [1], classes=["x", "y"], name="set")
    dataset.save(tmp_path / "d")
    write_nmnist(tmp_path / "e.bin", events())
    facts = {name: last_json("info", tmp_path / name) for name in ("a", "b", "c", "d", "e.bin")}
    assert facts["a"]["fingerprint"] == facts["b"]["fingerprint"] == NETWORK.fingerprint
    assert facts["a"]["kind"] == "NIR network" and facts["b"]["neurons"] == 6
    assert facts["c"]["epoch"] == 3
    assert facts["d"]["events"] == facts["e.bin"]["events"] == 3
    assert "LIF(4)" in neuro("info", tmp_path / "b").stdout


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.txt", b"hello world, this is text", "begins with b'hello wor"),
        ("x.nir", b"\x89HDF\r\n\x1a\n" + bytes(50), "x.nir"),
        ("x.safetensors", b"\xff\xff\xff\xff\x00\x00\x00\x00{}", "damaged safetensors"),
        ("x.bin", bytes(7), "x.bin"),
        ("empty", b"", "the file is empty"),
    ],
)
def test_info_refuses_damaged_and_foreign_files(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    done = neuro("info", tmp_path / name, code=1)
    assert message in " ".join(done.stderr.split()) and "Traceback" not in done.stderr


def test_info_of_a_missing_file_says_so(tmp_path: Path) -> None:
    done = neuro("info", tmp_path / "nowhere.nir", code=1)
    assert "no such file" in done.stderr and "Traceback" not in done.stderr
