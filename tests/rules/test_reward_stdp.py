"""Reward-modulated STDP: nothing without reward, closed forms with it, and distal credit."""

from __future__ import annotations

import numpy as np
import pytest

from neuro import Clock, ms
from neuro.rules import Batched, RewardSTDP

CLOCK = Clock(1 * ms)


def run(rule, pre_at, post_at, reward, steps=1500, w=0.5):
    pre, post, m = (np.zeros((steps, 1, 1)) for _ in range(3))
    pre[list(pre_at)], post[list(post_at)] = 1, 1
    for t, size in reward.items():
        m[t] = size
    return Batched(rule, CLOCK).run(np.full((1, 1), w), pre, post, m).s


def test_without_reward_nothing_changes_but_eligibility() -> None:
    random = np.random.default_rng(0)
    pre, post = ((random.random((1000, 1, 6)) < 0.05) * 1.0 for _ in range(2))
    weight = random.random((6, 6))
    state = Batched(RewardSTDP(), CLOCK).run(weight, pre, post, np.zeros((1000, 1, 1)))
    np.testing.assert_array_equal(state.s.w[0], weight)
    assert np.abs(state.s.c).max() > 0.01


@pytest.mark.parametrize("every", [1, 5])
def test_a_later_reward_pays_for_what_is_left_of_eligibility(every: int) -> None:
    rule = RewardSTDP(eta=0.1, every=every * ms)
    s = run(rule, [100], [110], {600: 0.5})
    # Izhikevich's equations: c from the pair at 110 ms; d = 0.5 exp(-t / 0.2) from 600 ms on
    step, t = 1e-3, np.arange(0, 1500 - 600) * 1e-3
    c = 0.1 * np.exp(-10 / 20) * np.exp(-(0.490 + t) / 1.0)
    expected = 0.1 * np.sum(c * 0.5 * np.exp(-t / 0.2)) * step
    assert s.w[0, 0, 0] - 0.5 == pytest.approx(expected, rel=1e-9 if every == 1 else every * 2e-3)
    assert s.c[0, 0, 0] == pytest.approx(0.1 * np.exp(-0.5) * np.exp(-1.390), rel=5e-3)


def test_reward_in_one_tick_is_not_lost_between_slow_updates() -> None:
    """Florian's form, without a trace of the reward: the product in the tick of the reward."""
    for tick in (123, 124, 126, 129):
        rule = RewardSTDP.preset("florian_2007", eta=10.0, every=5 * ms)
        s = run(rule, [100], [110], {tick: 0.7}, steps=200)
        c = np.exp(-10 / 20) * np.exp(-(tick - 110) / 25)
        assert s.w[0, 0, 0] - 0.5 == pytest.approx(10 * 1e-3 * 0.7 * c, rel=0.2)


def test_punishment_has_the_opposite_sign() -> None:
    up = run(RewardSTDP(), [100], [110], {300: 1.0}).w - 0.5
    down = run(RewardSTDP(), [100], [110], {300: -1.0}).w - 0.5
    np.testing.assert_allclose(up, -down, rtol=1e-10)
    assert up > 0
    tonic = run(RewardSTDP(baseline=0.1), [100], [110], {}).w - 0.5
    assert tonic > 0


def test_the_synapse_whose_pairs_are_rewarded_wins() -> None:
    """Izhikevich 2007, figure 1: reward follows one synapse's pre-post pairs by a random delay."""
    random = np.random.default_rng(2)
    steps, batch, n = 20_000, 128, 10
    pre = (random.random((steps, batch, n)) < 0.005) * 1.0
    post = (random.random((steps, batch, 1)) < 0.005) * 1.0
    reward = np.zeros((steps, batch, 1))
    recent = np.zeros(batch)  # ticks since the first input fired, at most 10 of interest
    for t in range(steps):
        recent = np.where(pre[t, :, 0] > 0, 0, recent + 1) if t else np.full(batch, 99)
        for b in np.flatnonzero((recent <= 10) & (post[t, :, 0] > 0)):
            paid = t + random.integers(100, 1000)
            if paid < steps:
                reward[paid, b] += 0.5
    rule = RewardSTDP.preset("izhikevich_2007", eta=2.0, w_max=4.0, every=10 * ms)
    w = Batched(rule, CLOCK).run(np.full((1, n), 1.0), pre, post, reward).s.w[:, 0]
    gain, error = w.mean(0) - w[:, 1:].mean(), w.std(0) / np.sqrt(batch)
    assert gain.argmax() == 0
    assert gain[0] > 4 * error[0]
    assert (np.abs(gain[1:]) < 4 * error[1:]).all()
