"""What the meta-neuron recipe compares: its spike trains, its controls and its decoders."""

from __future__ import annotations

import runpy

import numpy as np
import pytest
import torch
from scipy.stats import binom

from neuro import LIF
from neuro.neurons import MetaNeuron
from neuro.recipe import find

FOLDER = find("meta_neuron").folder


@pytest.fixture(scope="module")
def run():
    return runpy.run_path(str(FOLDER / "run.py"))


@pytest.fixture(scope="module")
def lempel_ziv():
    return runpy.run_path(str(FOLDER / "lempel_ziv.py"))


@pytest.fixture(scope="module")
def rules():
    return runpy.run_path(str(FOLDER / "learning_rules.py"))


@pytest.mark.parametrize("switch", [0.08, 0.25])
def test_markov_trains_spike_half_of_the_time_whatever_their_switch(run, switch: float) -> None:
    spikes = run["markov"](np.random.default_rng(0), switch, 200, 50, 40)
    assert spikes.shape == (200, 50, 40)
    flips = np.diff(spikes.astype(int), axis=0) != 0
    assert flips.mean() == pytest.approx(switch, abs=4 * np.sqrt(switch / flips.size))
    # Runs last 1 / switch steps, so a train of 200 holds about 200 * switch independent ones.
    assert spikes.mean() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(2000 * 200 * switch / 2))


@pytest.mark.parametrize(
    ("neuron", "learn"), [(MetaNeuron(6), ("theta_u", "v_th")), (LIF(6), ("tau_mem",))]
)
def test_fixed_and_learned_begin_as_one_network_and_differ_by_training(run, neuron, learn) -> None:
    random = np.random.default_rng(1)
    train, test = run["trials"](random), run["trials"](random)
    for epochs, same in ((0, True), (1, False)):
        kind = run["Kind"](neuron, learn, epochs=epochs)
        fixed, learned = (run["fit"](kind, how, train, test, 3) for how in (False, True))
        assert torch.equal(fixed.test, learned.test) is same
        assert 0 < fixed.test.mean() < 1


def test_half_of_the_trials_are_of_each_class_and_the_test_is_new(run) -> None:
    random = np.random.default_rng(2)
    train, test = run["trials"](random), run["trials"](random)
    assert train.label.bincount().tolist() == test.label.bincount().tolist() == [300, 300]
    assert not torch.equal(train.x, test.x)
    slow, fast = (train.x[:, train.label == c].diff(dim=0).abs().mean() for c in (0, 1))
    assert slow < 0.1 < 0.2 < fast


def test_complexity_tells_apart_what_counts_cannot(run, lempel_ziv) -> None:
    random = np.random.default_rng(3)
    train, test = run["trials"](random), run["trials"](random)
    right = lempel_ziv["features"](train.x, train.label, test.x, test.label)
    assert right["lzc"] > 0.98
    assert right["counts"] < 0.6
    # Spikes whose number says it all, and whose pattern does not: constant or absent.
    x = torch.zeros(100, 60, 1)
    x[:, 1::2] = 1
    label = torch.arange(60) % 2
    right = lempel_ziv["features"](x, label, x, label)
    assert right["counts"] == 1
    assert right["lzc"] == 0.5


def test_the_threshold_is_learned_on_the_even_trials_alone(lempel_ziv) -> None:
    label = np.array([0, 0, 1, 1, 0, 0, 1, 1])
    feature = np.array([0.0, 5.4, 10.0, 5.6, 0.0, 4.4, 12.0, 5.0])  # halfway: 5.5
    assert lempel_ziv["nearest_mean"](feature, label) == 0.75


def test_the_ideal_observer_reaches_what_binomial_counts_allow(rules) -> None:
    low, high = (binom(8 * 120, rate).pmf(np.arange(8 * 120 + 1)) for rate in rules["RATES"])
    below = np.concatenate([[0], np.cumsum(low)[:-1]])
    expected = high @ (below + low / 2)  # ties are won half of the time
    found = [rules["ideal"](rules["poisson"](np.random.default_rng(s))) for s in range(10)]
    assert np.mean(found) == pytest.approx(expected, abs=4 * np.sqrt(0.25 * 0.3 / 6000))
