"""Mattis amplitudes: how much of every stored pattern a network's state holds."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import InvalidValue


def mattis(state: ArrayLike, patterns: ArrayLike) -> NDArray[np.float64]:
    """m_k = sum_i xi_ki s_i / N of states [..., N] and patterns [P, N]; returns [..., P].

    A pattern with a share d of blank (zero) entries has at most the amplitude 1 - d.

    Raises:
        InvalidValue: patterns are not [P, N], or the states have another N.

    Source: Mattis, Physics Letters A 56 (1976); Amit, Gutfreund & Sompolinsky, Physical Review A
    32 (1985), the overlaps m of a state.
    """
    s, xi = np.asarray(state, np.float64), np.asarray(patterns, np.float64)
    if xi.ndim != 2 or xi.size == 0:
        raise InvalidValue(f"mattis.patterns: got shape {xi.shape}, expected [P, N]")
    if s.ndim < 1 or s.shape[-1] != xi.shape[1]:
        raise InvalidValue(
            f"mattis.state: got shape {s.shape}, expected [..., {xi.shape[1]}] as the patterns have"
        )
    return s @ xi.T / xi.shape[1]


def hierarchical_amplitudes(dilution: float, count: int) -> NDArray[np.float64]:
    """Amplitudes [count] of the state that takes every unit from the first pattern not blank there.

        m_k = (1 - d) d^(k - 1),   k = 1 ... count

    Without noise the state is stable while m_1 exceeds the sum of the others, that is while
    1 - 2 d + d^count > 0.

    Raises:
        InvalidValue: a dilution outside 0 to 1, or no pattern.

    Source: Agliari, Barra, Galluzzi, Guerra & Moauro, Multitasking associative networks,
    Physical Review Letters 109 (2012).
    """
    if not 0 <= dilution <= 1 or count < 1:
        raise InvalidValue(
            f"hierarchical_amplitudes: got dilution={dilution}, count={count}, expected 0 to 1 and "
            "at least 1"
        )
    return (1 - dilution) * dilution ** np.arange(count, dtype=np.float64)
