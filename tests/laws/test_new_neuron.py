"""The promise to whoever adds a neuron: one short class, and everything works."""

import ast
from collections import namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from neuro import LI, Clock, feedforward, ms
from neuro.errors import InvalidValue
from neuro.neurons import Neuron, parameter
from neuro.nn import Population
from neuro.testing import check_neuron
from neuro.train import MembraneLoss, Module


# This class is quoted in CONTRIBUTING.md.
class QIF(Neuron):
    """Quadratic integrate-and-fire, forward Euler (Ermentrout & Kopell 1986): tau dv/dt = v^2."""

    tau: Any = parameter(default=20 * ms, unit="s", meaning="time constant", above=0)
    v_th: Any = parameter(default=2.0, unit="1", meaning="spike cut-off")
    v_reset: Any = parameter(default=-0.5, unit="1", meaning="potential after a spike")
    State = namedtuple("State", "v")
    Coefficients = namedtuple("Coefficients", "rate v_th v_reset")

    @staticmethod
    def derive(p, clock):
        return QIF.Coefficients(clock.dt / p.tau, p.v_th, p.v_reset)

    @staticmethod
    def rest(p):
        return QIF.State(v=0.0)

    @staticmethod
    def flow(s, p, h):
        return QIF.State(v=s.v + p.rate * s.v * s.v)

    @staticmethod
    def receive(s, p, x):
        return QIF.State(v=s.v + x.current)

    @staticmethod
    def fire(s, p):
        return s.v - p.v_th

    @staticmethod
    def jump(s, p, z):
        return QIF.State(v=s.v + z * (p.v_reset - s.v))


def test_the_class_has_at_most_30_lines_of_code() -> None:
    source = Path(__file__).read_text()
    (node,) = (n for n in ast.parse(source).body if isinstance(n, ast.ClassDef))
    lines = source.splitlines()[node.lineno - 1 : node.end_lineno]
    assert sum(1 for line in lines if line.strip()) <= 30


def test_contributing_quotes_this_class() -> None:
    root = Path(__file__).parents[2]
    source = Path(__file__).read_text()
    (node,) = (n for n in ast.parse(source).body if isinstance(n, ast.ClassDef))
    quoted = "\n".join(source.splitlines()[node.lineno - 1 : node.end_lineno])
    assert quoted in (root / "CONTRIBUTING.md").read_text()


def test_it_follows_the_closed_form() -> None:
    """From v0 > 0 without input, 1/v falls by dt/tau a step; Euler converges to it with dt."""
    errors = []
    for dt in (0.2 * ms, 0.02 * ms):
        steps = round(10 * ms / dt)
        x = torch.zeros(steps, 1, 1, dtype=torch.float64)
        x[0] = 0.8
        layer = Population(QIF(1), Clock(dt))
        _, state = layer(x)
        exact = 1 / (1 / 0.8 - (steps - 1) * dt / (20 * ms))
        errors.append(abs(state.v.item() - exact))
    assert errors[1] < errors[0] / 8


def test_it_trains_and_records() -> None:
    network = feedforward(6, QIF(16), LI(2), clock=Clock(2 * ms), seed=0)
    module = Module(network, learn=["weight", "tau", "v_th"])
    labels = torch.arange(32) % 2
    x = torch.zeros(25, 32, 6)
    for sample, label in enumerate(labels):
        x[:, sample, 3 * label : 3 * label + 3] = 0.5
    optimizer = torch.optim.Adam(module.parameters(), lr=0.02)
    losses = []
    for _ in range(25):
        record, _ = module(x, record=["hid1.spikes", "hid1.v"])
        loss = MembraneLoss("mean")(record["out.v"], labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
    assert record["hid1.v"].shape == (25, 32, 16)
    assert record.array("hid1.spikes").sum() == sum(len(e) for e in record.events("hid1.spikes"))
    trained = module.network()
    changes = "\n".join(network.diff(trained))
    assert "hid1.tau" in changes and "hid1.v_th" in changes


def test_every_back_end_is_derived_from_it() -> None:
    """Step of a simulation, fused kernel, its adjoint, and what the conformance suite asks."""
    assert not QIF.__module__.startswith("neuro")
    checks = check_neuron(QIF)
    kinds = {"reference", "simulation", "fused", "adjoint", "finite differences"}
    assert kinds <= {check.backend for check in checks}
    assert {"parameter table", "rest is a fixed point, all parameters changed"} <= {
        check.what for check in checks
    }


def test_the_fused_kernel_runs_it_as_the_reference_does() -> None:
    x = torch.randint(0, 5, (80, 4, 3), generator=torch.Generator().manual_seed(0)) / 8
    results = []
    for backend in ("reference", "fused"):
        layer = Population(QIF(3), Clock(2 * ms), learn=["tau", "v_th"], backend=backend)
        spk, state = layer(x)
        (spk.mul(x).sum() + state.v.square().sum()).backward()
        results.append((spk.detach(), state.v.detach(), *(p.grad for p in layer.raw.values())))
    (spk, v, *gradients), (fused, fused_v, *derived) = results
    assert spk.sum() > 20 and all(g.abs() > 1e-3 for g in gradients)
    assert torch.equal(spk, fused) and torch.equal(v, fused_v)
    for gradient, other in zip(gradients, derived, strict=True):
        torch.testing.assert_close(other, gradient, rtol=1e-4, atol=0)


def test_one_tick_at_a_time_is_the_whole_run() -> None:
    x = torch.randint(0, 5, (80, 4, 3), generator=torch.Generator().manual_seed(1)) / 8
    layer, state, ticks = Population(QIF(3), Clock(2 * ms)), None, []
    whole, end = layer(x)
    for n in range(80):
        spk, state = layer(x[n : n + 1], state)
        ticks.append(spk)
    assert state is not None
    assert torch.equal(torch.cat(ticks), whole) and torch.equal(state.v, end.v)


def test_it_typesets_its_equations() -> None:
    text = QIF.latex()
    assert text.startswith(r"\begin{aligned}") and text.endswith(r"\end{aligned}")
    for part in (r"\text{flow}", r"v \leftarrow", r"v_{\mathrm{th}}", r"\mathrm{rate}"):
        assert part in text
    assert "<table>" in QIF(2)._repr_html_()


def test_it_prints_its_equations() -> None:
    lines = QIF.equations()
    assert "flow:    v <- v + rate * v * v" in lines
    assert "fire:    v - v_th > 0" in lines
    assert "spike cut-off" in QIF.describe()
    assert np.isclose(QIF(2, tau=np.array([0.01, 0.02])).values()["tau"].sum(), 0.03)


def test_a_neuron_without_a_law_is_refused() -> None:
    with pytest.raises(InvalidValue, match="Broken: a neuron must define the law 'flow'"):

        class Broken(Neuron):
            State = namedtuple("State", "v")
            derive = rest = staticmethod(lambda p, clock=None: None)
