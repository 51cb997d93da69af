"""The recipe's mean field in its limits, and what it measures."""

from __future__ import annotations

import math
import runpy

import numpy as np
import pytest

from neuro import LIF, Clock, Events, Network, Synapse, ms, sim
from neuro.metrics import cv, firing_rates
from neuro.recipe import find
from neuro.sources import Poisson
from neuro.synapses import OneToOne

FOLDER = find("brunel").folder


@pytest.fixture(scope="module")
def run():
    return runpy.run_path(str(FOLDER / "run.py"))


@pytest.fixture(scope="module")
def theory():
    return runpy.run_path(str(FOLDER / "mean_field.py"))


def test_without_noise_the_rate_is_that_of_the_charging_curve(theory) -> None:
    cell = theory["Cell"]()
    for mean in (25e-3, 40e-3):
        period = 2e-3 + 20e-3 * math.log((mean - 10e-3) / (mean - 20e-3))
        assert theory["rate"](mean, 1e-5, cell) == pytest.approx(1 / period, rel=1e-4)
        assert theory["cv"](mean, 1e-4, 1 / period, cell) < 0.02


def test_far_below_the_threshold_spikes_are_poisson(theory) -> None:
    cell = theory["Cell"]()
    nu = theory["rate"](8e-3, 4.5e-3, cell)
    assert 0 < nu < 0.5
    assert theory["cv"](8e-3, 4.5e-3, nu, cell) == pytest.approx(1, abs=0.01)
    assert theory["rate"](0.0, 0.5e-3, cell) == 0


def test_rate_and_cv_are_those_of_a_simulated_neuron(theory) -> None:
    j, tau = 0.05e-3, 20e-3
    mean, variance = 18e-3, (5e-3) ** 2
    # excitatory and inhibitory Poisson inputs with these moments
    both, difference = variance / (j * j * tau), mean / (j * tau)
    cell = LIF(400, tau_mem=tau, v_th=20e-3, v_reset=10e-3, refractory=2 * ms)
    network = Network(
        {"cell": cell, "plus": Poisson(400, rate=(both + difference) / 2, seed=1),
         "minus": Poisson(400, rate=(both - difference) / 2, seed=2)},
        (Synapse("plus", "cell", OneToOne(j)), Synapse("minus", "cell", OneToOne(-j))),
        ("cell",), Clock(0.02 * ms),
    )  # fmt: skip
    simulation = sim.Simulation(network)
    simulation.run(0.2)
    events = simulation.run(4.0).events("cell.spikes")[0]
    nu = theory["rate"](mean, 5e-3, theory["Cell"]())
    # a tick lets crossings pass unseen, and holds the membrane one tick too long
    assert firing_rates(events).mean() == pytest.approx(nu, rel=0.04)
    predicted = theory["cv"](mean, 5e-3, nu, theory["Cell"]())
    assert np.nanmean(cv(events)) == pytest.approx(predicted, rel=0.04)


@pytest.mark.parametrize(("g", "eta"), [(3.0, 2.0), (5.0, 2.0), (6.0, 4.0), (4.5, 0.9)])
def test_the_solution_drives_itself(theory, g: float, eta: float) -> None:
    found = theory["solve"](g, eta)
    mean = 20e-3 * eta + 1000 * 0.1e-3 * 20e-3 * found.rate * (1 - g / 4)
    assert found.mean == pytest.approx(mean)
    assert theory["rate"](found.mean, found.sigma, theory["Cell"]()) == pytest.approx(found.rate)


def test_without_neighbours_the_drive_alone_gives_the_rate(theory) -> None:
    found = theory["solve"](4.0, 1.2)  # excitation and inhibition cancel in the mean
    assert found.mean == pytest.approx(24e-3)


def test_poisson_spikes_are_irregular_and_not_synchronous(run) -> None:
    random = np.random.default_rng(0)
    k, unit = np.nonzero(random.random((20_000, 200)) < 0.004)
    events = Events.sorted(k, unit, shape=200, clock=Clock(0.1 * ms), duration=20_000)
    found = run["measure"](events)
    assert found["rate"] == pytest.approx(40, rel=0.04)
    assert found["cv"] == pytest.approx(1, abs=0.04)
    assert found["synchrony"] == pytest.approx(1, abs=0.15)


def test_neurons_that_fire_together_are_synchronous(run) -> None:
    t = np.repeat(np.arange(0, 10_000, 100), 50)
    events = Events.sorted(
        t, np.tile(np.arange(50), 100), shape=50, clock=Clock(0.1 * ms), duration=10_000
    )
    found = run["measure"](events)
    assert found["cv"] == pytest.approx(0, abs=1e-12)
    assert found["synchrony"] == pytest.approx(50 - 5)  # 50 in one of ten bins: 225 / 5
