"""The astrocyte of a liquid against its closed form and the published Euler rule."""

import numpy as np
import pytest
import torch
from scipy.signal import lfilter

from neuro.clock import Clock
from neuro.neurons.liquid_astrocyte import LiquidAstrocyte
from neuro.nn import Population
from neuro.units import ms


def run(neuron, liquid, inputs, clock=None):
    as_tensor = [torch.tensor(x, dtype=torch.float64).reshape(-1, 1, 1) for x in (liquid, inputs)]
    layer = Population(neuron, clock or Clock(1 * ms))
    return layer.trace(LiquidAstrocyte.Inputs(*as_tensor))[0].ravel().numpy()


def spikes(seed, steps=400):
    rng = np.random.default_rng(seed)
    return rng.poisson(30, steps).astype(float), rng.poisson(12, steps).astype(float)


def test_it_is_the_exponential_filter_of_the_difference() -> None:
    liquid, inputs = spikes(0)
    got = run(LiquidAstrocyte(1, w_a=0.02, b=0.25, tau_a=80 * ms), liquid, inputs)
    kernel = np.asarray(lfilter([0.02 / 80], [1, -np.exp(-1 / 80)], liquid - inputs))
    np.testing.assert_allclose(got, 0.25 + kernel, rtol=1e-12)


def test_it_stays_within_a_percent_of_the_published_euler_steps() -> None:
    liquid, inputs = spikes(1)
    a = 0.15
    euler = []
    for more in liquid - inputs:
        a += (0.015 * more + 0.15 - a) / 100
        euler.append(a)
    got = run(LiquidAstrocyte(1), liquid, inputs)
    assert max(euler) > 0.3
    np.testing.assert_allclose(got, euler, rtol=0.01)


def test_constant_activity_settles_at_the_closed_form() -> None:
    """a = b + w_a n (1 ms / tau) / (1 - exp(-dt / tau)), n the surplus of spikes per ms."""
    got = run(LiquidAstrocyte(1), np.full(2000, 20.0), np.full(2000, 5.0))
    expected = 0.15 + 0.015 * 15 * 0.01 / (1 - np.exp(-0.01))
    assert got[-1] == pytest.approx(expected, rel=1e-8)
    lower = run(LiquidAstrocyte(1), np.full(2000, 5.0), np.full(2000, 20.0))
    assert lower[-1] == pytest.approx(0.3 - expected, rel=1e-8)


def test_the_same_spikes_have_the_same_effect_on_a_finer_clock() -> None:
    liquid, inputs = spikes(2)
    coarse = run(LiquidAstrocyte(1), liquid, inputs)
    fine = [np.stack([0 * x] * 3 + [x], axis=1).ravel() for x in (liquid, inputs)]
    got = run(LiquidAstrocyte(1), *fine, clock=Clock(0.25 * ms))
    np.testing.assert_allclose(got[3::4], coarse, rtol=1e-12)
