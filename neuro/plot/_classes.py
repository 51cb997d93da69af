"""Recordings of a data set chosen class by class, for the figures that show some of each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neuro.data import EventDataset
from neuro.errors import InvalidValue


def chosen_classes(where: str, data: EventDataset, classes: Sequence[int] | None) -> list[int]:
    """Numbers of the classes to draw; all that have a recording by default.

    Raises:
        InvalidValue: none, one twice, or one without a recording.
    """
    present = [int(c) for c in np.unique(data.labels)]
    wanted = present if classes is None else [int(c) for c in classes]
    if not wanted:
        raise InvalidValue(f"{where}: no recordings, expected at least one")
    for c in wanted:
        if c not in present or wanted.count(c) > 1:
            raise InvalidValue(
                f"{where}.classes: got {c}, expected each once among those with recordings: "
                f"{present}"
            )
    return wanted


def first_of(data: EventDataset, label: int, count: int) -> NDArray[np.int64]:
    """Numbers of the first recordings of a class, fewer than `count` if it has no more."""
    return np.flatnonzero(data.labels == label)[:count]
