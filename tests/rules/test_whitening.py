"""Gain control: dynamics, rule and fixed point against one another and against expectations."""

from __future__ import annotations

import numpy as np
import pytest

from neuro.errors import InvalidValue
from neuro.rules import whitening

RANDOM = np.random.default_rng(0)
W = whitening.frame(3, 6, seed=1)
A = RANDOM.normal(size=(3, 3))
C = A @ A.T + 0.5 * np.eye(3)


def test_the_dynamics_settle_at_the_response_matrix() -> None:
    s, g = RANDOM.normal(size=(5, 3)), RANDOM.uniform(0, 1, 6)
    expected = s @ whitening.response_matrix(W, g, alpha=0.7).T
    np.testing.assert_allclose(whitening.settle(s, W, g, alpha=0.7), expected, atol=1e-5)


@pytest.mark.parametrize("alpha", [0.5, 1.0])
def test_optimal_gains_whiten_and_the_rule_rests_there(alpha: float) -> None:
    g = whitening.optimal_gains(C, W, alpha=alpha)
    response = whitening.response_matrix(W, g, alpha=alpha)
    assert whitening.whitening_error(C, response) < 1e-10
    # Inputs whose second moments are those of C exactly: the columns of its Cholesky factor.
    s = np.sqrt(3) * np.linalg.cholesky(C).T
    np.testing.assert_allclose(whitening.gain_change(s @ response.T, W), 0, atol=1e-12)


def test_the_rule_leads_to_the_optimal_gains() -> None:
    s = np.sqrt(3) * np.linalg.cholesky(C).T
    path = whitening.adapt(np.tile(s, (4000, 1)), W, np.zeros(6), eta=0.01)
    np.testing.assert_allclose(path[-3:].mean(0), whitening.optimal_gains(C, W), atol=0.1)


def test_one_step_is_the_square_of_an_interneurons_input_less_one() -> None:
    w = np.array([[1.0, 0.6], [0.0, 0.8]])
    path = whitening.adapt([[2.0, 1.0]], w, np.zeros(2), eta=0.1)
    np.testing.assert_allclose(path[1], [0.1 * 3, 0.1 * 3])  # z = 2 and 2
    path = whitening.adapt([[0.1, 0.0]], w, np.zeros(2), eta=0.1, floor=0.0)
    np.testing.assert_array_equal(path[1], [0, 0])


def test_the_error_is_the_largest_eigenvalue_off_one() -> None:
    assert whitening.whitening_error(np.diag([4.0, 0.5])) == pytest.approx(3)
    assert whitening.whitening_error(np.diag([4.0, 0.25]), np.diag([0.5, 2.0])) == pytest.approx(0)


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(InvalidValue, match="eigenvalue"):
        whitening.response_matrix(W, np.full(6, -5.0))
    with pytest.raises(InvalidValue, match="general position"):
        whitening.optimal_gains(C, W[:, :5])
    with pytest.raises(InvalidValue, match="general position"):
        whitening.optimal_gains(C, np.repeat(W[:, :3], 2, axis=1))
    with pytest.raises(InvalidValue, match="positive definite"):
        whitening.optimal_gains(-C, W)
    with pytest.raises(InvalidValue, match=r"adapt\.samples"):
        whitening.adapt(np.ones((4, 2)), W, np.zeros(6), eta=0.1)
    with pytest.raises(InvalidValue, match="gain_change"):
        whitening.gain_change(np.ones(2), W)
    with pytest.raises(InvalidValue, match=r"\[N, K\]"):
        whitening.settle(np.ones(3), W, np.zeros(5))
