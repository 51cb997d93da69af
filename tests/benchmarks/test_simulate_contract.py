"""The simulation benchmark: what its JSON promises, and that its networks are what they say.

No test here looks at a time.
"""

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "benchmarks" / "simulate.py"


@pytest.fixture
def spec(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The benchmark's networks, which lie beside the package."""
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    import contest.spec

    return contest.spec


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_json_has_the_keys_that_readers_rely_on(tmp_path: Path) -> None:
    out = tmp_path / "simulate.json"
    done = run("--json", "--quick", "--peers", "none", "--networks", "cuba_4000", "--out", str(out))
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout.splitlines()[-1])
    assert json.loads(out.read_text()) == printed
    assert out.with_suffix(".png").stat().st_size > 10_000
    assert printed["ratio_best_peer"] is None  # no peer, no figure
    assert printed["fresh_process_s"] > 0
    limits = printed["limits"]
    assert {f"scatter_events_per_s_{n}" for n in (1, 2)} | {"copy_bytes_per_s_2"} == set(limits)
    assert min(limits.values()) > 0
    (row,) = printed["networks"]
    assert row["name"] == "cuba_4000" and row["peers"] == {} and row["ratio"] is None
    ours = row["ours"]
    assert {"build_s", "compile_s", "run_s", "peak_mb", "rate_hz"} <= set(ours)
    assert ours["dtype"] == "float32" and ours["threads"] in (1, 2)
    one, two = (row["ours_by_threads"][n] for n in ("1", "2"))
    assert one["rate_hz"] == two["rate_hz"] > 0  # the same spikes on any number of threads
    assert str(ROOT) not in done.stdout  # no path of this machine


def test_a_wrong_network_is_answered_with_the_right_ones() -> None:
    done = run("--networks", "cuba_4001")
    assert done.returncode == 2
    assert "'cuba_4001' matches none of" in done.stderr and "cuba_4000" in done.stderr


def test_ratio_is_of_the_quickest_peer(tmp_path: Path) -> None:
    """The table and the picture of a given result, without measuring."""
    figures = {"build_s": 1.0, "compile_s": 1.0, "peak_mb": 1.0, "rate_hz": 5.0}
    row = {
        "name": "cuba_4000", "ours": {**figures, "run_s": 0.5}, "ratio": 3.0,
        "peers": {"nest_1": {**figures, "run_s": 1.5}, "brian2_cpp": {**figures, "run_s": 2.0}},
    }  # fmt: skip
    given = tmp_path / "given.json"
    given.write_text(json.dumps({"networks": [row], "ratio_best_peer": 3.0}))
    done = run("--read", str(given), "--out", str(tmp_path / "again.json"))
    assert done.returncode == 0, done.stderr
    assert "| cuba_4000 | 0.500 | 1.500 | 2.000 | 3.00 |" in done.stdout
    assert (tmp_path / "again.png").exists()


def test_networks_have_the_sizes_of_their_papers(spec: ModuleType) -> None:
    built = {name: build() for name, build in spec.NETWORKS.items()}
    sizes = {name: (s.neurons, s.synapses) for name, s in built.items()}
    for neurons in (4000, 16000, 64000):
        assert sizes[f"cuba_{neurons}"] == (neurons, 80 * neurons)
    assert sizes["brunel_12500"] == (12_500, 12_500 * 1250)
    neurons, synapses = sizes["microcircuit_1.0"]
    assert neurons == 77_169 and abs(synapses / 298_958_137 - 1) < 1e-3


def test_what_contestants_receive_is_the_whole_network(spec: ModuleType) -> None:
    for build in spec.NETWORKS.values():
        given = build()
        assert spec.Spec.from_plain(json.loads(json.dumps(given.plain()))) == given
        assert given.tiny().neurons < 1000
        for v in given.tiny().potentials().values():
            assert np.all(v < given.constants["v_th"])
