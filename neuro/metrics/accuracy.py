"""Share of right answers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import InvalidValue


def accuracy(predictions: ArrayLike, labels: ArrayLike) -> float:
    """Share of samples whose class is right, between 0 and 1.

    Args:
        predictions: classes [B] as integers, or one score per class [B, C]; the highest score
            wins, the lowest class among equals.
        labels: true classes [B], integers.

    Raises:
        InvalidValue: no samples, lengths differ, classes are not integers, or a score is NaN.
    """
    truth = classes_of("accuracy.labels", labels)
    guess = predicted("accuracy.predictions", predictions)
    if len(guess) != len(truth):
        raise InvalidValue(f"accuracy: {len(guess)} predictions but {len(truth)} labels")
    if not len(truth):
        raise InvalidValue("accuracy: no samples, expected at least one")
    return float((guess == truth).mean())


def predicted(where: str, predictions: ArrayLike) -> NDArray[np.int64]:
    """Classes [B] from classes [B] or from scores [B, C]."""
    array = np.asarray(predictions)
    if array.ndim != 2:
        return classes_of(where, array)
    if not array.shape[1]:
        raise InvalidValue(f"{where}: scores have shape {array.shape}, expected at least one class")
    if np.isnan(array).any():
        row = int(np.isnan(array).any(axis=1).argmax())
        raise InvalidValue(f"{where}: sample {row} has a score that is NaN; the run diverged")
    return array.argmax(axis=1).astype(np.int64)


def classes_of(where: str, labels: ArrayLike) -> NDArray[np.int64]:
    """A column of class numbers, checked."""
    array = np.asarray(labels)
    if array.ndim != 1:
        raise InvalidValue(f"{where}: got shape {array.shape}, expected classes [B]")
    if array.size and not np.issubdtype(array.dtype, np.integer):
        raise InvalidValue(f"{where}: got dtype {array.dtype}, expected integer classes")
    if array.size and array.min() < 0:
        raise InvalidValue(f"{where}: got class {array.min()}, expected classes from 0")
    return array.astype(np.int64)
