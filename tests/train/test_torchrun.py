"""Training started by `torchrun`: one model on several processes, as if it were on one."""

import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from neuro.checkpoint import load_tree
from neuro.errors import InvalidValue
from neuro.train import Samples
from neuro.train.processes import Processes, refuse_too_few, share

SCRIPT = """
import json, os, sys
from dataclasses import replace
from pathlib import Path
import numpy as np
import torch
from neuro import LI, LIF, Clock, feedforward, ms
from neuro.errors import InvalidValue
from neuro.nn import DelayKernel
from neuro.train import Module, Samples
from neuro.train.loop import Plan, fit
from neuro.train.processes import Processes, normalise_together

torch.set_num_threads(1)
folder, batch_size = Path(sys.argv[1]), int(sys.argv[2])
rng = torch.Generator().manual_seed(0)
labels = torch.randint(0, 3, (75,), generator=rng)
x = torch.rand(15, 75, 12, generator=rng) < 0.05
for i, c in enumerate(labels):
    x[:, i, 4 * c : 4 * c + 4] |= torch.rand(15, 4, generator=rng) < 0.3
samples = Samples(x.to(torch.uint8), labels)
network = feedforward(12, LIF(24), LI(3), clock=Clock(5 * ms), seed=0)
first, *others = network.synapses
delay = np.random.default_rng(0).integers(0, 6, (24, 12)) * 5 * ms
network = network.replace(synapses=(replace(first, delay=delay), *others))
# 50 to train on: not a whole number of batches. 25 to validate: not a whole share for each.
train, validation = samples.select(torch.arange(50)), samples.select(torch.arange(50, 75))
refusal = ""
if "WORLD_SIZE" in os.environ:
    try:
        fit(Module(network), train, validation, Plan(devices=5), folder=folder, progress=False)
    except InvalidValue as error:
        refusal = str(error)
for part, settings in (("short", {"epochs": 1}), ("long", {"epochs": 4, "patience": 4})):
    module = Module(
        network, learn=["weight", "tau_mem", "delay"], delays=DelayKernel(start=2.0),
        normalise=True,
    )
    plan = Plan(batch_size=batch_size, seed=3, clip=0.5, accelerator="cpu", **settings)
    result = fit(module, train, validation, plan, folder=folder / part, progress=part == "long")
    facts = {"main": result.main, "history": result.history, "refusal": refusal,
             "fingerprint": module.network().fingerprint}
    (folder.parent / f"{folder.name}-{part}-{int(result.main)}.json").write_text(json.dumps(facts))

if "WORLD_SIZE" in os.environ:
    rank = int(os.environ["RANK"])
    layer, x, target = torch.load(folder.parent / "norm.pt", weights_only=False)
    mine = slice(5, None) if rank else slice(0, 5)  # unequal parts
    part = x[mine].clone().requires_grad_()
    with normalise_together(layer, Processes(2)):
        out = layer(part)
        (out * target[mine]).sum().backward()
        layer.eval()
        torch.testing.assert_close(layer(part), torch.nn.BatchNorm1d.forward(layer, part))
    assert "forward" not in vars(layer)
    found = {"own": [out.detach(), part.grad], "grads": [layer.weight.grad, layer.bias.grad],
             "running": [layer.running_mean, layer.running_var, layer.num_batches_tracked]}
    torch.save(found, folder.parent / f"norm-{rank}.pt")
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """The same training on two processes with batches of 6, and on one with batches of 12; the
    folder, and what the two printed and complained of."""
    folder = tmp_path_factory.mktemp("torchrun")
    script = folder / "train.py"
    script.write_text(SCRIPT)
    torch.save(layer_and_samples(), folder / "norm.pt")
    done = subprocess.run(
        [
            sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
            str(script), str(folder / "two"), "6",
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [str(script), str(folder / "one"), "12"])
        runpy.run_path(str(script), run_name="__main__")
    return folder, done.stdout, done.stderr


def facts(folder: Path, name: str, main: bool = True) -> dict[str, Any]:
    return json.loads((folder / f"{name}-{int(main)}.json").read_text())


def test_two_processes_end_with_the_weights_of_one(runs: tuple[Path, str, str]) -> None:
    """Sums in another order differ by rounding: 1e-7 of a weight, but more of a delay, because
    Adam divides a gradient by its own size. Later some spike falls into another step, so that only
    the first epoch, 5 steps, can be compared."""
    two, one = (load_tree(runs[0] / n / "short/last.safetensors") for n in ("two", "one"))
    assert two["state_dict"].keys() == one["state_dict"].keys()
    assert {"norms", "delays"} <= {name.split(".")[1] for name in two["state_dict"]}
    for name, value in one["state_dict"].items():
        # of 0.1 ticks a step, and of a rate of 2e-3 (2e-2 for neurons)
        allowed = 2e-3 if ".delays." in name else 1e-5
        torch.testing.assert_close(
            two["state_dict"][name], value, rtol=0, atol=allowed, msg=lambda m, n=name: f"{n}: {m}"
        )


def test_metrics_are_over_the_samples_of_all_processes_each_once(
    runs: tuple[Path, str, str],
) -> None:
    (ours,), (theirs,) = (facts(runs[0], f"{n}-short")["history"] for n in ("two", "one"))
    assert ours == pytest.approx(theirs, abs=1e-5)
    for epoch in facts(runs[0], "two-long")["history"]:
        right = 25 * epoch["val_accuracy"]
        assert right == pytest.approx(round(right), abs=1e-4)


def test_every_process_has_the_model_and_one_of_them_writes(runs: tuple[Path, str, str]) -> None:
    folder, printed, complaints = runs
    for part in ("short", "long"):
        main, worker = (facts(folder, f"two-{part}", which) for which in (True, False))
        assert main["main"] and not worker["main"]
        assert main["fingerprint"] == worker["fingerprint"]
        assert main["history"] == worker["history"]
        names = sorted(path.name for path in (folder / "two" / part).iterdir())
        assert names == ["best.safetensors", "last.safetensors"]
    assert printed.count("Epoch 3/3") == 1
    assert "rank" not in complaints.lower() and "warn" not in complaints.lower()


def test_a_plan_that_contradicts_torchrun_is_refused_with_numbers(
    runs: tuple[Path, str, str],
) -> None:
    refusal = facts(runs[0], "two-short")["refusal"]
    assert "Plan.devices: got 5, but torchrun has started 2 processes (2 on this" in refusal


def started(monkeypatch: pytest.MonkeyPatch, total: int, local: int) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "x")
    monkeypatch.setenv("WORLD_SIZE", str(total))
    monkeypatch.setenv("LOCAL_WORLD_SIZE", str(local))


def test_processes_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    assert Processes.of(None) == Processes(1)
    assert Processes.of(3).total == 3
    started(monkeypatch, 6, 2)
    assert Processes.of(None) == Processes.of(6) == Processes(2, 3)
    assert Processes.of(None).settings()["num_nodes"] == 3
    with pytest.raises(InvalidValue, match=r"got 2, but torchrun has started 6 processes \(2 on"):
        Processes.of(2)
    started(monkeypatch, 5, 2)
    with pytest.raises(InvalidValue, match="as many on every machine"):
        Processes.of(None)


def test_shares_have_each_sample_once() -> None:
    samples = Samples(torch.arange(14).reshape(2, 7, 1), torch.arange(7), torch.full((7,), 2))
    parts = [share(samples, rank, 3, "validation") for rank in range(3)]
    assert sorted(int(n) for part in parts for n in part.labels) == list(range(7))
    assert parts[1].x[0, :, 0].tolist() == [1, 4]
    assert share(samples, 0, 1, "validation") is samples
    with pytest.raises(InvalidValue, match="train has 7 samples for 8 processes"):
        refuse_too_few(samples, 8, "train")


def test_neuro_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "neuro", "run", "--list", "--json"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "digits" in {row["name"] for row in json.loads(done.stdout)["recipes"]}


def test_processes_normalise_as_one_does_with_all_samples(runs: tuple[Path, str, str]) -> None:
    """Against PyTorch's own layer: what comes out, gradients and running statistics."""
    layer, x, target = torch.load(runs[0] / "norm.pt", weights_only=False)
    x.requires_grad_()
    out = layer(x)
    (out * target).sum().backward()
    parts = [torch.load(runs[0] / f"norm-{rank}.pt") for rank in range(2)]
    whole = [torch.cat([a, b]) for a, b in zip(*(part["own"] for part in parts), strict=True)]
    torch.testing.assert_close(whole, [out.detach(), x.grad])
    for part in parts:
        torch.testing.assert_close(
            part["running"], [layer.running_mean, layer.running_var, layer.num_batches_tracked]
        )
    shares = [sum(grads) for grads in zip(*(part["grads"] for part in parts), strict=True)]
    torch.testing.assert_close(shares, [layer.weight.grad, layer.bias.grad])


def layer_and_samples() -> tuple[nn.BatchNorm1d, torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(1)
    layer = nn.BatchNorm1d(3).double()
    with torch.no_grad():
        layer.weight.copy_(torch.rand(3, generator=rng) + 0.5)
        layer.bias.copy_(torch.rand(3, generator=rng))
    x, target = (torch.randn(13, 3, 4, generator=rng, dtype=torch.float64) for _ in range(2))
    return layer, 3 * x + 10, target
