"""How much of its past input a network still holds: linear memory capacity."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import InvalidValue


class MemoryCapacity(NamedTuple):
    """Capacity in total and for every delay."""

    total: float  # sum of `by_delay`
    by_delay: NDArray[np.float64]  # squared correlation [delays], for a delay of 1, 2, ... steps


def memory_capacity(
    states: ArrayLike,
    inputs: ArrayLike,
    *,
    delays: int,
    ridge: float = 1e-6,
    washout: int = 100,
    train: float = 0.5,
) -> MemoryCapacity:
    """Sum over delays of how well a linear readout of the state recalls the input.

        MC = sum over k = 1 ... delays of corr(u(t - k), y_k(t))^2

    y_k is a readout with a constant, fitted to one part of the run by ridge regression; the
    correlation is taken on the rest. At most N for a state of N units and an input of independent
    values, and N for a delay line. A delay of which the state knows nothing still adds about
    1 / K by chance, K the steps of the held-out part: `delays` should not be far above N.

    Args:
        states: x [T, N], the state after input u(t) has arrived.
        inputs: u [T], independent and identically distributed for the figure to have its meaning.
        delays: longest delay in steps; all from 1 on are summed. (The input of the same step,
            delay 0, does not count.)
        ridge: relative to the mean variance of the units.
        washout: steps left out at the start; at least the longest delay is.
        train: share of the remaining steps that the readout is fitted to.

    Raises:
        InvalidValue: shapes that do not fit, values that are not finite, an input that never
            changes, or too few steps.

    Source: Jaeger, Short term memory in echo state networks, GMD Report 152 (2001).
    """
    where = "memory_capacity"
    x, u = np.asarray(states, np.float64), np.asarray(inputs, np.float64)
    if x.ndim != 2 or u.shape != x.shape[:1]:
        raise InvalidValue(
            f"{where}: got states {x.shape} and inputs {u.shape}, expected [T, N] and [T]"
        )
    if not (np.isfinite(x).all() and np.isfinite(u).all()):
        raise InvalidValue(f"{where}: states and inputs must be finite; the run diverged")
    if delays != int(delays) or delays < 1:
        raise InvalidValue(f"{where}.delays: got {delays!r}, expected a whole number >= 1")
    if not ridge >= 0 or not 0 < train < 1 or washout < 0:
        raise InvalidValue(
            f"{where}: got ridge={ridge!r}, train={train!r}, washout={washout!r}, expected ridge "
            ">= 0, 0 < train < 1 and washout >= 0"
        )
    first = max(washout, delays)
    split = first + round(train * (len(u) - first))
    if split - first < 2 or len(u) - split < 2:
        raise InvalidValue(
            f"{where}: {len(u)} steps leave too few after the first {first}. Record for longer, or "
            "lower `washout` or `delays`"
        )
    # column k holds the input k + 1 steps ago
    past = np.lib.stride_tricks.sliding_window_view(u, delays + 1)[:, -2::-1]
    past = past[first - delays :]
    x = x[first:]
    cut = split - first
    mean, target_mean = x[:cut].mean(axis=0), past[:cut].mean(axis=0)
    centred = x[:cut] - mean
    gram = centred.T @ centred / cut
    gram += ridge * (np.trace(gram) / len(gram)) * np.eye(len(gram))
    weight = np.linalg.lstsq(gram, centred.T @ (past[:cut] - target_mean) / cut, rcond=None)[0]
    answer = (x[cut:] - mean) @ weight
    truth = past[cut:]
    if not (truth.std(axis=0) > 0).all():
        raise InvalidValue(f"{where}.inputs: the input does not change, so nothing can be recalled")
    answer = answer - answer.mean(axis=0)
    truth = truth - truth.mean(axis=0)
    scale = (answer**2).sum(axis=0) * (truth**2).sum(axis=0)
    product = (answer * truth).sum(axis=0) ** 2
    by_delay = np.divide(product, scale, out=np.zeros_like(product), where=scale > 0)
    return MemoryCapacity(float(by_delay.sum()), by_delay)
