"""Small worlds: neighbours on a ring, some of them replaced at random."""

from __future__ import annotations

import numpy as np

from neuro.errors import InvalidValue
from neuro.synapses.rows import regular
from neuro.synapses.rule import ConnectionRule, Lists, Weight, check_count, compiled_drawing


class SmallWorld(ConnectionRule):
    """Every unit reaches its k nearest on a ring; each of these is replaced with probability beta.

    The replacement is drawn uniformly from the units that it does not reach yet, without itself, so
    that the out-degree is k everywhere. The ring is directed: unlike in the paper, rewiring the
    synapse i -> j leaves j -> i as it is.

    Args:
        k: synapses of each unit, an even number.
        beta: share that is replaced: 0 is the ring, 1 a random graph.
        weight, seed: see `ConnectionRule`.

    Source: Watts & Strogatz, Nature 393 (1998).

    Raises:
        InvalidValue: k is odd, not below the number of units, or beta is outside [0, 1].
    """

    def __init__(self, k: int, beta: float, weight: Weight = 1.0, seed: int = 0) -> None:
        super().__init__(weight, seed, False)
        self.k = check_count("SmallWorld", "k", k)
        if self.k % 2:
            raise InvalidValue(f"SmallWorld.k: got {k}, expected an even number")
        if not 0 <= beta <= 1:
            raise InvalidValue(f"SmallWorld.beta: got {beta!r}, expected 0 <= beta <= 1")
        self.beta = float(beta)

    def numbers(self) -> dict[str, object]:
        return {"k": self.k, "beta": self.beta}

    def options(self) -> dict[str, object]:
        return {**self.numbers(), "weight": self.weight, "seed": self.seed}

    def targets(self, pre: int, post: int, low: int, high: int) -> Lists:
        drawing = compiled_drawing()
        out = np.empty((high - low) * self.k, np.int32)
        drawing.ring_targets(low, high, post, self.k, self.beta, *drawing.key(self.seed), out)
        return regular(self.k, low, high), out

    def count(self, pre: int, post: int) -> int:
        if pre != post:
            raise InvalidValue(
                f"SmallWorld: a ring has one population, but {pre} units are to reach {post}"
            )
        if self.k >= pre:
            raise InvalidValue(f"SmallWorld.k: got {self.k}, expected below the {pre} units")
        return self.k * pre
