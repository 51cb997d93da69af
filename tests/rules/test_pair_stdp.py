"""Pair STDP against its window, the sum over pairs, and the published dependences on the weight."""

from __future__ import annotations

import numpy as np
import pytest

from neuro import Clock, ms
from neuro.rules import Batched, PairSTDP, stdp

CLOCK = Clock(1 * ms)
SKEWED = {"a_plus": 0.05, "a_minus": 0.06, "tau_plus": 17 * ms, "tau_minus": 34 * ms}


def moved(rule: PairSTDP, pre_at, post_at, w=0.5, steps=300, delay=0) -> float:
    """Change of one weight by spikes at the given ticks."""
    pre, post = np.zeros((steps, 1, 1)), np.zeros((steps, 1, 1))
    pre[list(pre_at)], post[list(post_at)] = 1, 1
    state = Batched(rule, CLOCK, delay=delay).run(np.full((1, 1), w), pre, post)
    return float(state.s.w[0, 0, 0] - w)


def window(d: float) -> float:
    """Song, Miller & Abbott's F, with the constants of SKEWED; d in seconds."""
    return 0.05 * np.exp(-d / 17e-3) if d >= 0 else -0.06 * np.exp(d / 34e-3)


@pytest.mark.parametrize("distance", [-60, -7, -1, 0, 1, 2, 40])
@pytest.mark.parametrize("delay", [0, 5])
def test_a_pair_moves_the_weight_by_the_window(distance: int, delay: int) -> None:
    got = moved(PairSTDP(**SKEWED), [100], [100 + delay + distance], delay=delay)
    assert got == pytest.approx(window(distance * 1e-3), rel=1e-12)


def test_all_pairs_add_up_as_in_the_function_over_trains() -> None:
    random = np.random.default_rng(0)
    pre, post = random.random((200, 1, 4)) < 0.15, random.random((200, 1, 3)) < 0.15
    rule = PairSTDP(**SKEWED, w_min=-np.inf, w_max=np.inf)
    state = Batched(rule, CLOCK).run(np.zeros((3, 4)), pre * 1.0, post * 1.0)
    expected = stdp.change(pre, post, CLOCK, window=stdp.Window(**SKEWED))
    np.testing.assert_allclose(state.s.w[0], expected, rtol=1e-10)


def test_nearest_spikes_pair_once() -> None:
    rule = PairSTDP(**SKEWED, pairing="nearest")
    # pre at 100 and 110, post at 120: only 110 counts; pre at 130: only post 120 counts
    assert moved(rule, [100, 110, 130], [90, 120]) == pytest.approx(
        window(-0.010) + window(-0.020) + window(0.010) + window(-0.010)
    )


@pytest.mark.parametrize(
    ("options", "up", "down"),
    [
        ({"dependence": "multiplicative"}, 0.25, 0.75),
        ({"dependence": "guetig", "mu_plus": 0.5, "mu_minus": 2.0}, 0.5, 0.5625),
        ({"dependence": "guetig", "mu_plus": 0.0, "mu_minus": 1.0}, 1.0, 0.75),  # van Rossum
        ({"dependence": "power", "mu_plus": 0.4, "mu_minus": 1.0}, 0.75**0.4, 0.75),
    ],
)
def test_the_change_depends_on_the_weight(options, up, down) -> None:
    rule = PairSTDP(**SKEWED, w_min=-1.0, w_max=3.0, **options)  # u = 0.75 at w = 2
    assert moved(rule, [100], [110], w=2.0) == pytest.approx(up * window(0.010))
    assert moved(rule, [110], [100], w=2.0) == pytest.approx(down * window(-0.010))


@pytest.mark.parametrize("dependence", ["multiplicative", "guetig", "power"])
def test_soft_bounds_stop_at_the_bounds(dependence: str) -> None:
    rule = PairSTDP(**SKEWED, dependence=dependence)
    assert moved(rule, [110], [100], w=0.0) == 0
    if dependence != "power":
        assert moved(rule, [100], [110], w=1.0) == 0


def test_hard_bounds_hold() -> None:
    rule = PairSTDP(a_plus=0.7, a_minus=0.7)
    assert moved(rule, [100], [101]) == 0.5
    assert moved(rule, [101], [100]) == -0.5


def test_inputs_that_fire_together_win() -> None:
    """Song, Miller & Abbott 2000, figure 5: a correlated group takes over, the others lose."""
    random = np.random.default_rng(3)
    steps, half = 12_000, 50
    synapses = Batched(PairSTDP(a_plus=0.03, a_minus=0.036), CLOCK)
    state, v = synapses.rest(np.full((1, 2 * half), 0.5)), np.zeros((1, 1))
    for _ in range(steps):
        together = (random.random() < 0.02) * (random.random(half) < 0.5)  # 10 Hz each
        apart = random.random(half) < 0.01
        current, state = synapses.arrive(state, np.concatenate([together, apart])[None] * 1.0)
        v = v * np.exp(-1 / 20) + current
        z = (v > 8) * 1.0
        v = v * (1 - z)
        state = synapses.learn(state, z)
    w = state.s.w[0, 0]
    assert w[:half].mean() > 0.95
    assert w[half:].mean() < 0.45
