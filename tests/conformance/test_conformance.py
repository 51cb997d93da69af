"""Every neuron in every back end: bits of the forward pass, gradients, differences, rest."""

import importlib.util
import os
import subprocess
import sys
from collections import namedtuple
from typing import Any

import numpy as np
import pytest

import neuro.neurons
import neuro.testing
from neuro import ms
from neuro.errors import Unsupported
from neuro.neurons import Neuron, parameter
from neuro.testing import check_neuron, run_checks

FAMILY = tuple(
    value
    for value in (getattr(neuro.neurons, name) for name in neuro.neurons.__all__)
    if isinstance(value, type) and issubclass(value, Neuron) and value is not Neuron
)


@pytest.mark.parametrize("neuron", FAMILY, ids=lambda n: n.__name__)
def test_all_back_ends_agree(neuron: type[Neuron]) -> None:
    checks = list(run_checks(neuron))
    assert not [c for c in checks if not c.passed]
    assert {"reference", "simulation", "fused", "adjoint"} <= {c.backend for c in checks}


@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="triton is not installed")
def test_triton_agrees_in_its_interpreter() -> None:
    """In a process of its own, since the interpreter is chosen when Triton is imported."""
    code = (
        "from neuro.neurons import ALIF, AMSU, AdEx, MetaNeuron, SigmaDelta\n"
        "from neuro.testing import check_neuron\n"
        "for neuron in (ALIF, AMSU, AdEx, MetaNeuron, SigmaDelta):\n"
        "    assert 'triton' in {c.backend for c in check_neuron(neuron)}\n"
    )
    environment = os.environ | {"TRITON_INTERPRET": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


class Leaky(Neuron):
    """A correct neuron, to be broken below."""

    tau: Any = parameter(default=20 * ms, unit="s", meaning="time constant", above=0)
    State = namedtuple("State", "v")
    Coefficients = namedtuple("Coefficients", "rate")

    @staticmethod
    def derive(p, clock):
        return Leaky.Coefficients(1 - clock.dt / p.tau)

    @staticmethod
    def rest(p):
        return Leaky.State(v=0.0)

    @staticmethod
    def flow(s, p, h):
        return Leaky.State(v=s.v * p.rate)

    @staticmethod
    def receive(s, p, x):
        return Leaky.State(v=s.v + x.current)

    @staticmethod
    def fire(s, p):
        return s.v - 1.0

    @staticmethod
    def jump(s, p, z):
        return Leaky.State(v=s.v - z)


def test_a_neuron_of_a_page_gets_everything() -> None:
    backends = {check.backend for check in check_neuron(Leaky)}
    assert {"reference", "simulation", "fused", "adjoint", "finite differences"} <= backends


def branches(s, p, x):
    return Leaky.State(v=s.v + x.current if s.v > 0 else s.v)


def changes_its_argument(s, p, x):
    v = s.v
    v += x.current
    return Leaky.State(v=v)


def calls_numpy(s, p, x):
    return Leaky.State(v=s.v + np.exp(x.current))


def calls_a_method(s, p, x):
    return Leaky.State(v=s.v + x.current.clamp(0))


@pytest.mark.parametrize("law", [branches, changes_its_argument, calls_numpy, calls_a_method])
def test_a_law_that_cannot_be_compiled_is_refused_with_file_and_line(law: Any) -> None:
    broken = type("Broken", (Leaky,), {"receive": staticmethod(law), "__doc__": "Broken."})
    with pytest.raises(Unsupported) as error:
        check_neuron(broken)
    first = law.__code__.co_firstlineno
    lines = range(first, first + 5)
    assert any(f"test_conformance.py:{line}" in str(error.value) for line in lines)


def test_the_suite_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a derivative that is wrong by a thousandth the adjoint is caught."""
    right = neuro.testing.reference.scan

    def wrong(neuron, p, inputs, state, surrogate, record=()):
        out, end, traces = right(neuron, p, inputs, state, surrogate, record)
        return out + 1e-3 * (out - out.detach()), end, traces

    monkeypatch.setattr(neuro.testing.reference, "scan", wrong)
    with pytest.raises(AssertionError, match="adjoint"):
        check_neuron(Leaky)
