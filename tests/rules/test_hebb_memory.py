"""Hebbian memory: Glauber dynamics against the Boltzmann law, examples against expectations."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from neuro.errors import InvalidValue
from neuro.metrics import hierarchical_amplitudes, mattis
from neuro.rules import hebb_memory


def test_glauber_dynamics_visits_states_as_often_as_the_boltzmann_law_says() -> None:
    random = np.random.default_rng(0)
    factors, temperature, runs = random.normal(size=(2, 4)), 0.7, 1500
    states = np.array(list(product([-1.0, 1.0], repeat=4)))
    j = factors.T @ factors / 4
    energy = -0.5 * np.einsum("ai,ij,aj->a", states, j - np.diag(np.diag(j)), states)
    law = np.exp(-energy / temperature)
    law /= law.sum()
    found = np.zeros(len(states))
    for run in range(runs):
        s = hebb_memory.retrieve(factors, np.ones(4), temperature=temperature, sweeps=10, seed=run)
        found[int((s > 0) @ [8, 4, 2, 1])] += 1
    chi2 = ((found - runs * law) ** 2 / (runs * law)).sum()
    assert chi2 < 37.7  # 99.9 % of the chi-square law with 15 degrees of freedom


def test_couplings_are_the_sum_over_patterns_without_self_coupling() -> None:
    xi = np.array([[1, -1, 0], [1, 1, 1]])
    expected = np.array([[0, 0, 1], [0, 0, 1], [1, 1, 0]]) / 3
    np.testing.assert_allclose(hebb_memory.couplings(xi), expected)


def test_the_hierarchical_state_has_the_amplitudes_of_the_law_and_is_stable() -> None:
    n, d = 20_000, 0.4
    xi = hebb_memory.diluted_patterns(3, n, d, seed=1)
    assert (xi == 0).mean() == pytest.approx(d, abs=4 * np.sqrt(d * (1 - d) / (3 * n)))
    state = hebb_memory.hierarchical_state(xi)
    assert np.array_equal(state == 0, (xi == 0).all(0))
    law = hierarchical_amplitudes(d, 3)
    np.testing.assert_allclose(law, [0.6, 0.24, 0.096])
    np.testing.assert_allclose(mattis(state, xi), law, atol=4 / np.sqrt(n))
    start = np.where(state == 0, 1.0, state)
    after = hebb_memory.retrieve(xi, start, sweeps=3, block=500, seed=2)
    assert np.array_equal(after, start)


def test_a_unit_without_field_stays_and_others_follow_theirs() -> None:
    xi = np.array([[1.0, 1.0, 1.0, 1.0, -1.0, 0.0]])
    start = np.array([1.0, 1.0, 1.0, -1.0, -1.0, -1.0])
    after = hebb_memory.retrieve(xi, start, sweeps=2, seed=3)
    np.testing.assert_array_equal(after, [1, 1, 1, 1, -1, -1])


def test_examples_keep_signs_at_their_quality_and_both_protocols_weigh_alike() -> None:
    xi = hebb_memory.diluted_patterns(2, 4000, 0.3, seed=4)
    examples = hebb_memory.noisy_examples(xi, 50, 0.3, seed=5)
    assert np.array_equal(examples == 0, np.broadcast_to(xi[:, None] == 0, examples.shape))
    kept = (examples * xi[:, None]).sum() / (xi != 0).sum() / 50
    assert kept == pytest.approx(0.3, abs=4 / np.sqrt(50 * (xi != 0).sum()))
    mean = hebb_memory.from_examples(examples, supervised=True)
    every = hebb_memory.from_examples(examples, supervised=False)
    np.testing.assert_allclose(mean, examples.sum(1) / 50)
    # Off the diagonal, the expectation of either is quality^2 xi_i xi_j / N.
    j, signal = hebb_memory.couplings(every[:, :200]), hebb_memory.couplings(xi[:, :200])
    slope = (j * signal).sum() / (signal**2).sum()
    assert slope == pytest.approx(0.09, abs=0.02)


def test_wrong_arguments_are_named() -> None:
    xi = np.ones((2, 5))
    with pytest.raises(InvalidValue, match=r"retrieve\.start"):
        hebb_memory.retrieve(xi, np.zeros(5), seed=0)
    with pytest.raises(InvalidValue, match="temperature"):
        hebb_memory.retrieve(xi, np.ones(5), temperature=-1, seed=0)
    with pytest.raises(InvalidValue, match="dilution"):
        hebb_memory.diluted_patterns(2, 5, 1.5, seed=0)
    with pytest.raises(InvalidValue, match="from_examples"):
        hebb_memory.from_examples(xi, supervised=True)
    with pytest.raises(InvalidValue, match=r"couplings\.factors"):
        hebb_memory.couplings(np.ones(5))
    with pytest.raises(InvalidValue, match=r"mattis\.state"):
        mattis(np.ones(4), xi)
    with pytest.raises(InvalidValue, match=r"mattis\.patterns"):
        mattis(np.ones(4), np.ones(4))
    with pytest.raises(InvalidValue, match="hierarchical_amplitudes"):
        hierarchical_amplitudes(2.0, 3)
