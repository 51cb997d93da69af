"""Normalised currents in training, which become weights and biases afterwards."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from neuro.errors import Unsupported
from neuro.network import Network, Synapse
from neuro.neurons import Neuron
from neuro.synapses import Conv2d, Dense


def norms(network: Network) -> list[tuple[Synapse, nn.BatchNorm1d]]:
    """A normalisation for each synapse that leads forward into a population that spikes.

    Of dense weights each postsynaptic unit is normalised, of a convolution each channel, over all
    steps and samples of a batch (Ioffe & Szegedy, ICML 2015).

    Raises:
        Unsupported: such a synapse is Sparse, whose units have no bias that could take it up.
    """
    made: list[tuple[Synapse, nn.BatchNorm1d]] = []
    for synapse in network.synapses:
        post = network.populations[synapse.post]
        spikes = isinstance(post, Neuron) and post.emits == "spikes"
        if not spikes or network.in_loop(synapse):
            continue
        if not isinstance(synapse.topology, (Dense, Conv2d)):
            raise Unsupported(
                f"Synapse[{synapse.name!r}]", "normalise",
                f"{type(synapse.topology).__name__} has no bias to take it up",
                "use Dense or Conv2d, or normalise=False",
            )  # fmt: skip
        made.append((synapse, nn.BatchNorm1d(len(synapse.topology.weight))))
    return made


def normalised(norm: nn.Module, current: Tensor) -> Tensor:
    """Currents [T, B, *units] with mean 0 and variance 1, scaled and moved as was learned."""
    assert isinstance(norm, nn.BatchNorm1d)
    steps, batch, units = current.shape[0], current.shape[1], current.shape[2:]
    grid = int(np.prod(units)) // norm.num_features
    flat = current.reshape(steps * batch, norm.num_features, grid)
    return norm(flat if grid > 1 else flat[..., 0]).reshape(current.shape)


def folded(norm: nn.Module, arrays: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weight and bias that do what they did before, followed by the normalisation."""
    assert isinstance(norm, nn.BatchNorm1d)
    assert norm.running_mean is not None and norm.running_var is not None
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    weight = arrays["weight"]
    bias = arrays.get("bias", torch.zeros_like(scale))
    return {
        "weight": weight * scale.reshape(-1, *[1] * (weight.ndim - 1)),
        "bias": (bias - norm.running_mean) * scale + norm.bias,
    }
