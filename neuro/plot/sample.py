"""Sample: one recording, what the network did with it and what it decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.record import Record


@dataclass(frozen=True, eq=False)
class Sample:
    """One entry of a batch, for the pictures of single samples.

    Args:
        record: of a run, with signals [T, B, *units].
        label: its true class.
        predicted: the class the network chose.
        index: which entry of the batch.
        events: what the sensor saw, as recorded (finer than the network's clock).
        name: of the recording, e.g. "test 12".

    Raises:
        InvalidValue: `index` is outside the batch of the record.
    """

    record: Record
    label: int
    predicted: int
    index: int = 0
    events: Events | None = None
    name: str = ""

    def __post_init__(self) -> None:
        for signal in self.record:
            shape = np.shape(self.record[signal])
            if len(shape) < 3 or not 0 <= self.index < shape[1]:
                raise InvalidValue(
                    f"Sample.index: got {self.index}, but Record[{signal!r}] has shape "
                    f"{tuple(shape)}, expected [T, B, N...] with index < B"
                )

    def signal(self, name: str) -> NDArray[Any]:
        """A signal of this sample alone, [T, *units].

        Raises:
            UnknownName: the record has no such signal.
        """
        return self.record.array(name)[:, self.index]

    def spikes(self, population: str) -> Events:
        """Spikes of one population as Events on the record's clock."""
        return Events.from_dense(self.signal(f"{population}.spikes"), self.record.clock)
