"""Record: what any run of a network returns, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.errors import InvalidValue, UnknownName
from neuro.events import Events


class Record(Mapping[str, Any]):
    """Named signals of one run: `record["hid.spikes"]`, `record["out.v"]`.

    A signal is an array [T, B, *units]; from a training run it is a tensor that carries
    gradients. `array` and `events` give detached NumPy views of it.

    Args:
        signals: name -> array [T, B, *units].
        clock: duration of one step on the T axis.
        fingerprint: of the network as it was when it ran; "" while gradients were recorded.
    """

    dims = ("time", "batch")  # of every signal; the axes of its population follow

    def __init__(self, signals: Mapping[str, Any], clock: Clock, fingerprint: str = "") -> None:
        self._signals = dict(signals)
        self.clock = clock
        self.fingerprint = fingerprint

    def __getitem__(self, name: str) -> Any:
        if name not in self._signals:
            raise UnknownName("Record", name, self._signals)
        return self._signals[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._signals)

    def __len__(self) -> int:
        return len(self._signals)

    def array(self, name: str) -> NDArray[Any]:
        """The signal as a NumPy array [T, B, *units], without gradient."""
        signal = self[name]
        if hasattr(signal, "detach"):
            signal = signal.detach().cpu().numpy()
        return np.asarray(signal)

    def events(self, name: str) -> list[Events]:
        """A spike signal as one Events per batch entry.

        Raises:
            InvalidValue: the signal is not spikes (whole numbers >= 0).
        """
        counts = self.array(name)
        if (counts < 0).any() or (counts != np.rint(counts)).any():
            raise InvalidValue(f"Record.events: {name!r} is a graded signal, not spikes")
        return [Events.from_dense(counts[:, b], self.clock) for b in range(counts.shape[1])]

    def seconds(self, name: str) -> NDArray[np.float64]:
        """Time at the start of each step of a signal, in seconds [T]."""
        return self.clock.seconds(np.arange(len(self[name])))

    def __repr__(self) -> str:
        rows = [f"  {name}: {tuple(signal.shape)}" for name, signal in self._signals.items()]
        return "\n".join([f"Record on {self.clock!r} [time, batch, unit...]", *rows])
