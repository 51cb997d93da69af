"""SpikingJelly in multi-step mode, which runs its own CPU operator over all steps.

Subtracts the threshold in the step of the spike (v_reset=None); the reset is detached. The
recurrent layer is its element-wise container around a single-step node, or a plain loop.
"""

from collections.abc import Callable

import torch
from spikingjelly.activation_based import functional, layer, neuron, surrogate
from torch import Tensor

from worker import Modes, Step, serve
from workload import BETA, V_TH, WIDTH, Dense, Workload


def lif(step_mode: str) -> neuron.LIFNode:
    return neuron.LIFNode(
        tau=1 / (1 - BETA),
        decay_input=False,
        v_threshold=V_TH,
        v_reset=None,
        surrogate_function=surrogate.PiecewiseQuadratic(alpha=1 / WIDTH),
        detach_reset=True,
        step_mode=step_mode,
    )


class Loop(torch.nn.Module):
    """A recurrent layer written out over single steps."""

    def __init__(self, product: torch.nn.Linear) -> None:
        super().__init__()
        self.product, self.node = product, lif("s")

    def forward(self, current: Tensor) -> Tensor:
        emitted: list[Tensor] = []
        spikes = torch.zeros_like(current[0])
        for now in current.unbind(0):
            spikes = self.node(now + self.product(spikes))
            emitted.append(spikes)
        return torch.stack(emitted)


class Container(torch.nn.Module):
    """A recurrent layer in the library's container."""

    def __init__(self, product: torch.nn.Linear) -> None:
        super().__init__()
        self.product = product
        self.container = layer.ElementWiseRecurrentContainer(
            lif("s"), lambda y, x: x + self.product(y), step_mode="m"
        )

    def forward(self, current: Tensor) -> Tensor:
        return self.container(current)


def modes(work: Workload) -> Modes:
    def build(around: Callable[[torch.nn.Linear], torch.nn.Module]) -> Step:
        stack: list[torch.nn.Module] = []
        for kind, array, feedback, pre in zip(
            work.layers, work.weights(), work.feedback(), work.shapes()[:-1], strict=True
        ):
            if isinstance(kind, Dense):
                stack.append(torch.nn.Flatten(2))
                link = layer.Linear(array.shape[1], kind.units, bias=False, step_mode="m")
            else:
                link = layer.Conv2d(
                    pre[0], kind.channels, kind.kernel, kind.stride, bias=False, step_mode="m"
                )
            link.weight.data = torch.from_numpy(array)
            stack.append(link)
            if feedback is None:
                stack.append(lif("m"))
            else:
                product = torch.nn.Linear(*feedback.shape, bias=False)
                product.weight.data = torch.from_numpy(feedback)
                stack.append(around(product))
        net = torch.nn.Sequential(*stack)
        parameters = [p for p in net.parameters() if p.requires_grad]
        x, target = torch.from_numpy(work.spikes()), torch.from_numpy(work.target())

        def step() -> tuple[Tensor, list[Tensor]]:
            functional.reset_net(net)
            counts = net(x).sum(0)
            return counts.detach(), list(torch.autograd.grad((counts * target).sum(), parameters))

        return step

    if not work.recurrent:
        return {"multi-step": lambda: build(Loop)}
    return {"container": lambda: build(Container), "loop": lambda: build(Loop)}


if __name__ == "__main__":
    serve(modes, ("spikingjelly", "torch"))
