"""Rewiring: counts are conserved, the weakest go, pairs stay single."""

from __future__ import annotations

import numpy as np
import pytest

from neuro.rules import Rewiring


@pytest.mark.parametrize("density", [0.05, 0.5, 0.97])
@pytest.mark.parametrize("itself", [False, True])
def test_new_pairs_are_free_ones(density: float, itself: bool) -> None:
    random = np.random.default_rng(0)
    exists = random.random((30, 30)) < density
    if itself:
        np.fill_diagonal(exists, False)
    pre, post = np.nonzero(exists)
    w = random.normal(size=len(pre))
    gone, new_pre, new_post = Rewiring(fraction=0.2, seed=1).rewire(
        5, pre, post, w, (30, 30), itself=itself
    )
    free = exists.size - exists.sum() - (30 if itself else 0)
    assert len(gone) == len(new_pre) == len(new_post) == min(int(0.2 * len(w)), free)
    assert not exists[new_pre, new_post].any()
    assert len(set(zip(new_pre.tolist(), new_post.tolist(), strict=True))) == len(gone)
    if itself:
        assert (new_pre != new_post).all()
    kept = np.setdiff1d(np.arange(len(w)), gone)
    assert np.abs(w[gone]).max() <= np.abs(w[kept]).min()


def test_draws_depend_on_seed_and_tick_alone() -> None:
    pre, post = np.nonzero(np.random.default_rng(0).random((40, 40)) < 0.1)
    w = np.ones(len(pre))

    def drawn(seed, tick):
        rule = Rewiring(seed=seed, prune="random")
        return np.concatenate(rule.rewire(tick, pre, post, w, (40, 40), itself=False))

    np.testing.assert_array_equal(drawn(3, 10), drawn(3, 10))
    assert (drawn(3, 10) != drawn(3, 11)).any() and (drawn(3, 10) != drawn(4, 10)).any()


def test_new_places_are_drawn_evenly() -> None:
    pre, post = np.array([0] * 5), np.arange(5)
    counts = np.zeros((4, 5))
    for tick in range(3000):
        _, a, b = Rewiring(fraction=0.2).rewire(tick, pre, post, np.ones(5), (4, 5), itself=False)
        np.add.at(counts, (a, b), 1)
    assert not counts[0].any()
    np.testing.assert_allclose(counts[1:], 200, atol=5 * np.sqrt(200))
