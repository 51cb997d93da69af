"""Gains of interneurons that whiten a population: local rule and closed-form fixed point.

    dr/dt = s - W (g * z) - alpha r,   z = W^T r,   so   r = (alpha I + W diag(g) W^T)^-1 s
    dg = eta (z^2 - |w_k|^2)

N primary neurons r [N] get the input s and feedback of K interneurons through W [N, K]. Every gain
grows while the variance of its own input is above that of white r, so that C_rr tends to I. With
K = N (N + 1) / 2 interneurons in general position any input can be whitened, and the gains of one
context are forgotten in the next without a change of W.

Source: Duong, Lipshutz, Heeger, Chklovskii & Simoncelli, arXiv 2301.11955 (ICML 2023), neural
dynamics, gain rule and optimal gains.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import InvalidValue

Floats = NDArray[np.float64]


def frame(n: int, k: int, *, seed: int) -> Floats:
    """Random unit columns [n, k], in general position."""
    w = np.random.default_rng(seed).normal(size=(n, k))
    return w / np.linalg.norm(w, axis=0)


def response_matrix(w: ArrayLike, gains: ArrayLike, *, alpha: float = 1.0) -> Floats:
    """F [N, N] with r = F s in the steady state: (alpha I + W diag(g) W^T)^-1.

    Raises:
        InvalidValue: shapes do not fit, or the population is unstable with these gains.
    """
    weight, g = _checked(w, gains)
    recurrent = alpha * np.eye(len(weight)) + (weight * g) @ weight.T
    lowest = float(np.linalg.eigvalsh(recurrent)[0])
    if lowest <= 0:
        raise InvalidValue(
            f"whitening: alpha I + W diag(g) W^T has the eigenvalue {lowest:.3g}, expected all "
            "above 0, or r grows without bound. Use a smaller eta or floor=0."
        )
    return np.asarray(np.linalg.inv(recurrent), np.float64)


def settle(
    s: ArrayLike, w: ArrayLike, gains: ArrayLike, *, alpha: float = 1.0, dt: float = 0.05,
    steps: int = 400,
) -> Floats:  # fmt: skip
    """r [..., N] after `steps` Euler steps of the dynamics from rest, time in units of tau."""
    weight, g = _checked(w, gains)
    drive = np.asarray(s, np.float64)
    r = np.zeros_like(drive)
    for _ in range(steps):
        r = r + dt * (drive - (g * (r @ weight)) @ weight.T - alpha * r)
    return r


def gain_change(r: ArrayLike, w: ArrayLike) -> Floats:
    """z^2 - |w_k|^2 [K], mean over responses [..., N]; times eta it is the change of the gains.

    Raises:
        InvalidValue: shapes do not fit.
    """
    weight, x = np.asarray(w, np.float64), np.asarray(r, np.float64)
    if weight.ndim != 2 or x.ndim < 1 or x.shape[-1] != len(weight):
        raise InvalidValue(
            f"whitening.gain_change: got r {x.shape} and w {weight.shape}, expected [..., N] and "
            "[N, K]"
        )
    power = (x @ weight) ** 2
    return power.reshape(-1, weight.shape[1]).mean(0) - (weight**2).sum(0)


def adapt(
    samples: ArrayLike, w: ArrayLike, gains: ArrayLike, *, eta: float, alpha: float = 1.0,
    floor: float | None = None,
) -> Floats:  # fmt: skip
    """Gains [T + 1, K] before and after every one of the samples [T, N], learned one by one.

    Args:
        samples: inputs s; r is taken in its steady state.
        w, gains: [N, K], and [K] at the start.
        eta: learning rate of the gains.
        alpha: leak of the primary neurons.
        floor: lowest gain, e.g. 0, with which only variances above 1 are reduced; None for none.

    Raises:
        InvalidValue: shapes do not fit, or the gains made the population unstable.
    """
    weight, g = _checked(w, gains)
    s = np.asarray(samples, np.float64)
    if s.ndim != 2 or s.shape[1] != len(weight):
        raise InvalidValue(
            f"whitening.adapt.samples: got shape {s.shape}, expected [T, {len(weight)}]"
        )
    path = np.empty((len(s) + 1, len(g)))
    path[0] = g
    for t, now in enumerate(s):
        r = response_matrix(weight, path[t], alpha=alpha) @ now
        path[t + 1] = path[t] + eta * gain_change(r, weight)
        if floor is not None:
            np.maximum(path[t + 1], floor, out=path[t + 1])
    return path


def optimal_gains(covariance: ArrayLike, w: ArrayLike, *, alpha: float = 1.0) -> Floats:
    """Gains [K] at which the responses to inputs of that covariance [N, N] are white.

        g = ((W^T W)^2)^-1 diag(W^T (C^(1/2) - alpha I) W),   the square taken entry by entry

    Raises:
        InvalidValue: the frame does not have N (N + 1) / 2 columns in general position, or the
            covariance is not positive definite.
    """
    weight, c = np.asarray(w, np.float64), np.asarray(covariance, np.float64)
    n, k = weight.shape
    if c.shape != (n, n) or not np.allclose(c, c.T) or np.linalg.eigvalsh(c)[0] <= 0:
        raise InvalidValue(
            f"whitening.optimal_gains.covariance: got shape {c.shape}, expected a symmetric, "
            f"positive definite [{n}, {n}]"
        )
    square = (weight.T @ weight) ** 2
    if k != n * (n + 1) // 2 or np.linalg.matrix_rank(square) < k:
        raise InvalidValue(
            f"whitening.optimal_gains.w: got {k} columns of rank {np.linalg.matrix_rank(square)}, "
            f"expected {n * (n + 1) // 2} in general position, e.g. of `frame`"
        )
    values, vectors = np.linalg.eigh(c)
    root = (vectors * np.sqrt(values)) @ vectors.T
    wanted = np.einsum("ik,ij,jk->k", weight, root - alpha * np.eye(n), weight)
    return np.linalg.solve(square, wanted)


def whitening_error(covariance: ArrayLike, response: ArrayLike | None = None) -> float:
    """Operator norm of C_rr - I for inputs of that covariance and r = `response` @ s.

    Without a response matrix that of the input itself.
    """
    c = np.asarray(covariance, np.float64)
    if response is not None:
        f = np.asarray(response, np.float64)
        c = f @ c @ f.T
    return float(np.linalg.norm(c - np.eye(len(c)), 2))


def _checked(w: ArrayLike, gains: ArrayLike) -> tuple[Floats, Floats]:
    weight, g = np.asarray(w, np.float64), np.asarray(gains, np.float64)
    if weight.ndim != 2 or g.shape != weight.shape[1:]:
        raise InvalidValue(
            f"whitening: got w {weight.shape} and gains {g.shape}, expected [N, K] and [K]"
        )
    return weight, g
