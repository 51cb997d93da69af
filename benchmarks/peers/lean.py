"""neuro with `chunk="sqrt"`: how little memory a long sequence takes, and what it costs in time."""

import torch
from torch import Tensor

from neuro import Input, Network, Synapse
from neuro.synapses import Dense as DenseTopology
from neuro.train import Module
from peers.ours import CLOCK, SURROGATE, neuron
from worker import Modes, Step, serve
from workload import Workload


def modes(work: Workload) -> Modes:
    if not work.peers_memory:
        return {}

    def build() -> Step:
        ((weight,), (_, units)) = work.weights(), work.shapes()
        network = Network(
            {"in": Input(work.inputs), "hid": neuron(units)},
            (Synapse("in", "hid", DenseTopology(weight)),),
            ("hid",),
            CLOCK,
        )
        module = Module(network, surrogate=SURROGATE)
        x, target = torch.from_numpy(work.spikes()), torch.from_numpy(work.target())

        def step() -> tuple[Tensor, list[Tensor]]:
            module.zero_grad()
            record, _ = module(x, record=["hid.count"], chunk="sqrt")
            counts = record["hid.count"][0]
            (counts * target).sum().backward()
            return counts.detach(), [p.grad for p in module.parameters() if p.grad is not None]

        return step

    return {'chunk="sqrt"': build}


if __name__ == "__main__":
    serve(modes, ("neuro", "torch", "numba"))
