"""The AM-SU membrane against its difference equation, a plain LIF, and finite differences."""

import numpy as np
import pytest
import snntorch
import torch

from neuro import LIF, Clock, ms
from neuro.errors import InvalidValue
from neuro.neurons import AMSU
from neuro.nn import Population
from neuro.surrogate import Triangular

CLOCK = Clock(1 * ms)


def run(
    layer: Population, current: torch.Tensor, astrocyte: torch.Tensor, record: tuple[str, ...] = ()
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    ports = layer.ports({"current": current, "astrocyte": astrocyte})
    spikes, _, traces = layer.trace(ports, record=record)
    return spikes, traces


@pytest.mark.parametrize("backend", ["reference", "fused"])
def test_spikes_follow_the_difference_equation(backend: str) -> None:
    """u_t = lambda u_(t-1) (1 - s_(t-1)) + I_t and s_t = [u_t + o_t > theta], written out."""
    random = np.random.default_rng(0)
    current, o = random.normal(0.1, 0.6, (60, 3, 5)), random.normal(0.0, 0.8, (60, 3, 5))
    layer = Population(AMSU(5, tau_mem=7 * ms, v_th=0.75), CLOCK, backend=backend)  # type: ignore[arg-type]
    spikes, _ = run(layer, torch.tensor(current), torch.tensor(o))
    u, s = np.zeros((3, 5)), np.zeros((3, 5))
    for t in range(60):
        u = np.exp(-1 / 7) * u * (1 - s) + current[t]
        s = (u + o[t] > 0.75).astype(float)
        np.testing.assert_array_equal(spikes[t].numpy(), s)
    assert 0.1 < float(spikes.mean()) < 0.6


def test_without_an_astrocyte_it_is_a_lif_with_reset_to_zero() -> None:
    x = torch.randn(200, 4, 6, dtype=torch.float64)
    spikes, _ = Population(AMSU(6, tau_mem=9 * ms), CLOCK)(x)
    lif, _ = Population(LIF(6, tau_mem=9 * ms), CLOCK)(x)
    assert torch.equal(spikes, lif)
    assert 0.05 < float(spikes.mean()) < 0.5


def test_without_an_astrocyte_it_fires_like_snntorch() -> None:
    """snnTorch resets by zero one step later; undelayed, its `Leaky` gives the same spikes."""
    x = torch.randn(100, 4, 6)
    leaky = snntorch.Leaky(beta=float(np.exp(-1 / 9)), reset_mechanism="zero", reset_delay=False)
    membrane, theirs = leaky.init_leaky(), []
    for step in x:
        out, membrane = leaky(step, membrane)
        theirs.append(out)
    spikes, _ = Population(AMSU(6, tau_mem=9 * ms), CLOCK)(x)
    assert torch.equal(spikes, torch.stack(theirs))


def test_modulation_makes_a_silent_unit_fire_and_charges_nothing() -> None:
    current = torch.zeros(6, 1, 1, dtype=torch.float64)
    current[0] = 0.75
    o = torch.zeros_like(current)
    o[2] = 5.0
    spikes, traces = run(Population(AMSU(1, tau_mem=4 * ms), CLOCK), current, o, ("v", "o"))
    assert spikes.flatten().tolist() == [0, 0, 1, 0, 0, 0]
    before = 0.75 * np.exp(-np.arange(2) / 4)
    np.testing.assert_allclose(traces["v"].flatten(), [*before, 0, 0, 0, 0], rtol=1e-14)
    assert traces["o"].flatten().tolist() == [0, 0, 5, 0, 0, 0]


def test_negative_modulation_silences_but_does_not_discharge() -> None:
    current = torch.zeros(3, 1, 1, dtype=torch.float64)
    current[0] = 2.0
    o = torch.zeros_like(current)
    o[0] = -1.5
    spikes, _ = run(Population(AMSU(1, tau_mem=50 * ms), CLOCK), current, o)
    assert spikes.flatten().tolist() == [0, 1, 0]


@pytest.mark.parametrize("backend", ["reference", "fused"])
def test_gradients_are_those_of_the_difference_equation(backend: str) -> None:
    """Autograd through the equation written out, with s detached in the reset."""
    torch.manual_seed(1)
    current = (0.6 * torch.randn(30, 2, 4, dtype=torch.float64)).requires_grad_()
    o = (0.5 * torch.randn(30, 2, 4, dtype=torch.float64)).requires_grad_()
    weight = torch.randn(30, 2, 4, dtype=torch.float64)
    surrogate = Triangular(1.0, 0.8)
    layer = Population(
        AMSU(4, tau_mem=6 * ms), CLOCK, learn=["tau_mem"], surrogate=surrogate, backend=backend  # type: ignore[arg-type]
    )  # fmt: skip
    spikes, _ = run(layer, current, o)
    got = torch.autograd.grad((weight * spikes).sum(), (current, o, layer.raw["tau_mem"]))

    raw = layer.raw["tau_mem"].detach().clone().requires_grad_()
    decay = torch.exp(-1 * ms / raw.double().exp())
    u, s, total = torch.zeros(2, 4), torch.zeros(2, 4), torch.zeros(())
    for t in range(30):
        u = decay * u * (1 - s) + current[t]
        distance = u + o[t] - 1
        s = (distance > 0).double()
        # a straight line whose slope at `distance` is the surrogate's
        total = total + (weight[t] * surrogate.derivative(distance.detach()) * distance).sum()
    expected = torch.autograd.grad(total, (current, o, raw))
    for mine, theirs in zip(got, expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-6 if mine.ndim == 0 else 1e-10, atol=1e-10)
    assert all(bool(gradient.abs().max() > 1e-3) for gradient in got)


def test_time_constant_must_be_positive() -> None:
    with pytest.raises(InvalidValue, match=r"AMSU\.tau_mem: got 0 s, expected a value above 0 s"):
        AMSU(3, tau_mem=0.0)
