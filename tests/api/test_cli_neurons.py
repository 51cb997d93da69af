"""`neuro neurons`, as a user meets it."""

import json

import pytest
from typer.testing import CliRunner

import neuro.testing
from neuro.cli import app
from neuro.errors import UnknownName
from neuro.testing import Check

runner = CliRunner()


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_INTERPRET", "0")  # so that what the command sets is undone


def test_the_family_is_listed_with_parameters_and_export() -> None:
    done = runner.invoke(app, ["neurons", "--json"])
    rows = {row["name"]: row for row in json.loads(done.stdout)["neurons"]}
    assert rows["LI"]["parameters"] == 2
    assert rows["LI"]["nir"] == "yes"
    assert rows["ALIF"]["nir"] == "no"
    assert "Neuron" not in rows


def test_a_page_shows_equations_units_options_and_export() -> None:
    page = runner.invoke(app, ["neurons", "LIF"]).stdout
    for words in ("flow:", "tau_mem", "0.02", " s ", "zero | ", "export to NIR: yes"):
        assert words in page


def test_an_unknown_neuron_is_refused_with_the_nearest_name() -> None:
    error = runner.invoke(app, ["neurons", "ALIFF"]).exception
    assert isinstance(error, UnknownName)
    assert "Did you mean 'ALIF'?" in str(error)


def test_agreement_of_the_back_ends_is_reported_and_exits_with_0() -> None:
    done = runner.invoke(app, ["neurons", "LI", "--check", "--json"])
    told = json.loads(done.stdout.splitlines()[-1])
    assert done.exit_code == 0, done.output
    assert (told["neurons"], told["failed"], told["names"]) == (1, 0, ["LI"])
    assert told["backends"] == len(told["backend_names"])
    assert {"reference", "fused", "adjoint"} <= set(told["backend_names"])


def test_a_difference_is_named_and_exits_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Check("LI", "fused", "float32", False, "not equal")
    monkeypatch.setattr(neuro.testing, "run_checks", lambda kind: iter([broken]))
    done = runner.invoke(app, ["neurons", "LI", "--check"])
    assert done.exit_code == 1
    assert "1 of 1 failed" in done.output
    assert "LI, fused: float32: not equal" in done.output
