"""The benchmark of delays: what its JSON promises, and that all contestants compute the same.

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
SCRIPT = ROOT / "benchmarks" / "delays.py"
DCLS = ROOT / ".bench" / "dcls" / "bin" / "python"


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    """The benchmark's own modules, which lie beside the package."""
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    import contest.contestant
    import contest.delay_layers
    import delays

    return {
        "delays": delays, "layers": contest.delay_layers, "contestant": contest.contestant,
    }  # fmt: skip


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_json_has_the_keys_that_readers_rely_on(tmp_path: Path) -> None:
    out = tmp_path / "delays.json"
    names = "narrow-2%*,wide-20%,triangle-5%-input,evaluation-2%,longest-*"
    done = run("--json", "--quick", "--peers", "plain", "--layers", names, "--out", str(out))
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout.splitlines()[-1])
    assert json.loads(out.read_text()) == printed
    for key in ("ratio_dcls", "memory_ratio_dcls", "ratio_dcls_worst"):
        assert printed[key] is None  # without that peer no figure
        assert printed["reads"][key]
    assert [r["max_delay"] for r in printed["max_delay"]] == [24, 100, 250]
    assert len(printed["layers"]) == 8
    for row in printed["layers"]:
        assert row["ours_ms"] > 0 and row["peers"]["plain"] > 0
        assert isinstance(row["peak_mb"], float)
        found = {"current"} if row["kernel"] == "whole" else {"current", "weight", "delay"}
        found |= {"input"} if row["input_gradient"] else set()
        assert set(row["difference"]["plain"]) == found
        assert row["difference"]["plain"]["current"] < 1e-5
    assert str(ROOT) not in done.stdout  # no path of this machine


@pytest.mark.skipif(not DCLS.exists(), reason="DCLS is not in .bench/dcls: make bench-delays")
def test_the_package_computes_the_same(tmp_path: Path) -> None:
    names = "narrow-2%,narrow-5%,wide-5%-input,triangle-20%,evaluation-5%"
    done = run("--json", "--quick", "--layers", names)
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout.splitlines()[-1])
    rows = {r["name"]: r for r in printed["layers"]}
    assert set(rows) == set(names.split(","))
    for row in rows.values():
        assert row["ratio_dcls"] == row["peers"]["dcls"] / row["ours_ms"]
    stated = [rows["narrow-2%"], rows["narrow-5%"]]
    assert printed["ratio_dcls"] == min(r["ratio_dcls"] for r in stated)
    assert printed["ratio_dcls_worst"] == min(r["ratio_dcls"] for r in rows.values())
    assert printed["memory_ratio_dcls"] == max(r["memory_ratio_dcls"] for r in stated)


def test_a_layer_that_differs_stops_the_benchmark(
    modules: dict[str, ModuleType], tmp_path: Path
) -> None:
    class Fake:
        def __init__(self, off: float) -> None:
            self.off = off

        def ask(self, do: str, **more: str) -> dict[str, float]:
            np.savez(more["file"], current=np.array([1.0, -2.0 + self.off]))
            return {}

    delays = modules["delays"]
    layer = delays.layers()[0]
    differ = delays.compared({"neuro": Fake(0.0), "dcls": Fake(1e-5)}, layer, tmp_path)
    assert differ["dcls"]["current"] == pytest.approx(0.5e-5, rel=1e-3)
    with pytest.raises(delays.Failed, match="narrow-2%: current of dcls and neuro differ by"):
        delays.compared({"neuro": Fake(0.0), "dcls": Fake(1e-3)}, layer, tmp_path)


