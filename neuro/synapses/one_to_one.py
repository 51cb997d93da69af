"""Unit i reaches unit i."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import InvalidValue
from neuro.synapses._base import Shape, Topology, Weights, weights
from neuro.synapses.rows import Targets, regular


class OneToOne(Topology):
    """Unit i of one population reaches unit i of another of the same size.

    Args:
        weight: one number, or one for each unit [n].
    """

    def __init__(self, weight: ArrayLike = 1.0) -> None:
        self.weight: Weights = weights("OneToOne.weight", np.atleast_1d(np.ravel(weight)), 1)

    def arrays(self) -> dict[str, Weights]:
        return {"weight": self.weight}

    def options(self) -> dict[str, object]:
        return {}

    def post_shape(self, pre: Shape) -> Shape:
        return pre

    def check(self, pre: Shape, post: Shape) -> None:
        n, m = int(np.prod(pre)), int(np.prod(post))
        if n != m:
            raise InvalidValue(f"OneToOne: {n} presynaptic but {m} postsynaptic units")
        if len(self.weight) not in (1, n):
            raise InvalidValue(f"OneToOne.weight: has {len(self.weight)} values, expected 1 or {n}")

    def fan_out(self, pre: Shape) -> NDArray[np.int64]:
        return np.ones(pre, np.int64)

    def rows(self, pre: Shape, post: Shape, low: int, high: int) -> Targets:
        weight = self.weight if len(self.weight) == 1 else self.weight[low:high]
        return regular(1, low, high), np.arange(low, high, dtype=np.int32), weight

    def synapse_count(self, pre: Shape, post: Shape) -> int:
        return int(np.prod(pre))

    def __repr__(self) -> str:
        shown = f"{self.weight[0]:g}" if len(self.weight) == 1 else f"{len(self.weight)} weights"
        return f"OneToOne({shown})"
