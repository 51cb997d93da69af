"""The recipe on switching couplings: its networks, its measures, and its quick fit."""

from __future__ import annotations

import runpy
from dataclasses import replace

import numpy as np
import pytest

from neuro.recipe import find


@pytest.fixture(scope="module")
def run():
    return runpy.run_path(str(find("hmm_glm").folder / "run.py"))


def test_networks_are_as_sparse_and_excitatory_as_stated(run) -> None:
    weights = np.stack([run["truth"](np.random.default_rng(i)).weights for i in range(60)])
    pairs = weights[:, :, ~np.eye(10, dtype=bool)]
    assert (weights[:, :, np.eye(10, dtype=bool)] == 0).all()
    assert (pairs != 0).mean() == pytest.approx(0.2, abs=0.02)
    assert (pairs[pairs != 0] > 0).mean() == pytest.approx(0.5, abs=0.03)
    assert np.abs(pairs[pairs != 0]).mean() == pytest.approx(1.5, abs=0.05)


def test_names_of_the_states_do_not_matter_to_the_measures(run) -> None:
    true = run["truth"](np.random.default_rng(1))
    spikes, states = true.sample(1000, 2, seed=1)
    order = [2, 0, 1]
    renamed = replace(
        true, weights=true.weights[order], transition=true.transition[np.ix_(order, order)]
    )
    one, other = (run["measured"](model, true, spikes, states) for model in (true, renamed))
    assert one["weights"] == pytest.approx(1)
    assert other == pytest.approx(one)
    assert one["accuracy"] > 0.85


def test_the_quick_fit_is_scored_below_the_truth(run) -> None:
    scores, weights = run["experiment"](900, True)
    assert set(scores) == {"true", "none", "gauss", "onehot"}
    for prior in ("none", "gauss", "onehot"):
        assert scores[prior]["likelihood"] < scores["true"]["likelihood"]
        assert scores[prior]["accuracy"] > 0.34
        assert 0.2 < scores[prior]["weights"] < 1
    assert (weights["onehot"] == 0).mean() > (weights["none"] == 0).mean()
