"""A layer of delays as one plain description, and the process that runs it for one contestant.

    python -m contest.delay_layers neuro        answers requests, see `serve`

Everybody gets the same numbers. A delay of d ticks is position K - 1 - d - K // 2 in DCLS's kernel
of K taps, behind K - 1 steps of silence, as the authors' networks call it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import worker

Array = NDArray[np.float32]
PACKAGES = {"neuro": ("neuro", "torch", "numba"), "dcls": ("DCLS", "torch"), "plain": ("torch",)}
SEED = 2026


@dataclass(frozen=True)
class Layer:
    """All-to-all connections with a delay each, and what comes in.

    Args:
        kernel: "gauss" with `width` (standard deviation width + 0.27 ticks), "triangle" (linear
            between two ticks), or "whole": whole ticks, forward only, as in an evaluation.
        density: share of the input that is a spike.
        input_gradient: whether the gradient of the input is asked for, as above another layer.
        taps: ticks from no delay to the longest.
    """

    name: str
    kernel: str
    density: float
    width: float = 0.0
    input_gradient: bool = False
    taps: int = 25
    inputs: int = 140
    outputs: int = 256
    batch: int = 128
    steps: int = 100

    @property
    def learns(self) -> bool:
        return self.kernel != "whole"

    def spikes(self) -> Array:
        """[T, B, inputs]."""
        drawn = self._random(0).random((self.steps, self.batch, self.inputs), dtype=np.float32)
        return (drawn < self.density).astype(np.float32)

    def weight(self) -> Array:
        """[outputs, inputs]."""
        bound = np.sqrt(6 / self.inputs)
        return self._random(1).uniform(-bound, bound, (self.outputs, self.inputs)).astype("f4")

    def delay(self) -> Array:
        """Ticks [outputs, inputs], never half way between two: everybody rounds alike."""
        drawn = self._random(2).uniform(0, self.taps - 1, (self.outputs, self.inputs))
        return ((np.floor(drawn * 64) + 0.5) / 64).astype(np.float32)

    def target(self) -> Array:
        """[T, B, outputs], the gradient that comes from above."""
        return self._random(3).standard_normal(
            (self.steps, self.batch, self.outputs), dtype=np.float32
        )

    def tiny(self) -> Layer:
        """The same on almost no data, in which the latest spikes still arrive."""
        return replace(self, batch=2, steps=self.taps + 12)

    def plain(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_plain(cls, given: dict[str, Any]) -> Layer:
        return cls(**given)

    def _random(self, which: int) -> np.random.Generator:
        return np.random.default_rng([SEED, which, self.taps])


class Made(NamedTuple):
    """What a step computed: currents [T, B, outputs], gradients by name in the same layouts."""

    current: Any
    gradients: dict[str, Any]


Step = Callable[[], tuple[Any, list[Any]]]


def neuro(layer: Layer) -> tuple[Step, Callable[[], Made]]:
    """`neuro.nn.DelayLinear`."""
    import torch

    from neuro.nn import DelayKernel, DelayLinear

    if layer.kernel == "triangle":
        kernel = DelayKernel("triangle")
    else:
        kernel = DelayKernel("gauss", start=layer.width or None, end=layer.width or 0.23)
    net = DelayLinear(layer.inputs, layer.outputs, layer.taps - 1, kernel=kernel)
    net.weight.data = torch.from_numpy(layer.weight())
    net.delay.ticks.data = torch.from_numpy(layer.delay())
    net.train(layer.learns)
    x, target = torch.from_numpy(layer.spikes()), torch.from_numpy(layer.target())
    x.requires_grad_(layer.input_gradient)

    def step() -> tuple[Any, list[Any]]:
        return _step(lambda: net(x)[0], target, [net.weight, net.delay.ticks, x], layer)

    def made() -> Made:
        out, (weight, delay, given) = step()
        return Made(out, {"weight": weight, "delay": delay, "input": given})

    return step, made


def dcls(layer: Layer) -> tuple[Step, Callable[[], Made]]:
    """`Dcls1d` of the DCLS package; in an evaluation its "max" kernel of width 0."""
    import torch
    from DCLS.construct.modules import Dcls1d  # type: ignore[import-not-found]
    from torch.nn.functional import pad

    version = {"gauss": "gauss", "triangle": "v1", "whole": "max"}[layer.kernel]
    net = Dcls1d(
        layer.inputs, layer.outputs, kernel_count=1, bias=False, dilated_kernel_size=layer.taps,
        version=version,
    )  # fmt: skip
    place = layer.taps - 1 - layer.taps // 2 - torch.from_numpy(layer.delay())
    net.weight.data = torch.from_numpy(layer.weight())[..., None]
    net.P.data = (place if layer.learns else place.round())[None, ..., None]
    if net.SIG is not None:
        net.SIG.data.fill_(layer.width)
        net.SIG.requires_grad_(False)
    x, target = (
        torch.from_numpy(array).permute(1, 2, 0).contiguous()
        for array in (layer.spikes(), layer.target())
    )
    x.requires_grad_(layer.input_gradient)

    def step() -> tuple[Any, list[Any]]:
        run = lambda: net(pad(x, (layer.taps - 1, 0)))  # noqa: E731
        return _step(run, target, [net.weight, net.P, x], layer)

    def made() -> Made:
        out, (weight, place, given) = step()
        if not layer.learns:
            return Made(out.permute(2, 0, 1), {})
        return Made(out.permute(2, 0, 1), {
            "weight": weight[..., 0], "delay": -place[0, ..., 0],  # later is further left
            "input": None if given is None else given.permute(2, 0, 1),
        })  # fmt: skip

    return step, made


def plain(layer: Layer) -> tuple[Step, Callable[[], Made]]:
    """The definition: a kernel that is written out, and PyTorch's convolution."""
    import torch
    from torch.nn.functional import conv1d, pad

    weight = torch.nn.Parameter(torch.from_numpy(layer.weight()))
    delay = torch.nn.Parameter(torch.from_numpy(layer.delay()))
    x, target = (
        torch.from_numpy(array).permute(1, 2, 0).contiguous()
        for array in (layer.spikes(), layer.target())
    )
    x.requires_grad_(layer.input_gradient)
    ticks = torch.arange(layer.taps - 1, -1, -1)  # the last tap has no delay

    def run() -> Any:
        d = delay if layer.learns else delay.round()
        away = ticks - d[..., None]
        if layer.kernel == "gauss":
            share = torch.exp(-(away**2) / (2 * (layer.width + 0.27) ** 2))
        else:
            share = torch.clamp(1 - away.abs(), min=0)
        kernel = weight[..., None] * share / share.sum(-1, keepdim=True)
        return conv1d(pad(x, (layer.taps - 1, 0)), kernel)

    def step() -> tuple[Any, list[Any]]:
        return _step(run, target, [weight, delay, x], layer)

    def made() -> Made:
        out, (w, d, given) = step()
        given = None if given is None else given.permute(2, 0, 1)
        return Made(out.permute(2, 0, 1), {"weight": w, "delay": d, "input": given})

    return step, made


