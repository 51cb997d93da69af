"""Parts: how populations and their inputs are cut into shares that threads own.

Every part owns a contiguous share of each population, and one accumulator (a slot) for each input
port of each of its units. A number is only ever added up by the part that owns it, in an order that
does not depend on the parts; so results are the same for any number of threads.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.network import Network
from neuro.neurons import Neuron

SHORT = 1 << 16  # slots that an unsigned 16-bit number can tell apart
BLOCK = 64  # units; shares begin at multiples, for vectors and for draws made in blocks


class Parts(NamedTuple):
    """The shares of every population.

    Args:
        bounds: population -> int64 [parts + 1], first unit of each part; the last is the size.
        share: population -> units of every part but the last ones.
        slots: (population, port) -> int64 [parts], the slot of the first unit of each part.
        size: int64 [parts], slots of each part.
    """

    bounds: dict[str, NDArray[np.int64]]
    share: dict[str, int]
    slots: dict[tuple[str, str], NDArray[np.int64]]
    size: NDArray[np.int64]

    @property
    def total(self) -> int:
        """Number of parts."""
        return len(self.size)

    def range(self, population: str, part: int) -> tuple[int, int]:
        """First unit of a part and the one after its last."""
        low, high = self.bounds[population][part : part + 2]
        return int(low), int(high)


def cut(network: Network, threads: int) -> Parts:
    """A multiple of `threads` parts, so many that short numbers can address their slots."""
    ports = {
        name: type(p).Inputs._fields
        for name, p in network.populations.items()
        if isinstance(p, Neuron)
    }
    rounds = 0
    while True:
        rounds += 1
        count = threads * rounds
        bounds: dict[str, NDArray[np.int64]] = {}
        share: dict[str, int] = {}
        slots: dict[tuple[str, str], NDArray[np.int64]] = {}
        used = np.zeros(count, np.int64)
        for name, population in network.populations.items():
            blocks = -(-population.size // BLOCK)
            share[name] = BLOCK * -(-blocks // count)
            edges = np.minimum(np.arange(count + 1) * share[name], population.size)
            bounds[name] = edges.astype(np.int64)
            for port in ports.get(name, ()):
                slots[name, port] = used.copy()
                used += np.diff(bounds[name])
        if used.max(initial=0) <= SHORT:
            return Parts(bounds, share, slots, used)
