"""TwoCurrentLIF against closed forms, and against CubaLIF where both are one."""

import numpy as np
import pytest
import torch

from neuro import Clock, ms
from neuro.neurons import CubaLIF, TwoCurrentLIF
from neuro.nn import Population
from neuro.testing import check_neuron


def trace(neuron: TwoCurrentLIF, clock: Clock, steps: int, at: int, exc: float, inh: float):
    x = torch.zeros(steps, 1, 1, dtype=torch.float64)
    excitation, inhibition = x.clone(), x.clone()
    excitation[at], inhibition[at] = exc, inh
    layer = Population(neuron, clock)
    ports = layer.ports({"excitation": excitation, "inhibition": inhibition})
    spk, _, kept = layer.trace(ports, None, ["v"])
    return spk[:, 0, 0].numpy(), kept["v"][:, 0, 0].numpy()


def test_one_input_on_each_port_gives_the_sum_of_two_closed_forms() -> None:
    tau, exc, inh = 20 * ms, 5 * ms, 10 * ms
    clock = Clock(0.5 * ms)
    _, v = trace(TwoCurrentLIF(1, v_th=1e9), clock, 100, 3, 2.0, -1.5)
    t = np.arange(100 - 3) * clock.dt

    def kernel(tau_syn: float) -> np.ndarray:
        return tau_syn / (tau - tau_syn) * (np.exp(-t / tau) - np.exp(-t / tau_syn))

    np.testing.assert_allclose(v[3:], 2.0 * kernel(exc) - 1.5 * kernel(inh), atol=1e-12)
    assert (v[:3] == 0).all()


def test_with_one_time_constant_it_is_cuba_lif() -> None:
    rng = np.random.default_rng(1)
    x = torch.tensor(rng.random((400, 3, 20)) * (rng.random((400, 3, 20)) < 0.2))
    same = {"v_th": 0.3, "refractory": 3 * ms, "v_reset": -0.1}
    two = Population(TwoCurrentLIF(20, tau_exc=4 * ms, tau_inh=4 * ms, **same), Clock(1 * ms))
    one = Population(CubaLIF(20, tau_syn=4 * ms, **same), Clock(1 * ms))
    spk, _ = one(x)
    got, _, _ = two.trace(two.ports({"excitation": x, "inhibition": 0 * x}), None, [])
    assert spk.sum() > 100
    assert torch.equal(got, spk)


def test_all_back_ends_agree() -> None:
    check_neuron(TwoCurrentLIF)


def test_bad_parameters_are_named() -> None:
    with pytest.raises(ValueError, match=r"TwoCurrentLIF\.tau_inh"):
        TwoCurrentLIF(1, tau_inh=0.0)
