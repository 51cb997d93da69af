"""Memory of the currents used again for what the adjoint needs: nothing else changes."""

import pytest
import torch

from neuro import Clock
from neuro.cli_neurons import family
from neuro.lower import fused, reference
from neuro.neurons import Neuron
from neuro.nn import Population

FAMILY = family().values()


@pytest.mark.parametrize("neuron", FAMILY, ids=lambda n: n.__name__)
def test_spikes_and_gradients_are_those_without_reuse(neuron: type[Neuron]) -> None:
    clock = Clock(1e-5)  # fine enough for all
    learn = [row.name for row in neuron.table() if row.learnable]
    layer = Population(neuron(5), clock, learn=learn)
    generator = torch.Generator().manual_seed(0)
    shape = (12, 2, 5)
    inputs = [torch.rand(shape, generator=generator) * 1e-3 for _ in neuron.Inputs._fields]
    results = []
    for reuse in (False, True):
        given = [x.clone().requires_grad_() for x in inputs]
        passed = neuron.Inputs(given[0] * 1.0, *given[1:])  # made for this call alone
        p = layer.coefficients()
        start = reference.rest(layer.neuron, p, passed[0][0])
        out, end, _ = fused.scan(layer.neuron, p, passed, start, layer.surrogate, reuse=reuse)
        weights = torch.linspace(-1, 1, 5)
        loss = (out * weights).sum() + sum((field * weights).sum() for field in end)
        assert isinstance(loss, torch.Tensor)
        gradients = torch.autograd.grad(loss, [*given, *layer.parameters()], allow_unused=True)
        results.append([out, *end, *(g for g in gradients if g is not None)])
    assert len(results[0]) == len(results[1])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))
