"""What the recipe after Vogels et al. builds."""

from __future__ import annotations

import math
import runpy

import numpy as np
import pytest

from neuro import Network, sim
from neuro.recipe import find


@pytest.fixture(scope="module")
def run():
    return runpy.run_path(str(find("stdp_network").folder / "run.py"))


def test_a_cell_alone_fires_as_its_leak_and_current_would_have_it(run) -> None:
    whole = run["network"](250, True, 0)
    tonic = tuple(s for s in whole.synapses if s.name.startswith("tonic"))
    alone = Network(whole.populations, tonic, outputs=("exc",), clock=whole.clock)
    spikes = sim.run(alone, 1.0, engine="compiled").events("exc.spikes")[0]
    gaps = np.diff(spikes.t[spikes.unit == 0])
    # From -60 mV towards -40 mV with 20 ms, to -50 mV, after 5 ms at rest.
    assert gaps[-1] * 0.1 == pytest.approx(5 + 20 * math.log(2), abs=0.3)


def test_every_cell_has_the_papers_mean_number_of_synapses(run) -> None:
    network = run["network"](1250, True, 0)
    counts = {s.name: len(network.rows(s, 0, network.populations[s.pre].size).post)
              for s in network.synapses}  # fmt: skip
    assert counts["exc->exc"] / 1000 == pytest.approx(160, rel=0.03)
    assert counts["inh->exc"] / 1000 == pytest.approx(40, rel=0.03)


def test_only_synapses_from_inhibitory_to_excitatory_cells_learn(run) -> None:
    for plastic in (True, False):
        learned = [s.name for s in run["network"](250, plastic, 0).synapses if s.rule]
        assert learned == (["inh->exc"] if plastic else [])
