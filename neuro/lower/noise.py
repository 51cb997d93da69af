"""Random draws that depend on (seed, tick, sample, unit) and on nothing else.

Philox is a counter-based generator: the counter is the tick, so a run cut into pieces, a back end
that goes tick by tick and any number of threads draw the same numbers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BITS = 23  # of a draw: all of them are exact in float32, and none is 0 or 1


def uniform(seed: int, port: int, first: int, steps: int, count: int) -> NDArray[np.float32]:
    """Draws in (0, 1), [steps, count].

    Args:
        seed: of the population.
        port: which of its noise ports.
        first: tick of the first row.
        count: samples times units; the draws of a sample do not depend on how many follow it.
    """
    rows = np.empty((steps, count), np.float32)
    for row, tick in enumerate(range(first, first + steps)):
        generator = np.random.Generator(np.random.Philox(key=[seed, port], counter=[0, 0, 0, tick]))
        rows[row] = generator.integers(0, 1 << BITS, count, dtype=np.uint32)
    return (rows + np.float32(0.5)) * np.float32(2.0**-BITS)
