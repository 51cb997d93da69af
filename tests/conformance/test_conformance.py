"""Every neuron in every back end: bits of the forward pass, gradients, differences, rest."""

import importlib.util
import itertools
import json
import os
import subprocess
import sys
from collections import namedtuple
from typing import Any

import numpy as np
import pytest

import neuro.neurons
import neuro.testing
from neuro import Clock, ms
from neuro.cli_neurons import family
from neuro.errors import Unsupported
from neuro.neurons import (
    ALIF,
    LIF,
    MAT,
    QIF,
    AdEx,
    CubaLIF,
    Izhikevich,
    Neuron,
    TwoCompartment,
    TwoPoint,
    parameter,
)
from neuro.testing import Check, check_neuron, run_checks

# Columns of the table at the end of a run: dtype and back end.
COLUMNS = {
    "adjoint float32": ("float32", "adjoint"),
    "adjoint float64": ("float64", "adjoint"),
    "Triton float32": ("float32", "triton"),
    "Triton float64": ("float64", "triton"),
    "differences": ("", "finite differences"),
}
FAMILY = tuple(family().values())


def worst(checks: list[Check], dtype: str, backend: str) -> float:
    """The largest gradient error of one back end."""
    chosen = [c for c in checks if c.backend == backend and (dtype in c.what or not dtype)]
    return max((c.error for c in chosen if c.error is not None), default=float("nan"))


@pytest.mark.parametrize("neuron", FAMILY, ids=lambda n: n.__name__)
def test_all_back_ends_agree(neuron: type[Neuron], record_property: Any) -> None:
    checks = list(run_checks(neuron))
    for column, (dtype, backend) in COLUMNS.items():
        if backend != "triton":
            record_property("gradient", (neuron.__name__, column, worst(checks, dtype, backend)))
    assert not [c for c in checks if not c.passed]
    assert {"reference", "simulation", "fused", "adjoint"} <= {c.backend for c in checks}
    assert worst(checks, "float32", "adjoint") <= 1e-4
    assert worst(checks, "float64", "adjoint") <= 1e-10


@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="triton is not installed")
def test_triton_agrees_in_its_interpreter(record_property: Any) -> None:
    """In a process of its own, since the interpreter is chosen when Triton is imported.

    Five neurons that differ most; `neuro neurons --check` runs all of them.
    """
    code = (
        "import json\n"
        "from neuro.neurons import ALIF, AMSU, AdEx, MetaNeuron, SigmaDelta\n"
        "from neuro.testing import check_neuron\n"
        "for neuron in (ALIF, AMSU, AdEx, MetaNeuron, SigmaDelta):\n"
        "    print(json.dumps([c for c in check_neuron(neuron) if c.backend == 'triton']))\n"
    )
    environment = os.environ | {"TRITON_INTERPRET": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    reports = [[Check(*c) for c in json.loads(line)] for line in done.stdout.splitlines()]
    assert len(reports) == 5 and all(reports)
    for checks in reports:
        for column, (dtype, backend) in COLUMNS.items():
            if backend == "triton":
                row = (checks[0].neuron, column, worst(checks, dtype, backend))
                record_property("gradient", row)


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


def growing(s, p, h):
    """Lets the potential rise without input."""
    return Leaky.State(v=s.v + 0.01 * h)


def depends_on_h(s, p, h):
    """Two flows do not make one."""
    return Leaky.State(v=s.v * p.rate / h)


def drifting(s, p, x):
    """Not silent without input."""
    return Leaky.State(v=s.v + x.current - 0.125)


@pytest.mark.parametrize(
    ("law", "name", "broken"),
    [
        (growing, "flow", "flow does not cross the threshold"),
        (depends_on_h, "flow", "flow(a + b)"),
        (drifting, "receive", "an input of zero changes nothing"),
    ],
)
def test_a_false_claim_to_be_lazy_is_caught(law: Any, name: str, broken: str) -> None:
    false = type("False_", (Leaky,), {name: staticmethod(law), "lazy": lambda self: True})
    promises = itertools.islice((c for c in run_checks(false) if "lazy" in c.what), 3)
    (told,) = [c for c in promises if broken in c.what]
    assert not told.passed


def test_lazy_depends_on_the_parameters() -> None:
    assert LIF(1).lazy() and LIF(1, reset="none").lazy() and not LIF(1, v_leak=1.5).lazy()
    assert ALIF(1).lazy() and not ALIF(1, tau_adapt=10 * ms).lazy()
    assert MAT(1).lazy() and not MAT(1, tau_1=2 * ms).lazy() and not MAT(1, a2=-0.1).lazy()
    assert TwoPoint(1).lazy() and not TwoPoint(1, modulation="coop").lazy()
    assert not any(kind(1).lazy() for kind in (CubaLIF, QIF, AdEx, Izhikevich, TwoCompartment))


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ({"unit": "sec"}, "unit 'sec'"),
        ({"meaning": " "}, "no meaning"),
        ({"default": 0.0}, "default 0 is out of bounds"),
    ],
)
def test_an_incomplete_parameter_table_is_reported(row: Any, complaint: str) -> None:
    whole = {"default": 20 * ms, "unit": "s", "meaning": "time constant", "above": 0}
    space = {"tau": parameter(**(whole | row)), "__annotations__": {"tau": Any}}
    false = type("False_", (Leaky,), space)
    first = next(run_checks(false, clock=Clock(1 * ms)))
    assert first.what == "parameter table" and not first.passed and complaint in first.detail
