"""Norse: its box LIF (no synaptic current) as a function, in a loop over steps.

Its step is v <- v + (1 - beta)(input - v), so weights are divided by 1 - beta. It subtracts the
threshold in the step of the spike; the gradient also runs through the reset.
"""

import torch
from norse.torch.functional.lif_box import (
    LIFBoxFeedForwardState,
    LIFBoxParameters,
    lif_box_feed_forward_step,
)
from norse.torch.functional.reset import reset_subtract
from torch import Tensor
from torch.nn.functional import conv2d, linear

from worker import Modes, Step, serve
from workload import BETA, V_TH, WIDTH, Conv, Workload

DT = 0.001
PARAMETERS = LIFBoxParameters(
    tau_mem_inv=torch.tensor((1 - BETA) / DT),
    v_th=torch.tensor(V_TH),
    method="triangle",
    alpha=1 / WIDTH,
    reset_method=reset_subtract,
)


def run(current: Tensor, feedback: Tensor | None) -> Tensor:
    """Spikes [T, B, ...] of one layer."""
    state = LIFBoxFeedForwardState(v=torch.zeros_like(current[0]))
    spikes, emitted = torch.zeros_like(current[0]), []
    for now in current.unbind(0):
        if feedback is not None:
            now = now + linear(spikes, feedback)
        spikes, state = lif_box_feed_forward_step(now, state, PARAMETERS, DT)
        emitted.append(spikes)
    return torch.stack(emitted)


def modes(work: Workload) -> Modes:
    def build() -> Step:
        def parameter(array) -> Tensor:
            return (torch.from_numpy(array) / (1 - BETA)).requires_grad_()

        weights = [parameter(w) for w in work.weights()]
        feedbacks = [None if w is None else parameter(w) for w in work.feedback()]
        parameters = [p for p in (*weights, *feedbacks) if p is not None]
        x, target = torch.from_numpy(work.spikes()), torch.from_numpy(work.target())

        def step() -> tuple[Tensor, list[Tensor]]:
            spikes = x
            for layer, weight, feedback in zip(work.layers, weights, feedbacks, strict=True):
                if isinstance(layer, Conv):
                    rows = conv2d(spikes.flatten(0, 1), weight, stride=layer.stride)
                    current = rows.unflatten(0, spikes.shape[:2])
                else:
                    current = linear(spikes.flatten(2), weight)
                spikes = run(current, feedback)
            counts = spikes.sum(0)
            return counts.detach(), list(torch.autograd.grad((counts * target).sum(), parameters))

        return step

    return {"box LIF, loop over steps": build}


if __name__ == "__main__":
    serve(modes, ("norse", "torch"))
