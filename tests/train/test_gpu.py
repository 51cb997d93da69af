"""Training on a GPU: what can be checked without one, and the rest where there is one."""

import os
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.overrides import TorchFunctionMode

from neuro import LI, LIF, Clock, feedforward, ms
from neuro.checkpoint import load_tree
from neuro.lower import delays
from neuro.nn import DelayKernel
from neuro.train import MembraneLoss, Module, RateBand, Samples
from neuro.train.loop import Plan, fit

GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")


def module(backend: Any = "auto") -> Module:
    network = feedforward(12, LIF(24), LI(3), clock=Clock(5 * ms), seed=0)
    first, *others = network.synapses
    delay = np.random.default_rng(0).integers(0, 6, (24, 12)) * 5 * ms
    network = network.replace(synapses=(replace(first, delay=delay), *others))
    return Module(
        network, learn=["weight", "tau_mem", "delay"], delays=DelayKernel(start=2.0),
        normalise=True, backend=backend,
    )  # fmt: skip


def samples() -> Samples:
    rng = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 3, (48,), generator=rng)
    x = torch.rand(15, 48, 12, generator=rng) < 0.05
    for i, c in enumerate(labels):
        x[:, i, 4 * c : 4 * c + 4] |= torch.rand(15, 4, generator=rng) < 0.3
    return Samples(x.to(torch.uint8), labels, torch.randint(10, 16, (48,), generator=rng))


class Made(TorchFunctionMode):
    """Notes where a tensor is made without saying on which device."""

    KINDS = (
        torch.arange, torch.zeros, torch.ones, torch.empty, torch.full, torch.eye, torch.tensor,
        torch.as_tensor, torch.rand, torch.randn, torch.linspace,
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.places: list[str] = []

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        # One number goes with tensors on any device.
        if func in self.KINDS and (kwargs or {}).get("device") is None and out.ndim:
            caller = traceback.extract_stack(limit=3)[-2]
            if "neuro" in Path(caller.filename).parts:
                self.places.append(f"{caller.filename}:{caller.lineno}")
        return out


def test_a_training_step_makes_no_tensor_on_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it runs on a GPU: the laws in PyTorch, delays as a convolution."""
    monkeypatch.setattr(delays, "plain", lambda *tensors: False)
    data, loss, band = samples(), MembraneLoss(), RateBand(0.01, 0.2)
    m = module("reference")
    m.train()
    x, labels = data.batch(torch.arange(8))
    assert data.lengths is not None
    lengths = data.lengths[:8]
    with Made() as made:
        record, _ = m(x, record=["hid1.spikes"])
        penalty = band(record["hid1.spikes"], lengths)
        (loss(record["out.v"], labels, lengths) + penalty).backward()
        m.anneal(0.5)
        torch.arange(3)  # by the test itself, which is no part of neuro
    assert made.places == []
    assert all(p.grad is not None for p in m.parameters())


def test_the_watch_sees_such_a_tensor() -> None:
    code = "torch.zeros(2, device='cpu'); torch.tensor(1.0)\ntorch.arange(3)"
    with Made() as made:
        exec(compile(code, "neuro/somewhere.py", "exec"), {"torch": torch})
    assert made.places == ["neuro/somewhere.py:2"]


@pytest.mark.parametrize("before", [None, ":16:8"])
def test_the_setting_of_cublas_is_left_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    if before is not None:
        monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", before)
    plan = Plan(epochs=1, accelerator="cpu")
    fit(module(), samples(), samples(), plan, folder=tmp_path, progress=False)
    assert os.environ.get("CUBLAS_WORKSPACE_CONFIG") == before


def dimmed(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    assert generator.device.type == x.device.type
    return x * (torch.rand(x.shape, generator=generator, device=x.device) < 0.9)


def trained(folder: Path, accelerator: str, augment: Any = None, **settings: Any) -> Module:
    m, data = module(), samples()
    plan = Plan(batch_size=12, accelerator=accelerator, rate_band=RateBand(0.01, 0.2), **settings)
    fit(m, data, data, plan, folder=folder, augment=augment, resume=True, progress=False)
    return m


@GPU
def test_a_gpu_trains_as_the_processor_does(tmp_path: Path) -> None:
    """One step, up to rounding: weights move by 2e-3 in it, delays by 0.1 ticks."""
    settings = {"epochs": 1, "seed": 3}
    for name in ("cpu", "cuda"):
        trained(tmp_path / name, name, **settings)
    ours, theirs = (
        load_tree(tmp_path / name / "last.safetensors")["state_dict"] for name in ("cuda", "cpu")
    )
    for name, value in theirs.items():
        allowed = 5e-3 if ".delays." in name else 1e-4
        torch.testing.assert_close(ours[name], value, rtol=0, atol=allowed)


@GPU
def test_a_gpu_gives_the_same_twice_and_after_a_resume(tmp_path: Path) -> None:
    twice = [trained(tmp_path / str(i), "cuda", dimmed, epochs=3) for i in range(2)]
    assert len({m.network().fingerprint for m in twice}) == 1
    again = trained(tmp_path / "0", "cuda", dimmed, epochs=3)  # nothing is left to do
    assert again.network().fingerprint == twice[0].network().fingerprint


@GPU
def test_a_module_on_a_gpu_gives_its_network() -> None:
    m = module()
    expected = m.network().fingerprint
    m.cuda()
    assert m.network().fingerprint == expected
    m.eval()
    data = samples()
    with torch.no_grad():
        record, _ = m(data.x.float().cuda())
        reference, _ = module().eval()(data.x.float())
    torch.testing.assert_close(record["out.v"].cpu(), reference["out.v"], rtol=1e-4, atol=1e-5)
