"""Markov sources of symbols or spikes, whose entropy rate is known in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import InvalidValue
from neuro.synthetic._checks import generator, real, whole


@dataclass(frozen=True, eq=False)
class MarkovSource:
    """A stationary Markov chain whose states are the symbols that it emits.

    Args:
        transition: [S, S], row i holds the probabilities of what follows symbol i; S <= 256.

    Raises:
        InvalidValue: not square, negative, a row does not sum to 1, or some symbols cannot be
            reached from others, so that the entropy rate would depend on the start.
    """

    transition: NDArray[np.float64]

    def __init__(self, transition: ArrayLike) -> None:
        matrix = np.array(transition, np.float64)
        where = "MarkovSource.transition"
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not 1 <= len(matrix) <= 256:
            raise InvalidValue(f"{where}: got shape {matrix.shape}, expected [S, S], S <= 256")
        if not (matrix >= 0).all() or np.abs(matrix.sum(axis=1) - 1).max() > 1e-9:
            raise InvalidValue(f"{where}: expected probabilities, each row with the sum 1")
        reached = matrix > 0
        for _ in range(len(matrix).bit_length()):  # paths of up to 2^k steps
            reached = reached | (reached.astype(np.int64) @ reached.astype(np.int64) > 0)
        if not (reached | np.eye(len(matrix), dtype=bool)).all():
            raise InvalidValue(
                f"{where}: some symbols cannot be reached from others. Make a source of each part"
            )
        matrix.flags.writeable = False
        object.__setattr__(self, "transition", matrix)

    @property
    def stationary(self) -> NDArray[np.float64]:
        """Probability of each symbol [S], the p with p = p T and sum 1."""
        size = len(self.transition)
        system = np.vstack([self.transition.T - np.eye(size), np.ones(size)])
        p = np.linalg.lstsq(system, np.append(np.zeros(size), 1.0), rcond=None)[0]
        return p.astype(np.float64)

    @property
    def entropy_rate(self) -> float:
        """Bits per symbol: -sum over i, j of p_i T_ij log2 T_ij (Cover & Thomas, theorem 4.2.4)."""
        t = self.transition
        logarithm = np.log2(t, out=np.zeros_like(t), where=t > 0)
        return max(0.0, float(-(self.stationary @ (t * logarithm).sum(axis=1))))

    def sample(self, steps: int, trains: int = 1, *, seed: int = 0) -> NDArray[np.uint8]:
        """Symbols [steps, trains], each train started from the stationary distribution.

        For two symbols, 1 being a spike, they can be read as spike trains.
        """
        where = "MarkovSource.sample"
        length, width = whole(f"{where}.steps", steps, 0), whole(f"{where}.trains", trains)
        random = generator(where, seed)
        state = _chosen(self.stationary, random.random(width))
        # Blocks of about sqrt(steps) run side by side from every state; then each takes the path
        # that begins where the block before it ended.
        block = max(1, int(np.sqrt(length)))
        blocks = -(-length // block)
        chance = np.zeros((blocks * block, width))
        chance[:length] = random.random((length, width))
        chance = chance.reshape(blocks, block, width)
        size = len(self.transition)
        edges = np.cumsum(self.transition, axis=1)[:, :-1]
        at = np.tile(np.arange(size), (blocks, width, 1))
        path = np.empty((block, blocks, width, size), np.uint8)
        for i in range(block):
            at = (chance[:, i, :, None, None] >= edges[at]).sum(axis=-1)
            path[i] = at
        entered = np.empty((blocks, width), np.int64)
        for b in range(blocks):
            entered[b] = state
            state = path[-1, b, np.arange(width), state].astype(np.int64)
        symbols = np.take_along_axis(path, entered[None, :, :, None], axis=3)[..., 0]
        return np.ascontiguousarray(symbols.transpose(1, 0, 2).reshape(-1, width)[:length])


def markov_spikes(after_silence: float, after_spike: float) -> MarkovSource:
    """The source of a binary spike train: symbol 1 is a spike, 0 a silent tick.

    Args:
        after_silence: probability of a spike in a tick that follows a silent one, in (0, 1].
        after_spike: probability of a spike in a tick that follows a spike, in [0, 1). Below
            `after_silence` for a refractory train, above it for bursts, equal for a coin.

    Raises:
        InvalidValue: a probability is out of range.
    """
    p = real("markov_spikes.after_silence", after_silence, 0, 1)
    q = real("markov_spikes.after_spike", after_spike, 0, 1)
    if p == 0 or q == 1:
        raise InvalidValue(
            f"markov_spikes: got after_silence={p:g} and after_spike={q:g}; expected above 0 and "
            "below 1, or one symbol lasts for ever"
        )
    return MarkovSource([[1 - p, p], [1 - q, q]])


def _chosen(probability: NDArray[np.float64], chance: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.searchsorted(np.cumsum(probability)[:-1], chance, side="right")
