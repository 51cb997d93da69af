"""Delays in the training loop: their own rate, kernels that narrow, early stopping, resuming."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR

from neuro import LI, LIF, Clock, Network, feedforward, ms
from neuro.checkpoint import load_tree
from neuro.errors import InvalidValue, UnknownName
from neuro.nn import DelayKernel
from neuro.train import Module, Samples
from neuro.train.loop import Plan, fit
from neuro.train.schedule import cosine, one_cycle, optimiser

UNITS, LONGEST = 4, 10


def delayed(seed: int = 0) -> Network:
    """Input -> LIF -> LI, each connection of the first synapse with a delay of its own."""
    network = feedforward(UNITS, LIF(6, tau_mem=10 * ms), LI(2), clock=Clock(1 * ms), seed=seed)
    rng = np.random.default_rng([seed, 7])
    first, *others = network.synapses
    ticks = rng.integers(0, LONGEST + 1, (6, UNITS))
    return network.replace(synapses=(replace(first, delay=ticks * ms), *others))


def module(learn: tuple[str, ...] = ("weight", "tau_mem", "delay"), **settings: Any) -> Module:
    settings = {"max_delay": LONGEST * ms, "delays": DelayKernel(start=4.0)} | settings
    return Module(delayed(), learn=list(learn), **settings)


def samples(count: int = 24) -> Samples:
    """Two classes that differ in the order of their spikes alone."""
    labels = torch.arange(count) % 2
    x = torch.zeros(20, count, UNITS)
    for i, label in enumerate(labels):
        for unit in range(UNITS):
            x[2 + 2 * (unit if label else UNITS - 1 - unit), i, unit] = 1
    return Samples(x, labels)


def train(m: Module, plan: Plan, folder: Path, **options: Any) -> Any:
    data = samples()
    return fit(m, data, data, plan, folder=folder, progress=False, **options)


def test_each_kind_of_parameter_has_its_rate_and_only_weights_decay() -> None:
    m = module(normalise=True)
    plan = Plan(learning_rate=1e-3, neuron_rate=5.0, delay_rate=0.2, weight_decay=1e-2)
    adam, _ = optimiser(m, plan)
    groups = {group["kind"]: group for group in adam.param_groups}
    assert {kind: (g["lr"], g["weight_decay"]) for kind, g in groups.items()} == {
        "weights": (1e-3, 1e-2), "neurons": (5e-3, 0.0), "norms": (1e-3, 0.0), "delays": (0.2, 0.0),
    }  # fmt: skip
    names = {id(p): name for name, p in m.named_parameters() if p.requires_grad}
    taken = [id(p) for g in adam.param_groups for p in g["params"]]
    assert sorted(taken) == sorted(names)  # each of them once
    assert [p.shape for p in groups["delays"]["params"]] == [(6, UNITS)]


def test_a_parameter_of_no_group_is_refused_unless_it_is_frozen() -> None:
    m = module()
    m.gates = nn.Linear(2, 2)
    with pytest.raises(InvalidValue, match=r"'gates\.weight' belongs to no group"):
        optimiser(m, Plan())
    m.gates.requires_grad_(False)
    optimiser(m, Plan())


def test_a_module_that_learns_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="learns nothing"):
        train(module(learn=()), Plan(epochs=1, accelerator="cpu"), tmp_path)


@pytest.mark.parametrize("epochs", [2, 3, 7, 20, 150])
def test_rates_are_those_of_pytorch_s_schedules(epochs: int) -> None:
    def rates(make: Any) -> list[float]:
        adam = torch.optim.AdamW([nn.Parameter(torch.zeros(1))], lr=1.0)
        schedule, seen = make(adam), []
        for _ in range(epochs):
            seen.append(adam.param_groups[0]["lr"])
            adam.step()
            schedule.step() if len(seen) < epochs else None
        return seen

    ours = [[share(e, epochs) for e in range(epochs)] for share in (cosine, one_cycle)]
    assert ours[0] == pytest.approx(rates(lambda a: CosineAnnealingLR(a, epochs)), abs=1e-12)
    theirs = rates(lambda a: OneCycleLR(a, max_lr=1.0, total_steps=epochs))
    assert ours[1] == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("schedule", ["cosine", "one-cycle"])
def test_delays_come_down_by_a_cosine_whatever_the_weights_do(schedule: Any) -> None:
    adam, rates = optimiser(module(), Plan(epochs=10, delay_rate=0.5, schedule=schedule))
    delays = next(g for g in adam.param_groups if g["kind"] == "delays")
    for epoch in range(10):
        assert delays["lr"] == pytest.approx(0.25 * (1 + np.cos(np.pi * epoch / 10)))
        adam.step()
        rates.step()
    assert all(group["lr"] == 0 for group in adam.param_groups)


def test_delays_move_by_about_their_rate_a_step_and_learn_an_order(tmp_path: Path) -> None:
    m = module()
    first = next(p for n, p in m.named_parameters() if n.startswith("delays.")).detach().clone()
    plan = Plan(epochs=1, batch_size=24, delay_rate=0.3, clip=1e3, accelerator="cpu")
    train(m, plan, tmp_path / "one")  # one step: Adam's first step is its rate, up to the sign
    moved = next(p for n, p in m.named_parameters() if n.startswith("delays.")).detach()
    steps = (moved - first).abs()
    assert bool((steps < 0.301).all()) and steps.median().item() == pytest.approx(0.3, abs=0.01)
    result = train(module(), Plan(epochs=30, batch_size=8, accelerator="cpu"), tmp_path / "more")
    assert result.history[-1]["val_accuracy"] == 1.0


class Recorded(Module):
    """Notes how often, and with what, its kernels are narrowed."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.seen: list[float] = []

    def anneal(self, done: float) -> None:
        self.seen.append(done)
        super().anneal(done)


