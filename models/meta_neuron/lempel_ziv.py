"""Lempel-Ziv complexity: known figures, a classifier, and features of spike trains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from neuro.metrics import accuracy, lempel_ziv_complexity

Markov = Callable[[np.random.Generator, float, int, int], NDArray[np.bool_]]

SWITCH = 0.2, 0.35  # of the two classes, which fire at one rate
LENGTHS = 64, 128, 256, 512
TRIALS = 400  # of a class; every other one trains
# Mean complexities of another implementation; the README says why two of them are not met.
VECTORS = {
    "fair coin": {256: 1.13, 1024: 1.06, 4096: 1.04, 16384: 1.03},
    "Markov, switch 0.1": {256: 0.569, 1024: 0.501, 4096: 0.484, 16384: 0.473},
    "coin, chance 0.1": {256: 0.558, 1024: 0.478, 4096: 0.471, 16384: 0.460},
}


def vectors(markov: Markov, seed: int, symbols: int) -> list[dict[str, Any]]:
    """Mean complexity of each source and length over `symbols` symbols, with its standard error."""
    random = np.random.default_rng([seed, 2])
    rows: list[dict[str, Any]] = []
    for source, expected in VECTORS.items():
        for n, value in expected.items():
            trains = symbols // n
            match source:
                case "fair coin":
                    spikes = random.random((n, trains)) < 0.5
                case "coin, chance 0.1":
                    spikes = random.random((n, trains)) < 0.1
                case _:
                    spikes = markov(random, 0.1, n, trains)
            found = lempel_ziv_complexity(spikes)
            rows.append({
                "source": source, "n": n, "expected": value, "found": float(found.mean()),
                "stderr": float(found.std(ddof=1) / np.sqrt(trains)),
                "off_by": float(found.mean() / value - 1),
            })  # fmt: skip
    return rows


def nearest_mean(feature: NDArray[np.float64], label: NDArray[np.int64]) -> float:
    """Accuracy of a threshold halfway between the class means of the even trials, on the odd."""
    low, high = (feature[::2][label[::2] == c].mean() for c in (0, 1))
    nearer = np.abs(feature[1::2] - high) < np.abs(feature[1::2] - low)
    return accuracy(nearer.astype(np.int64), label[1::2])


def classify(markov: Markov, seeds: list[int]) -> dict[str, dict[int, list[float]]]:
    """Accuracy of complexity and of spike rate for trains of each length, one number a seed."""
    found: dict[str, dict[int, list[float]]] = {"lzc": {}, "rate": {}}
    for seed in seeds:
        random = np.random.default_rng([seed, 3])
        label = np.repeat([0, 1], TRIALS)
        for n in LENGTHS:
            spikes = np.concatenate([markov(random, s, n, TRIALS) for s in SWITCH], axis=1)
            order = random.permutation(2 * TRIALS)
            for name, feature in {
                "lzc": lempel_ziv_complexity(spikes), "rate": spikes.mean(0)
            }.items():  # fmt: skip
                right = nearest_mean(feature[order], label[order])
                found[name].setdefault(n, []).append(right)
    return found


def features(
    train: ArrayLike, train_label: ArrayLike, test: ArrayLike, test_label: ArrayLike
) -> dict[str, float]:
    """Test accuracy of logistic regression on spike counts, complexities, or both.

    Args:
        train, test: spikes [T, N, units].
        train_label, test_label: classes [N].
    """
    seen, unseen = (
        (np.asarray(spikes).sum(0), lempel_ziv_complexity(spikes)) for spikes in (train, test)
    )
    columns = {"counts": [0], "lzc": [1], "counts and lzc": [0, 1]}
    found: dict[str, float] = {}
    for name, chosen in columns.items():
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        model.fit(np.concatenate([seen[i] for i in chosen], axis=1), np.asarray(train_label))
        guess = model.predict(np.concatenate([unseen[i] for i in chosen], axis=1))
        found[name] = accuracy(guess, np.asarray(test_label))
    return found
