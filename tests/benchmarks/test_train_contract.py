"""The training benchmark: what its JSON promises, and that all contestants get the same work.

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
SCRIPT = ROOT / "benchmarks" / "train.py"


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    """The benchmark's own modules, which lie beside the package."""
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    import contestant
    import report
    import train
    import workload

    return {"contestant": contestant, "report": report, "train": train, "workload": workload}


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict:
    out = tmp_path_factory.mktemp("bench") / "train.json"
    names = "fc-b128-t100-2%,shd-b128-t100-20%,recurrent-b128-t100-2%"
    command = [sys.executable, str(SCRIPT), "--json", "--quick", "--peers", "none"]
    command += ["--threads", "1", "--workloads", names, "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert out.with_suffix(".png").stat().st_size > 10_000
    printed = json.loads(done.stdout.splitlines()[-1])
    assert json.loads(out.read_text()) == printed
    return printed


def test_json_has_the_keys_that_readers_rely_on(result: dict) -> None:
    assert {"ratio_best_peer", "ratio_dense", "workloads"} <= set(result)
    assert result["ratio_best_peer"] is None  # no peer, no figure
    fc, shd, recurrent = result["workloads"]
    assert result["ratio_dense"] == fc["ours_ms"] / fc["dense_ms"]
    assert (fc["name"], shd["name"]) == ("fc-b128-t100-2%", "shd-b128-t100-20%")
    for row in (fc, shd, recurrent):
        assert row["ours_ms"] > 0 and row["dense_ms"] > 0 and row["peers"] == {}
        assert isinstance(row["peak_mb"], float)
    assert fc["scan_ms"] > 0
    assert recurrent["scan_ms"] is None  # its neurons cannot run without their products


def test_spikes_are_those_of_plain_numpy(result: dict, modules: dict[str, ModuleType]) -> None:
    workload = modules["workload"]
    for row in result["workloads"]:
        work = next(w for w in workload.WORKLOADS if w.name == row["name"]).tiny()
        spikes = work.spikes()
        for weight, feedback in zip(work.weights(), work.feedback(), strict=True):
            v = emitted = np.zeros((work.batch, len(weight)), np.float32)
            layer = []
            for x in spikes:
                back = 0 if feedback is None else emitted @ feedback.T
                v = workload.BETA * v + x @ weight.T + back
                emitted = (v > workload.V_TH).astype(np.float32)
                v = v - emitted * workload.V_TH
                layer.append(emitted)
            spikes = np.stack(layer)
        assert row["rate"]["ours"] == pytest.approx(spikes.mean(), abs=1e-9)


def test_layers_fire_at_a_few_per_cent(modules: dict[str, ModuleType]) -> None:
    work = next(w for w in modules["workload"].WORKLOADS if w.name == "fc-b16-t100-2%")
    x, (weight,) = work.spikes(), work.weights()
    assert x.shape == (100, 16, 700) and x.mean() == pytest.approx(0.02, rel=0.02)
    v, fired = np.zeros((16, 1000)), 0.0
    for now in x:
        v = 0.9 * v + now @ weight.T
        fired += (v > 1).mean() / len(x)
        v -= v > 1
    assert 0.01 < fired < 0.06


def test_headline_ratios_are_the_worst_case_and_the_named_workload(
    modules: dict[str, ModuleType],
) -> None:
    def row(name: str, density: float, ours: float, dense: float, **peers: float) -> dict:
        return {
            "name": name, "density": density, "ours_ms": ours, "dense_ms": dense, "peers": peers,
        }  # fmt: skip

    rows = [
        row("fc-b16-t100-2%", 0.02, 10.0, 20.0, a=50.0, b=30.0),
        row("fc-b128-t100-2%", 0.02, 100.0, 250.0, a=400.0, b=900.0),
        row("fc-b128-t100-20%", 0.2, 100.0, 250.0, a=100.0),  # not at 2 %
        row("shd-b128-t100-2%", 0.02, 100.0, 80.0, a=100.0),  # not a first layer alone
    ]
    assert modules["report"].summary(rows) == {"ratio_best_peer": 3.0, "ratio_dense": 0.4}
    assert modules["report"].summary(rows[2:]) == {"ratio_best_peer": None, "ratio_dense": None}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--peers", "jax,norse"], ["not installed", "jax, norse", "make bench"]),
        ([], ["not installed", "snntorch", "make bench"]),
        (["--peers", "keras"], ["'keras' is unknown", "spikingjelly"]),
        (["--peers", "none", "--workloads", "gc*"], ["gc* matches none", "fc-b16-t100-2%"]),
        (["--peers", "none", "--rounds", "0"], ["--rounds: got 0"]),
    ],
)
def test_bad_options_are_refused_with_the_remedy(
    given: list[str],
    said: list[str],
    modules: dict[str, ModuleType],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(modules["contestant"], "ENVIRONMENTS", tmp_path)
    monkeypatch.setattr(sys, "argv", ["train.py", *given])
    with pytest.raises(SystemExit) as stopped:
        modules["train"].arguments()
    assert stopped.value.code == 2
    message = capsys.readouterr().err
    for words in said:
        assert words in message


def test_every_peer_has_a_worker_and_its_requirements(modules: dict[str, ModuleType]) -> None:
    folder = SCRIPT.parent / "peers"
    for name in modules["contestant"].PEERS:
        assert (folder / f"{name}.py").exists()
        assert name in (folder / f"{name}.txt").read_text()
