"""Every recipe's quick run ends with JSON that lies in the range its card states."""

import json
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from neuro.checkpoint import load_network
from neuro.export import read_nir
from neuro.recipe import find, recipes


@pytest.mark.parametrize("name", sorted(recipes()))
def test_quick_run_reaches_what_its_card_states(name: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = subprocess.run(
        [sys.executable, "-m", "neuro.cli", "run", name, "--quick", "--seed", "1", "--json",
         "--out", str(out)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads(done.stdout.splitlines()[-1])
    assert results == json.loads((out / "metrics.json").read_text())
    card = json.loads((find(name).folder / "expected.json").read_text())
    for figure, (low, high) in card["quick"].items():
        assert low <= results[figure] <= high, f"{figure} = {results[figure]}"
    if name == "digits":
        assert results["nir_spikes_equal"] is True
        assert read_nir(out / "network.nir") == load_network(out / "network.safetensors")
        HTMLParser().feed((out / "report.html").read_text())
        assert 0 < results["synops_per_sample"] < results["dense_synops_per_sample"]


def test_the_script_is_the_same_as_the_command() -> None:
    script = find("digits").folder / "run.py"
    done = subprocess.run(
        [sys.executable, str(script), "--help"], capture_output=True, text=True, check=True
    )
    assert "--quick" in done.stdout
