"""Hidden Markov inference against sums and maxima over every path."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from neuro.analysis import forward_backward, viterbi_path


@pytest.fixture(scope="module")
def problem():
    random = np.random.default_rng(0)
    transition = random.dirichlet(np.ones(3), 3)
    return random.normal(-300, 2, (2, 5, 3)), random.dirichlet(np.ones(3)), transition


def weight(path, emission, initial, transition) -> float:
    """Log of a path's joint probability with the observations, less what all share."""
    total = np.log(initial[path[0]]) + emission[0, path[0]]
    for t in range(1, len(path)):
        total += np.log(transition[path[t - 1], path[t]]) + emission[t, path[t]]
    return total


def test_posteriors_are_sums_over_all_paths(problem) -> None:
    emission, initial, transition = problem
    found = forward_backward(*problem)
    moved = np.zeros((3, 3))
    for b in range(2):
        paths = list(product(range(3), repeat=5))
        log = np.array([weight(p, emission[b], initial, transition) for p in paths])
        total = np.logaddexp.reduce(log)
        assert found.log_likelihood[b] == pytest.approx(total)
        chance = np.exp(log - total)
        states = np.zeros((5, 3))
        for p, c in zip(paths, chance, strict=True):
            for t in range(5):
                states[t, p[t]] += c
                if t:
                    moved[p[t - 1], p[t]] += c
        np.testing.assert_allclose(found.states[b], states)
    np.testing.assert_allclose(found.transitions, moved)


def test_the_viterbi_path_is_the_best_of_all(problem) -> None:
    emission, initial, transition = problem
    for b in range(2):
        best = max(
            product(range(3), repeat=5), key=lambda p: weight(p, emission[b], initial, transition)
        )
        assert viterbi_path(*problem)[b].tolist() == list(best)


def test_forbidden_transitions_are_never_taken() -> None:
    emission = np.random.default_rng(1).normal(size=(1, 200, 2))
    path = viterbi_path(emission, np.array([1.0, 0.0]), np.array([[0.9, 0.1], [0.0, 1.0]]))[0]
    assert path[0] == 0 and (np.diff(path) >= 0).all()
    found = forward_backward(emission, np.array([1.0, 0.0]), np.array([[0.9, 0.1], [0.0, 1.0]]))
    assert found.transitions[1, 0] == 0
    np.testing.assert_allclose(found.states.sum(axis=2), 1)
