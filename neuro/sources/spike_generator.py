"""Spikes at given times."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.sources._base import Source


class SpikeGenerator(Source):
    """Emits the spikes of a recording, from the start of the simulation.

    Args:
        shape: of the population.
        t: seconds, ascending.
        unit: flat number of the unit that spikes.

    Raises:
        InvalidValue: lengths differ, times descend or are negative, or a unit is outside `shape`.
    """

    t: Any = ()
    unit: Any = ()

    emits: ClassVar[str] = "spikes"

    def __post_init__(self) -> None:
        super().__post_init__()
        t, unit = np.array(self.t, np.float64), np.array(self.unit)
        unit = unit.astype(np.int32) if unit.size == 0 else unit
        if t.ndim != 1 or t.shape != unit.shape or unit.dtype.kind not in "iu":
            raise InvalidValue(
                f"SpikeGenerator: got times {t.shape} and {unit.dtype} units {unit.shape}, "
                "expected two lists of one length"
            )
        if t.size and (not np.isfinite(t).all() or t[0] < 0 or (np.diff(t) < 0).any()):
            raise InvalidValue("SpikeGenerator.t: expected finite seconds >= 0 that ascend")
        if unit.size and (unit.min() < 0 or unit.max() >= self.size):
            raise InvalidValue(
                f"SpikeGenerator.unit: got {unit.min()} to {unit.max()}, expected 0 <= unit < "
                f"{self.size}"
            )
        order = np.lexsort((unit, t))
        t, unit = t[order], unit[order].astype(np.int32)
        t.flags.writeable = unit.flags.writeable = False
        object.__setattr__(self, "t", t)
        object.__setattr__(self, "unit", unit)

    @classmethod
    def from_events(cls, events: Events) -> SpikeGenerator:
        """The source that repeats a recording.

        Raises:
            InvalidValue: the events are graded; feed those into an Input.
        """
        if events.value is not None:
            raise InvalidValue(
                "SpikeGenerator.from_events: the events have values; feed them into an Input"
            )
        return cls(events.shape, events.seconds, events.unit)

    def ticks(self, clock: Clock) -> NDArray[np.int64]:
        """Tick of each spike; times must lie on the clock's grid."""
        return clock.ticks(self.t, exact=True, what="SpikeGenerator.t")

    def emission(
        self, clock: Clock, ticks: int, *, seed: int = 0, first: int = 0, state: Any = None
    ) -> tuple[NDArray[np.float64], Any]:
        at = self.ticks(clock)
        own = (at >= first) & (at < first + ticks)
        counts = np.zeros((ticks, self.size))
        np.add.at(counts, (at[own] - first, self.unit[own]), 1)
        return counts.reshape(ticks, *self.units), None

    def most(self, clock: Clock) -> int:
        if not self.t.size:
            return 1
        _, counts = np.unique(self.ticks(clock) * self.size + self.unit, return_counts=True)
        return int(counts.max())
