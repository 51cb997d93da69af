"""What neither side can say: refused by layer, field, value, meaning and remedy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from neuro.build import dense, feedforward
from neuro.clock import Clock
from neuro.errors import InvalidValue, Unsupported
from neuro.interop import from_snntorch, to_snntorch
from neuro.network import Input, Network, Synapse
from neuro.neurons import ALIF, LI, LIF, CubaLIF
from neuro.synapses import Conv2d, Dense
from neuro.train import Module
from neuro.units import ms

snn: Any = pytest.importorskip("snntorch")

CLOCK = Clock(1 * ms)
FC = nn.Linear(6, 5)


def leaky(beta: Any = 0.5, **settings: Any) -> Any:
    return snn.Leaky(beta=beta, init_hidden=True, **settings)


def recurrent(**settings: Any) -> Any:
    return snn.RLeaky(beta=0.5, linear_features=5, init_hidden=True, **settings)


# -- models that a network cannot be --------------------------------------------------------------


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lif1, self.fc1 = leaky(), nn.Linear(6, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.lif1(self.fc1(x))


class Backwards(nn.Sequential):
    def forward(self, input: Any) -> Any:
        for module in reversed(self):
            input = module(input)
        return input


def changed(**how: Any) -> Any:
    lif = leaky()
    if how:
        lif.load_state_dict(leaky(**how).state_dict())
    else:
        lif.reset_mechanism = "zero"
    return lif


def hooked(module: nn.Module) -> nn.Module:
    module.register_forward_hook(lambda *_: None)
    return module


def within(inner: Any) -> Any:
    lif = recurrent()
    lif.recurrent = inner
    return lif


SHARED = snn.Leaky(beta=0.5)
INF = float("inf")


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([FC], r"model\.layers: end in snnTorch layer '0' \(Linear\), not in a snnTorch neuron"),
        ([], "layers: end in nothing"),
        ([FC, leaky(), nn.Linear(5, 5)], r"end in snnTorch layer '2' \(Linear\)"),
        ([FC, torch.relu, leaky()], r"'1' \(builtin_function_or_method\)\.type: has no"),
        ([nn.Sequential(FC, nn.ReLU()), leaky()], r"'0\.1' \(ReLU\)\.type: has no counterpart"),
        ([FC, nn.Dropout(), leaky()], r"Remedy: leave it out; it does nothing after model\.eval"),
        ([FC, nn.BatchNorm1d(5), leaky()], "fuse_linear_bn_eval"),
        ([nn.MaxPool2d(2), FC, leaky()], r"MaxPool2d\)\.type: .*no linear map"),
        ([nn.AvgPool2d(2), FC, leaky()], r"AvgPool2d\)\.type: .*fold the mean"),
        ([FC, snn.Lapicque(beta=0.5)], r"\(Lapicque\)\.type: .*snntorch\.Leaky"),
        ([FC, Backwards(leaky())], r"'1' \(Backwards\)\.type"),
        ([FC, nn.Linear(5, 5), leaky()], r"'1' \(Linear\)\.position: follows weights"),
        ([FC, SHARED, nn.Linear(5, 5), SHARED], r"'3' \(Leaky\)\.mem: is shared"),
        ([FC.double(), leaky()], r"weight: holds float64 .*Remedy: model\.float\(\)"),
        ([FC, hooked(leaky())], r"'1' \(Leaky\)\.hooks: may change"),
        ([FC, leaky(threshold=INF, reset_mechanism="none"), FC, leaky()], "never get a spike"),
        ([FC, leaky(threshold=INF)], "threshold: is inf in a Leaky with reset_mechanism='subtract"),
        ([FC, recurrent(threshold=INF, reset_mechanism="none")], "is inf in a RLeaky"),
        ([FC, leaky(threshold=-1.0)], "threshold: is -1; below 0"),
        ([FC, leaky(reset_delay=False)], "reset_delay: is False .*Remedy: reset_delay=True"),
        ([FC, leaky(beta=0.0)], "beta: is 0, so the delayed subtraction"),
        ([FC, leaky(graded_spikes_factor=2.0)], r"graded_spikes_factor: is \[2\.0\]; a spike"),
        ([FC, leaky(state_quant=torch.round)], "state_quant: is given"),
        ([FC, leaky(spike_grad=torch.sigmoid)], r"spike_grad: is not a step: it makes \[0\.26"),
        ([FC, changed()], "reset_mechanism: became 'zero' after .* made with 'subtract'"),
        ([FC, changed(reset_mechanism="none")], "became 'none' .* load_state_dict"),
        ([FC, snn.Synaptic(alpha=0.5, beta=0.0, reset_mechanism="zero")], "without memory behind"),
        ([FC, snn.Alpha(alpha=0.9, beta=0.5)], "reset_mechanism: is 'zero', which clears both"),
        ([FC, snn.Alpha(alpha=0.9, beta=0.5, reset_mechanism="subtract")], "the inhibitory"),
        ([FC, snn.RSynaptic(0.5, 0.5, linear_features=5, reset_delay=False)], "fails in the forw"),
        ([FC, within(hooked(nn.Linear(5, 5)))], r"\(RLeaky\)\.recurrent\.hooks: may change"),
        ([FC, within(nn.Sequential(nn.Linear(5, 5)))], r"recurrent\.type: is Sequential"),
    ],
)  # fmt: skip
def test_layers_without_counterpart(layers: list[Any], message: str) -> None:
    float64 = "float64" in message
    FC.to(torch.float64 if float64 else torch.float32)
    if float64:
        with torch.no_grad():
            FC.weight.fill_(0.1)
    with pytest.raises(Unsupported, match=message):
        from_snntorch(layers, clock=CLOCK, input_shape=6)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Net(), r"model\.type: is Net, .*\[net\.fc1, net\.lif1, \.\.\.\]"),
        (Backwards(FC, leaky()), "type: is Backwards"),
        (leaky(), "type: is Leaky"),
        ("net.pt", "type: is str"),
    ],
)
def test_models_that_do_not_state_their_order(model: Any, message: str) -> None:
    with pytest.raises(Unsupported, match=message):
        from_snntorch(model, clock=CLOCK, input_shape=6)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([nn.Linear(6, 5)], r"in_features: is 6, and a signal of shape \(2, 8, 6\) .*nn\.Flatten"),
        ([nn.Flatten(2)], r"start_dim: joins axes 2 to -1 of \[batch, 2, 8, 6\]"),
        ([nn.Conv2d(2, 3, 3), nn.Flatten()], r"'1' \(Flatten\)\.position: follows weights"),
        ([nn.Conv2d(2, 3, 3, padding="same")], "padding: is 'same'"),
        ([nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular")], "in mode 'circular'"),
    ],
)
def test_shapes_that_no_topology_has(layers: list[Any], message: str) -> None:
    with pytest.raises(Unsupported, match=message):
        from_snntorch([*layers, leaky()], clock=CLOCK, input_shape=(2, 8, 6))


def test_inhibition() -> None:
    with pytest.warns(UserWarning, match="Inhibition"):
        model = [nn.Linear(6, 5), leaky(inhibition=True)]
    with pytest.raises(Unsupported, match="inhibition: is True, so only the unit"):
        from_snntorch(model, clock=CLOCK, input_shape=6)


def broken(layer: Any) -> Any:
    with torch.no_grad():
        layer.weight[0, 0] = float("nan")
    return layer


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([nn.Linear(7, 5), leaky()], r"'0' \(Linear\): Dense.* 7 columns.*\(6,\) has 6 units"),
        ([broken(nn.Linear(6, 5)), leaky()], r"'0' \(Linear\)\.weight: contains NaN"),
        ([nn.Linear(6, 5), leaky(beta=torch.rand(4))], r"\(Leaky\)\.beta: shape \(4,\) does not"),
        ([nn.Linear(6, 5), leaky(beta=torch.rand(3, 5))], r"beta: shape \(3, 5\) does not"),
        ([nn.Linear(6, 5), leaky(threshold=float("nan"))], r"\(Leaky\)\.threshold: contains NaN"),
        ([nn.Linear(6, 4), recurrent()], r"\(RLeaky\)\.recurrent: Dense"),
        ([nn.Linear(6, 5), within(nn.Linear(5, 4))], r"recurrent: maps \(5,\) to \(4,\)"),
    ],
)
def test_values_that_do_not_fit(layers: list[Any], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        from_snntorch(layers, clock=CLOCK, input_shape=6)


def test_arguments_of_the_wrong_kind() -> None:
    with pytest.raises(InvalidValue, match=r"clock: got 0\.001, expected e\.g\. Clock\(1 \* ms\)"):
        from_snntorch([nn.Linear(6, 5), leaky()], clock=0.001, input_shape=6)  # type: ignore[arg-type]
    with pytest.raises(InvalidValue, match=r"got a Module, expected a Network; module\.network"):
        to_snntorch(Module(of(LIF(4))))  # type: ignore[arg-type]


# -- networks that snnTorch cannot run ------------------------------------------------------------


def of(neuron: Any, *extra: Synapse, delay: float = 0.0, **changes: Any) -> Network:
    net = feedforward(6, dense(delay=delay), neuron, clock=CLOCK, seed=0)
    return net.replace(synapses=(*net.synapses, *extra), **changes)


LOOP = Synapse("out", "out", Dense(np.ones((4, 4))), delay=1 * ms)
SLOW = Synapse("out", "out", Dense(np.eye(4)), delay=2 * ms)
SECOND = Synapse("in", "out", Dense(np.ones((4, 6))), name="second")
PLANE = Synapse("out", "out", Dense(np.ones((4, 4)), post=(1, 2, 2)), delay=1 * ms)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: of(ALIF(4)), r"Network\['out'\]\.neuron: is ALIF, which snnTorch does not have"),
        (lambda: of(LIF(4), delay=2 * ms), r"Synapse\['in->out'\]\.delay: is 2 ticks"),
        (lambda: of(LIF(4), SLOW), r"Synapse\['out->out'\]\.delay: is 2 ticks.*of 1 ticks"),
        (lambda: of(LIF(4), SECOND), r"'second'\]\.pre: is 'in', which 'in->out' leaves too"),
        (lambda: of(LIF(4), outputs=()), r"outputs \(\) are not a row"),
        (lambda: of(LIF((2, 2))), r"post: is \(2, 2\).*give 'out' the shape \(4,\)"),
        (lambda: of(LIF(4, refractory=1 * ms)), "refractory: is 1 ticks"),
        (lambda: of(LIF(4, refractory=2 * ms), LOOP), "refractory: is 2 ticks"),
        (lambda: of(LIF(4, v_reset=-1.0)), "v_reset: is -1; .*v_leak = 0.*Remedy: v_reset = v_le"),
        (lambda: of(LIF(4, reset="subtract")), r"v_leak: is 0 with .*\(1 - beta\) v_th"),
        (lambda: of(LIF(4, reset="subtract", v_leak=0.05)), "v_leak: is 0.05 with"),  # of 0.0488
        (lambda: of(CubaLIF(4, reset="none", refractory=1 * ms)), "refractory: is 1 ticks"),
        (lambda: of(LIF(4, v_th=-1.0)), "v_th: is below v_leak"),
        (lambda: of(LI(4, v_leak=0.5)), r"neuron: is LI\(4, v_leak=0\.5\)"),
        (lambda: of(CubaLIF(4)), "arrival: is 'next' with a reset"),
        (lambda: of(CubaLIF(4, reset="none", tau_syn=20 * ms)), "tau_syn: equals tau_mem"),
        (lambda: of(CubaLIF(4, arrival="same"), LOOP), "is 'zero' at once; .*refractory=0.0"),
        (lambda: of(CubaLIF(4, r=-1.0)), "r: is -1; .*weights of the other sign"),
    ],
)  # fmt: skip
def test_networks_without_counterpart(make: Any, message: str) -> None:
    with pytest.raises(Unsupported, match=message):
        to_snntorch(make())


def test_branches_and_a_recurrent_plane() -> None:
    populations = {"in": Input(2), "a": LIF(2), "b": LIF(2), "out": LIF(2)}
    edges = [("in", "a"), ("a", "out"), ("b", "out")]
    synapses = tuple(Synapse(pre, post, Dense(np.eye(2))) for pre, post in edges)
    with pytest.raises(Unsupported, match=r"populations: \('in', 'a', 'b', 'out'\) .*not a row"):
        to_snntorch(Network(populations, synapses, ("out",), CLOCK))
    first = Synapse("in", "out", Conv2d(np.ones((1, 2, 1, 1))))
    plane = Network({"in": Input((2, 2, 2)), "out": LIF((1, 2, 2))}, (first, PLANE), "out", CLOCK)  # type: ignore[arg-type]
    with pytest.raises(Unsupported, match=r"'out->out'\]\.topology\.post: is \(1, 2, 2\)"):
        to_snntorch(plane)
