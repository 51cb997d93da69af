"""The nodes between two populations of a NIR graph, folded into one topology and one delay."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.errors import Unsupported, require
from neuro.synapses import Conv2d, Dense, Topology

Shape = tuple[int, ...]
Pair = tuple[int, int]


@dataclass(frozen=True)
class Link:
    """What an edge does: a delay in steps and weights.

    Args:
        delay: one number, or one for each presynaptic unit, or, behind weights that are a matrix,
            one for each connection, [post, pre].
    """

    where: str
    topology: Topology
    delay: NDArray[np.int64]

    def scaled(self, gain: NDArray[np.float64]) -> Link:
        """With weights and bias times a gain per postsynaptic unit.

        Raises:
            Unsupported: a product is not a float32, or a channel of a convolution has units with
                different gains.
        """
        if (gain == 1).all():
            return self
        rows = gain.reshape(-1) if isinstance(self.topology, Dense) else gain[:, :1, :1].ravel()
        if isinstance(self.topology, Conv2d) and (gain != gain[:, :1, :1]).any():
            raise Unsupported(
                self.where, "r", "differs within a channel, so a convolution cannot take it up",
                "use one r and tau per channel",
            )  # fmt: skip
        arrays: dict[str, NDArray[np.float32]] = {}
        for name, array in self.topology.arrays().items():
            product = array * rows.reshape(-1, *(1,) * (array.ndim - 1))
            arrays[name] = _single(self.where, f"{name} * gain", product)
        return Link(self.where, self.topology.with_arrays(arrays), self.delay)


@dataclass
class _Fold:
    """State of the walk along a chain, from the presynaptic population on."""

    where: str
    pre: Shape
    step: float  # seconds of NIR time
    shape: Shape = ()
    delay: NDArray[np.int64] = field(default_factory=lambda: np.array(0))
    pool: tuple[Shape, Pair, Pair, Pair] | None = None  # input shape, kernel, stride, padding
    topology: Topology | None = None

    def refuse(self, what: str, why: str, remedy: str = "") -> Unsupported:
        return Unsupported(f"NIR edge {self.where}", what, why, remedy)


def link(where: str, pre: Shape, chain: list[str], nodes: dict[str, Any], step: float) -> Link:
    """Fold the nodes named in `chain` that lie behind a population of shape `pre`.

    Raises:
        Unsupported: a node that has no counterpart, or an order of nodes that has none.
        InvalidValue: weights do not fit the shapes.
    """
    nir = require("nir", "nir")
    fold = _Fold(where, pre, step, shape=pre)
    for name in chain:
        node = nodes[name]
        what = f"node {name!r}"
        if isinstance(node, nir.Delay):
            _delay(fold, what, np.asarray(node.delay, np.float64))
        elif isinstance(node, nir.Flatten):
            _flatten(fold, what, int(node.start_dim), int(node.end_dim))
        elif isinstance(node, nir.SumPool2d):
            _sum_pool(fold, what, node)
        elif isinstance(node, nir.Linear | nir.Affine | nir.Conv2d):
            if fold.topology is not None:
                raise fold.refuse(
                    what, "follows other weights without a neuron between", "multiply them first"
                )
            convolve = isinstance(node, nir.Conv2d)
            fold.topology = _conv(fold, what, node) if convolve else _dense(fold, what, node)
            fold.shape = fold.topology.post_shape(pre)
        else:
            raise fold.refuse(
                what, f"is an {type(node).__name__} in the middle of the graph",
                "let edges start at the neuron before it",
            )  # fmt: skip
    if fold.topology is None:
        fold.topology = _identity(fold)
    return Link(f"NIR edge {where}", fold.topology, fold.delay)


def _delay(fold: _Fold, what: str, seconds: NDArray[np.float64]) -> None:
    if not np.isfinite(seconds).all() or (seconds < 0).any():
        raise fold.refuse(what, "has a delay that is negative, NaN or infinite")
    steps = seconds / fold.step
    whole = np.rint(steps)
    # 1e-6 of a step, or what float32 leaves of a long delay
    if (abs(steps - whole) > np.maximum(1e-6, 2e-7 * steps)).any():
        worst = float(seconds.flat[abs(steps - whole).argmax()])
        raise fold.refuse(
            what, f"delays by {worst:g} s, not a whole number of steps of {fold.step:g} s",
            "round it",
        )  # fmt: skip
    ticks = whole.astype(np.int64)
    topology = fold.topology
    if topology is not None and ticks.any() and np.any(topology.arrays().get("bias", 0)):
        raise fold.refuse(
            what, "delays what a bias adds, and in a Network a bias adds from the first step on",
            "put the Delay before the weights, or the bias into an Affine without Delay behind it",
        )  # fmt: skip
    if ticks.size and (ticks == ticks.flat[0]).all():
        fold.delay = fold.delay + ticks.flat[0]
    elif topology is None and fold.pool is None and ticks.size == np.prod(fold.pre):
        fold.delay = fold.delay + ticks.reshape(fold.pre)
    elif isinstance(topology, Dense) and ticks.size == len(topology.weight):
        # one delay for each postsynaptic unit: one for each connection, [post, pre]
        before, shape = fold.delay, topology.weight.shape
        if before.shape != shape:
            before = np.broadcast_to(before, fold.pre).reshape(1, -1)
        fold.delay = np.broadcast_to(before + ticks.reshape(-1, 1), shape)
    else:
        raise fold.refuse(
            what, "delays per postsynaptic unit; a Network delays per presynaptic unit, or per "
            "connection of a matrix", "put the Delay before the weights",
        )  # fmt: skip


def _flatten(fold: _Fold, what: str, start: int, end: int) -> None:
    axes = len(fold.shape)
    if start % axes == 0 and end % axes == axes - 1:
        if fold.topology is not None and axes > 1:
            raise fold.refuse(what, "flattens behind the weights", "flatten before them")
        fold.shape = (int(np.prod(fold.shape)),)
    elif start % axes != end % axes:  # joining one axis with itself changes nothing
        raise fold.refuse(
            what, f"joins axes {start} to {end} of {fold.shape} only; NIR has no batch axis",
            "start_dim=0, end_dim=-1",
        )  # fmt: skip


def _sum_pool(fold: _Fold, what: str, node: Any) -> None:
    if fold.topology is not None or fold.pool is not None or len(fold.shape) != 3:
        raise fold.refuse(
            what, f"pools {fold.shape} behind other weights or pooling, or not (channel, y, x)"
        )
    kernel, stride = _pair(node.kernel_size), _pair(node.stride)
    padding = _pair(node.padding)
    fold.pool = (fold.shape, kernel, stride, padding)
    fold.shape = _pooling(fold).post_shape(fold.shape)


def _pooling(fold: _Fold) -> Conv2d:
    """Sum pooling as a convolution of each channel with ones."""
    (channels, *_), kernel, stride, padding = fold.pool or (fold.shape, (1, 1), (1, 1), (0, 0))
    ones = np.ones((channels, 1, *kernel), np.float32)
    return Conv2d(ones, stride=stride, padding=padding, groups=channels)


def _tiles(fold: _Fold, what: str) -> Pair:
    """Size of the pooling tiles, which must cover the input exactly once."""
    if fold.pool is None:
        return (1, 1)
    (_, *size), kernel, stride, padding = fold.pool
    rest = any(n % k for n, k in zip(size, kernel, strict=True))
    if kernel != stride or padding != (0, 0) or rest:
        raise fold.refuse(
            what, f"follows pooling of {tuple(size)} with kernel {kernel}, stride {stride}, "
            f"padding {padding}, whose tiles do not cover the input exactly once",
            "pool with stride = kernel, padding 0 and a kernel that divides the input",
        )  # fmt: skip
    return kernel


def _dense(fold: _Fold, what: str, node: Any) -> Dense:
    weight = _single(f"NIR edge {fold.where}", f"{what} weight", node.weight)
    if weight.ndim != 2 or len(fold.shape) != 1:
        raise fold.refuse(
            what, f"weight {weight.shape} meets a signal {fold.shape}; expected a matrix and a "
            "vector", "put a Flatten with start_dim=0 before it",
        )  # fmt: skip
    if weight.shape[1] != fold.shape[0]:
        raise fold.refuse(what, f"weight {weight.shape} meets a signal of {fold.shape[0]} units")
    high, wide = _tiles(fold, what)
    if fold.pool is not None:  # every unit of a tile gets the weight of its sum
        channels, y, x = fold.pool[0]
        tiled = weight.reshape(len(weight), channels, y // high, x // wide)
        weight = tiled.repeat(high, axis=2).repeat(wide, axis=3).reshape(len(weight), -1)
    bias = getattr(node, "bias", None)
    where = f"NIR edge {fold.where}"
    return Dense(weight, None if bias is None else _single(where, f"{what} bias", bias))


def _conv(fold: _Fold, what: str, node: Any) -> Conv2d:
    where = f"NIR edge {fold.where}"
    weight = _single(where, f"{what} weight", node.weight)
    bias = _single(where, f"{what} bias", node.bias)
    given = None if node.input_shape is None else tuple(int(n) for n in node.input_shape)
    if len(fold.shape) != 3 or given not in (None, fold.shape[1:]):
        raise fold.refuse(
            what, f"input_shape {given} meets a signal {fold.shape}, expected (channel, y, x)"
        )
    stride, dilation = _pair(node.stride), _pair(node.dilation)
    padding = _padding(fold, what, node.padding, weight.shape[2:], stride, dilation)
    tile = _tiles(fold, what)
    if tile != (1, 1) and dilation != (1, 1):
        raise fold.refuse(what, "is a dilated convolution behind pooling")
    return Conv2d(
        weight.repeat(tile[0], axis=2).repeat(tile[1], axis=3),
        bias if bias.any() else None,  # NIR's bias is mandatory, so zeros mean none
        stride=(stride[0] * tile[0], stride[1] * tile[1]),
        padding=(padding[0] * tile[0], padding[1] * tile[1]),
        dilation=dilation,
        groups=int(node.groups),
    )


def _padding(
    fold: _Fold, what: str, padding: Any, kernel: Shape, stride: Pair, dilation: Pair
) -> Pair:
    if not isinstance(padding, str | bytes):
        return _pair(padding)
    word = padding.decode() if isinstance(padding, bytes) else padding
    if word == "valid":
        return (0, 0)
    spans = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    if word != "same" or stride != (1, 1) or any(span % 2 for span in spans):
        raise fold.refuse(
            what, f"padding {word!r} with kernel {kernel} and stride {stride} is not symmetric",
            "write the padding as two numbers",
        )  # fmt: skip
    return (spans[0] // 2, spans[1] // 2)


def _identity(fold: _Fold) -> Topology:
    """Weights of an edge that has none."""
    if len(fold.shape) == 3:
        return _pooling(fold)
    if fold.pool is not None:
        raise fold.refuse("nodes", "pooling that ends in a vector without weights")
    return Dense(np.eye(int(np.prod(fold.pre)), dtype=np.float32), post=fold.shape)


def _pair(value: Any) -> Pair:
    y, x = np.broadcast_to(np.asarray(value), (2,))
    return (int(y), int(x))


def _single(where: str, what: str, values: Any) -> NDArray[np.float32]:
    """Values as float32, refused if that would round them."""
    array = np.asarray(values)
    single = array.astype(np.float32)
    if not np.array_equal(single, array, equal_nan=True):
        raise Unsupported(
            where, what, "holds values that are not float32 numbers, so they would be rounded",
            "round them on purpose, weight.astype(np.float32), or choose another dt",
        )  # fmt: skip
    return single
