"""Chaotic series against SciPy's integrators and their defining equations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from neuro.errors import InvalidValue
from neuro.synthetic import lorenz, mackey_glass, narma, narma_response


def mackey_glass_by_pieces(until: float, tau: float = 17.0, start: float = 1.2) -> np.ndarray:
    """Method of steps: on each interval of length tau the delayed value is a known function."""
    history = lambda t: start  # noqa: E731
    x, values = start, [start]
    for begin in np.arange(0, until, tau):

        def slope(t, x, past=history):
            delayed = past(t - tau)
            return [0.2 * delayed / (1 + delayed**10) - 0.1 * x[0]]

        stop = begin + tau
        inside = np.arange(np.floor(begin) + 1, stop + 0.5)
        piece = solve_ivp(
            slope, (begin, stop), [x], method="DOP853", rtol=1e-11, atol=1e-12, t_eval=inside,
            dense_output=True, max_step=0.5,
        )  # fmt: skip
        values.extend(piece.y[0])
        x = piece.y[0, -1]
        history = lambda t, of=piece.sol: of(t)[0]  # noqa: E731
    return np.array(values)[: int(until) + 1]


def test_mackey_glass_is_that_of_an_independent_integrator() -> None:
    np.testing.assert_allclose(mackey_glass(101), mackey_glass_by_pieces(100), atol=2e-6)


def test_mackey_glass_is_of_fourth_order() -> None:
    true = mackey_glass_by_pieces(51)
    coarse, fine = (np.abs(mackey_glass(52, substeps=n) - true[:52]).max() for n in (2, 4))
    assert 10 < coarse / fine < 25  # 16 for order 4


def test_mackey_glass_is_periodic_below_and_chaotic_above_its_threshold() -> None:
    near, far = (mackey_glass(4000, start=s) for s in (1.2, 1.2 + 1e-6))
    assert np.abs(near - far)[-500:].max() > 0.1
    near, far = (mackey_glass(2000, tau=6.0, start=s) for s in (1.2, 1.2 + 1e-6))
    assert np.abs(near - far)[-500:].max() < 1e-4


def test_discarding_and_the_spread_of_the_start() -> None:
    np.testing.assert_array_equal(mackey_glass(50, discard=30), mackey_glass(80)[30:])
    one, same, other = (mackey_glass(50, spread=0.1, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)
    assert abs(one[0] - 1.2) < 0.1


def test_lorenz_is_that_of_an_independent_integrator() -> None:
    found = lorenz(251, start=(1.0, 2.0, 3.0))

    def slope(t, s):
        x, y, z = s
        return [10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z]

    true = solve_ivp(
        slope, (0, 5), [1, 2, 3], method="DOP853", rtol=1e-12, atol=1e-12,
        t_eval=np.linspace(0, 5, 251),
    )  # fmt: skip
    np.testing.assert_allclose(found, true.y.T, atol=1e-3)
    np.testing.assert_array_equal(lorenz(20, discard=5, start=(1.0, 2.0, 3.0)), found[5:25])


def test_lorenz_stays_at_its_fixed_points() -> None:
    side = np.sqrt(8 / 3 * 27)
    found = lorenz(50, start=(side, side, 27.0))
    np.testing.assert_allclose(found, np.tile([side, side, 27], (50, 1)), atol=1e-6)
    assert lorenz(3, spread=0.5, seed=4).shape == (3, 3)


@pytest.mark.parametrize("order", [1, 2, 10])
def test_narma_obeys_its_equation(order: int) -> None:
    u, y = narma(200, order=order, seed=3)
    assert u.shape == y.shape == (200,)
    assert (u >= 0).all() and (u < 0.5).all()
    for t in range(20, 199):
        memory = sum(y[t - i] for i in range(order))
        expected = 0.3 * y[t] + 0.05 * y[t] * memory + 1.5 * u[t - order + 1] * u[t] + 0.1
        assert y[t + 1] == pytest.approx(expected)


def test_narma_of_a_constant_input_settles_where_its_equation_does() -> None:
    y = narma_response(np.full(3000, 0.2), order=10)[-1]
    assert y == pytest.approx(0.3 * y + 0.5 * y * y + 1.5 * 0.04 + 0.1)


def test_high_orders_are_kept_in_bounds() -> None:
    assert np.abs(narma(3000, order=20, seed=1).target).max() < 1
    with pytest.raises(InvalidValue, match="diverges"):
        narma_response(np.full(500, 0.5), order=30)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mackey_glass(0), "steps"),
        (lambda: mackey_glass(10, tau=17.03), "whole number of h"),
        (lambda: mackey_glass(10, start=-1.0), "start"),
        (lambda: mackey_glass(3000, substeps=1, step=30.0, tau=30.0), "diverges"),
        (lambda: lorenz(10, step=-1.0), "step"),
        (lambda: lorenz(1000, step=1.0, substeps=1), "diverges"),
        (lambda: narma(10, order=0), "order"),
        (lambda: narma_response(np.zeros((2, 2))), "expected finite"),
        (lambda: narma(10, seed=-1), "seed"),
    ],
)
def test_refuses_what_cannot_be_integrated(call, message: str) -> None:
    with np.errstate(all="ignore"), pytest.raises(InvalidValue, match=message):
        call()
