"""Two compartments against the matrix exponential and steady states."""

import numpy as np
import pytest
import torch
from scipy.linalg import expm

from neuro.clock import Clock
from neuro.neurons.two_compartment import TwoCompartment
from neuro.nn import Population
from neuro.units import ms

CLOCK = Clock(1 * ms)
COUPLINGS = [(0.5, 0.5), (2.0, 0.0), (0.0, 0.7), (0.0, 0.0), (3.0, 9.0)]


def system(neuron):
    return np.array([
        [-(1 + neuron.g_soma) / neuron.tau_soma, neuron.g_soma / neuron.tau_soma],
        [neuron.g_dendrite / neuron.tau_dendrite, -(1 + neuron.g_dendrite) / neuron.tau_dendrite],
    ])  # fmt: skip


@pytest.mark.parametrize(("g_soma", "g_dendrite"), COUPLINGS)
@pytest.mark.parametrize("taus", [(20 * ms, 40 * ms), (10 * ms, 10 * ms), (0.01 * ms, 5 * ms)])
def test_one_tick_is_the_matrix_exponential(g_soma, g_dendrite, taus) -> None:
    neuron = TwoCompartment(
        1, tau_soma=taus[0], tau_dendrite=taus[1], g_soma=g_soma, g_dendrite=g_dendrite
    )
    p = TwoCompartment.derive(neuron, CLOCK)
    exact = expm(system(neuron) * CLOCK.dt)
    np.testing.assert_allclose([[p.vv, p.vw], [p.wv, p.ww]], exact, rtol=1e-10, atol=1e-15)


def test_a_run_follows_the_matrix_exponential_from_tick_to_tick() -> None:
    neuron = TwoCompartment(1, v_leak=0.125, v_th=99.0, g_soma=0.75, g_dendrite=0.25)
    generator = torch.Generator().manual_seed(0)
    inputs = TwoCompartment.Inputs(
        *(torch.rand(50, 1, 1, generator=generator, dtype=torch.float64) for _ in "sd")
    )
    _, _, traces = Population(neuron, CLOCK).trace(inputs, record=("v", "w"))
    step, y = expm(system(neuron) * CLOCK.dt), np.zeros(2)
    for t in range(50):
        y = step @ y + [inputs.soma[t].item(), inputs.dendrite[t].item()]
        got = [traces["v"][t].item(), traces["w"][t].item()]
        np.testing.assert_allclose(got, 0.125 + y, rtol=1e-12)


def test_several_ticks_at_once_are_as_many_single_ones() -> None:
    neuron = TwoCompartment(1, v_leak=0.25)
    p = TwoCompartment.derive(neuron, CLOCK)
    got = TwoCompartment.flow(TwoCompartment.State(1.0, -2.0), p, 17)
    exact = 0.25 + expm(system(neuron) * 17 * CLOCK.dt) @ [0.75, -2.25]
    np.testing.assert_allclose(got, exact, rtol=1e-12)


def test_the_dendrite_drives_the_soma_and_keeps_its_potential_through_the_spike() -> None:
    neuron = TwoCompartment(1, g_soma=2.0, g_dendrite=0.0, v_reset=-0.5)
    x = torch.zeros(40, 1, 1, dtype=torch.float64)
    kick = x.clone()
    kick[0] = 4.0
    spikes, _, traces = Population(neuron, CLOCK).trace(
        TwoCompartment.Inputs(x, kick), record=("v", "w")
    )
    assert spikes.sum() >= 2  # it recharges the soma
    assert (traces["v"][spikes > 0] == -0.5).all()
    expected = 4 * np.exp(-np.arange(40) * CLOCK.dt / (40 * ms))  # g_dendrite = 0: its own decay
    np.testing.assert_allclose(traces["w"][:, 0, 0], expected, rtol=1e-12)
    silent, _ = Population(neuron.replace(g_soma=0.0), CLOCK)(kick * 0)
    assert silent.sum() == 0


@pytest.mark.parametrize("name", ["tau_soma", "tau_dendrite", "g_soma", "g_dendrite"])
def test_constants_have_the_gradient_of_finite_differences(name: str) -> None:
    """Also where both rates are equal and one coupling is 0, the degenerate case."""
    for base in (TwoCompartment(1), TwoCompartment(1, tau_dendrite=20 * ms, g_dendrite=0.5)):
        quiet = base.replace(v_th=99.0)
        generator = torch.Generator().manual_seed(0)
        inputs = TwoCompartment.Inputs(
            *(torch.rand(20, 1, 1, generator=generator, dtype=torch.float64) for _ in "sd")
        )
        layer = Population(quiet, CLOCK, learn=[name])
        layer.raw[name].data = layer.raw[name].data.double()
        _, state, _ = layer.trace(inputs)
        state.v.sum().backward()
        grad = layer.raw[name].grad
        assert grad is not None
        at = {k: v.item() for k, v in layer.values().items()}[name]
        ends = []
        for eps in (1e-6, -1e-6):
            moved = quiet.replace(**{name: at * (1 + eps)})
            ends.append(Population(moved, CLOCK).trace(inputs)[1].v.item())
        slope = (ends[0] - ends[1]) / 2e-6  # by the logarithm
        logarithmic = grad.item() if name.startswith("tau") else grad.item() * at
        assert logarithmic == pytest.approx(slope, rel=1e-6)
