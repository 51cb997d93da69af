"""Voxel grids: events shared between the two nearest moments."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.room import refuse_too_large
from neuro.transforms._base import one_of, whole

_ROWS = 1 << 20  # events at once, which bounds the working memory


def to_voxels(
    events: Events,
    bins: int,
    *,
    span: Literal["events", "recording"] = "events",
    signed: bool = False,
) -> NDArray[np.float32]:
    """Events interpolated linearly in time: float32 [bins, *shape].

    An event at time t has the place t* = (bins - 1) (t - t0) / (t1 - t0) and gives 1 - |b - t*| to
    the bins b on both sides of it. The two shares add up to 1, so the sum of the grid is the number
    of events (the sum of their values, if graded) to the precision of float32.

    Source: Zhu, Yuan, Chaney & Daniilidis, CVPR 2019, eqs. 1 and 2.

    Args:
        events: the recording.
        bins: number of moments, at least 1.
        span: t0 and t1 are the first and the last event ("events", as in the paper), or the first
            and the last tick of the recording ("recording", the same for all of one duration).
        signed: ON counts +1 and OFF -1, [bins, rows, columns], as in the paper; needs a first axis
            of 2. The sum is then that of the signs.

    Raises:
        InvalidValue: `bins` is not whole, there are no polarities, or the grid takes more memory
            than the machine has.
    """
    whole("to_voxels.bins", bins, 1)
    one_of("to_voxels.span", span, ("events", "recording"))
    if signed and (len(events.shape) < 2 or events.shape[0] != 2):
        raise InvalidValue(
            f"to_voxels.signed: the recording has shape {events.shape}, expected a first axis of 2"
        )
    refuse_too_large("to_voxels", (bins, *events.shape), np.float64)
    first, last = (0, events.duration - 1)
    if span == "events" and len(events):
        first, last = int(events.t[0]), int(events.t[-1])
    grid = np.zeros(bins * events.size, np.float64)
    for begin in range(0, len(events), _ROWS):
        rows = np.s_[begin : begin + _ROWS]
        unit = events.unit[rows].astype(np.int64)
        weight = 1.0 if events.value is None else events.value[rows].astype(np.float64)
        place = (events.t[rows] - first) * ((bins - 1) / max(last - first, 1))
        left = np.minimum(place.astype(np.int64), bins - 1)
        share = place - left
        np.add.at(grid, left * events.size + unit, (1.0 - share) * weight)
        right = np.minimum(left + 1, bins - 1)  # its share is 0 where there is no further bin
        np.add.at(grid, right * events.size + unit, share * weight)
    shaped = grid.reshape(bins, *events.shape)
    if signed:
        shaped = shaped[:, 1] - shaped[:, 0]
    return shaped.astype(np.float32)
