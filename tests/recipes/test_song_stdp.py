"""What the recipe after Song, Miller and Abbott builds and measures."""

from __future__ import annotations

import runpy

import numpy as np
import pytest

from neuro.recipe import find


@pytest.fixture(scope="module")
def run():
    return runpy.run_path(str(find("song_stdp").folder / "run.py"))


def test_learning_lowers_the_rate_and_fixed_weights_stay_at_the_maximum(run) -> None:
    plastic, fixed = (run["learn"](20.0, how, 1, 15.0, 5.0) for how in (True, False))
    assert fixed.weights == pytest.approx(1)
    assert ((plastic.weights >= 0) & (plastic.weights <= 1 + 1e-6)).all()
    assert plastic.weights.mean() < 0.95
    assert plastic.rate < fixed.rate


def test_bimodality_of_even_and_of_extreme_weights(run) -> None:
    assert run["bimodality"](np.linspace(0, 1, 10_001)) == pytest.approx(0.4, abs=1e-3)
    assert run["bimodality"](np.array([0.0, 0.1, 0.9, 1.0])) == 1


def test_irregularity_of_a_clock_and_of_a_poisson_process(run) -> None:
    assert run["intervals"](np.arange(0, 1000, 7)) == 0
    times = np.random.default_rng(0).exponential(1e6, 20_000).cumsum().astype(np.int64)
    assert run["intervals"](times) == pytest.approx(1, abs=0.03)
