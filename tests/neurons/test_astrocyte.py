"""Li-Rinzel calcium against SciPy's solver and its published range of oscillation."""

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from neuro.clock import Clock
from neuro.neurons.astrocyte import Astrocyte
from neuro.nn import Population
from neuro.units import ms


def li_rinzel(_, y, i_rest=0.5, tau=7.14):
    """The equations as the literature writes them: fluxes between store and cytosol, in 1/s."""
    c, h, i = y
    store = (2.0 - c) / 0.185
    m, n = i / (i + 0.13), c / (c + 0.08234)
    q2 = 1.049 * (i + 0.13) / (i + 0.9434)
    channel = 0.185 * 6.0 * m**3 * n**3 * h**3 * (store - c)
    leak = 0.185 * 0.11 * (store - c)
    pump = 0.9 * c**2 / (0.1**2 + c**2)
    h_inf, tau_h = q2 / (q2 + c), 1 / (0.2 * (q2 + c))
    return [channel + leak - pump, (h_inf - h) / tau_h, (i_rest - i) / tau]


def simulate(neuron, clock, steps, start=None):
    """Traces by the laws themselves on NumPy numbers."""
    p = Astrocyte.derive(neuron, clock)
    s = Astrocyte.rest(p) if start is None else Astrocyte.State(*start)
    out = [s]
    for _ in range(steps):
        s = Astrocyte.flow(s, p, 1)
        out.append(s)
    return np.array([np.stack(np.broadcast_arrays(*state)) for state in out])


@pytest.mark.parametrize(("dt", "tolerance"), [(10 * ms, 1e-7), (80 * ms, 1e-3)])
def test_oscillating_calcium_follows_the_solver(dt: float, tolerance: float) -> None:
    steps, start = round(40 / dt), (0.08, 0.8, 0.3)
    got = simulate(Astrocyte(1, i_rest=0.5), Clock(dt), steps, start)
    times = np.arange(steps + 1) * dt
    exact = solve_ivp(li_rinzel, (0, times[-1]), start, "LSODA", times, rtol=1e-11, atol=1e-13).y.T
    assert np.ptp(exact[steps // 2 :, 0]) > 0.2
    np.testing.assert_allclose(got, exact, atol=tolerance)


def test_calcium_oscillates_only_in_the_published_range_of_ip3() -> None:
    """Steady below 0.355 and above 0.637 micromolar (Nadkarni & Jung 2003)."""
    i_rest = np.array([0.30, 0.345, 0.37, 0.5, 0.62, 0.65, 0.7])
    start = tuple(np.full(7, x) for x in (0.08, 0.8))
    trace = simulate(Astrocyte(7, i_rest=i_rest), Clock(80 * ms), 5000, (*start, i_rest))
    swing = np.ptp(trace[-600:, 0], axis=0)
    assert (swing > 0.1).tolist() == [False, False, True, True, True, False, False]
    assert swing[[0, 6]].max() < 1e-3


def test_it_rests_where_the_solver_says_nothing_changes() -> None:
    p = Astrocyte.derive(Astrocyte(1), Clock(10 * ms))
    rest = Astrocyte.rest(p)
    np.testing.assert_allclose(li_rinzel(0, rest, i_rest=0.16), 0, atol=1e-14)
    trace = simulate(Astrocyte(1), Clock(10 * ms), 2000)
    np.testing.assert_allclose(trace, np.broadcast_to(trace[0], trace.shape), rtol=1e-12)


def test_ip3_input_starts_a_calcium_transient_and_decays() -> None:
    layer = Population(Astrocyte(2), Clock(10 * ms))
    x = torch.zeros(1500, 1, 2, dtype=torch.float64)
    x[0, 0, 1] = 0.4
    calcium, state, traces = layer.trace(layer.ports({"current": x}), record=("i",))
    assert calcium[:, 0, 0].max() < 0.1 < 0.25 < calcium[:, 0, 1].max()
    elapsed = np.arange(1500) * 10 * ms
    np.testing.assert_allclose(
        traces["i"][:, 0, 1], 0.16 + 0.4 * np.exp(-elapsed / 7.14), rtol=1e-9
    )
    assert state.c.shape == (1, 2)


def test_the_decay_time_of_ip3_has_the_gradient_of_finite_differences() -> None:
    x = torch.zeros(60, 1, 1, dtype=torch.float64)
    x[0] = 0.5

    def end(tau):
        return Population(Astrocyte(1, tau_ip3=tau), Clock(50 * ms))(x)[1].c.item()

    layer = Population(Astrocyte(1), Clock(50 * ms), learn=["tau_ip3"])
    layer(x)[1].c.sum().backward()
    grad = layer.raw["tau_ip3"].grad
    assert grad is not None
    tau = layer.values()["tau_ip3"].item()
    slope = (end(tau * 1.0001) - end(tau * 0.9999)) / 0.0002
    assert grad.item() == pytest.approx(slope, rel=1e-5)
