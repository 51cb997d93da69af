"""What is timed: layers, sizes, weights and input of every workload. NumPy only.

Every contestant builds the same network from the same numbers: leaky integrate-and-fire neurons
(v <- BETA v + input; a spike above V_TH; V_TH subtracted), the triangular surrogate of Esser et al.
(PNAS 113, 2016, eq. 7), no biases. One training step is: forward over all steps, the spike counts
of the last layer [B, units] weighted by a fixed random target and summed, backward to every weight
and not to the input.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

BETA = 0.9  # decay of the membrane in a step
V_TH = 1.0
WIDTH = 1.0  # half width of the surrogate; its height is 1. Norse's triangle has this width only.
# Standard deviation of the summed input of a neuron, for spikes that come at these shares:
DRIVE = 0.35  # makes the layers fire at a few per cent
ACTIVITY = 0.025  # spikes of a hidden layer
FEEDBACK = 0.08  # spikes of a recurrent layer onto itself; scaled for more, so that it stays calm
SEED = 2026

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Dense:
    """All-to-all connection to `units` neurons, which also reach each other if `recurrent`."""

    units: int
    recurrent: bool = False


@dataclass(frozen=True)
class Conv:
    """Convolution without padding."""

    channels: int
    kernel: int
    stride: int = 1


@dataclass(frozen=True)
class Workload:
    """One network on one batch.

    Args:
        name: as printed.
        inputs: shape of the input population.
        layers: connections, each to a population of LIF neurons.
        batch, steps: B and T.
        density: share of ones in the input.
        peers_memory: measure the peers' peak memory here too.
    """

    name: str
    inputs: tuple[int, ...]
    layers: tuple[Dense | Conv, ...]
    batch: int
    steps: int
    density: float
    peers_memory: bool = False

    @property
    def recurrent(self) -> bool:
        return any(isinstance(layer, Dense) and layer.recurrent for layer in self.layers)

    def shapes(self) -> list[tuple[int, ...]]:
        """Shape of every population, the input's first."""
        shapes = [self.inputs]
        for layer in self.layers:
            if isinstance(layer, Dense):
                shapes.append((layer.units,))
            else:
                side = [(n - layer.kernel) // layer.stride + 1 for n in shapes[-1][1:]]
                shapes.append((layer.channels, *side))
        return shapes

    def weights(self) -> list[Array]:
        """One array a layer: [post, pre] or [post channel, pre channel, y, x]."""
        rng = np.random.default_rng(SEED)
        arrays: list[Array] = []
        for i, (layer, pre) in enumerate(zip(self.layers, self.shapes(), strict=False)):
            if isinstance(layer, Dense):
                shape: tuple[int, ...] = (layer.units, math.prod(pre))
            else:
                shape = (layer.channels, pre[0], layer.kernel, layer.kernel)
            active = math.prod(shape[1:]) * (self.density if i == 0 else ACTIVITY)
            arrays.append(_normal(rng, shape, DRIVE / math.sqrt(active)))
        return arrays

    def feedback(self) -> list[Array | None]:
        """Recurrent weights [post, pre] of each layer, or None."""
        rng = np.random.default_rng(SEED + 1)
        return [
            _normal(rng, (layer.units, layer.units), DRIVE / math.sqrt(layer.units * FEEDBACK))
            if isinstance(layer, Dense) and layer.recurrent
            else None
            for layer in self.layers
        ]

    def spikes(self) -> Array:
        """The input [T, B, *inputs]: independent zeros and ones."""
        rng = np.random.default_rng(SEED + 2)
        shape = (self.steps, self.batch, *self.inputs)
        return (rng.random(shape, dtype=np.float32) < self.density).astype(np.float32)

    def target(self) -> Array:
        """What the spike counts of the last layer are weighted by, [B, units]."""
        rng = np.random.default_rng(SEED + 3)
        return _normal(rng, (self.batch, *self.shapes()[-1]), 1.0)

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @staticmethod
    def from_plain(entry: dict[str, Any]) -> Workload:
        layers = tuple(Dense(**e) if "units" in e else Conv(**e) for e in entry["layers"])
        return Workload(**{**entry, "inputs": tuple(entry["inputs"]), "layers": layers})

    def tiny(self) -> Workload:
        """The same network on almost no data, for a trial of the machinery."""
        return replace(self, batch=2, steps=4)


def _normal(rng: np.random.Generator, shape: tuple[int, ...], deviation: float) -> Array:
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(deviation)


def _both(
    name: str, net: _Net, batch: int, steps: int, *, peers_memory: bool = False
) -> list[Workload]:
    """The workload at the two input densities; memory does not depend on them."""
    return [
        Workload(f"{name}-{percent}%", *net, batch, steps, percent / 100, peers_memory and first)
        for percent, first in ((2, True), (20, False))
    ]


_Net = tuple[tuple[int, ...], tuple[Dense | Conv, ...]]
_FC: _Net = (700,), (Dense(1000),)
_SHD: _Net = (700,), (Dense(256), Dense(256), Dense(20))
_RECURRENT: _Net = (700,), (Dense(512, recurrent=True),)
_CONV: _Net = (2, 34, 34), (Conv(16, 5), Conv(32, 3, stride=2), Dense(10))

WORKLOADS: tuple[Workload, ...] = (
    *_both("fc-b16-t100", _FC, 16, 100),
    *_both("fc-b16-t500", _FC, 16, 500),
    *_both("fc-b16-t1000", _FC, 16, 1000, peers_memory=True),
    *_both("fc-b128-t100", _FC, 128, 100),
    *_both("shd-b128-t100", _SHD, 128, 100),
    *_both("recurrent-b128-t100", _RECURRENT, 128, 100),
    *_both("conv-b32-t20", _CONV, 32, 20),
)
