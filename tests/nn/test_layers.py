"""Layers behave like torch.nn.LSTM: state in, state out, nothing hidden."""

import pytest
import torch

from neuro import ALIF, LI, LIF, Clock, feedforward, ms
from neuro.errors import InvalidValue
from neuro.neurons import GIF
from neuro.nn import Conv2d, Linear, Population, Sequential
from neuro.train import Module

CLOCK = Clock(2 * ms)


def test_layers_in_a_row_equal_the_same_network() -> None:
    network = feedforward((2, 4, 4), LIF(6, v_th=0.5), LI(3), clock=CLOCK, seed=0)
    first, second = (torch.tensor(s.topology.arrays()["weight"]) for s in network.synapses)
    layers = Sequential(
        Linear(32, 6, bias=False), Population(network.neurons()["hid1"], CLOCK),
        Linear(6, 3, bias=False), Population(network.neurons()["out"], CLOCK),
    )  # fmt: skip
    with torch.no_grad():
        layers[0].weight.copy_(first)  # type: ignore[union-attr,operator]
        layers[2].weight.copy_(second)  # type: ignore[union-attr,operator]
    x = torch.rand(12, 5, 2, 4, 4)
    out, states = layers(x)
    expected, _ = Module(network)(x)
    torch.testing.assert_close(out, expected["out.v"])
    assert [state is None for state in states] == [True, False, True, False]


def test_layers_go_on_from_the_state_they_returned() -> None:
    layers = Sequential(
        Conv2d(1, 2, 3), Population(ALIF((2, 4, 4)), CLOCK), Linear(32, 3), torch.nn.LSTM(3, 4)
    )
    x = 3 * torch.rand(10, 2, 1, 6, 6)
    whole, _ = layers(x)
    first, states = layers(x[:4])
    second, _ = layers(x[4:], states)
    torch.testing.assert_close(torch.cat([first, second]), whole)


def test_convolution_takes_every_step_like_torch() -> None:
    layer = Conv2d(2, 3, 3, stride=2, padding=1)
    x = torch.rand(4, 5, 2, 7, 9)
    steps = [torch.nn.functional.conv2d(step, layer.weight, layer.bias, 2, 1) for step in x]
    torch.testing.assert_close(layer(x), torch.stack(steps))


def test_learned_time_constants_stay_positive_and_move_both_ways() -> None:
    layer = Population(LI(1, tau_mem=10 * ms), CLOCK, learn=["tau_mem"])
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.05)
    target = 0.2 / (1 - torch.exp(torch.tensor(-2 / 30)))  # where a 30 ms membrane would settle
    x = torch.full((400, 1, 1), 0.2)
    for _ in range(200):
        out, _ = layer(x)
        optimizer.zero_grad()
        (out[-1] - target).square().mean().backward()
        optimizer.step()
    assert layer.trained().tau_mem == pytest.approx(30 * ms, rel=0.02)


def test_array_parameters_are_learned_unit_by_unit() -> None:
    shared = Population(LIF(3), CLOCK, learn=["v_th"])
    apart = Population(LIF(3, v_th=torch.ones(3).numpy()), CLOCK, learn=["v_th"])
    assert shared.raw["v_th"].shape == ()
    assert apart.raw["v_th"].shape == (3,)


def test_the_layer_prints_what_it_is() -> None:
    text = repr(Population(LIF(3), CLOCK, learn=["v_th"]))
    assert "LIF(3)" in text and "Clock(2 * ms)" in text and "learn=['v_th']" in text


def test_wrong_shapes_are_named() -> None:
    layer = Population(LIF(3), CLOCK)
    with pytest.raises(InvalidValue, match=r"got shape \(4, 2, 5\), expected \[T, B, 3\]"):
        layer(torch.rand(4, 2, 5))
    with pytest.raises(InvalidValue, match=r"state is a tuple, expected LIF.State"):
        layer(torch.rand(4, 2, 3), (torch.zeros(2, 3),))


def test_a_foreign_state_is_refused_by_a_neuron_that_draws_noise_too() -> None:
    layer = Population(GIF(3), Clock(1 * ms))
    _, foreign = Population(LIF(3), CLOCK)(torch.zeros(2, 1, 3))
    with pytest.raises(InvalidValue, match="state"):
        layer(torch.zeros(2, 1, 3), foreign)
