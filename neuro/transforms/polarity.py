"""Polarity: ON and OFF exchanged, or counted together."""

from __future__ import annotations

from dataclasses import dataclass

from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.transforms._base import RandomTransform, Seed, Transform, generator, moved, number


@dataclass(frozen=True)
class FlipPolarity(RandomTransform):
    """Exchange ON and OFF of the whole recording.

    Args:
        probability: with which a recording is changed; 1 (the default) always does it.
    """

    probability: float = 1.0

    def __post_init__(self) -> None:
        number("FlipPolarity.probability", self.probability, 0, 1)

    def __call__(self, events: Events, seed: Seed = 0) -> Events:
        half = _half("FlipPolarity", events)
        if generator(seed).random() >= self.probability:
            return events
        return moved(events, unit=(events.unit + half) % (2 * half))


@dataclass(frozen=True)
class MergePolarities(Transform):
    """Count ON and OFF together: shape (2, rows, columns) becomes (1, rows, columns).

    Every event stays; where a pixel fires both in one tick, it has two events there.

    Args:
        keep_axis: False gives the shape (rows, columns).
    """

    keep_axis: bool = True

    def __call__(self, events: Events) -> Events:
        half = _half("MergePolarities", events)
        shape = events.shape[1:]
        return moved(
            events, unit=events.unit % half, shape=(1, *shape) if self.keep_axis else shape
        )


def _half(where: str, events: Events) -> int:
    """Units of one polarity."""
    if len(events.shape) < 2 or events.shape[0] != 2:
        raise InvalidValue(
            f"{where}: the recording has shape {events.shape}, expected a first axis of 2 "
            "(OFF, ON), e.g. (2, 128, 128)"
        )
    return events.size // 2
