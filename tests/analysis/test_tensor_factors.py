"""Affinities by their definition, factors of planted tensors, and communities of planted graphs."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from neuro.analysis import affinity, louvain, ntf, pair_matrix, spectral
from neuro.errors import InvalidValue


def test_the_affinity_is_its_definition_carried_out_slowly() -> None:
    traces = np.random.default_rng(0).normal(size=(2, 47, 4)).cumsum(axis=1)
    found = affinity(traces, window=10, smooth=3)
    assert found.shape == (6, 4, 2)
    for m in range(2):
        smooth = np.array([traces[m, t : t + 3].mean(axis=0) for t in range(45)])
        change = smooth[1:] - smooth[:-1]
        d = (change - change.mean(axis=0)) / change.std(axis=0)
        for p, (i, j) in enumerate(zip(*np.triu_indices(4, 1), strict=True)):
            for w in range(4):
                values = [
                    min(abs(d[t, i]), abs(d[t, j])) if d[t, i] * d[t, j] > 0 else 0.0
                    for t in range(w * 10, w * 10 + 10)
                ]
                assert found[p, w, m] == pytest.approx(np.mean(values))
    np.testing.assert_allclose(affinity(traces[0], window=10, smooth=3)[..., 0], found[..., 0])


def test_a_unit_that_never_changes_has_no_affinity() -> None:
    traces = np.random.default_rng(1).normal(size=(60, 3))
    traces[:, 1] = 4.0
    found = affinity(traces)
    assert (found[[0, 2]] == 0).all() and (found[1] > 0).all()


def test_planted_factors_are_found() -> None:
    random = np.random.default_rng(2)
    parts = [random.gamma(0.3, size=(n, 3)) for n in (30, 20, 5)]
    tensor = np.einsum("ir,jr,kr->ijk", *parts)
    found = ntf(tensor, 3, seed=1, iterations=2000, restarts=2)
    assert found.error < 1e-3
    np.testing.assert_allclose(found.dense(), tensor, atol=0.01 * tensor.max())
    assert (np.diff(found.size) <= 0).all()
    for mine, true in zip(found.factors, parts, strict=True):
        assert (mine >= 0).all()
        np.testing.assert_allclose(mine.sum(axis=0), 1)
        unit = true / np.linalg.norm(true, axis=0)
        cosine = (mine / np.linalg.norm(mine, axis=0)).T @ unit
        assert (cosine.max(axis=1) > 0.99).all() and len(set(cosine.argmax(axis=1))) == 3


def test_a_matrix_of_rank_one_is_factored_exactly() -> None:
    a, b = np.array([1.0, 2.0, 0.0]), np.array([3.0, 1.0])
    found = ntf(np.outer(a, b), 1, restarts=1)
    assert found.size[0] == pytest.approx(12)
    np.testing.assert_allclose(found.factors[0][:, 0], a / 3, atol=1e-9)
    np.testing.assert_allclose(found.factors[1][:, 0], b / 4, atol=1e-9)


def test_more_iterations_never_fit_worse_and_seeds_repeat() -> None:
    tensor = np.random.default_rng(3).random((6, 7, 4))
    errors = [ntf(tensor, 3, iterations=n, restarts=1).error for n in (1, 5, 20, 80)]
    assert all(a >= b - 1e-12 for a, b in pairwise(errors))
    one, same = (ntf(tensor, 3, seed=4) for _ in range(2))
    np.testing.assert_array_equal(one.factors[0], same.factors[0])


def test_pairs_go_back_to_their_places() -> None:
    matrix = np.arange(16.0).reshape(4, 4)
    matrix = matrix + matrix.T - np.diag(2 * np.diag(matrix))
    np.testing.assert_array_equal(pair_matrix(matrix[np.triu_indices(4, 1)]), matrix)


def blocks(order: np.ndarray) -> np.ndarray:
    """Three groups of eight, strong within, weak between."""
    random = np.random.default_rng(5)
    group = np.repeat(np.arange(3), 8)[order]
    weights = np.where(group[:, None] == group, 1.0, 0.05) * random.uniform(0.8, 1.2, (24, 24))
    return (weights + weights.T) / 2


@pytest.mark.parametrize("method", [louvain, lambda w: spectral(w, 3)])
def test_planted_groups_are_found_and_numbered_by_their_first_unit(method) -> None:
    order = np.random.default_rng(6).permutation(24)
    truth = np.repeat(np.arange(3), 8)[order]
    _, first, inverse = np.unique(truth, return_index=True, return_inverse=True)
    expected = np.argsort(np.argsort(first))[inverse]
    np.testing.assert_array_equal(method(blocks(order)), expected)


def test_units_without_links_are_alone() -> None:
    weights = np.zeros((5, 5))
    weights[0, 1] = weights[1, 0] = weights[3, 4] = weights[4, 3] = 1.0
    assert louvain(weights).tolist() == [0, 0, 1, 2, 2]
    assert spectral(np.ones((3, 3)), 1).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: affinity(np.zeros((5, 1))), "N >= 2"),
        (lambda: affinity(np.zeros((10, 3)), window=20), "no window"),
        (lambda: affinity(np.zeros((30, 3)), smooth=0), "smooth"),
        (lambda: ntf(-np.ones((2, 2)), 1), ">= 0"),
        (lambda: ntf(np.zeros((2, 2)), 1), "not"),
        (lambda: ntf(np.ones((2, 2)), 0), "rank"),
        (lambda: pair_matrix(np.ones(4)), "pair_matrix"),
        (lambda: louvain(-np.ones((2, 2))), "absolute"),
        (lambda: louvain(np.ones((2, 2)), resolution=0.0), "resolution"),
        (lambda: spectral(np.triu(np.ones((3, 3))), 2), "symmetric"),
        (lambda: spectral(np.ones((3, 3)), 4), "groups"),
        (lambda: spectral(np.zeros((3, 3)), 2), "nothing to group"),
        (lambda: spectral(np.ones((3, 2)), 2), "shape"),
    ],
)
def test_refuses_what_has_no_factors_or_groups(call, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        call()
