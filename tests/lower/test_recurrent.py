"""Fused feedback against the reference that goes tick by tick in PyTorch."""

import numpy as np
import pytest
import torch

from neuro import ALIF, LIF, Clock, Input, Network, Synapse, ms
from neuro.neurons import Neuron
from neuro.synapses import Dense
from neuro.train import Module


@pytest.mark.parametrize("delay", [1, 3])
@pytest.mark.parametrize("neuron", [LIF(8, reset="subtract"), LIF(8, refractory=2 * ms), ALIF(8)])
def test_spikes_are_equal_to_the_bit_and_gradients_to_rounding(neuron: Neuron, delay: int) -> None:
    rng = np.random.default_rng(0)
    forward = rng.integers(-4, 9, (8, 5)).astype(np.float32) / 8
    back = rng.integers(-4, 5, (8, 8)).astype(np.float32) / 8
    bias = np.full(8, 0.125, np.float32)
    synapses = (
        Synapse("in", "hid", Dense(forward)),
        Synapse("hid", "hid", Dense(back, bias=bias), delay=delay * ms),
    )
    network = Network({"in": Input(5), "hid": neuron}, synapses, ("hid",), Clock(1 * ms))
    x = (torch.rand(30, 4, 5, generator=torch.Generator().manual_seed(1)) < 0.3).double()
    weights = torch.linspace(-1, 1, 8, dtype=torch.float64)
    results = []
    for backend in ("reference", "fused"):
        module = Module(network, learn=["weight", "bias", "tau_mem"], backend=backend).double()
        first, state = module(x[:2], record=["hid.v"])  # shorter than the longer delay
        second, state = module(x[2:], state, record=["hid.v"])
        loss = (first["hid.spikes"] * weights).sum() + (second["hid.v"] * weights).sum()
        (loss + (second["hid.spikes"] * weights**2).sum()).backward()
        values = [first["hid.spikes"], second["hid.spikes"], second["hid.v"], *state.neurons["hid"]]
        gradients = [p.grad for p in module.parameters()]
        results.append(([*values, *state.lines.values()], gradients))
    (values, gradients), (fused, fused_gradients) = results
    assert 0.05 < values[1].mean() < 0.95
    assert all(torch.equal(a, b) for a, b in zip(values, fused, strict=True))
    for a, b in zip(gradients, fused_gradients, strict=True):
        assert a is not None and a.abs().max() > 0
        torch.testing.assert_close(b, a, rtol=1e-10, atol=1e-11)
