"""The neurons of neuro alone: currents in, spikes out and gradients back, without any product."""

import torch
from torch import Tensor

from neuro import nn
from peers.ours import CLOCK, SURROGATE, neuron
from worker import Modes, Step, serve
from workload import DRIVE, SEED, Workload


def modes(work: Workload) -> Modes:
    if work.recurrent:
        return {}  # its neurons cannot run without the product inside the loop

    def build() -> Step:
        generator = torch.Generator().manual_seed(SEED)
        lead = (work.steps, work.batch)
        parts = [
            (
                nn.Population(neuron(shape), CLOCK, surrogate=SURROGATE),
                (torch.randn(*lead, *shape, generator=generator) * DRIVE).requires_grad_(),
                torch.randn(work.batch, *shape, generator=generator).expand(*lead, *shape),
            )
            for shape in work.shapes()[1:]
        ]

        def step() -> tuple[Tensor, list[Tensor]]:
            gradients: list[Tensor] = []
            spikes = torch.zeros(())
            for population, current, arriving in parts:
                spikes = population(current)[0]
                gradients += torch.autograd.grad(spikes, current, arriving)
            return spikes.detach()[-1], gradients  # counting is not the neurons' work

        return step

    return {"populations": build}


if __name__ == "__main__":
    serve(modes, ("neuro", "torch", "numba"))