def _step(
    run: Callable[[], Any], target: Any, leaves: list[Any], layer: Layer
) -> tuple[Any, list[Any]]:
    """Forward, and where the layer learns backward from a given gradient."""
    import torch

    if not layer.learns:
        with torch.no_grad():
            return run(), [None] * len(leaves)
    for leaf in leaves:
        leaf.grad = None
    out = run()
    out.backward(target)
    return out.detach(), [leaf.grad for leaf in leaves]


CONTESTANTS = {"neuro": neuro, "dcls": dcls, "plain": plain}


def serve(name: str) -> None:
    """Answer requests until stdin ends.

    {"do": "who"} says versions; {"do": "prepare", "layer": {...}, "file": npz} builds a step and
    writes what it computes; {"do": "time", "budget": seconds} times steps; {"do": "peak",
    "layer": {...}} measures memory, and only makes sense in a fresh process.
    """
    build = CONTESTANTS[name]
    answers = os.fdopen(int(os.environ["BENCHMARK_ANSWERS"]), "w")
    step: Step | None = None

    def modes(layer: Any) -> worker.Modes:
        return {name: lambda: build(layer)[0]}

    for line in sys.stdin:
        request = json.loads(line)
        said: dict[str, Any]
        try:
            if request["do"] == "who":
                said = {"versions": worker._versions(PACKAGES[name])}
            elif request["do"] == "prepare":
                step = None  # frees the last layer before the next is built
                step, made = build(Layer.from_plain(request["layer"]))
                _write(request["file"], made())
                said = {}
            elif request["do"] == "time":
                assert step is not None, "prepare comes first"
                said = {"ms": worker._time(step, request["budget"])}
            else:
                layer: Any = Layer.from_plain(request["layer"])
                said = worker._peak(modes, layer, name)
        except Exception as error:
            said = {"error": f"{type(error).__name__}: {error}"}
        worker.answer(said, answers)


def _write(path: str, made: Made) -> None:
    found = {"current": made.current, **made.gradients}
    np.savez(path, **{k: v.detach().numpy() for k, v in found.items() if v is not None})


if __name__ == "__main__":
    serve(sys.argv[1])
