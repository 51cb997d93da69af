"""The switching GLM: its likelihood by hand, its samples, and fits of planted networks."""

from __future__ import annotations

import math
from itertools import permutations, product

import numpy as np
import pytest
import torch

from neuro.analysis import HMMGLM, SwitchingGLM
from neuro.errors import InvalidValue, UnknownName


def planted(strength: float = 3.0, stay: float = 0.98) -> SwitchingGLM:
    """Two states in which units excite their neighbour on the one or on the other side."""
    ring = np.roll(np.eye(6), 1, axis=0)
    weights = strength * np.stack([ring - ring.T, ring.T - ring])
    transition = np.array([[stay, 1 - stay], [1 - stay, stay]])
    return SwitchingGLM(weights, np.full(6, 0.1), np.array([0.5, 0.5]), transition, 3)


def matched(path: np.ndarray, states: np.ndarray) -> float:
    return max(float((np.array(p)[path] == states).mean()) for p in permutations(range(2)))


def test_the_likelihood_is_the_sum_over_all_paths_by_hand() -> None:
    random = np.random.default_rng(0)
    model = SwitchingGLM(
        random.normal(size=(2, 2, 2)), np.array([0.3, -0.4]), np.array([0.6, 0.4]),
        np.array([[0.9, 0.1], [0.2, 0.8]]), 2,
    )  # fmt: skip
    spikes = [[1, 0], [0, 2], [3, 1], [0, 0]]
    phi = [
        math.exp(-1) / (math.exp(-1) + math.exp(-2)),
        math.exp(-2) / (math.exp(-1) + math.exp(-2)),
    ]
    total = 0.0
    for path in product(range(2), repeat=4):
        p = model.initial[path[0]]
        for t in range(4):
            if t:
                p *= model.transition[path[t - 1], path[t]]
            for n in range(2):
                drive = model.bias[n]
                for m in range(2):
                    for k in (1, 2):
                        if t >= k:
                            drive += model.weights[path[t], n, m] * phi[k - 1] * spikes[t - k][m]
                rate = 1 / (1 + math.exp(-drive))
                x = spikes[t][n]
                p *= rate**x * math.exp(-rate) / math.factorial(x)
        total += p
    assert model.log_likelihood(spikes) == pytest.approx(math.log(total))
    np.testing.assert_allclose(model.log_likelihood([spikes, spikes]), math.log(total))
    assert model.viterbi(spikes).shape == (4,)
    np.testing.assert_allclose(model.posterior([spikes]).sum(axis=2), 1)


def test_samples_have_the_rates_and_states_of_the_model() -> None:
    still = SwitchingGLM(
        np.zeros((2, 3, 3)), np.array([-1.0, 0.0, 1.0]), np.array([1.0, 0.0]),
        np.array([[0.95, 0.05], [0.1, 0.9]]), 2,
    )  # fmt: skip
    counts, states = still.sample(2000, 20, seed=1)
    assert counts.shape == (20, 2000, 3) and (states[:, 0] == 0).all()
    np.testing.assert_allclose(
        counts.mean(axis=(0, 1)), 1 / (1 + np.exp([1.0, 0.0, -1.0])), rtol=0.03
    )
    assert states[:, 100:].mean() == pytest.approx(1 / 3, abs=0.03)
    # one unit drives the other one step later: x2(t) given x1(t-1) = k has rate sigmoid(w phi_1 k)
    w = np.zeros((1, 2, 2))
    w[0, 1, 0] = 2.0
    pair = SwitchingGLM(w, np.zeros(2), np.ones(1), np.ones((1, 1)), 1)
    counts, _ = pair.sample(20_000, seed=2)
    before, after = counts[0, :-1, 0], counts[0, 1:, 1]
    for k in range(3):
        expected = 1 / (1 + math.exp(-2 * k))
        assert after[before == k].mean() == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("prior", ["none", "gauss", "onehot"])
def test_each_prior_finds_a_planted_network(prior) -> None:
    true = planted()
    spikes, states = true.sample(1200, 2, seed=3)
    fit = HMMGLM(2, 3, prior, rounds=15, restarts=1).fit(spikes[:1], seed=1)
    assert matched(fit.viterbi(spikes[1]), states[1]) > 0.85
    pairs = ~np.eye(6, dtype=bool)
    r = max(
        np.corrcoef(fit.weights[list(p)][:, pairs].ravel(), true.weights[:, pairs].ravel())[0, 1]
        for p in permutations(range(2))
    )
    assert r > 0.85
    assert fit.log_likelihood(spikes[1]) > HMMGLM(1, 3, rounds=5, restarts=1).fit(
        spikes[:1]
    ).log_likelihood(spikes[1])
    if prior == "onehot":
        assert (fit.weights[:, ~pairs] == 0).all()
        assert (fit.weights == 0).mean() > 0.3


def test_one_state_is_plain_poisson_regression() -> None:
    from scipy.optimize import minimize

    true = SwitchingGLM(
        np.array([[[0.0, 1.5], [-2.0, 0.0]]]), np.array([0.2, -0.1]), np.ones(1), np.ones((1, 1)), 2
    )
    spikes, _ = true.sample(400, seed=4)
    fit = HMMGLM(1, 2, rounds=40, restarts=1).fit(spikes)

    def loss(values: np.ndarray) -> float:
        w, b = values[:4].reshape(1, 2, 2), values[4:]
        return -SwitchingGLM(w, b, np.ones(1), np.ones((1, 1)), 2).log_likelihood(spikes[0])

    best = minimize(loss, np.zeros(6), method="BFGS").x
    np.testing.assert_allclose(np.append(fit.weights.ravel(), fit.bias), best, atol=0.02)


def test_fits_repeat_with_their_seed_for_any_number_of_threads() -> None:
    spikes, _ = planted().sample(200, seed=5)
    settings = HMMGLM(2, 3, "onehot", rounds=3, restarts=1)
    before = torch.get_num_threads()
    found = []
    try:
        for threads, seed in ((1, 7), (2, 7), (1, 8)):
            torch.set_num_threads(threads)
            found.append(settings.fit(spikes, seed))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(found[0].weights, found[1].weights)
    assert not np.array_equal(found[0].weights, found[2].weights)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: HMMGLM(0), "states"),
        (lambda: HMMGLM(2, lags=0), "lags"),
        (lambda: HMMGLM(2, rate=0.0), "rate"),
        (lambda: HMMGLM(2).fit(np.zeros(5)), "expected"),
        (lambda: HMMGLM(2).fit(np.full((5, 2), 0.5)), "whole counts"),
        (lambda: HMMGLM(2).fit(np.full((5, 2), np.nan)), "whole counts"),
        (lambda: planted().viterbi(np.zeros((5, 3))), "3 units"),
    ],
)
def test_refuses_what_cannot_be_fitted(call, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        call()


def test_an_unknown_prior_is_named() -> None:
    with pytest.raises(UnknownName, match="onehot"):
        HMMGLM(2, prior="one-hot")  # type: ignore[arg-type]
