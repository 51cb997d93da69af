"""`neuro neurons`, as a user meets it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nir
import numpy as np
import pytest
from typer.testing import CliRunner

import neuro.testing
from neuro import Clock, Input, Network, Synapse, ms
from neuro.cli import app
from neuro.cli_neurons import family
from neuro.errors import UnknownName, Unsupported
from neuro.export import to_nir
from neuro.neurons import Izhikevich
from neuro.synapses import Dense
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


def test_a_page_shows_equations_units_bounds_options_export_and_source() -> None:
    page = runner.invoke(app, ["neurons", "LIF"]).stdout
    for words in ("flow:", "tau_mem", "0.02", " s ", "> 0 ", "zero | ", "Gerstner, Kistler"):
        assert words in page
    assert "export to NIR: yes, with reset=zero and refractory=0" in page
    assert "sends: spikes" in page


def test_a_page_names_presets_that_exist() -> None:
    done = runner.invoke(app, ["neurons", "Izhikevich", "--json"])
    (told,) = json.loads(done.stdout)["neurons"]
    assert "FS" in told["presets"]
    for name in told["presets"]:
        assert isinstance(Izhikevich.preset(name), Izhikevich)
    assert told["equations"] == list(Izhikevich.equations())


def test_a_page_in_json_carries_the_table() -> None:
    done = runner.invoke(app, ["neurons", "LIF", "--json"])
    (told,) = json.loads(done.stdout)["neurons"]
    (row,) = (row for row in told["table"] if row["name"] == "refractory")
    assert (row["unit"], row["bound"], row["learnable"]) == ("s", ">= 0", False)
    assert told["options"] == {"reset": ["zero", "subtract", "none"]}


def test_what_is_said_of_export_is_what_export_does() -> None:
    rows = json.loads(runner.invoke(app, ["neurons", "--json"]).stdout)["neurons"]
    said = {row["name"] for row in rows if row["nir"].startswith("yes")}
    written = set()
    for name, kind in family().items():
        edge = Synapse("in", "out", Dense(np.eye(1)))
        net = Network({"in": Input(1), "out": kind(1)}, (edge,), ("out",), Clock(0.05 * ms))
        try:
            assert isinstance(to_nir(net), nir.NIRGraph)
        except Unsupported:
            continue
        written.add(name)
    assert said == written and "LIF" in said


def test_the_gallery_is_written_where_asked(tmp_path: Path) -> None:
    file = tmp_path / "gallery.html"
    done = runner.invoke(app, ["neurons", "LI", "--gallery", str(file), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout.splitlines()[-1]) == {"neurons": 1, "gallery": str(file)}
    assert "Leaky integrator" in file.read_text(encoding="utf-8")


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


def test_the_command_compares_triton_in_its_interpreter() -> None:
    """In a process of its own, as a user runs it: nothing has imported Triton before."""
    pytest.importorskip("triton")
    environment = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    command = [sys.executable, "-m", "neuro.cli", "neurons", "LI", "--check", "--json"]
    done = subprocess.run(
        command, env=environment | {"CUDA_VISIBLE_DEVICES": ""}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "triton" in json.loads(done.stdout.splitlines()[-1])["backend_names"]


def test_triton_imported_earlier_without_its_interpreter_is_left_out_and_said() -> None:
    pytest.importorskip("triton")
    done = runner.invoke(app, ["neurons", "LI", "--check", "--json"])
    told = json.loads(done.stdout.splitlines()[-1])
    assert (done.exit_code, told["failed"]) == (0, 0)
    assert "triton" not in told["backend_names"]
    assert "Set TRITON_INTERPRET=1 before the start" in done.stderr


def test_a_difference_is_named_and_exits_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Check("LI", "fused", "float32", False, "not equal")
    monkeypatch.setattr(neuro.testing, "run_checks", lambda kind: iter([broken]))
    done = runner.invoke(app, ["neurons", "LI", "--check"])
    assert done.exit_code == 1
    assert "1 of 1 failed" in done.output
    assert "LI, fused: float32: not equal" in done.output
