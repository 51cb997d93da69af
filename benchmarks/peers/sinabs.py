"""sinabs: `LIF` and `LIFRecurrent` over whole sequences [B, T, ...], at most one spike a step.

Subtracts the threshold in the step of the spike; the gradient also runs through the reset.
"""

import math
from dataclasses import dataclass

import torch
from sinabs.activation import SingleSpike
from sinabs.layers import LIF, LIFRecurrent
from torch import Tensor

from worker import Modes, Step, serve
from workload import BETA, V_TH, WIDTH, Dense, Workload


@dataclass
class Triangle:
    """The surrogate, in the form that sinabs wants."""

    def __call__(self, v_mem: Tensor, spike_threshold: Tensor) -> Tensor:
        return torch.relu(1 - (v_mem - spike_threshold).abs() / WIDTH)


def modes(work: Workload) -> Modes:
    def build() -> Step:
        links, neurons = torch.nn.ModuleList(), torch.nn.ModuleList()
        for layer, array, feedback, pre in zip(
            work.layers, work.weights(), work.feedback(), work.shapes()[:-1], strict=True
        ):
            if isinstance(layer, Dense):
                link = torch.nn.Linear(array.shape[1], layer.units, bias=False)
            else:
                link = torch.nn.Conv2d(
                    pre[0], layer.channels, layer.kernel, layer.stride, bias=False
                )
            link.weight.data = torch.from_numpy(array)
            links.append(link)
            options = {
                "tau_mem": -1 / math.log(BETA),
                "spike_threshold": torch.tensor(V_TH),
                "spike_fn": SingleSpike,
                "surrogate_grad_fn": Triangle(),
                "norm_input": False,
            }
            if feedback is None:
                neuron = LIF(**options)
            else:
                product = torch.nn.Linear(*feedback.shape, bias=False)
                product.weight.data = torch.from_numpy(feedback)
                neuron = LIFRecurrent(rec_connect=product, **options)
            neuron.tau_mem.requires_grad_(False)
            neurons.append(neuron)
        parameters = [p for p in (*links.parameters(), *neurons.parameters()) if p.requires_grad]
        x = torch.from_numpy(work.spikes()).transpose(0, 1).contiguous()
        target = torch.from_numpy(work.target())

        def step() -> tuple[Tensor, list[Tensor]]:
            spikes = x
            for link, neuron in zip(links, neurons, strict=True):
                neuron.reset_states()
                dense = isinstance(link, torch.nn.Linear)
                rows = spikes.flatten(2) if dense else spikes.flatten(0, 1)
                current = link(rows) if dense else link(rows).unflatten(0, spikes.shape[:2])
                spikes = neuron(current)
            counts = spikes.sum(1)
            return counts.detach(), list(torch.autograd.grad((counts * target).sum(), parameters))

        return step

    return {"whole sequence": build}


if __name__ == "__main__":
    serve(modes, ("sinabs", "torch"))
