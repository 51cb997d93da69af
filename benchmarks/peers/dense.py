"""The dense products alone, the limit of any trainer that multiplies dense matrices.

Per layer: input times weights for all steps at once, gradient of the weights, and, above the first
layer, gradient of what came in. Results go into memory that already exists. A recurrent layer's own
products forward and to its past run step by step, since each needs the one before; the gradient of
its weights is one product over all steps.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from worker import Modes, Step, serve
from workload import ACTIVITY, SEED, Conv, Dense, Workload


def products(weight: Tensor, pre: Tensor, gradient: Tensor, first: bool) -> Callable[[], Tensor]:
    out, d_weight, d_pre = torch.empty_like(gradient), torch.empty_like(weight), pre.clone()

    def run() -> Tensor:
        torch.mm(pre, weight.T, out=out)
        torch.mm(gradient.T, pre, out=d_weight)
        if not first:
            torch.mm(gradient, weight, out=d_pre)
        return d_weight

    return run


def recurrence(weight: Tensor, spikes: Tensor, gradient: Tensor) -> Callable[[], Tensor]:
    """spikes and gradient: [T, B, units]."""
    out, d_weight = torch.empty_like(spikes[0]), torch.empty_like(weight)

    def run() -> Tensor:
        for now in spikes:
            torch.mm(now, weight.T, out=out)
        for now in gradient:
            torch.mm(now, weight, out=out)
        torch.mm(gradient.flatten(0, 1).T, spikes.flatten(0, 1), out=d_weight)
        return d_weight

    return run


def convolution(
    weight: Tensor, pre: Tensor, gradient: Tensor, stride: int, first: bool
) -> Callable[[], Tensor]:
    sides, none, wanted = [stride] * 2, [0, 0], [not first, True, False]

    def run() -> Tensor:
        torch.nn.functional.conv2d(pre, weight, stride=stride)
        return torch.ops.aten.convolution_backward(
            gradient, pre, weight, None, sides, none, [1, 1], False, none, 1, wanted
        )[1]

    return run


def modes(work: Workload) -> Modes:
    def build() -> Step:
        generator = torch.Generator().manual_seed(SEED)
        shapes, rows = work.shapes(), work.steps * work.batch
        runs: list[Callable[[], Tensor]] = []
        spikes = torch.from_numpy(work.spikes()).flatten(0, 1)
        for i, (layer, array, feedback) in enumerate(
            zip(work.layers, work.weights(), work.feedback(), strict=True)
        ):
            weight, post = torch.from_numpy(array), shapes[i + 1]
            gradient = torch.randn(rows, *post, generator=generator)
            emitted = (torch.rand(rows, *post, generator=generator) < ACTIVITY).float()
            if isinstance(layer, Conv):
                runs.append(convolution(weight, spikes, gradient, layer.stride, i == 0))
            else:
                assert isinstance(layer, Dense)
                flat = spikes.reshape(rows, math.prod(shapes[i]))
                runs.append(products(weight, flat, gradient, i == 0))
            if feedback is not None:
                lead = (work.steps, work.batch)
                runs.append(
                    recurrence(
                        torch.from_numpy(feedback),
                        emitted.unflatten(0, lead),
                        gradient.unflatten(0, lead),
                    )
                )
            spikes = emitted

        def step() -> tuple[Tensor, list[Tensor]]:
            return torch.zeros(()), [run() for run in runs]

        return step

    return {"matrix products": build}


if __name__ == "__main__":
    serve(modes, ("torch",))
