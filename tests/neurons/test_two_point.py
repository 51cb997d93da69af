"""The two-point cell: amplification where input and context agree, and the published functions."""

import numpy as np
import pytest
import torch

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.neurons.two_point import TwoPoint
from neuro.nn import Population
from neuro.units import ms

CLOCK = Clock(1 * ms)
DRIVEN = ["tm1", "tm2", "tm3", "tm4"]


def run(neuron, current, context):
    return Population(neuron, CLOCK).trace(
        TwoPoint.Inputs(current, context), record=("v", "apical")
    )


def test_the_first_tick_gives_the_published_functions() -> None:
    r, c = (g.ravel() for g in np.meshgrid(np.linspace(-2, 2, 9), np.linspace(-3, 3, 9)))
    scale, gain, k = 2.0, 0.75, 1.5
    x = c / scale
    expected = {
        "tm1": r * (1 + np.exp(r * x)) / 2,
        "tm2": r + r * x,
        "tm3": r * (1 + gain * np.tanh(r * x)),
        "tm4": r * 2 ** (r * x),
        "coop": np.clip(r**2 + 2 * r + k * x * (1 + abs(r)), 0, 6),
    }
    inputs = [torch.tensor(a).reshape(1, 1, -1) for a in (r, c)]
    for modulation, drive in expected.items():
        neuron = TwoPoint(
            81, theta_c=scale, gain=gain, k_ctx=k, modulation=modulation, v_th=99.0, v_leak=0.125
        )
        v = run(neuron, *inputs)[2]["v"].ravel()
        np.testing.assert_allclose(v, 0.125 + drive, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("modulation", DRIVEN)
def test_context_alone_cannot_drive(modulation: str) -> None:
    context = torch.randn(200, 1, 6, generator=torch.Generator().manual_seed(0)) * 100
    spikes, _, traces = run(TwoPoint(6, modulation=modulation), torch.zeros_like(context), context)
    assert spikes.sum() == 0 and (traces["v"] == 0).all()
    assert traces["apical"].abs().max() > 100


def test_in_the_cooperation_law_as_published_it_can() -> None:
    context = torch.full((1, 1, 1), 0.5)
    _, _, traces = run(TwoPoint(1, modulation="coop", v_th=9.0), context * 0, context)
    assert traces["v"].item() == 2 * 0.5


def test_agreeing_context_raises_the_rate_and_opposing_context_lowers_it() -> None:
    """R and C of one sign amplify; with tanh saturated the input is 1 + gain times as strong."""
    current = torch.full((400, 1, 1), 0.07, dtype=torch.float64)
    rates = {}
    for sign in (-1.0, 0.0, 1.0):
        rates[sign] = run(TwoPoint(1, gain=0.5), current, sign * current * 300)[0].sum().item()
    assert rates[-1.0] < rates[0.0] < rates[1.0]
    alone = Population(TwoPoint(1), CLOCK)(current * 1.5)[0].sum().item()
    assert abs(rates[1.0] - alone) <= 1


def test_context_is_remembered_for_its_time_constant() -> None:
    context = torch.zeros(30, 1, 1, dtype=torch.float64)
    context[0] = 1.0
    traces = run(TwoPoint(1, tau_context=8 * ms), context * 0, context)[2]
    np.testing.assert_allclose(traces["apical"].ravel(), np.exp(-np.arange(30) / 8), rtol=1e-12)


@pytest.mark.parametrize("modulation", ["tm1", "tm4"])
def test_exponents_do_not_overflow(modulation: str) -> None:
    big = torch.full((3, 1, 1), 1000.0)
    _, state, _ = run(TwoPoint(1, modulation=modulation), big, big)
    assert state.v.isfinite().all()


def test_unknown_modulation_is_named() -> None:
    with pytest.raises(InvalidValue, match=r"TwoPoint.modulation: got 'tm5', expected one of"):
        TwoPoint(3, modulation="tm5")
