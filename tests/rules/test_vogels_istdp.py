"""Inhibitory plasticity: single spikes, and the rate that a driven cell comes to."""

from __future__ import annotations

import numpy as np
import pytest

from neuro import Clock, ms
from neuro.rules import Batched, VogelsISTDP

CLOCK = Clock(1 * ms)


@pytest.mark.parametrize("sign", ["positive", "negative"])
def test_spikes_move_the_weight_by_the_equations(sign: str) -> None:
    rule = VogelsISTDP(eta=0.01, rate=5, tau=20 * ms, sign=sign)
    toward = 1 if sign == "positive" else -1
    pre, post = np.zeros((200, 1, 1)), np.zeros((200, 1, 1))
    pre[[100, 130]], post[[110]] = 1, 1
    w = 0.5 * toward
    got = Batched(rule, CLOCK).run(np.full((1, 1), w), pre, post).s.w[0, 0, 0]
    alpha = 2 * 5 * 20e-3
    change = 0.01 * (-alpha + np.exp(-10 / 20) + np.exp(-20 / 20) - alpha)
    assert got - w == pytest.approx(toward * change, rel=1e-12)


@pytest.mark.parametrize("target", [5.0, 15.0])
def test_inhibition_brings_the_rate_to_its_target(target: float) -> None:
    """Vogels et al. 2011, figure 1: whatever the excitation, cells end up at the target rate."""
    random = np.random.default_rng(8)
    cells, inputs, steps, counted = 8, 200, 20_000, 8_000
    drive = np.linspace(1.6, 2.4, cells)  # times what a silent cell needs to fire
    synapses = Batched(VogelsISTDP(eta=0.005, rate=target, sign="negative", w_max=2.0), CLOCK)
    state = synapses.rest(np.full((cells, inputs), -0.002))
    v, spikes = np.zeros((1, cells)), np.zeros(cells)
    for t in range(steps):
        current, state = synapses.arrive(state, (random.random((1, inputs)) < 0.01) * 1.0)
        noisy = drive / 20 + 0.15 * random.normal(size=(1, cells))
        v = np.maximum(v * np.exp(-1 / 20) + noisy + current, -1)
        z = (v > 1) * 1.0
        v = v * (1 - z)
        state = synapses.learn(state, z)
        if t >= steps - counted:
            spikes += z[0]
        if t == 1000:
            early = state.y.x.mean() / 20e-3
    rate = spikes / (counted * 1e-3)
    assert early > 1.5 * target  # excitation alone makes them fire much faster
    np.testing.assert_allclose(rate.mean(), target, rtol=0.1)
    np.testing.assert_allclose(rate, target, rtol=0.25)
