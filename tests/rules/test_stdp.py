"""Pair STDP against its window, pair by pair."""

from __future__ import annotations

import numpy as np
import pytest

from neuro import Clock, ms
from neuro.errors import InvalidValue
from neuro.rules import stdp
from neuro.rules.stdp import Window

CLOCK = Clock(1 * ms)
SKEWED = Window(a_plus=0.5, a_minus=0.6, tau_plus=17 * ms, tau_minus=34 * ms)


@pytest.mark.parametrize("delay", [-30, -1, 0, 1, 12])
def test_one_pair_gives_the_window(delay: int) -> None:
    pre, post = np.zeros((80, 1, 1)), np.zeros((80, 1, 1))
    pre[40], post[40 + delay] = 1, 1
    d = delay * 1e-3
    expected = 0.5 * np.exp(-d / 17e-3) if d >= 0 else -0.6 * np.exp(d / 34e-3)
    assert stdp.change(pre, post, CLOCK, window=SKEWED)[0, 0] == pytest.approx(expected)
    assert stdp.pair(d, SKEWED) == pytest.approx(expected)


def test_every_pair_counts_in_every_trial() -> None:
    random = np.random.default_rng(0)
    pre, post = random.random((40, 3, 4)) < 0.2, random.random((40, 3, 2)) < 0.2
    expected = np.zeros((2, 4))
    for u, b, m in np.argwhere(post):
        for v, c, n in np.argwhere(pre):
            if b == c:
                d = 1e-3 * (u - v)
                expected[m, n] += 0.5 * np.exp(-d / 17e-3) if d >= 0 else -0.6 * np.exp(d / 34e-3)
    np.testing.assert_allclose(stdp.change(pre, post, CLOCK, window=SKEWED), expected)


def test_the_gate_chooses_trials_and_units_and_can_turn_the_sign() -> None:
    random = np.random.default_rng(1)
    pre, post = random.random((40, 3, 4)) < 0.2, random.random((40, 3, 2)) < 0.2
    alone = [stdp.change(pre[:, [b]], post[:, [b]], CLOCK) for b in range(3)]
    gate = np.array([[1, 0], [0, 0], [-1, 2]])
    got = stdp.change(pre, post, CLOCK, gate=gate)
    np.testing.assert_allclose(got[0], alone[0][0] - alone[2][0])
    np.testing.assert_allclose(got[1], 2 * alone[2][1])


def test_the_gated_rule_teaches_units_to_answer_to_their_class() -> None:
    random = np.random.default_rng(2)
    label = np.arange(40) % 2
    busy = (np.arange(10) < 5) == (label[:, None] == 0)  # which half of the inputs is busy
    pre = random.random((100, 40, 10)) < np.where(busy, 0.3, 0.1)
    post = random.random((100, 40, 2)) < 0.1  # whatever the units do
    gate = np.where(label[:, None] == np.arange(2), 1.0, -1.0)
    potentiating = Window(a_minus=0.5)
    moved = stdp.change(pre, post, CLOCK, gate=gate, window=potentiating)
    assert (moved[0, :5] > 0).all() and (moved[0, 5:] < 0).all()
    assert (moved[1, :5] < 0).all() and (moved[1, 5:] > 0).all()


def test_refuses_what_does_not_fit() -> None:
    with pytest.raises(InvalidValue, match=r"\[T, B, M\]"):
        stdp.change(np.zeros((5, 2, 3)), np.zeros((5, 1, 3)), CLOCK)
    with pytest.raises(InvalidValue, match=r"gate: got shape \(3,\)"):
        stdp.change(np.zeros((5, 2, 3)), np.zeros((5, 2, 4)), CLOCK, gate=np.ones(3))
    with pytest.raises(InvalidValue, match=r"tau_minus: got 0 s, expected a time above 0"):
        stdp.pair(0.0, Window(tau_minus=0))
