"""Binary frames packed as the bits of one number."""

from __future__ import annotations

import numpy as np

from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.room import refuse_too_large
from neuro.transforms._base import Array, whole
from neuro.transforms.frames import equal_bounds


def to_bits(events: Events, frames: int, *, bits: int = 8) -> Array:
    """Frames [frames, *shape] of whole numbers whose bits say when a unit fired within the frame.

    The recording is cut into frames x bits parts of equal time. A bit is 1 if the unit had at least
    one event in that part; the earliest part is the highest bit. How many events there were is
    lost.

    Source: Barchid, Mennesson & Djeraba 2022, "Bina-Rep event frames" (there divided by
    2^bits - 1).

    Args:
        events: the recording.
        frames: number of frames.
        bits: parts per frame, 1 to 64; the result is uint8, uint16, uint32 or uint64.

    Raises:
        InvalidValue: a number is out of range, or the frames take more memory than the machine has.
    """
    whole("to_bits.frames", frames, 1)
    whole("to_bits.bits", bits, 1)
    if bits > 64:
        raise InvalidValue(f"to_bits.bits: got {bits}, expected 1 to 64")
    kind = next(np.dtype(f"uint{n}") for n in (8, 16, 32, 64) if bits <= n)
    refuse_too_large("to_bits", (frames, *events.shape), kind)
    grid = np.zeros((frames, events.size), kind)
    bounds = equal_bounds(events, frames * bits)
    for part in range(frames * bits):
        frame, place = divmod(part, bits)
        units = events.unit[bounds[part] : bounds[part + 1]]
        grid[frame, units] |= kind.type(1 << (bits - 1 - place))
    return grid.reshape(frames, *events.shape)
