"""Point neurons against closed forms, fine integration and published firing patterns."""

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from neuro import Clock, ms
from neuro.neurons import QIF, AdEx, AlphaLIF, CobaLIF, CubaLIF, HodgkinHuxley
from neuro.nn import Population


def run(neuron, dt, x, *fields):
    layer = Population(neuron, Clock(dt))
    inputs = layer.ports({type(neuron).Inputs._fields[0]: x})
    return layer.trace(inputs, record=fields)


@pytest.mark.parametrize("taus", [(20 * ms, 5 * ms), (10 * ms, 10 * ms), (5 * ms, 30 * ms)])
@pytest.mark.parametrize("kind", [CubaLIF, AlphaLIF])
def test_synaptic_currents_follow_the_differential_equations(kind, taus) -> None:
    """Membrane after one input spike, against a fine numerical solution, at any ratio of taus."""
    tau_mem, tau_syn = taus
    x = torch.zeros(60, 1, 1, dtype=torch.float64)
    x[0] = 0.3
    _, _, traces = run(kind(1, tau_mem=tau_mem, tau_syn=tau_syn, v_th=9.0), 1 * ms, x, "v", "i")
    current = traces["i"][:, 0, 0].numpy()
    t = np.arange(60) * 1e-3
    if kind is AlphaLIF:
        scale = current.max() / (t / tau_syn * np.exp(-t / tau_syn)).max()
        shape = scale * t / tau_syn * np.exp(-t / tau_syn)
    else:
        shape = current[0] * np.exp(-t / tau_syn)
    assert np.abs(current - shape).max() < 1e-9 * current.max()

    def slope(time, v):
        form = time / tau_syn * np.exp(-time / tau_syn) * scale if kind is AlphaLIF else (
            current[0] * np.exp(-time / tau_syn)
        )  # fmt: skip
        return (form - v) / tau_mem

    exact = solve_ivp(slope, (0, t[-1]), [0.0], t_eval=t, rtol=1e-10, atol=1e-12).y[0]
    assert np.abs(traces["v"][:, 0, 0].numpy() - exact).max() < 1e-6


def test_qif_fires_at_the_rate_of_the_closed_form() -> None:
    """tau dv/dt = v^2 + I crosses from v_reset to v_th in tau / sqrt(I) * (atan + atan)."""
    tau, drive, dt = 20 * ms, 0.5, 0.02 * ms
    x = torch.full((50_000, 1, 1), drive * dt / tau, dtype=torch.float64)
    neuron = QIF(1, tau=tau)
    out, _, _ = run(neuron, dt, x)
    ticks = out[:, 0, 0].nonzero()[:, 0]
    period = float(ticks.double().diff().mean()) * dt
    root = np.sqrt(drive)
    exact = tau / root * (np.arctan(neuron.v_th / root) - np.arctan(neuron.v_reset / root))
    assert period == pytest.approx(exact, rel=5e-3)


def test_conductances_follow_the_differential_equations() -> None:
    dt = 0.05 * ms
    x = torch.zeros(1000, 1, 1, dtype=torch.float64)
    x[0] = 0.4
    neuron = CobaLIF(1, v_th=0.0)
    _, _, traces = run(neuron, dt, x, "v")

    def slope(t, v):
        g = 0.4 * np.exp(-t / 5e-3)
        return ((-60e-3 - v) + g * (0 - v)) / 20e-3

    t = np.arange(1000) * dt
    exact = solve_ivp(slope, (0, t[-1]), [-60e-3], t_eval=t, rtol=1e-9, atol=1e-12).y[0]
    error = np.abs(traces["v"][:, 0, 0].numpy() - exact).max()
    assert error < 0.01 * (exact.max() + 60e-3)


def test_adex_adapts() -> None:
    """With the published parameters the intervals between spikes grow (Brette & Gerstner 2005)."""
    layer = Population(AdEx(1), Clock(0.05 * ms))
    (port,) = type(layer.neuron).Inputs._fields
    for drive in (0.8e-9, 1.0e-9):
        x = torch.full((10_000, 1, 1), drive, dtype=torch.float64)
        out, _, _ = layer.trace(layer.ports({port: x}))
        intervals = out[:, 0, 0].nonzero()[:, 0].diff()
        assert len(intervals) >= 3 and intervals[-1] > 1.2 * intervals[0]


def test_hodgkin_huxley_fires_above_its_rheobase_and_not_below() -> None:
    """Repetitive firing of the squid axon: silent at 5 uA/cm^2, 55 to 75 Hz at 10."""
    rates = []
    for drive in (5.0, 10.0):
        x = torch.full((50_000, 1, 1), drive, dtype=torch.float64)
        out, _, _ = run(HodgkinHuxley(1), 0.01 * ms, x)
        rates.append(int((out[20_000:] > 0).sum()) / 0.3)
    assert rates[0] == 0 and 55 < rates[1] < 75


def test_a_conductance_neuron_whose_leak_lies_above_threshold_fires_by_itself() -> None:
    """Closed form: it takes tau log((e_leak - v_reset) / (e_leak - v_th)) from reset to v_th."""
    neuron = CobaLIF(1, e_leak=-45e-3, v_th=-50e-3, v_reset=-60e-3)
    layer = Population(neuron, Clock(0.1 * ms))
    spk, _ = layer(torch.zeros(10_000, 1, 1, dtype=torch.float64))
    period = 20 * ms * np.log(15 / 5)
    assert np.diff(np.flatnonzero(spk[:, 0, 0].numpy())).mean() == pytest.approx(
        period / (0.1 * ms), abs=1
    )
