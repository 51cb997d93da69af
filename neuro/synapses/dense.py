"""Every presynaptic unit reaches every postsynaptic unit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import InvalidValue
from neuro.synapses._base import Shape, Topology, Weights, checked_bias, weights
from neuro.synapses.rows import Targets


class Dense(Topology):
    """All-to-all: current = weight @ spikes (+ bias, every tick).

    Args:
        weight: [post, pre], as in `torch.nn.Linear`. A presynaptic population with more than one
            axis is read in C order.
        bias: [post], or None.
        post: shape of the postsynaptic population if it has more than one axis.
    """

    def __init__(
        self, weight: ArrayLike, bias: ArrayLike | None = None, post: Shape | None = None
    ) -> None:
        self.weight: Weights = weights("Dense.weight", weight, 2)
        self.bias: Weights | None = checked_bias("Dense.bias", bias, len(self.weight))
        self.post: Shape = (len(self.weight),) if post is None else tuple(post)
        if int(np.prod(self.post)) != len(self.weight):
            raise InvalidValue(
                f"Dense.post: {self.post} has {int(np.prod(self.post))} units, expected "
                f"{len(self.weight)} (rows of weight)"
            )

    def arrays(self) -> dict[str, Weights]:
        named = {"weight": self.weight}
        return named if self.bias is None else {**named, "bias": self.bias}

    def options(self) -> dict[str, object]:
        return {"post": list(self.post)}

    def post_shape(self, pre: Shape) -> Shape:
        if int(np.prod(pre)) != self.weight.shape[1]:
            raise InvalidValue(
                f"Dense.weight: has {self.weight.shape[1]} columns, but the presynaptic population "
                f"{pre} has {int(np.prod(pre))} units"
            )
        return self.post

    def fan_out(self, pre: Shape) -> NDArray[np.int64]:
        return np.full(pre, len(self.weight), dtype=np.int64)

    def rows(self, pre: Shape, post: Shape, low: int, high: int) -> Targets:
        own = np.ascontiguousarray(self.weight[:, low:high].T)
        unit, target = np.nonzero(own)  # a weight of 0 carries nothing
        start = np.searchsorted(unit, np.arange(high - low + 1))
        return start.astype(np.int64), target.astype(np.int32), own[unit, target]

    def in_rows(self, values: NDArray[Any], low: int, high: int) -> NDArray[Any]:
        """Values [post, pre] of the synapses of the units from low to high, as rows has them."""
        return values[:, low:high].T[self.weight[:, low:high].T != 0]

    def synapse_count(self, pre: Shape, post: Shape) -> int:
        return int(np.count_nonzero(self.weight))

    def __repr__(self) -> str:
        post, pre = self.weight.shape
        return f"Dense({pre} -> {post}{'' if self.bias is None else ', bias'})"
