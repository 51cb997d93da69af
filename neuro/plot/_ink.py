"""Two inks on white paper: how often a pixel had OFF and ON events as one colour."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.plot import style

_FAINTEST = 0.45  # strength that one event among many still has
_MOST = 10_000  # events of a pixel; more look the same


def checked_camera(where: str, events: Events) -> Events:
    """Events of a camera.

    Raises:
        InvalidValue: the shape is not (2, y, x).
    """
    if len(events.shape) != 3 or events.shape[0] != 2:
        raise InvalidValue(
            f"{where}: got shape {events.shape}, expected (2, y, x): polarity, y, x of a camera"
        )
    return events


def full_count(pictures: Iterable[NDArray[np.int64]]) -> int:
    """Count of events that is printed in full: the 95th percentile of all counts above 0.

    One pixel that never rests must not make all others faint.
    """
    pixels = np.zeros(_MOST + 1, np.int64)  # how many had 0, 1, 2, ... events
    for counts in pictures:
        pixels += np.bincount(np.minimum(counts, _MOST).ravel(), minlength=_MOST + 1)
    share = np.cumsum(pixels[1:])
    return int(np.searchsorted(share, 0.95 * share[-1])) + 1


def strength(counts: NDArray[np.int64], full: int) -> NDArray[np.float64]:
    """How strongly each count is printed: 0 for no event, up to 1."""
    shade = np.clip(_FAINTEST + (1 - _FAINTEST) * counts / full, 0, 1)
    return np.where(counts > 0, shade, 0.0)


def mixed(off: NDArray[np.float64], on: NDArray[np.float64]) -> NDArray[np.float64]:
    """RGB [..., 3] of two inks printed over each other with these strengths [...]."""
    from matplotlib.colors import to_rgb

    light = [
        1 - s[..., None] * (1 - np.array(to_rgb(color)))
        for s, color in ((off, style.OFF), (on, style.ON))
    ]
    return light[0] * light[1]
