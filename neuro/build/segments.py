"""Connections from patterns to dendritic segments."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import InvalidValue


def subsample_segments(patterns: ArrayLike, s: int, *, seed: int) -> NDArray[np.float32]:
    """One segment per pattern, with s synapses drawn from the pattern's active cells.

    Args:
        patterns: [..., n], non-zero where a cell is active; leading axes are segments, read in C
            order, e.g. [cells, segments, n].
        s: synapses of a segment, without replacement.
        seed: of the choice.

    Returns:
        Weights [segments, n] of 0 and 1 for a `Dense` synapse from the n cells to a population of
        `DendriticSegment`; give it `post=(cells, segments)`.

    Raises:
        InvalidValue: patterns without cells, or a pattern with fewer than s active cells.

    Source: Ahmad & Hawkins, arXiv 1601.00720 (sub-sampling of a pattern by a segment).
    """
    active = np.asarray(patterns) != 0
    if active.ndim < 2 or active.size == 0:
        raise InvalidValue(
            f"subsample_segments.patterns: got shape {active.shape}, expected [..., segments, n]"
        )
    rows = active.reshape(-1, active.shape[-1])
    few = rows.sum(axis=1) < s
    if s < 1 or few.any():
        worst = int(rows.sum(axis=1).min())
        raise InvalidValue(
            f"subsample_segments.s: got {s}, expected 1 to {worst}, the active cells of the "
            f"pattern {int(few.argmax())} or the one with fewest"
            if s >= 1
            else f"subsample_segments.s: got {s}, expected at least 1"
        )
    # The s smallest of random keys, among active cells, are a sample without replacement.
    keys = np.where(rows, np.random.default_rng(seed).random(rows.shape), np.inf)
    chosen = np.argpartition(keys, s - 1, axis=1)[:, :s]
    weight = np.zeros(rows.shape, dtype=np.float32)
    np.put_along_axis(weight, chosen, 1.0, axis=1)
    return weight
