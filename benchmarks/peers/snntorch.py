"""snnTorch: `Leaky` and `RLeaky` in the usual loop over steps, each product over all steps at once.

Subtracts the threshold, as it always does by default, one step after the spike. The reset is
detached.
"""

import snntorch
import torch
from snntorch.surrogate import custom_surrogate
from torch import Tensor

from worker import Modes, Step, serve
from workload import BETA, V_TH, WIDTH, Dense, Workload


def triangle(x: Tensor, gradient: Tensor, spikes: Tensor) -> Tensor:
    return gradient * torch.relu(1 - x.abs() / WIDTH)


def modes(work: Workload) -> Modes:
    def build() -> Step:
        links, neurons = torch.nn.ModuleList(), torch.nn.ModuleList()
        spike = custom_surrogate(triangle)
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
            if feedback is None:
                neurons.append(snntorch.Leaky(beta=BETA, threshold=V_TH, spike_grad=spike))
            else:
                neuron = snntorch.RLeaky(
                    beta=BETA, threshold=V_TH, spike_grad=spike, linear_features=len(feedback)
                )
                neuron.recurrent.bias = None
                neuron.recurrent.weight.data = torch.from_numpy(feedback)
                neurons.append(neuron)
        parameters = [p for p in (*links.parameters(), *neurons.parameters()) if p.requires_grad]
        x, target = torch.from_numpy(work.spikes()), torch.from_numpy(work.target())

        def step() -> tuple[Tensor, list[Tensor]]:
            spikes = x
            for link, neuron in zip(links, neurons, strict=True):
                dense = isinstance(link, torch.nn.Linear)
                rows = spikes.flatten(2) if dense else spikes.flatten(0, 1)
                current = link(rows) if dense else link(rows).unflatten(0, spikes.shape[:2])
                state = tuple(
                    torch.zeros_like(s) for s in current[0:1].expand(2, *current.shape[1:])
                )
                emitted: list[Tensor] = []
                if isinstance(neuron, snntorch.RLeaky):
                    spike, v = state
                    for now in current.unbind(0):
                        spike, v = neuron(now, spike, v)
                        emitted.append(spike)
                else:
                    v = state[0]
                    for now in current.unbind(0):
                        spike, v = neuron(now, v)
                        emitted.append(spike)
                spikes = torch.stack(emitted)
            counts = spikes.sum(0)
            return counts.detach(), list(torch.autograd.grad((counts * target).sum(), parameters))

        return step

    return {"loop over steps": build}


if __name__ == "__main__":
    serve(modes, ("snntorch", "torch"))
