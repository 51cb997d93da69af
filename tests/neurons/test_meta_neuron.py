"""The meta-neuron against its differential equation, its fixed point and the logistic chance."""

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.neurons.meta_neuron import MetaNeuron
from neuro.nn import Population
from neuro.units import ms

CLOCK = Clock(1 * ms)
LEARNED = ["theta_v", "theta_u", "theta_r", "theta_s", "v_th"]


def constant(current, steps, units=1):
    return torch.full((steps, 1, units), current, dtype=torch.float64)


def run(neuron, current, draw=None, record=("v", "u"), **kwargs):
    """Spikes and traces [T, B, units] for a current of that shape."""
    draw = torch.full_like(current, 0.5) if draw is None else draw
    layer = Population(neuron, CLOCK, **kwargs)
    spikes, _, traces = layer.trace(MetaNeuron.Inputs(current, draw), record=record)
    return layer, spikes, traces


def test_euler_steps_converge_to_the_differential_equation() -> None:
    """Error against an adaptive solver falls in proportion to the step."""
    theta_v, theta_u, current, end = 0.3, 0.4, 0.25, 8.0
    exact = solve_ivp(
        lambda _, y: [y[0] ** 2 - y[0] - y[1] + current, theta_v * y[0] - theta_u * y[1]],
        (0, end), [0, 0], rtol=1e-10, atol=1e-12,
    ).y[:, -1]  # fmt: skip
    errors = []
    for step in (0.1, 0.01):
        neuron = MetaNeuron(1, theta_v=theta_v, theta_u=theta_u, step=step, v_th=1.9)
        _, spikes, traces = run(neuron, constant(current, round(end / step)))
        assert spikes.sum() == 0
        errors.append([abs(traces[n][-1].item() - e) for n, e in zip("vu", exact, strict=True)])
    ratio = np.divide(*errors)
    np.testing.assert_allclose(ratio, 10, rtol=0.25)
    assert max(errors[1]) < 2e-3


def test_it_settles_where_the_right_hand_sides_vanish() -> None:
    """u = c v and v^2 - (1 + c) v + I = 0 with c = theta_v / theta_u."""
    theta_v, theta_u, current = 0.2, 0.5, 0.3
    _, _, traces = run(
        MetaNeuron(1, theta_v=theta_v, theta_u=theta_u, v_th=1.0),
        constant(current, 300),
    )
    slope = 1 + theta_v / theta_u
    v = (slope - np.sqrt(slope**2 - 4 * current)) / 2
    np.testing.assert_allclose(traces["v"][-1].item(), v, rtol=1e-12)
    np.testing.assert_allclose(traces["u"][-1].item(), v * theta_v / theta_u, rtol=1e-12)


def test_first_tick_and_spike_by_hand() -> None:
    neuron = MetaNeuron(2, theta_r=0.25, theta_s=0.75, v_th=0.5, v_max=1.5)
    current = torch.tensor([[[1.0, 100.0]]]).double()  # 0.5 is not above 0.5; 50 is clipped
    _, spikes, traces = run(neuron, current)
    assert spikes.ravel().tolist() == [0, 1]
    assert traces["v"].ravel().tolist() == [0.5, 0.25]
    assert traces["u"].ravel().tolist() == [0, 0.75]
    _, _, traces = run(neuron.replace(v_th=9.0), -current)
    assert traces["v"].ravel().tolist() == [-0.5, -1.5]


def test_a_spike_is_as_probable_as_the_logistic_says() -> None:
    units, temperature = 20_000, 0.1
    draw = torch.rand(1, 1, units, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for v in (0.3, 0.5, 0.65):
        neuron = MetaNeuron(units, temperature=temperature)
        _, spikes, _ = run(neuron, constant(2 * v, 1, units), draw)
        expected = 1 / (1 + np.exp(-(v - 0.5) / temperature))
        error = np.sqrt(expected * (1 - expected) / units)
        assert abs(spikes.mean().item() - expected) < 4 * error


def test_a_median_draw_or_no_temperature_changes_nothing() -> None:
    current = torch.rand(200, 1, 8, generator=torch.Generator().manual_seed(1)).double() * 2
    draw = torch.rand(200, 1, 8, generator=torch.Generator().manual_seed(2)).double()
    _, plain, _ = run(MetaNeuron(8), current)
    _, cold, traces = run(MetaNeuron(8), current, draw, record=("tick", "luck"))
    _, median, _ = run(MetaNeuron(8, temperature=0.3), current)
    _, warm, _ = run(MetaNeuron(8, temperature=0.3), current, draw)
    assert 20 < plain.sum() < plain.numel() - 20
    assert torch.equal(plain, cold) and torch.equal(plain, median)
    assert not torch.equal(plain, warm)
    assert traces["tick"][:, 0, 0].tolist() == list(range(1, 201))


def test_all_coefficients_learn() -> None:
    current = torch.rand(60, 2, 8, generator=torch.Generator().manual_seed(1)) * 2
    draw = torch.rand(60, 2, 8, generator=torch.Generator().manual_seed(2))
    neuron = MetaNeuron(8, temperature=0.1, theta_v=np.linspace(-0.3, 0.1, 8))
    layer, spikes, _ = run(neuron, current, draw, learn=LEARNED)
    (spikes.sum(0) ** 2).sum().backward()
    for name in LEARNED:
        grad = layer.raw[name].grad
        assert grad is not None and grad.isfinite().all() and (grad != 0).all(), name
    assert layer.raw["theta_v"].grad.shape == (8,)


def test_steps_too_coarse_for_the_recovery_are_refused() -> None:
    with pytest.raises(InvalidValue, match=r"theta_u \* step is 2\.5, expected below 2"):
        MetaNeuron(3, theta_u=5.0)
