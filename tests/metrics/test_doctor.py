"""What neuro reports about the machine."""

from __future__ import annotations

import importlib
import importlib.util
import json
import subprocess
import sys

import pytest

import neuro
from neuro import doctor
from neuro.doctor import environment


def test_versions_are_those_of_the_packages_themselves() -> None:
    facts = environment()
    for name in ("numpy", "h5py", "rich"):
        module = importlib.import_module(name)
        expected = getattr(module, "__version__", facts["packages"][name])
        assert facts["packages"][name] == expected
    assert facts["packages"]["neuro"] == neuro.__version__
    assert facts["python"].endswith(".".join(map(str, sys.version_info[:3])))
    assert facts["cpus"] >= 1
    assert json.loads(json.dumps(facts)) == facts


def test_torch_reports_its_threads() -> None:
    torch = pytest.importorskip("torch")
    assert environment()["torch"]["threads"] == torch.get_num_threads()


def test_without_torch_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "torch" else find(name, *a)
    )
    assert environment()["torch"] is None


def test_a_torch_that_does_not_load_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: object())

    def broken(name: str):
        raise OSError("libcudart.so: cannot open shared object file")

    monkeypatch.setattr(importlib, "import_module", broken)
    assert "libcudart" in environment()["torch"]["error"]


def test_metrics_and_plots_load_neither_torch_nor_matplotlib() -> None:
    code = (
        "import sys, neuro.doctor, neuro.metrics, neuro.plot;"
        "sys.exit(any(m in sys.modules for m in ('torch', 'matplotlib', 'numba')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_missing_package_is_none_and_a_checkout_knows_its_own_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nothing(name: str) -> str:
        raise doctor.PackageNotFoundError(name)

    monkeypatch.setattr(doctor, "version", nothing)
    packages = doctor.environment()["packages"]
    assert packages.pop("neuro") == neuro.__version__
    assert set(packages.values()) == {None}