@pytest.mark.parametrize("who", ["neuro", "plain"])
@pytest.mark.parametrize("kernel", ["gauss", "triangle", "whole"])
def test_contestants_compute_what_single_spikes_would(
    modules: dict[str, ModuleType], who: str, kernel: str
) -> None:
    """A loop over spikes and connections in double precision."""
    layers = modules["layers"]
    layer = layers.Layer(
        "x", kernel, 0.2, 1.5, taps=6, inputs=3, outputs=4, batch=2, steps=12
    )  # fmt: skip
    expected = np.zeros((12, 2, 4))
    weight, delay = layer.weight().astype(float), layer.delay().astype(float)
    for t, b, i in zip(*np.nonzero(layer.spikes()), strict=True):
        for o in range(4):
            late = np.arange(6)
            if kernel == "gauss":
                share = np.exp(-0.5 * ((late - delay[o, i]) / 1.77) ** 2)
            elif kernel == "triangle":
                share = np.maximum(0, 1 - np.abs(late - delay[o, i]))
            else:
                share = (late == np.rint(delay[o, i])).astype(float)
            share /= share.sum()
            for d in late[: 12 - t]:
                expected[t + d, b, o] += weight[o, i] * share[d]
    _, made = layers.CONTESTANTS[who](layer)
    np.testing.assert_allclose(made().current.detach().numpy(), expected, atol=2e-6)


def test_layers_are_what_their_names_say(modules: dict[str, ModuleType]) -> None:
    layers = modules["layers"]
    by_name = {layer.name: layer for layer in modules["delays"].layers()}
    assert len(by_name) == len(modules["delays"].layers()) == 24
    stated = by_name["narrow-2%"]
    assert (stated.inputs, stated.outputs, stated.taps) == (140, 256, 25)
    assert (stated.batch, stated.steps) == (128, 100)
    assert stated.spikes().mean() == pytest.approx(0.02, rel=0.02)
    assert not stated.input_gradient and by_name["narrow-2%-input"].input_gradient
    delay = stated.delay()
    assert delay.min() > 0 and delay.max() < 24 and delay.mean() == pytest.approx(12, rel=0.02)
    assert np.abs(delay % 1 - 0.5).min() > 1e-3  # nobody rounds to another side
    assert layers.Layer.from_plain(json.loads(json.dumps(stated.plain()))) == stated


def test_headline_figures_need_both_layers_they_are_of(modules: dict[str, ModuleType]) -> None:
    def row(name: str, ratio: float | None) -> dict:
        return {
            "name": name, "ratio_dcls": ratio, "memory_ratio_dcls": ratio, "max_delay": 24,
            "ours_ms": 1.0, "peers": {}, "peers_peak_mb": {}, "peak_mb": 1.0,
        }  # fmt: skip

    summary = modules["delays"].summary
    both = summary([row("narrow-2%", 4.0), row("narrow-5%", 3.0), row("wide-20%", 0.5)])
    assert both == {
        "ratio_dcls": 3.0, "memory_ratio_dcls": 4.0, "ratio_dcls_worst": 0.5, "max_delay": [],
    }  # fmt: skip
    assert summary([row("narrow-2%", 4.0)])["ratio_dcls"] is None
    assert summary([row("wide-2%", None)])["ratio_dcls_worst"] is None


def test_an_earlier_result_is_shown_again(tmp_path: Path) -> None:
    out = tmp_path / "delays.json"
    done = run("--quick", "--peers", "none", "--layers", "evaluation-2%", "--out", str(out))
    assert done.returncode == 0, done.stderr
    again = run("--read", str(out))
    assert again.stdout == done.stdout
    assert again.stdout.splitlines()[2].startswith("| evaluation-2% | ")
    assert "- ratio_dcls none: time of DCLS over time of neuro" in again.stdout


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--peers", "keras"], ["'keras' is unknown", "dcls, plain"]),
        (["--peers", "none", "--layers", "broad*"], ["broad* matches none of", "narrow-2%"]),
        (["--peers", "none", "--rounds", "0"], ["--rounds: got 0"]),
        ([], ["not installed in .bench/dcls", "make bench-delays", "--peers plain"]),
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
    monkeypatch.setattr(sys, "argv", ["delays.py", *given])
    with pytest.raises(SystemExit) as stopped:
        modules["delays"].arguments()
    assert stopped.value.code == 2
    message = capsys.readouterr().err
    for words in said:
        assert words in message
