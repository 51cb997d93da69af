"""Hidden Markov chains: probabilities of states, their likeliest path, and the likelihood."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Posterior(NamedTuple):
    """What the observations say about the hidden states."""

    states: Array  # probability of each state at each step [B, T, S]
    transitions: Array  # expected number of each transition, over all steps and sequences [S, S]
    log_likelihood: Array  # of each sequence [B], in nats


def forward_backward(log_emission: Array, initial: Array, transition: Array) -> Posterior:
    """Posterior of the states of several sequences at once.

    Args:
        log_emission: log p(observation | state) [B, T, S].
        initial: probability of each state at the first step [S].
        transition: [S, S], row i holds the probabilities of what follows state i.

    Source: Rabiner, Proc. IEEE 77 (1989), section V.A, with scaling.
    """
    batch, steps, _ = log_emission.shape
    highest = log_emission.max(axis=2, keepdims=True)
    emission = np.exp(log_emission - highest)
    forward, scale = np.empty_like(emission), np.empty((batch, steps))
    now = initial * emission[:, 0]
    for t in range(steps):
        if t:
            now = (forward[:, t - 1] @ transition) * emission[:, t]
        scale[:, t] = now.sum(axis=1)
        forward[:, t] = now / scale[:, t, None]
    backward = np.ones_like(emission)
    for t in range(steps - 2, -1, -1):
        ahead = emission[:, t + 1] * backward[:, t + 1] / scale[:, t + 1, None]
        backward[:, t] = ahead @ transition.T
    likelihood = (np.log(scale) + highest[..., 0]).sum(axis=1)
    ahead = (emission * backward / scale[..., None])[:, 1:]
    moved = transition * np.einsum("bti,btj->ij", forward[:, :-1], ahead)
    return Posterior(forward * backward, moved, likelihood)


def viterbi_path(log_emission: Array, initial: Array, transition: Array) -> NDArray[np.int64]:
    """The likeliest path of states [B, T]; the lowest state among equals.

    Args:
        log_emission, initial, transition: as in `forward_backward`.

    Source: Viterbi, IEEE Trans. Inf. Theory 13 (1967).
    """
    batch, steps, _ = log_emission.shape
    with np.errstate(divide="ignore"):
        log_initial, log_transition = np.log(initial), np.log(transition)
    best = log_initial + log_emission[:, 0]
    came_from = np.zeros(log_emission.shape, np.int64)
    for t in range(1, steps):
        options = best[:, :, None] + log_transition  # [B, from, to]
        came_from[:, t] = options.argmax(axis=1)
        best = options.max(axis=1) + log_emission[:, t]
    path = np.empty((batch, steps), np.int64)
    path[:, -1] = best.argmax(axis=1)
    rows = np.arange(batch)
    for t in range(steps - 1, 0, -1):
        path[:, t - 1] = came_from[rows, t, path[:, t]]
    return path
