"""Voltage-based STDP against an integration of its equations, and what voltage must do."""

from __future__ import annotations

import numpy as np
import pytest

from neuro import Clock, ms
from neuro.rules import Batched, Clopath


def moved(rule, pre, v, post=None, clock=Clock(0.1 * ms), w=0.5) -> float:  # noqa: B008
    """Change of one weight; pre [T] spikes, v [T] potential."""
    post = np.zeros(len(v)) if post is None else post
    shaped = [a[:, None, None] * 1.0 for a in (pre, post)]
    state = Batched(rule, clock).run(np.full((1, 1), w), *shaped, reads={"v": v[:, None, None]})
    return float(state.s.w[0, 0, 0] - w)


def integrated(rule, pre, v, dt) -> float:
    """Equations 1 to 3 by forward Euler in steps ten times as fine."""
    fine, step = 10, dt / 10
    x, low, high, change = 0.0, rule.v_rest, rule.v_rest, 0.0
    for spike, u in zip(pre, v, strict=True):
        if spike:
            change -= rule.a_ltd * max(low - rule.theta_minus, 0)
            x += 1 / rule.tau_x
        for _ in range(fine):
            gain = max(u - rule.theta_plus, 0) * max(high - rule.theta_minus, 0)
            change += step * rule.a_ltp * x * gain
            x -= step * x / rule.tau_x
            low += step * (u - low) / rule.tau_minus
            high += step * (u - high) / rule.tau_plus
    return change


def test_a_wandering_potential_gives_the_integral() -> None:
    random = np.random.default_rng(0)
    steps = 5000
    v = -60e-3 + np.convolve(random.normal(size=steps + 99), np.ones(100) / 100, "valid") * 0.12
    pre = random.random(steps) < 0.004
    rule = Clopath(w_min=-np.inf, w_max=np.inf)
    expected = integrated(rule, pre, v, 1e-4)
    assert abs(expected) > 1e-4
    assert moved(rule, pre, v) == pytest.approx(expected, rel=0.03)


def test_depression_needs_depolarisation_only() -> None:
    """Clopath et al. 2010, figure 2: nothing below theta_minus, depression above it."""
    pre = np.zeros(20_000)
    pre[5000::500] = 1  # 20 Hz
    rule = Clopath()
    assert moved(rule, pre, np.full(20_000, -75e-3)) == 0
    assert moved(rule, pre, np.full(20_000, -60e-3), w=0.9) < -0.01
    assert moved(rule, pre, np.full(20_000, -20e-3)) > 0  # strong depolarisation potentiates


def test_spikes_that_are_reset_still_count_as_peaks() -> None:
    """Pre 10 ms before post potentiates at 50 Hz, though v itself never crosses theta_plus."""
    steps, period = 8000, 200
    pre, post = np.zeros(steps), np.zeros(steps)
    pre[1000:6000:period], post[1100:6000:period] = 1, 1
    v = np.full(steps, -69e-3)
    assert moved(Clopath(), pre, v, post) > 0.05
    assert moved(Clopath(width=0.0), pre, v, post) < 0
