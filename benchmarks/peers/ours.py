"""neuro through its public layers: fully connected and convolutional as `Sequential`, the recurrent
layer as a `Network` in a `Module`."""

from collections.abc import Callable

import torch
from torch import Tensor

from neuro import LIF, Clock, Input, Network, Synapse, ms, nn
from neuro.surrogate import Triangular
from neuro.synapses import Dense as DenseTopology
from neuro.train import Module
from worker import Modes, Step, serve
from workload import BETA, WIDTH, Dense, Workload

CLOCK = Clock(1 * ms)
SURROGATE = Triangular(height=1.0, width=WIDTH)


def neuron(shape: tuple[int, ...]) -> LIF:
    return LIF.from_beta(BETA, dt=CLOCK.dt, shape=shape).replace(reset="subtract")


def layers(work: Workload) -> tuple[torch.nn.Module, Callable[[Tensor], Tensor]]:
    shapes = work.shapes()
    stack: list[torch.nn.Module] = []
    for layer, weight, pre, post in zip(
        work.layers, work.weights(), shapes[:-1], shapes[1:], strict=True
    ):
        if isinstance(layer, Dense):
            link = nn.Linear(weight.shape[1], layer.units, bias=False)
        else:
            link = nn.Conv2d(pre[0], layer.channels, layer.kernel, layer.stride, bias=False)
        link.weight.data = torch.from_numpy(weight)
        stack += [link, nn.Population(neuron(post), CLOCK, surrogate=SURROGATE)]
    net = nn.Sequential(*stack)
    return net, lambda x: net(x)[0]


def loop(work: Workload) -> tuple[torch.nn.Module, Callable[[Tensor], Tensor]]:
    (weight,), (feedback,) = work.weights(), work.feedback()
    assert feedback is not None
    network = Network(
        {"in": Input(work.inputs), "hid": neuron(work.shapes()[1])},
        (
            Synapse("in", "hid", DenseTopology(weight)),
            Synapse("hid", "hid", DenseTopology(feedback), delay=CLOCK.dt),
        ),
        ("hid",),
        CLOCK,
    )
    module = Module(network, surrogate=SURROGATE)
    return module, lambda x: module(x)[0]["hid.spikes"]


def modes(work: Workload) -> Modes:
    def build() -> Step:
        net, run = loop(work) if work.recurrent else layers(work)
        x, target = torch.from_numpy(work.spikes()), torch.from_numpy(work.target())

        def step() -> tuple[Tensor, list[Tensor]]:
            net.zero_grad()
            counts = run(x).sum(0)
            (counts * target).sum().backward()
            return counts.detach(), [p.grad for p in net.parameters() if p.grad is not None]

        return step

    return {"public layers": build}


if __name__ == "__main__":
    serve(modes, ("neuro", "torch", "numba"))
