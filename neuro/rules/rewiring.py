"""Structural plasticity: weak synapses give way to new ones elsewhere."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.neurons._base import whole_ticks
from neuro.rules._base import Rule, every, option, parameter
from neuro.units import second

Ints = NDArray[np.int64]


class Rewiring(Rule):
    """Every so often a share of the synapses is removed, and as many grow between other pairs.

    Removed are the weakest (smallest |w|) or any (prune="random"); a new synapse joins a pair of
    units, drawn evenly among those without a synapse before, with weight `weight`, other variables
    0 and the delay of the one it replaces. The number of synapses never changes, no pair gets a
    second synapse, and no unit one onto itself. Draws depend on (seed, tick) alone.

    Source: Butz, Woergoetter & van Ooyen, Brain Research Reviews 60 (2009), on the mechanism;
    Mocanu et al., Nature Communications 9 (2018), on removing the weakest share.
    """

    fraction: float = parameter(default=0.1, unit="1", meaning="share that is replaced", at_least=0)
    weight: float = parameter(default=0.0, unit="1", meaning="weight of a new synapse")
    seed: float = parameter(default=0, unit="1", meaning="seed of the draws", at_least=0)
    every: float = every(1 * second)
    prune: str = option(
        default="weakest", choices=("weakest", "random"), meaning="which synapses are removed"
    )

    class Coefficients(NamedTuple):
        pass

    def derive(self, clock: Clock) -> Rewiring.Coefficients:
        return Rewiring.Coefficients()

    def pause(self, clock: Clock) -> int:
        """Ticks from one change of the connections to the next."""
        return int(whole_ticks(self.every, clock, "Rewiring.every"))

    def rewire(
        self, tick: int, pre: Ints, post: Ints, w: NDArray[Any], shape: tuple[int, int],
        *, itself: bool,
    ) -> tuple[Ints, Ints, Ints]:  # fmt: skip
        """Which synapses are replaced, and by which.

        Args:
            tick: when; seeds the draws.
            pre, post: units of every synapse.
            w: their weights.
            shape: number of presynaptic and of postsynaptic units.
            itself: whether pre and post are one population.

        Returns:
            Positions of the synapses that go (sorted), and the units of those that come.
        """
        random = np.random.Generator(np.random.Philox([int(self.seed), tick]))
        taken = np.unique(pre * shape[1] + post)
        if itself:
            taken = np.union1d(taken, np.arange(shape[0]) * (shape[1] + 1))
        room = shape[0] * shape[1] - len(taken)
        count = min(int(min(self.fraction, 1.0) * len(w)), room)
        if self.prune == "weakest":
            gone = np.argsort(np.abs(w), kind="stable")[:count]
        else:
            gone = random.permutation(len(w))[:count]
        new = _free(random, taken, shape[0] * shape[1], count)
        return np.sort(gone), new // shape[1], new % shape[1]


def _free(random: np.random.Generator, taken: Ints, pairs: int, count: int) -> Ints:
    """Numbers below `pairs` that are not taken, drawn evenly without repetition."""
    if 2 * (len(taken) + count) > pairs:
        free = np.setdiff1d(np.arange(pairs), taken, assume_unique=True)
        return random.choice(free, count, replace=False)
    found = np.empty(0, np.int64)
    while len(found) < count:
        drawn = random.integers(pairs, size=2 * (count - len(found)) + 8)
        drawn = drawn[~np.isin(drawn, taken)]
        both = np.concatenate([found, drawn])
        _, first = np.unique(both, return_index=True)
        found = both[np.sort(first)]
    return found[:count]
