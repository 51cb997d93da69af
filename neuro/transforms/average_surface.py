"""Average time surfaces: what usually happened around an event, for each part of the sensor."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuro.errors import require
from neuro.events import Events
from neuro.room import refuse_too_large
from neuro.transforms._base import number, spatial, ticks, whole


def average_surface(
    events: Events, tau: float, window: float, *, radius: int = 3, cell: int = 10
) -> NDArray[np.float32]:
    """Histograms of averaged time surfaces: float32 [polarity, rows, columns, 2r + 1, 2r + 1].

    The sensor is cut into square cells. Around each event at time t, every earlier event of the
    same polarity and cell, at most `radius` pixels away in each direction and at a time in
    [t - window, t), adds exp(-(t - its time) / tau) at its offset (row, column). A cell's surface
    is the sum over its events of that polarity, divided by their number; 0 if there are none.

    Source: Sironi, Brambilla, Bourdis, Lagorce & Benosman, CVPR 2018 (HATS).

    Args:
        events: of a camera; axes before the last two are taken as polarities.
        tau: time constant in seconds.
        window: how far back events are remembered, in seconds; a whole number of ticks.
        radius: pixels.
        cell: side of a cell in pixels; the last ones may be smaller.

    Raises:
        InvalidValue: a number is out of range, the recording has one axis, or the surfaces take
            more memory than the machine has.
        MissingExtra: Numba is not installed (`neuro[events]`).
    """
    number("average_surface.tau", tau, 0, above=True)
    whole("average_surface.radius", radius)
    whole("average_surface.cell", cell, 1)
    back = ticks("average_surface.window", window, events.clock)
    rows, columns = spatial("average_surface", events)
    down, across = -(-rows // cell), -(-columns // cell)
    planes, side = events.size // (rows * columns), 2 * radius + 1
    refuse_too_large("average_surface", (planes, down, across, side, side), np.float64)
    require("numba", "events")
    from neuro.transforms._surface_kernels import surfaces

    place = events.unit % (rows * columns)
    y, x = place // columns, place % columns
    group = (events.unit // (rows * columns) * down + y // cell) * across + x // cell
    order = np.argsort(group, kind="stable")  # stays in order of time within a cell
    sums = np.zeros((planes * down * across, side, side))
    surfaces(
        events.t[order], group[order], y[order], x[order], back, tau / events.clock.dt, radius, sums
    )
    members = np.bincount(group, minlength=len(sums))
    sums /= np.maximum(members, 1)[:, None, None]
    return sums.reshape(planes, down, across, side, side).astype(np.float32)
