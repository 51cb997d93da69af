"""Slices: one recording cut into several, by time, by number of events, or at given moments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, overload

import numpy as np
from numpy.typing import ArrayLike

from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.transforms._base import one_of, ticks, whole

_MOST = 10**7  # windows of one recording; more are a mistake about its start
Partial = Literal["keep", "drop"]


@dataclass(frozen=True)
class Slices(Sequence[Events]):
    """Pieces of one recording; `slices[i]` counts time from 0, which was tick `origins[i]`.

    Args:
        pieces: the recordings.
        origins: tick of the whole recording at which each piece begins.
    """

    pieces: tuple[Events, ...]
    origins: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.pieces)

    @overload
    def __getitem__(self, index: int) -> Events: ...
    @overload
    def __getitem__(self, index: slice) -> Slices: ...
    def __getitem__(self, index: int | slice) -> Events | Slices:
        """A piece; a range of indices gives Slices."""
        if isinstance(index, slice):
            return Slices(self.pieces[index], self.origins[index])
        return self.pieces[index]


def slice_time(
    events: Events, width: float, stride: float | None = None, *, partial: Partial = "keep"
) -> Slices:
    """Windows of equal length: window k holds start_k <= t < start_k + width, start_k = k stride.

    Without `stride` each event is in exactly one window. A shorter stride makes windows overlap,
    and an event is in every window that covers it; a longer one leaves events between windows out.
    The last windows may reach past the end of the recording: such a window is kept, only shorter,
    so that no event is lost; windows start as long as there are ticks not yet covered.

    Args:
        events: the recording; a silent one is cut just the same.
        width: of a window, in seconds; a whole number of ticks.
        stride: from one start to the next, in seconds; `width` by default.
        partial: "drop" leaves out windows that are shorter than `width`, with their events.

    Raises:
        InvalidValue: a time is not a whole number of ticks above 0.
    """
    one_of("slice_time.partial", partial, ("keep", "drop"))
    length = ticks("slice_time.width", width, events.clock)
    step = length if stride is None else ticks("slice_time.stride", stride, events.clock)
    if events.duration // step > _MOST:
        raise InvalidValue(
            f"slice_time: {events.duration // step:,} windows. Remedy: if the times count from "
            "1970, slice the recording from its first event; else take longer windows"
        )
    origins: list[int] = []
    start = 0
    # an overlapping window that adds nothing to its predecessor is not begun
    while start < events.duration and (not origins or origins[-1] + length < events.duration):
        origins.append(start)
        start += step
    if partial == "drop":
        origins = [o for o in origins if o + length <= events.duration]
    ends = [min(o + length, events.duration) for o in origins]
    return _cut(events, origins, ends)


def slice_count(
    events: Events, count: int, stride: int | None = None, *, partial: Partial = "keep"
) -> Slices:
    """Windows of equally many events: window k holds the rows k stride to k stride + count - 1.

    Without `stride` each event is in exactly one window. A piece begins at the tick of its first
    event and ends after that of its last; two pieces may share a tick.

    Args:
        events: the recording.
        count: events per window.
        stride: rows from one start to the next; `count` by default. Smaller ones overlap.
        partial: what is left at the end makes a smaller window; "drop" leaves it out.

    Raises:
        InvalidValue: a number is not whole and above 0.
    """
    one_of("slice_count.partial", partial, ("keep", "drop"))
    whole("slice_count.count", count, 1)
    step = count if stride is None else stride
    whole("slice_count.stride", step, 1)
    pieces: list[Events] = []
    origins: list[int] = []
    row = reached = 0
    while row < len(events) and reached < len(events):
        reached = min(row + count, len(events))
        if partial == "keep" or reached - row == count:
            rows = np.s_[row:reached]
            origin, end = int(events.t[row]), int(events.t[reached - 1]) + 1
            value = None if events.value is None else events.value[rows]
            pieces.append(
                Events(
                    events.t[rows] - origin,
                    events.unit[rows],
                    events.shape,
                    end - origin,
                    events.clock,
                    value,
                )
            )
            origins.append(origin)
        row += step
    return Slices(tuple(pieces), tuple(origins))


def slice_at(events: Events, marks: ArrayLike) -> Slices:
    """The pieces between given moments, and those before the first and after the last one.

    n marks give n + 1 pieces; each event is in exactly one. An event at a mark belongs to the piece
    that begins there. Two equal marks have an empty piece between them.

    Args:
        events: the recording.
        marks: seconds [n], rising, each a whole number of ticks within the recording.

    Raises:
        InvalidValue: marks fall, lie outside the recording or off its ticks.
    """
    given = events.clock.ticks(marks, exact=True, what="slice_at.marks")
    if given.ndim != 1 or (np.diff(given) < 0).any():
        raise InvalidValue(f"slice_at.marks: got {marks!r}, expected one rising list of seconds")
    if len(given) and (given[0] < 0 or given[-1] > events.duration):
        raise InvalidValue(
            f"slice_at.marks: from tick {given[0]} to {given[-1]}, expected 0 to "
            f"{events.duration} (the recording's duration)"
        )
    edges = [0, *given.tolist(), events.duration]
    return _cut(events, edges[:-1], edges[1:])


def _cut(events: Events, origins: Sequence[int], ends: Sequence[int]) -> Slices:
    pieces = tuple(events.slice(o, e) for o, e in zip(origins, ends, strict=True))
    return Slices(pieces, tuple(origins))
