"""Time surfaces: how long ago each unit fired last, at given moments."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.room import refuse_too_large
from neuro.transforms._base import number

SILENT = -1  # in `last_times`: a unit that has not fired yet


def last_times(events: Events, at: ArrayLike) -> NDArray[np.int64]:
    """Tick of the last event of each unit at or before given moments: int64 [T, *shape].

    -1 where a unit has not fired yet.

    Args:
        events: the recording.
        at: seconds [T], rising, whole numbers of ticks >= 0.

    Raises:
        InvalidValue: moments fall, are negative or off the ticks, or the maps take more memory than
            the machine has.
    """
    return _last(events, at, "last_times")[0]


def time_surface(events: Events, tau: float, at: ArrayLike) -> NDArray[np.float32]:
    """Exponentially fading memory of each unit's last event: float32 [T, *shape].

    exp(-(t - last) / tau) at each moment t, with `last` the unit's latest event at or before t; 0
    where there is none. A unit that fires at t itself has 1.

    Source: Lagorce, Orchard, Galluppi, Shi & Benosman, IEEE TPAMI 39 (2017), HOTS, eq. 3.

    Args:
        events: the recording.
        tau: time constant in seconds.
        at: seconds [T], rising, whole numbers of ticks >= 0, e.g. np.arange(1, 30) * 10 * ms.

    Raises:
        InvalidValue: `tau` is not above 0, moments fall, are negative or off the ticks, or the
            surfaces take more memory than the machine has.
    """
    number("time_surface.tau", tau, 0, above=True)
    last, moments = _last(events, at, "time_surface")
    steps = tau / events.clock.dt
    out = np.zeros(last.shape, np.float32)
    for frame, moment, map_ in zip(out, moments, last, strict=True):
        fired = map_ != SILENT
        frame[fired] = np.exp(-(moment - map_[fired]) / steps)
    return out


def _last(events: Events, at: ArrayLike, where: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    moments = np.atleast_1d(events.clock.ticks(at, exact=True, what=f"{where}.at"))
    if moments.ndim != 1 or (np.diff(moments) < 0).any() or (len(moments) and moments[0] < 0):
        raise InvalidValue(f"{where}.at: got {at!r}, expected rising seconds >= 0")
    refuse_too_large(where, (len(moments), *events.shape), np.int64)
    maps = np.empty((len(moments), events.size), np.int64)
    now = np.full(math.prod(events.shape), SILENT, np.int64)
    row = 0
    for frame, moment in zip(maps, moments, strict=True):
        end = int(np.searchsorted(events.t, moment, side="right"))
        now[events.unit[row:end]] = events.t[row:end]  # of a repeated unit the last one stays
        frame[:] = now
        row = end
    return maps.reshape(len(moments), *events.shape), moments