def test_kernels_narrow_by_the_epoch_alone_also_after_a_resume(tmp_path: Path) -> None:
    def make() -> Recorded:
        return Recorded(delayed(), learn=["weight", "delay"], max_delay=LONGEST * ms, dropout=0.2)

    plan = Plan(epochs=8, batch_size=8, schedule="one-cycle", accelerator="cpu")
    whole = make()
    train(whole, plan, tmp_path / "whole")
    assert whole.seen == [e / 8 for e in range(8)]

    class Stop(Exception):
        pass

    class Stopped(Recorded):
        def anneal(self, done: float) -> None:
            super().anneal(done)
            if done == 3 / 8:
                raise Stop

    killed = Stopped(delayed(), learn=["weight", "delay"], max_delay=LONGEST * ms, dropout=0.2)
    with pytest.raises(Stop):
        train(killed, plan, tmp_path / "killed")
    resumed = make()
    train(resumed, plan, tmp_path / "killed", resume=True)
    assert resumed.seen == [e / 8 for e in range(3, 8)]
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_other_kernels_are_refused_when_a_run_is_resumed(tmp_path: Path) -> None:
    plan = Plan(epochs=1, accelerator="cpu")
    train(module(), plan, tmp_path)
    with pytest.raises(InvalidValue, match=r"other kernels of delays.*start=4\.0.*start=3\.0"):
        train(module(delays=DelayKernel(start=3.0)), plan, tmp_path, resume=True)


def test_early_stopping_waits_until_the_kernels_are_narrow(tmp_path: Path) -> None:
    class Worse(Recorded):
        """Best in the first epoch, and worse in each one after it."""

        def forward(self, *args: Any, **options: Any) -> Any:
            record, state = super().forward(*args, **options)
            return record.__class__(
                {n: v * 0.5 ** len(self.seen) for n, v in record.items()}, record.clock, ""
            ), state

    kernel = DelayKernel(start=4.0, anneal=0.25)
    settings = {"learn": ["weight", "delay"], "max_delay": LONGEST * ms, "delays": kernel}
    plan = Plan(epochs=40, learning_rate=1e-9, delay_rate=1e-9, patience=2, accelerator="cpu")
    result = train(Worse(delayed(), **settings), plan, tmp_path / "wide")
    losses = [epoch["val_loss"] for epoch in result.history]
    first = 10  # a quarter of 40
    assert result.epoch >= first
    assert losses[result.epoch] == min(losses[first:])
    assert len(losses) == result.epoch + 3
    assert load_tree(tmp_path / "wide" / "best.safetensors")["epoch"] == result.epoch
    # Interpolation has no width: every epoch counts from the first on.
    settings["delays"] = DelayKernel("triangle")
    result = train(Worse(delayed(), **settings), plan, tmp_path / "narrow")
    assert len(result.history) == result.epoch + 3 < first


def test_a_run_too_short_for_a_narrow_kernel_takes_its_last_epoch(tmp_path: Path) -> None:
    m = module(delays=DelayKernel(start=4.0, anneal=1.0))
    plan = Plan(epochs=3, patience=1, accelerator="cpu")
    assert train(m, plan, tmp_path).epoch == 2


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"delay_rate": 0.0}, InvalidValue, r"Plan\.delay_rate: got 0"),
        ({"devices": 0}, InvalidValue, r"Plan\.devices: got 0"),
        ({"schedule": "one-cyle"}, UnknownName, "one-cycle"),
        ({"schedule": "one-cycle", "epochs": 1}, InvalidValue, "expected at least 2"),
    ],
)
def test_a_plan_refuses(settings: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Plan(**settings)


def test_a_stop_iteration_does_not_pass_for_a_finished_training(tmp_path: Path) -> None:
    class Stopping(Module):
        def anneal(self, done: float) -> None:
            next(iter(()))

    m = Stopping(delayed(), learn=["weight"])
    with pytest.raises(RuntimeError, match=r"ended after 0 of 2 epochs.*StopIteration"):
        train(m, Plan(epochs=2), tmp_path)
