"""Kernel and generalisation rank of matrices whose rank is known."""

from __future__ import annotations

import numpy as np
import pytest

from neuro.errors import InvalidValue
from neuro.metrics import generalisation_rank, kernel_rank


@pytest.mark.parametrize("rank", [1, 3, 10])
def test_the_rank_is_that_of_the_planted_factors(rank: int) -> None:
    random = np.random.default_rng(rank)
    states = random.normal(size=(30, rank)) @ random.normal(size=(rank, 20))
    assert kernel_rank(states) == rank
    assert generalisation_rank(states) == rank
    assert kernel_rank(states[:, ::-1] * 1e-9) == rank


def test_small_directions_count_unless_the_tolerance_says_otherwise() -> None:
    states = np.diag([1.0, 1e-3, 1e-7, 0.0])
    assert kernel_rank(states) == 3
    assert kernel_rank(states, tolerance=1e-5) == 2
    assert kernel_rank(np.zeros((3, 4))) == 0


def test_several_inputs_are_averaged() -> None:
    random = np.random.default_rng(0)
    states = np.stack([random.normal(size=(6, r)) @ random.normal(size=(r, 8)) for r in (2, 5)])
    assert generalisation_rank(states) == 3.5


def test_a_network_that_ignores_noise_has_a_low_generalisation_rank() -> None:
    random = np.random.default_rng(1)
    inputs = random.normal(size=(40, 50))
    near = inputs[0] + 0.01 * random.normal(size=(40, 50))
    weight = random.normal(size=(50, 60)) / np.sqrt(50)
    steps = lambda x: (x @ weight > 0).astype(float)  # noqa: E731
    assert kernel_rank(steps(inputs)) == 40
    assert generalisation_rank(steps(near)) < 20


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kernel_rank(np.zeros(3)), "shape"),
        (lambda: kernel_rank(np.zeros((2, 3, 4))), "shape"),
        (lambda: generalisation_rank(np.zeros((0, 4))), "shape"),
        (lambda: kernel_rank([[np.inf, 0.0]]), "finite"),
        (lambda: kernel_rank(np.eye(2), tolerance=1.0), "tolerance"),
    ],
)
def test_refuses_what_has_no_rank(call, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        call()
