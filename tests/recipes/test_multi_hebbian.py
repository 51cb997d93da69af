"""The multitasking memory at small scale: hierarchy, parallel retrieval, examples."""

from __future__ import annotations

import runpy

import numpy as np
import pytest

from neuro.recipe import find


@pytest.fixture(scope="module")
def run():
    return runpy.run_path(str(find("multi_hebbian").folder / "run.py"))


@pytest.mark.parametrize(
    ("dilution", "law"), [(0.2, (0.8, 0.16, 0.032)), (0.4, (0.6, 0.24, 0.096))]
)
def test_amplitudes_fall_by_the_share_of_blanks(run, dilution, law) -> None:
    found = np.mean([run["amplitudes"](dilution, 3, seed, 2000) for seed in (0, 10, 20)], axis=0)
    np.testing.assert_allclose(found, law, atol=0.04)


def test_without_blanks_one_pattern_is_retrieved(run) -> None:
    first, *others = run["amplitudes"](0.0, 3, 0, 2000)
    assert first > 0.99
    assert max(others) < 4 / np.sqrt(2000)


def test_beyond_the_limit_of_stability_patterns_become_equal(run) -> None:
    spreads = {d: run["spread"](run["amplitudes"](d, 3, 0, 4000)) for d in (0.4, 0.8)}
    assert spreads[0.8] <= 0.6 < 1.4 < spreads[0.4]


def test_many_examples_give_the_pattern_and_few_do_not(run) -> None:
    for supervised in (True, False):
        few, many = (run["from_examples"](m, supervised, 0, 1000) for m in (2, 200))
        assert few < 0.5
        assert many > 0.64  # of 0.7
