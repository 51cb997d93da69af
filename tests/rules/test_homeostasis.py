"""Scaling, normalisation and intrinsic plasticity: what each holds constant."""

from __future__ import annotations

import numpy as np
import pytest

from neuro import Clock, ms
from neuro.rules import (
    Batched,
    HeterosynapticNormalisation,
    HomeostaticScaling,
    IntrinsicPlasticity,
)

CLOCK = Clock(1 * ms)


def test_scaling_follows_the_equation_and_keeps_ratios() -> None:
    rule = HomeostaticScaling(rate=5, beta=0.02, gamma=0.0, tau=10.0, every=10 * ms, w_max=10.0)
    weight = np.array([[0.2, 0.4, 1.0]])
    steps = 2000
    state = Batched(rule, CLOCK).run(weight, np.zeros((steps, 1, 3)), np.zeros((steps, 1, 1)))
    w = state.s.w[0, 0]
    # A silent unit: a = 5 exp(-t / 10 s), so d log w / dt = beta (5 - a)
    grown = np.exp(0.02 * (5 * 2.0 - 5 * 10 * (1 - np.exp(-0.2))))
    np.testing.assert_allclose(w, weight[0] * grown, rtol=2e-4)
    np.testing.assert_allclose(w / w[0], weight[0] / 0.2, rtol=1e-12)


@pytest.mark.parametrize("gamma", [0.0, 0.005])
def test_scaling_brings_a_driven_unit_to_its_rate(gamma: float) -> None:
    random = np.random.default_rng(1)
    rule = HomeostaticScaling(rate=20, beta=0.02, gamma=gamma, tau=1.0, every=10 * ms, w_max=5.0)
    synapses = Batched(rule, CLOCK)
    state, spikes = synapses.rest(np.full((4, 10), 0.02), 1), np.zeros(4)
    rates = np.array([20.0, 40, 60, 80])  # each unit's inputs, Hz
    for t in range(40_000):
        _, state = synapses.arrive(state, np.zeros((1, 10)))
        y = state.s.w[0].sum(-1) * rates
        z = (random.random((1, 4)) < y * 1e-3) * 1.0
        state = synapses.learn(state, z)
        spikes += z[0] * (t >= 20_000)
    np.testing.assert_allclose(spikes / 20, 20, rtol=0.15)


@pytest.mark.parametrize("form", ["multiplicative", "subtractive"])
def test_normalisation_restores_the_sum(form: str) -> None:
    rule = HeterosynapticNormalisation(total=3.0, form=form, every=10 * ms, w_min=-9, w_max=9)
    random = np.random.default_rng(2)
    weight, exists = random.random((4, 6)), (random.random((4, 6)) < 0.8) * 1.0
    zeros = np.zeros((10, 1, 6)), np.zeros((10, 1, 4))
    w = Batched(rule, CLOCK, exists=exists).run(weight, *zeros).s.w[0]
    np.testing.assert_allclose((w * exists).sum(1), 3.0)
    here = exists > 0
    if form == "multiplicative":
        np.testing.assert_allclose((w / weight)[here].reshape(-1), _per_row(w / weight, here))
    else:
        np.testing.assert_allclose((w - weight)[here].reshape(-1), _per_row(w - weight, here))


def _per_row(values, here):
    """The first value of each row, for every place of the row."""
    first = [row[h][0] for row, h in zip(values, here, strict=True)]
    return np.repeat(first, here.sum(1))


def test_a_unit_without_weight_is_left_alone() -> None:
    zeros = np.zeros((100, 1, 3)), np.zeros((100, 1, 2))
    weight = np.array([[0.0, 0.0, 0.0], [0.1, 0.1, 0.2]])
    w = Batched(HeterosynapticNormalisation(), CLOCK).run(weight, *zeros).s.w[0]
    np.testing.assert_allclose(w, [[0, 0, 0], [0.25, 0.25, 0.5]])


def test_thresholds_bring_units_to_their_rate() -> None:
    random = np.random.default_rng(3)
    rule = IntrinsicPlasticity(rate=20, eta=2e-2)
    synapses = Batched(rule, CLOCK)
    state = synapses.rest(np.ones((5, 1)), adapted=1.0)
    v, spikes = np.zeros((1, 5)), np.zeros(5)
    for t in range(20_000):
        _, state = synapses.arrive(state, np.zeros((1, 1)))
        v = v * np.exp(-1 / 20) + np.linspace(0.05, 0.2, 5) + 0.1 * random.normal(size=(1, 5))
        z = (v > state.adapted) * 1.0
        v = v * (1 - z)
        state = synapses.learn(state, z)
        spikes += z[0] * (t >= 10_000)
    np.testing.assert_allclose(spikes / 10, 20, rtol=0.1)
    assert (np.diff(state.adapted[0]) > 0).all()  # more drive, higher threshold


def test_a_silent_unit_lowers_its_threshold_at_the_given_speed() -> None:
    rule = IntrinsicPlasticity(rate=10, eta=1e-3, tau=100 * ms, every=1 * ms)
    zeros = np.zeros((500, 1, 1))
    state = Batched(rule, CLOCK).run(np.ones((1, 1)), zeros, zeros, adapted=1.0)
    # dv/dt = eta (10 exp(-t / tau) - 10)
    expected = 1 + 1e-3 * 10 * (0.1 * (1 - np.exp(-5)) - 0.5)
    assert float(state.adapted[0, 0]) == pytest.approx(expected, abs=2e-5)
