"""Does a network keep different inputs apart and like ones together? Two ranks of its states."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import InvalidValue


def kernel_rank(states: ArrayLike, *, tolerance: float | None = None) -> int:
    """Rank of the states that different inputs lead to: how many a linear readout can tell apart.

    Args:
        states: [m, N], the state of N units after each of m inputs that differ clearly, all at
            the same time after the start.
        tolerance: singular values up to this share of the largest count as 0; by default
            max(m, N) times the precision of float64.

    Returns:
        The rank, at most min(m, N); the higher the better.

    Raises:
        InvalidValue: no matrix, or values that are not finite.

    Source: Legenstein & Maass, Neural Networks 20 (2007): the linear separation
    property.
    """
    return int(_ranks("kernel_rank", np.asarray(states, np.float64), 2, tolerance))


def generalisation_rank(states: ArrayLike, *, tolerance: float | None = None) -> float:
    """Rank of the states that variants of one input lead to: low if noise is ignored.

    Args:
        states: [m, N], the states after m noisy variants of one input; or [inputs, m, N] for
            several, of which the mean rank is returned.
        tolerance: as in `kernel_rank`. With spikes filtered in float32 use about 1e-5.

    Raises:
        InvalidValue: no such array, or values that are not finite.

    Source: Legenstein & Maass, Neural Networks 20 (2007).
    """
    array = np.asarray(states, np.float64)
    dimensions = 3 if array.ndim == 3 else 2
    return float(_ranks("generalisation_rank", array, dimensions, tolerance).mean())


def _ranks(
    where: str, states: NDArray[np.float64], dimensions: int, tolerance: float | None
) -> NDArray[np.int64]:
    if states.ndim != dimensions or 0 in states.shape:
        raise InvalidValue(f"{where}.states: got shape {states.shape}, expected [m, N]")
    if not np.isfinite(states).all():
        raise InvalidValue(f"{where}.states: a value is not finite; the run diverged")
    if tolerance is not None and not 0 <= tolerance < 1:
        raise InvalidValue(f"{where}.tolerance: got {tolerance!r}, expected 0 <= tolerance < 1")
    values = np.linalg.svd(states, compute_uv=False)
    share = max(states.shape[-2:]) * np.finfo(np.float64).eps if tolerance is None else tolerance
    return (values > share * values[..., :1]).sum(axis=-1)
