"""The recipe on changing groups: its recordings, its matching of factors, and its scores."""

from __future__ import annotations

import runpy

import numpy as np
import pytest

from neuro.analysis import Factors
from neuro.recipe import find


@pytest.fixture(scope="module")
def run():
    return runpy.run_path(str(find("functional_connectome").folder / "run.py"))


def test_members_of_an_active_group_share_a_signal_and_others_do_not(run) -> None:
    traces, groups = run["record"](np.random.default_rng(0))
    assert traces.shape == (4, 600, 40)
    assert (np.sort(groups, axis=1) == [0] * 10 + [1] * 10 + [2] * 20).all()
    for rows, group in zip(run["epochs"](), groups, strict=True):
        r = np.mean([np.corrcoef(animal[rows].T) for animal in traces], axis=0)
        pairs = ~np.eye(40, dtype=bool)
        for name in (0, 1):
            inside = (group == name)[:, None] & (group == name) & pairs
            # a signal of variance s^2 under noise of 0.36: s^2 / (s^2 + 0.36)
            assert 0.3 < r[inside].mean() < 0.95
        rest = (group == 2)[:, None] & (group == 2) & pairs
        assert abs(r[rest].mean()) < 0.03


def test_factors_are_matched_to_the_epoch_that_their_course_follows(run) -> None:
    course = np.full((29, 6), 0.001)
    for r, epoch in enumerate((2, 0, 1, 1, 2, 0)):
        course[epoch * 10 : (epoch + 1) * 10, r] = 1.0
    factors = Factors(np.ones(6), (np.ones((780, 6)), course, np.ones((4, 6))), 0.0)
    chosen, best = run["own_factors"](factors)
    assert [set(own.tolist()) for own in chosen] == [{1, 5}, {2, 3}, {0, 4}]
    np.testing.assert_allclose(best, 1)


def test_factors_find_the_groups_that_static_correlation_mixes_up(run) -> None:
    scores, factors, _ = run["experiment"](900)
    assert scores["ntf"] >= 0.85
    assert scores["ntf"] >= scores["static"] + 0.3
    assert factors.error < 0.5
