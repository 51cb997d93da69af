"""Which class was taken for which."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import InvalidValue
from neuro.metrics.accuracy import classes_of, predicted


def confusion_matrix(
    predictions: ArrayLike, labels: ArrayLike, classes: int | None = None
) -> NDArray[np.int64]:
    """Number of samples of each true class (row) given each answer (column), int64 [C, C].

    Args:
        predictions: classes [B], or scores [B, C].
        labels: true classes [B].
        classes: C; by default the width of the scores, or the highest class seen plus one.

    Raises:
        InvalidValue: lengths differ, or a class is not below `classes`.
    """
    truth = classes_of("confusion_matrix.labels", labels)
    guess = predicted("confusion_matrix.predictions", predictions)
    if len(guess) != len(truth):
        raise InvalidValue(f"confusion_matrix: {len(guess)} predictions but {len(truth)} labels")
    highest = int(max(truth.max(initial=-1), guess.max(initial=-1)))
    if classes is None:
        scores = np.asarray(predictions)
        classes = max(highest + 1, scores.shape[1] if scores.ndim == 2 else 0)
    if highest >= classes:
        raise InvalidValue(
            f"confusion_matrix: found class {highest}, expected classes below classes={classes}"
        )
    cell = truth * classes + guess
    return np.bincount(cell, minlength=classes * classes).reshape(classes, classes)
