"""Hebb, Oja and BCM: their single spikes, and what they are known to find."""

from __future__ import annotations

import numpy as np
import pytest

from neuro import Clock, ms
from neuro.rules import BCM, Batched, Hebbian, Oja

CLOCK = Clock(1 * ms)


def moved(rule, pre_at, post_at, w=0.5) -> float:
    pre, post = np.zeros((200, 1, 1)), np.zeros((200, 1, 1))
    pre[list(pre_at)], post[list(post_at)] = 1, 1
    return float(Batched(rule, CLOCK).run(np.full((1, 1), w), pre, post).s.w[0, 0, 0] - w)


def test_single_spikes_move_weights_by_the_equations() -> None:
    rate = 50.0 * np.exp(-30 / 20)  # of a spike 30 ms ago, tau = 20 ms, in Hz
    assert moved(Hebbian(eta=1e-4), [100], [130]) == pytest.approx(1e-4 * rate)
    assert moved(Hebbian(eta=1e-4), [130], [100]) == 0
    # Oja: the second post spike sees x of 40 ms ago and y of 10 ms ago
    first = 1e-4 * rate
    w = 0.5 + first
    second = 1e-4 * (50 * np.exp(-40 / 20) - 50 * np.exp(-10 / 20) * w)
    assert moved(Oja(eta=1e-4), [100], [130, 140]) == pytest.approx(first + second)
    # BCM: a lone spike is below the threshold, which has decayed a little from 10 Hz
    theta = 10 * np.exp(-130e-3 / 5)
    x = 20 * np.exp(-30 / 50)
    assert moved(BCM(eta=1e-6), [100], [130]) == pytest.approx(1e-6 * x * -theta, rel=1e-9)


def test_oja_finds_the_first_principal_component() -> None:
    """Inputs whose rates vary together; the unit fires at w . x, as in Oja's linear neuron."""
    random = np.random.default_rng(4)
    # Rates around 40 Hz along two directions of unequal variance, for 100 ms at a time
    directions = np.array([[1, 1, 1, 0.0], [0, 0, -1, 1]])
    batch, steps, hold = 200, 4000, 100
    rule = Oja(eta=2e-6, tau=50 * ms)
    synapses = Batched(rule, CLOCK)
    state = synapses.rest(random.random((batch, 1, 4)))
    second = np.zeros((4, 4))
    for t in range(steps):
        if t % hold == 0:
            size = random.normal(size=(batch, 2)) * [20, 5]
            rate = np.clip(40 + size @ directions, 0, None)
            second += np.einsum("bi,bj->ij", rate, rate)
        x = (random.random((batch, 4)) < rate * 1e-3) * 1.0
        _, state = synapses.arrive(state, x)
        y = np.einsum("bmn,bn->bm", state.s.w, rate)
        state = synapses.learn(state, random.poisson(np.clip(y, 0, None) * 1e-3) * 1.0)
    w = state.s.w[:, 0].mean(0)
    first = np.linalg.eigh(second)[1][:, -1]
    cosine = abs(w @ first) / np.linalg.norm(w)
    assert cosine > 0.995
    assert np.linalg.norm(w) == pytest.approx(1, abs=0.1)


def test_bcm_units_choose_one_of_two_patterns() -> None:
    """Bienenstock, Cooper & Munro: with two patterns every unit ends up answering one alone."""
    random = np.random.default_rng(6)
    batch, steps, hold = 24, 40_000, 300
    patterns = np.array([[40.0, 40.0, 5.0, 5.0], [5.0, 5.0, 40.0, 40.0]])
    rule = BCM(eta=2e-5, rate=10, tau_theta=2.0, tau=100 * ms, w_max=2.0)
    synapses = Batched(rule, CLOCK)
    state = synapses.rest(0.1 + 0.1 * random.random((batch, 1, 4)))
    for t in range(steps):
        if t % hold == 0:
            rate = patterns[random.integers(2, size=batch)]
        _, state = synapses.arrive(state, (random.random((batch, 4)) < rate * 1e-3) * 1.0)
        y = np.einsum("bmn,bn->bm", state.s.w, rate)
        state = synapses.learn(state, (random.random((batch, 1)) < y * 1e-3) * 1.0)
    answer = state.s.w[:, 0] @ patterns.T  # [batch, 2] Hz
    selectivity = 1 - answer.min(1) / answer.max(1)
    chosen = answer.argmax(1)
    assert np.median(selectivity) > 0.7
    assert 0.1 < chosen.mean() < 0.9  # some units choose the one, some the other
