"""Frames: events counted in a row of pictures, each event exactly once."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike, NDArray

from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.room import refuse_too_large
from neuro.transforms._base import Array, ticks, whole
from neuro.transforms._counting import counting, fill


def to_frames(
    events: Events,
    *,
    width: float | None = None,
    count: int | None = None,
    frames: int | None = None,
    steps: int | None = None,
    dtype: DTypeLike | None = None,
) -> Array:
    """Event counts [T, *shape] in frames of equal time or of equally many events.

    Each event is in exactly one frame: the sum of the result is `len(events)`. Exactly one of
    `width`, `count` and `frames` is given.

    Args:
        events: the recording; of graded events the values are added up.
        width: seconds per frame, a whole number of ticks; the last frame may reach past the end
            of the recording. T = ceil(duration / width).
        count: events per frame, in order; the last frame holds what is left. T =
            ceil(len(events) / count).
        frames: T frames of equal time; tick t is in frame floor(t T / duration).
        steps: with `width`: T, so that recordings of unequal duration give arrays of one length;
            frames after the end are silent.
        dtype: of the counts; int16 by default, float32 for graded events.

    Raises:
        InvalidValue: not exactly one of the three is given, `steps` would cut events off, a count
            does not fit `dtype` (the message tells the largest), or the frames take more memory
            than the machine has.
    """
    if sum(way is not None for way in (width, count, frames)) != 1:
        raise InvalidValue("to_frames: expected exactly one of width, count and frames")
    if steps is not None and width is None:
        raise InvalidValue("to_frames.steps: only with width; the others say how many there are")
    default = np.int16 if events.value is None else np.float32
    kind, _ = counting("to_frames", default if dtype is None else dtype)
    if width is not None:
        step = ticks("to_frames.width", width, events.clock)
        length = -(-events.duration // step) if steps is None else steps
        whole("to_frames.steps", length)
        refuse_too_large("to_frames", (length, *events.shape), kind)
        bounds = bounds_of(events, step, length, "to_frames")
    elif count is not None:
        whole("to_frames.count", count, 1)
        length = -(-len(events) // count)
        refuse_too_large("to_frames", (length, *events.shape), kind)
        bounds = np.minimum(np.arange(length + 1, dtype=np.int64) * count, len(events))
    else:
        whole("to_frames.frames", frames, 1)
        length = int(frames)  # type: ignore[arg-type]
        refuse_too_large("to_frames", (length, *events.shape), kind)
        bounds = equal_bounds(events, length)
    grid = np.zeros((length, 1, events.size), kind)
    fill("to_frames", grid, 0, events, bounds)
    return grid.reshape(length, *events.shape)


def bounds_of(events: Events, step: int, length: int, where: str) -> NDArray[np.int64]:
    """The row at which each of `length` frames of `step` ticks begins, and the number of rows.

    Raises:
        InvalidValue: events come after the last frame.
    """
    if len(events) and events.t[-1] >= length * step:
        raise InvalidValue(
            f"{where}: steps={length} would drop events, the last one is in step "
            f"{events.t[-1] // step}. Remedy: more steps, or slice the recording first"
        )
    last = -(-events.duration // step)  # frames after it are silent
    ends = np.minimum(np.arange(length + 1, dtype=np.int64), last) * step
    return np.searchsorted(events.t, ends).astype(np.int64)


def equal_bounds(events: Events, length: int) -> NDArray[np.int64]:
    """The row at which each of `length` frames of equal time begins, and the number of rows."""
    # floor(t T / D) >= k exactly if t >= ceil(k D / T)
    if length * events.duration < 2**62:
        ends = -(np.arange(length + 1, dtype=np.int64) * -events.duration // length)
    else:  # Python's integers are never too small
        ends = np.array([-(-k * events.duration // length) for k in range(length + 1)], np.int64)
    return np.searchsorted(events.t, ends).astype(np.int64)
