"""The training loop: learns, resumes to the bit after SIGKILL, runs on several processes."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from neuro import LI, LIF, Clock, feedforward, ms
from neuro.checkpoint import load_tree
from neuro.errors import CorruptFile, InvalidValue
from neuro.train import Module, RateBand, Samples
from neuro.train.loop import Plan, fit

SCRIPT = """
import json, sys
import torch
from neuro import LI, LIF, Clock, feedforward, ms
from neuro.train import Module, RateBand, Samples
from neuro.train.loop import Plan, fit

torch.set_num_threads(1)

def augment(x, generator):
    return x * (torch.rand(x.shape, generator=generator) < 0.9)

folder, epochs, devices = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = torch.Generator().manual_seed(0)
labels = torch.randint(0, 3, (96,), generator=rng)
x = torch.rand(15, 96, 12, generator=rng) < 0.05
for i, c in enumerate(labels):
    x[:, i, 4 * c : 4 * c + 4] |= torch.rand(15, 4, generator=rng) < 0.3
samples = Samples(x.to(torch.uint8), labels)
network = feedforward(12, LIF(24), LI(3), clock=Clock(5 * ms), seed=0)
module = Module(network, learn=["weight", "tau_mem"])
result = fit(
    module, samples.select(torch.arange(72)), samples.select(torch.arange(72, 96)),
    Plan(epochs=epochs, batch_size=12, rate_band=RateBand(0.01, 0.2), devices=devices, seed=3,
         accelerator="cpu"),
    folder=folder, augment=augment, resume=True, progress=False,
)
if result.main:
    print(json.dumps({"fingerprint": module.network().fingerprint, "history": result.history}))
"""


LONG = 60  # epochs; enough to be stopped half-way


def command(script: Path, folder: Path, epochs: int, devices: int = 1) -> list[str]:
    return [sys.executable, str(script), str(folder), str(epochs), str(devices)]


def run(script: Path, folder: Path, epochs: int, devices: int = 1) -> dict:
    done = subprocess.run(
        command(script, folder, epochs, devices), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("loop") / "train.py"
    path.write_text(SCRIPT)
    return path


def stop_after(epochs: int, script: Path, folder: Path, how: signal.Signals) -> str:
    """Start a long run, stop it with a signal once that many epochs are saved; its stderr."""
    process = subprocess.Popen(
        command(script, folder, LONG), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    last = folder / "last.safetensors"
    limit = time.monotonic() + 120
    while time.monotonic() < limit and not (last.exists() and load_tree(last)["epoch"] >= epochs):
        time.sleep(0.01)
    process.send_signal(how)
    _, errors = process.communicate()
    assert process.returncode != 0
    assert epochs <= load_tree(last)["epoch"] < LONG - 1  # it really was stopped half-way
    return errors


def test_a_killed_run_resumes_to_bit_identical_weights(script: Path, tmp_path: Path) -> None:
    whole = run(script, tmp_path / "whole", LONG)
    stop_after(3, script, tmp_path / "killed", signal.SIGKILL)
    resumed = run(script, tmp_path / "killed", LONG)
    assert resumed["fingerprint"] == whole["fingerprint"]
    assert resumed["history"] == whole["history"] and len(whole["history"]) == LONG
    ours, theirs = (load_tree(tmp_path / f / "last.safetensors") for f in ("killed", "whole"))
    assert theirs["epoch"] == LONG - 1  # written after every epoch, not only after the best
    for name, weights in theirs["state_dict"].items():
        assert torch.equal(weights, ours["state_dict"][name])
    assert whole["history"][-1]["val_accuracy"] > 0.6 > whole["history"][0]["val_accuracy"]


def test_ctrl_c_ends_as_an_interrupt_and_keeps_whole_epochs(script: Path, tmp_path: Path) -> None:
    errors = stop_after(2, script, tmp_path, signal.SIGINT)
    assert errors.rstrip().endswith("KeyboardInterrupt")


def test_two_processes_train_one_model(script: Path, tmp_path: Path) -> None:
    both = run(script, tmp_path / "two", 8, devices=2)
    assert len(both["history"]) == 8
    assert both["history"][-1]["train_loss"] < both["history"][0]["train_loss"]
    weights = load_tree(tmp_path / "two" / "last.safetensors")["state_dict"]
    assert all(torch.isfinite(w).all() for w in weights.values())


def tiny() -> tuple[Module, Samples]:
    labels = torch.arange(24) % 2
    x = torch.zeros(8, 24, 4)
    for sample, label in enumerate(labels):
        x[:, sample, 2 * label : 2 * label + 2] = 1
    network = feedforward(4, LIF(8), LI(2), clock=Clock(5 * ms), seed=1)
    return Module(network), Samples(x, labels)


def test_early_stopping_returns_the_best_epoch(tmp_path: Path) -> None:
    module, samples = tiny()
    plan = Plan(epochs=200, batch_size=24, learning_rate=0.5, patience=3, accelerator="cpu")
    result = fit(module, samples, samples, plan, folder=tmp_path, progress=False)
    losses = [epoch["val_loss"] for epoch in result.history]
    assert len(losses) < 200
    assert losses[result.epoch] == min(losses)
    assert len(losses) == result.epoch + 4  # patience
    record, _ = module(samples.x)
    from neuro.train import MembraneLoss

    assert MembraneLoss()(record["out.v"], samples.labels).item() == pytest.approx(min(losses))


def test_a_progress_bar_shows_the_accuracy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    module, samples = tiny()
    plan = Plan(epochs=1, batch_size=8, rate_band=RateBand(), accelerator="cpu")
    fit(module, samples, samples, plan, folder=tmp_path, progress=True)
    shown = capsys.readouterr().out
    assert "Epoch 0" in shown and "val_accuracy" in shown


def test_a_damaged_checkpoint_is_refused_and_kept(tmp_path: Path) -> None:
    module, samples = tiny()
    plan = Plan(epochs=1, accelerator="cpu")
    fit(module, samples, samples, plan, folder=tmp_path, progress=False)
    last = tmp_path / "last.safetensors"
    damaged = last.read_bytes()[:-7]
    last.write_bytes(damaged)
    with pytest.raises(CorruptFile, match=r"last\.safetensors"):
        fit(module, samples, samples, plan, folder=tmp_path, progress=False, resume=True)
    assert last.read_bytes() == damaged


def test_a_checkpoint_of_another_plan_or_network_is_refused(tmp_path: Path) -> None:
    module, samples = tiny()
    plan = Plan(epochs=1, accelerator="cpu")
    fit(module, samples, samples, plan, folder=tmp_path, progress=False)
    other = Plan(epochs=2, learning_rate=0.1, accelerator="cpu")
    with pytest.raises(
        InvalidValue, match=r"another Plan: epochs 1 -> 2, learning_rate 0.002 -> 0.1"
    ):
        fit(module, samples, samples, other, folder=tmp_path, progress=False, resume=True)
    wider = Module(feedforward(4, LIF(9), LI(2), clock=Clock(5 * ms), seed=1))
    with pytest.raises(InvalidValue, match="another network"):
        fit(wider, samples, samples, plan, folder=tmp_path, progress=False, resume=True)


def test_training_leaves_no_global_setting_behind(tmp_path: Path) -> None:
    module, samples = tiny()
    plan = Plan(epochs=1, accelerator="cpu")
    fit(module, samples, samples, plan, folder=tmp_path, progress=False)
    assert not torch.are_deterministic_algorithms_enabled()


def test_a_plan_refuses_nonsense() -> None:
    with pytest.raises(InvalidValue, match=r"Plan\.epochs: got 0"):
        Plan(epochs=0)
