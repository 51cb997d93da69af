"""Hebbian memory: couplings from patterns or noisy examples, and retrieval by Glauber dynamics.

    J_ij = sum_k f_ki f_kj / N,   J_ii = 0,   h_i = sum_j J_ij s_j
    P(s_i = 1) = 1 / (1 + exp(-2 h_i / T))

Units s are 1 or -1. The factors f [K, N] are the patterns themselves, the mean of the examples of
every pattern (supervised: the teacher says which examples belong together) or all the examples
(unsupervised). Blank (zero) entries leave a unit to the other patterns, so that several of them are
retrieved at once.

Source: Hopfield, PNAS 79 (1982); Amit, Gutfreund & Sompolinsky, Physical Review A 32 (1985); blank
entries after Agliari, Barra, Galluzzi, Guerra & Moauro, Physical Review Letters 109 (2012);
examples after Agliari et al., arXiv 2308.04106.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import InvalidValue

Floats = NDArray[np.float64]


def diluted_patterns(count: int, n: int, dilution: float, *, seed: int) -> Floats:
    """Patterns [count, n] of -1, 0 and 1: 0 with chance `dilution`, else either sign.

    Raises:
        InvalidValue: a dilution outside 0 to 1.
    """
    _chance("diluted_patterns.dilution", dilution)
    random = np.random.default_rng(seed)
    sign = random.choice([-1.0, 1.0], (count, n))
    return np.where(random.random((count, n)) < dilution, 0.0, sign)


def hierarchical_state(patterns: ArrayLike) -> Floats:
    """State [N] that takes every unit from the first pattern [P, N] not blank there; else 0."""
    xi = _factors("hierarchical_state.patterns", patterns)
    return np.take_along_axis(xi, (xi != 0).argmax(0)[None], 0)[0]


def noisy_examples(patterns: ArrayLike, each: int, quality: float, *, seed: int) -> Floats:
    """Examples [P, each, N]: every entry keeps its sign with chance (1 + quality) / 2.

    Raises:
        InvalidValue: a quality outside 0 to 1, or patterns that are not [P, N].
    """
    _chance("noisy_examples.quality", quality)
    xi = _factors("noisy_examples.patterns", patterns)
    keep = np.random.default_rng(seed).random((len(xi), each, xi.shape[1])) < (1 + quality) / 2
    return np.where(keep, 1.0, -1.0) * xi[:, None]


def from_examples(examples: ArrayLike, *, supervised: bool) -> Floats:
    """Factors of the couplings that examples [P, M, N] make.

    Returns:
        Supervised the mean of every pattern's examples, [P, N]; unsupervised all of them, [P M, N],
        over sqrt(M), so that either way a pattern enters J with the weight of one.

    Raises:
        InvalidValue: examples are not [P, M, N].
    """
    eta = np.asarray(examples, np.float64)
    if eta.ndim != 3 or eta.size == 0:
        raise InvalidValue(f"from_examples: got shape {eta.shape}, expected [P, M, N]")
    if supervised:
        return eta.mean(1)
    return eta.reshape(-1, eta.shape[2]) / np.sqrt(eta.shape[1])


def couplings(factors: ArrayLike) -> Floats:
    """J [N, N], symmetric and without self-coupling, e.g. for a `Dense` synapse.

    Raises:
        InvalidValue: factors are not [K, N].
    """
    f = _factors("couplings.factors", factors)
    j = f.T @ f / f.shape[1]
    np.fill_diagonal(j, 0)
    return j


def retrieve(
    factors: ArrayLike, start: ArrayLike, *, temperature: float = 0.0, sweeps: int = 50,
    block: int = 1, seed: int,
) -> Floats:  # fmt: skip
    """State [N] after Glauber dynamics from a start [N] of -1 and 1.

    Couplings stay in factors, so that a sweep costs K N instead of N N.

    Args:
        factors: [K, N], of J.
        start: first state.
        temperature: T in units of J; at 0 a unit follows its field, and stays where that is 0.
        sweeps: times that every unit is updated, in random order.
        block: units updated at once. 1 is Glauber dynamics; a few per cent of N are quicker, and as
            good in large networks.
        seed: of order and chance.

    Raises:
        InvalidValue: shapes do not fit, entries other than -1 and 1, or a negative temperature.
    """
    f = _factors("retrieve.factors", factors)
    n = f.shape[1]
    s = np.array(start, np.float64)
    if s.shape != (n,) or not np.all(np.abs(s) == 1):
        raise InvalidValue(
            f"retrieve.start: got shape {s.shape} with {np.unique(s)[:4]}, expected [{n}] of -1 "
            "and 1. Fill blank entries with random signs."
        )
    if temperature < 0 or block < 1:
        raise InvalidValue(
            f"retrieve: got temperature={temperature}, block={block}, expected at least 0 and 1"
        )
    random = np.random.default_rng(seed)
    own = (f**2).sum(0) / n  # the self-coupling that J leaves out
    m = f @ s / n
    cuts = range(block, n, block)
    for _ in range(sweeps):
        for unit in np.split(random.permutation(n), cuts):
            h = m @ f[:, unit] - own[unit] * s[unit]
            if temperature > 0:
                up = random.random(len(unit)) < 0.5 * (1 + np.tanh(h / temperature))
                new = np.where(up, 1.0, -1.0)
            else:
                new = np.where(h == 0, s[unit], np.sign(h))
            m += f[:, unit] @ (new - s[unit]) / n
            s[unit] = new
    return s


def _factors(where: str, given: ArrayLike) -> Floats:
    f = np.asarray(given, np.float64)
    if f.ndim != 2 or f.size == 0:
        raise InvalidValue(f"{where}: got shape {f.shape}, expected two axes, [patterns, units]")
    return f


def _chance(where: str, given: float) -> None:
    if not 0 <= given <= 1:
        raise InvalidValue(f"{where}: got {given}, expected 0 to 1")
