"""The same small kernel at every place of a two-dimensional population."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import InvalidValue
from neuro.synapses._base import Shape, Topology, Weights, checked_bias, weights
from neuro.synapses.rows import Targets

Pair = tuple[int, int]


class Conv2d(Topology):
    """Convolution (cross-correlation, as in `torch.nn.Conv2d`) over populations (channel, y, x).

    Args:
        weight: [channel_out, channel_in / groups, height, width].
        bias: [channel_out] or None; added every tick.
        stride, padding, dilation: an integer, or a pair (y, x).
        groups: number of blocks of channels that do not see each other.
    """

    def __init__(
        self,
        weight: ArrayLike,
        bias: ArrayLike | None = None,
        *,
        stride: int | Pair = 1,
        padding: int | Pair = 0,
        dilation: int | Pair = 1,
        groups: int = 1,
    ) -> None:
        self.weight: Weights = weights("Conv2d.weight", weight, 4)
        self.bias: Weights | None = checked_bias("Conv2d.bias", bias, len(self.weight))
        self.stride = pair("Conv2d.stride", stride, 1)
        self.padding = pair("Conv2d.padding", padding, 0)
        self.dilation = pair("Conv2d.dilation", dilation, 1)
        self.groups = int(groups)
        if self.groups != groups or self.groups < 1 or len(self.weight) % self.groups:
            raise InvalidValue(
                f"Conv2d.groups: got {groups}, expected a divisor of {len(self.weight)} channels"
            )

    def arrays(self) -> dict[str, Weights]:
        named = {"weight": self.weight}
        return named if self.bias is None else {**named, "bias": self.bias}

    def options(self) -> dict[str, object]:
        pairs = {n: list(getattr(self, n)) for n in ("stride", "padding", "dilation")}
        return {**pairs, "groups": self.groups}

    def post_shape(self, pre: Shape) -> Shape:
        channels = self.weight.shape[1] * self.groups
        if len(pre) != 3 or pre[0] != channels:
            raise InvalidValue(
                f"Conv2d.weight: expects {channels} input channels, a population shaped "
                f"({channels}, y, x), but the presynaptic population is {pre}"
            )
        size = tuple(len(self._taps(axis, pre[axis + 1])) for axis in (0, 1))
        if min(size) < 1:
            raise InvalidValue(
                f"Conv2d.weight: kernel {self.weight.shape[2:]} does not fit a population {pre} "
                f"with padding {self.padding}"
            )
        return (len(self.weight), *size)

    def fan_out(self, pre: Shape) -> NDArray[np.int64]:
        self.post_shape(pre)
        rows, columns = (self._reach(axis, pre[axis + 1]) for axis in (0, 1))
        per_channel = np.outer(rows, columns) * (len(self.weight) // self.groups)
        return np.broadcast_to(per_channel, pre).astype(np.int64)

    def rows(self, pre: Shape, post: Shape, low: int, high: int) -> Targets:
        _, height, width = pre
        out, inner, rows, columns = self.weight.shape
        _, post_y, post_x = self.post_shape(pre)
        places: list[NDArray[np.int64]] = []
        for axis, length in enumerate((height, width)):  # (output, tap) pairs above each input
            taps = self._taps(axis, length)
            at = np.full((length, taps.shape[1]), -1)
            o, k = np.nonzero((taps >= 0) & (taps < length))
            at[taps[o, k], k] = o
            places.append(at)
        unit = np.arange(low, high)
        channel, y, x = np.unravel_index(unit, pre)
        group, within = channel // inner, channel % inner
        per = out // self.groups
        # [unit, output channel of its group, tap y, tap x]
        o = (group * per)[:, None] + np.arange(per)
        post_rows, post_columns = places[0][y], places[1][x]
        shape = (len(unit), per, rows, columns)
        ys = np.broadcast_to(post_rows[:, None, :, None], shape)
        xs = np.broadcast_to(post_columns[:, None, None, :], shape)
        weight = self.weight[o, within[:, None]]
        flat = (o[:, :, None, None] * post_y + ys) * post_x + xs
        real = (ys >= 0) & (xs >= 0) & (weight != 0)
        start = np.concatenate([[0], np.cumsum(real.reshape(len(unit), -1).sum(1))])
        return start.astype(np.int64), flat[real].astype(np.int32), weight[real]

    def synapse_count(self, pre: Shape, post: Shape) -> int:
        return int(self.fan_out(pre).sum())

    def _taps(self, axis: int, length: int) -> NDArray[np.int64]:
        """Input coordinate under each kernel tap, [out, kernel], along one axis."""
        kernel = self.weight.shape[2 + axis]
        span = (kernel - 1) * self.dilation[axis] + 1
        starts = np.arange(
            -self.padding[axis], length + self.padding[axis] - span + 1, self.stride[axis]
        )
        return starts[:, None] + np.arange(kernel) * self.dilation[axis]

    def _reach(self, axis: int, length: int) -> NDArray[np.int64]:
        """How many kernel placements cover each input coordinate along one axis."""
        taps = self._taps(axis, length).ravel()
        return np.bincount(taps[(taps >= 0) & (taps < length)], minlength=length)

    def __repr__(self) -> str:
        out, _, height, width = self.weight.shape
        channels = self.weight.shape[1] * self.groups
        return f"Conv2d({channels} -> {out}, kernel {height}x{width}, stride {self.stride})"


def pair(where: str, value: int | Pair, low: int) -> Pair:
    """A pair of integers from an integer or a pair."""
    both = (value, value) if isinstance(value, int) else tuple(value)
    if len(both) != 2 or any(int(n) != n or n < low for n in both):
        raise InvalidValue(
            f"{where}: got {value!r}, expected one or two integers of at least {low}"
        )
    return (int(both[0]), int(both[1]))
