"""Memory capacity of networks whose capacity is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from neuro.errors import InvalidValue
from neuro.metrics import memory_capacity


def delay_line(u: NDArray, n: int) -> NDArray:
    """Unit k holds the input of k + 1 steps ago."""
    states = np.zeros((len(u), n))
    for k in range(n):
        states[k + 1 :, k] = u[: -k - 1]
    return states


def test_a_delay_line_of_n_units_has_capacity_n() -> None:
    u = np.random.default_rng(0).uniform(-1, 1, 4000)
    found = memory_capacity(delay_line(u, 8), u, delays=16)
    np.testing.assert_allclose(found.by_delay[:8], 1, atol=1e-6)
    assert (found.by_delay[8:] < 0.01).all()
    assert found.total == pytest.approx(8, abs=0.03)


def test_mixing_the_units_changes_nothing_and_shifts_are_taken_up() -> None:
    random = np.random.default_rng(1)
    u = random.normal(3, 2, 3000)
    mixed = delay_line(u, 5) @ random.normal(size=(5, 12)) + random.normal(size=12) * 100
    assert memory_capacity(mixed, u, delays=10, ridge=1e-9).total == pytest.approx(5, abs=0.05)


def test_noise_lowers_the_capacity_to_its_closed_form() -> None:
    # one unit x = u(t - 3) + noise of the same variance: squared correlation 1 / 2
    random = np.random.default_rng(2)
    u = random.normal(size=40_000)
    states = (delay_line(u, 3)[:, 2] + random.normal(size=len(u)))[:, None]
    found = memory_capacity(states, u, delays=5)
    assert found.by_delay[2] == pytest.approx(0.5, abs=0.02)
    assert found.total == pytest.approx(0.5, abs=0.02)


def test_a_linear_unit_forgets_as_its_leak_says() -> None:
    # x(t) = a x(t-1) + u(t): corr(x(t), u(t-k))^2 = a^2k (1 - a^2)
    a, u = 0.8, np.random.default_rng(3).normal(size=60_000)
    x = np.zeros(len(u))
    for t in range(1, len(u)):
        x[t] = a * x[t - 1] + u[t]
    found = memory_capacity(x[:, None], u, delays=6)
    k = np.arange(1, 7)
    np.testing.assert_allclose(found.by_delay, a ** (2 * k) * (1 - a**2), atol=0.015)


def test_states_without_memory_have_none_by_held_out_data() -> None:
    random = np.random.default_rng(4)
    u = random.normal(size=2000)
    found = memory_capacity(random.normal(size=(2000, 100)), u, delays=50)
    assert found.total < 0.25  # in-sample fits would give about 100 / 1000 for each delay, 5 in all
    assert memory_capacity(np.zeros((2000, 3)), u, delays=5).total == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: memory_capacity(np.zeros((9, 2)), np.zeros(8), delays=1), r"expected \[T, N\]"),
        (lambda: memory_capacity(np.full((9, 2), np.nan), np.zeros(9), delays=1), "finite"),
        (lambda: memory_capacity(np.zeros((9, 2)), np.zeros(9), delays=0), "delays"),
        (lambda: memory_capacity(np.zeros((9, 2)), np.zeros(9), delays=2, train=1.0), "train"),
        (lambda: memory_capacity(np.zeros((9, 2)), np.zeros(9), delays=2), "too few"),
        (lambda: memory_capacity(np.ones((900, 2)), np.ones(900), delays=2), "does not change"),
    ],
)
def test_refuses_runs_without_a_capacity(call, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        call()
