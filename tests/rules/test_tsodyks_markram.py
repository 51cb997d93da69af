"""Short-term plasticity against an integration of its differential equations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from neuro import Clock, ms
from neuro.rules import Batched, TsodyksMarkram

CLOCK = Clock(1 * ms)


def delivered(rule: TsodyksMarkram, at, w: float = 2.0, delay: int = 0) -> np.ndarray:
    """What one synapse delivers at each of the ticks in `at`."""
    synapses = Batched(rule, CLOCK, delay=delay)
    state, out = synapses.rest(np.full((1, 1), w)), []
    for t in range(max(at) + delay + 1):
        current, state = synapses.arrive(state, np.full((1, 1), float(t in at)))
        state = synapses.learn(state, np.zeros((1, 1)))
        out.append(current[0, 0])
    return np.array(out)[np.array(sorted(at)) + delay]


def integrated(rule: TsodyksMarkram, at, w: float) -> list[float]:
    """The same by solving the equations between spikes numerically."""
    u, r, now, sent = 0.0, 1.0, 0.0, []
    for t in np.array(sorted(at)) * 1e-3:
        if t > now:
            span = solve_ivp(
                lambda _, y: [-y[0] / (rule.tau_facil or np.inf), (1 - y[1]) / rule.tau_rec],
                (now, t), [u, r], rtol=1e-10, atol=1e-12,
            )  # fmt: skip
            u, r = span.y[:, -1]
        u = u + rule.use * (1 - u) if rule.tau_facil else rule.use
        sent.append(w * u * r)
        r, now = r - u * r, t
    return sent


@pytest.mark.parametrize("preset", list(TsodyksMarkram.presets))
@pytest.mark.parametrize("delay", [0, 4])
def test_spikes_deliver_what_the_equations_say(preset: str, delay: int) -> None:
    at = np.flatnonzero(np.random.default_rng(2).random(1200) < 0.02).tolist()
    rule = TsodyksMarkram.preset(preset)
    got = delivered(rule, at, delay=delay)
    np.testing.assert_allclose(got, integrated(rule, at, 2.0), rtol=1e-7)


def test_presets_depress_and_facilitate() -> None:
    train = list(range(100, 600, 50))  # 20 Hz
    down = delivered(TsodyksMarkram.preset("depressing"), train)
    up = delivered(TsodyksMarkram.preset("facilitating"), train)
    assert down[0] == pytest.approx(2.0 * 0.5) and (np.diff(down) < 0).all()
    assert up[1] > up[0]


def test_a_regular_train_reaches_the_known_steady_state() -> None:
    """r = (1 - e) / (1 - (1 - U) e) with e = exp(-dt / tau_rec), without facilitation."""
    rule = TsodyksMarkram(use=0.5, tau_rec=800 * ms)
    last = delivered(rule, list(range(0, 20_000, 100)), w=1.0)[-1]
    e = np.exp(-0.1 / 0.8)
    assert last == pytest.approx(0.5 * (1 - e) / (1 - 0.5 * e), rel=1e-9)
