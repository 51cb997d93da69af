"""Layers in a row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.distributions import Distribution
from neuro.errors import InvalidValue, require
from neuro.network import Input, Network, Synapse, drawn_ticks
from neuro.neurons import Neuron
from neuro.shape import Shape
from neuro.synapses import Conv2d, Dense, Topology


@dataclass(frozen=True)
class dense:
    """All-to-all connection for `feedforward`.

    Args:
        gain: standard deviation of the weights times the square root of the fan-in.
        bias: add a trainable constant current, zero at first.
        delay: seconds, or a distribution from which one is drawn for every connection and rounded
            to the clock's grid.
    """

    gain: float = 1.0
    bias: bool = False
    delay: float | Distribution = 0.0


@dataclass(frozen=True)
class conv:
    """Convolutional connection for `feedforward`.

    Args:
        channels: number of output channels.
        kernel, stride, padding: in units of the presynaptic grid.
        gain, bias: as in `dense`.
        delay: seconds, or a distribution from which one is drawn for every presynaptic channel.
    """

    channels: int
    kernel: int = 3
    stride: int = 1
    padding: int = 0
    gain: float = 1.0
    bias: bool = False
    delay: float | Distribution = 0.0


def feedforward(
    inputs: int | Shape, *layers: dense | conv | Neuron, clock: Clock, seed: int
) -> Network:
    """A network of layers in a row: populations "in", "hid1", "hid2", ..., "out".

    Args:
        inputs: shape of the input population.
        layers: neurons, each optionally preceded by the connection that leads to it; `dense()`
            where none is given. A neuron after `conv` needs no shape.
        clock: the network's step.
        seed: of the weights, which are normal with standard deviation gain / sqrt(fan-in)
            (LeCun et al., Efficient BackProp, 1998, eq. 16).

    Raises:
        InvalidValue: a connection is not followed by a neuron, or a dense layer has no shape.
        MissingExtra: delays are to be drawn, and Numba is not installed.

    Example:
        feedforward((2, 34, 34), conv(12, kernel=5, stride=2), LIF(), LI(10),
                    clock=Clock(5 * ms), seed=0)
    """
    rng = np.random.default_rng(seed)
    pairs = _pairs(layers)
    populations: dict[str, Input | Neuron] = {"in": Input(inputs)}
    synapses: list[Synapse] = []
    pre = "in"
    for i, (link, neuron) in enumerate(pairs, start=1):
        name = "out" if i == len(pairs) else f"hid{i}"
        topology = _topology(link, populations[pre].units, neuron, rng, name)
        shape = topology.post_shape(populations[pre].units)
        populations[name] = neuron if neuron.units else neuron.replace(shape=shape)
        delay = _delay(link, topology, populations[pre].units, clock, rng)
        synapses.append(Synapse(pre, name, topology, delay=delay))
        pre = name
    return Network(populations, tuple(synapses), (pre,), clock)


def _pairs(layers: tuple[dense | conv | Neuron, ...]) -> list[tuple[dense | conv, Neuron]]:
    pairs: list[tuple[dense | conv, Neuron]] = []
    link: dense | conv | None = None
    for position, layer in enumerate(layers):
        if isinstance(layer, Neuron):
            pairs.append((link or dense(), layer))
            link = None
        elif isinstance(layer, dense | conv) and link is None:
            link = layer
        else:
            raise InvalidValue(
                f"feedforward: layer {position} is {layer!r}, expected a neuron"
                + ("" if isinstance(layer, dense | conv) else ", dense(...) or conv(...)")
            )
    if link is not None or not pairs:
        raise InvalidValue("feedforward: the last layer must be a neuron, e.g. LI(10)")
    return pairs


def _topology(
    link: dense | conv, pre: Shape, neuron: Neuron, rng: np.random.Generator, name: str
) -> Topology:
    if isinstance(link, dense):
        if not neuron.units:
            raise InvalidValue(
                f"feedforward: {name!r} is {neuron!r} without a shape; give one, e.g. "
                f"{neuron.name}(128). Only a neuron after conv(...) takes its shape from there."
            )
        size = (neuron.size, int(np.prod(pre)))
        bias = np.zeros(neuron.size) if link.bias else None
        weight = rng.normal(0, link.gain / np.sqrt(size[1]), size)
        return Dense(weight, bias, post=neuron.units)
    if len(pre) != 3:
        raise InvalidValue(f"feedforward: conv before {name!r} needs (channel, y, x), got {pre}")
    size = (link.channels, pre[0], link.kernel, link.kernel)
    bias = np.zeros(link.channels) if link.bias else None
    weight = rng.normal(0, link.gain / np.sqrt(np.prod(size[1:])), size)
    return Conv2d(weight, bias, stride=link.stride, padding=link.padding)


def _delay(
    link: dense | conv, topology: Topology, pre: Shape, clock: Clock, rng: np.random.Generator
) -> float | NDArray[np.float64]:
    if not isinstance(link.delay, Distribution):
        return link.delay
    require("numba", "sim")
    from neuro.synapses import drawing

    shape = topology.arrays()["weight"].shape if isinstance(link, dense) else (pre[0], 1, 1)
    start = np.array([0, int(np.prod(shape))])
    drawn = drawing.values(link.delay, int(rng.integers(2**31)), drawing.DELAYS, 0, start)
    return clock.seconds(drawn_ticks(drawn, link.delay, clock)).reshape(shape)
