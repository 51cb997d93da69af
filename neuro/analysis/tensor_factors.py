"""Who changes together, and when: affinities over time and their non-negative factors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import InvalidValue

Array = NDArray[np.float64]
_TINY = 1e-12


def affinity(traces: ArrayLike, *, window: int = 20, smooth: int = 5) -> Array:
    """How much each pair of units changes in the same direction, over time, [P, W, M].

    Each trace is averaged over `smooth` samples, differentiated and brought to mean 0 and standard
    deviation 1, which gives d. A pair's affinity at a time is min(|d_i|, |d_j|) if both have the
    same sign, otherwise 0; it is averaged in windows. A unit that never changes has d = 0.

    Args:
        traces: activity [T, N] of one animal, or [M, T, N] of several with the same units.
        window: samples; what is left at the end is dropped.
        smooth: samples.

    Returns:
        Pairs (i < j, in the order of `np.triu_indices(N, 1)`) by windows by animals.

    Raises:
        InvalidValue: no such array, values that are not finite, or no whole window.

    Source: after Dyballa et al., ICLR 2024, who factorise affinities of derivatives; this form of
    the affinity is ours.
    """
    x = np.asarray(traces, np.float64)
    x = x[None] if x.ndim == 2 else x
    if x.ndim != 3 or x.shape[2] < 2 or not np.isfinite(x).all():
        raise InvalidValue(
            f"affinity.traces: got shape {np.shape(traces)}, expected finite [T, N] or [M, T, N], "
            "N >= 2"
        )
    for name, value in (("window", window), ("smooth", smooth)):
        if value != int(value) or value < 1:
            raise InvalidValue(f"affinity.{name}: got {value!r}, expected a whole number >= 1")
    windows = (x.shape[1] - smooth) // window  # smoothing and the derivative shorten the trace
    if windows < 1:
        raise InvalidValue(
            f"affinity: {x.shape[1]} samples hold no window of {window} after smoothing over "
            f"{smooth}"
        )
    total = np.cumsum(np.pad(x, ((0, 0), (1, 0), (0, 0))), axis=1)
    change = np.diff((total[:, smooth:] - total[:, :-smooth]) / smooth, axis=1)
    spread = change.std(axis=1, keepdims=True)
    centred = change - change.mean(axis=1, keepdims=True)
    d = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > _TINY)
    i, j = np.triu_indices(x.shape[2], 1)
    result = np.empty((len(i), windows, len(x)))
    for m in range(len(x)):
        for w in range(windows):
            part = d[m, w * window : (w + 1) * window]
            up, down = np.maximum(part, 0), np.maximum(-part, 0)
            both = np.minimum(up[:, i], up[:, j]) + np.minimum(down[:, i], down[:, j])
            result[:, w, m] = both.mean(axis=0)
    return result


class Factors(NamedTuple):
    """A sum of R outer products: tensor[i, j, ...] = sum_r size[r] f_0[i, r] f_1[j, r] ..."""

    size: Array  # [R], falling
    factors: tuple[Array, ...]  # one [I_m, R] for each axis; columns have the sum 1
    error: float  # norm of what is left over, relative to that of the tensor

    def dense(self) -> Array:
        """The tensor that the factors stand for."""
        return _product(self.factors, self.size)


def ntf(
    tensor: ArrayLike, rank: int, *, seed: int = 0, iterations: int = 200, restarts: int = 3
) -> Factors:
    """Non-negative factors of a tensor with two or more axes (non-negative CP).

    Multiplicative updates of one axis after another, which never raise the squared error. The
    best of several random starts is kept; the answer is a local optimum.

    Args:
        tensor: finite values >= 0.
        rank: R, number of outer products.
        seed: of the starts.
        iterations: over all axes.
        restarts: starts.

    Raises:
        InvalidValue: a negative value or one that is not finite, nothing but zeros, or numbers
            out of range.

    Source: Lee & Seung, NIPS 13 (2001), theorem 1, one axis at a time; Shashua & Hazan, ICML
    (2005), for tensors.
    """
    x = np.asarray(tensor, np.float64)
    if x.ndim < 2 or not np.isfinite(x).all() or (x < 0).any() or not x.any():
        raise InvalidValue(
            f"ntf.tensor: got shape {x.shape}, expected two axes or more, finite values >= 0, not "
            "all of them 0"
        )
    for name, value in (("rank", rank), ("iterations", iterations), ("restarts", restarts)):
        if value != int(value) or value < 1:
            raise InvalidValue(f"ntf.{name}: got {value!r}, expected a whole number >= 1")
    unfolded = [np.moveaxis(x, m, 0).reshape(x.shape[m], -1) for m in range(x.ndim)]
    norm = float(np.linalg.norm(x))
    found: list[Factors] = []
    for start in range(restarts):
        random = np.random.default_rng([seed, start])
        parts = [random.uniform(0.1, 1, (n, rank)) for n in x.shape]
        parts[0] *= x.mean() / _product(parts, np.ones(rank)).mean()
        for _ in range(iterations):
            for m in range(x.ndim):
                others = parts[:m] + parts[m + 1 :]
                spread = others[0]  # columns of the Khatri-Rao product of the other axes
                for other in others[1:]:
                    spread = (spread[:, None] * other[None]).reshape(-1, rank)
                gram = np.prod([p.T @ p for p in others], axis=0)
                parts[m] = parts[m] * (unfolded[m] @ spread) / (parts[m] @ gram + _TINY)
        sums = np.stack([p.sum(axis=0) for p in parts])
        size = sums.prod(axis=0)
        parts = [p / np.maximum(s, _TINY) for p, s in zip(parts, sums, strict=True)]
        order = np.argsort(-size, kind="stable")
        factors = tuple(p[:, order] for p in parts)
        error = float(np.linalg.norm(x - _product(factors, size[order]))) / norm
        found.append(Factors(size[order], factors, error))
    return min(found, key=lambda f: f.error)


def pair_matrix(weights: ArrayLike) -> Array:
    """Symmetric matrix [N, N] of weights [P] of pairs in `affinity`'s order; 0 on the diagonal.

    Raises:
        InvalidValue: P is not N (N - 1) / 2 for any N.
    """
    values = np.asarray(weights, np.float64)
    size = round((1 + np.sqrt(1 + 8 * values.size)) / 2)
    if values.ndim != 1 or size * (size - 1) // 2 != values.size:
        raise InvalidValue(
            f"pair_matrix.weights: got shape {values.shape}, expected [N (N - 1) / 2]"
        )
    matrix = np.zeros((size, size))
    matrix[np.triu_indices(size, 1)] = values
    return matrix + matrix.T


def _product(factors: tuple[Array, ...] | list[Array], size: Array) -> Array:
    result = size[None] * factors[0]
    for factor in factors[1:]:
        result = result[..., None, :] * factor
    return result.sum(axis=-1)
