"""Record: what any run of a network returns, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.errors import InvalidValue, UnknownName
from neuro.events import Events


class Sampling(NamedTuple):
    """When a signal was sampled: the tick of the first step, and ticks between steps."""

    first: int = 0
    every: int = 1


class Record(Mapping[str, Any]):
    """Named signals of one run: `record["hid.spikes"]`, `record["out.v"]`.

    A signal is an array [T, B, *units], or the spikes of a simulation, a list of B Events; from a
    training run it is a tensor that carries gradients. Whatever it is, `array` gives it as a NumPy
    array and `events` spikes as Events.

    Args:
        signals: name -> array [T, B, *units], or list of Events; may be loaded when asked for.
        clock: duration of one tick.
        fingerprint: of the network as it was when it ran; "" while gradients were recorded.
        samplings: of the signals that are not sampled every tick.
    """

    dims = ("time", "batch")  # of every signal; the axes of its population follow

    def __init__(
        self,
        signals: Mapping[str, Any],
        clock: Clock,
        fingerprint: str = "",
        samplings: Mapping[str, Sampling] | None = None,
    ) -> None:
        self._signals = signals
        self.samplings = dict(samplings or {})
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
        """The signal as a NumPy array [T, B, *units], without gradient.

        Of the Events of a simulation it makes counts, which takes a number for every tick and unit.
        """
        signal = self[name]
        if isinstance(signal, list):
            return np.stack([events.dense() for events in signal], axis=1)
        if hasattr(signal, "detach"):
            signal = signal.detach().cpu().numpy()
        return np.asarray(signal)

    def events(self, name: str) -> list[Events]:
        """A spike signal as one Events per batch entry.

        Raises:
            InvalidValue: the signal is not spikes (whole numbers >= 0).
        """
        if isinstance(self[name], list):
            return list(self[name])
        counts = self.array(name)
        if (counts < 0).any() or (counts != np.rint(counts)).any():
            raise InvalidValue(f"Record.events: {name!r} is a graded signal, not spikes")
        return [Events.from_dense(counts[:, b], self.clock) for b in range(counts.shape[1])]

    def seconds(self, name: str) -> NDArray[np.float64]:
        """Time at the start of each step of a signal, in seconds [T].

        Raises:
            InvalidValue: it is a list of Events, which have times of their own.
        """
        if isinstance(self[name], list):
            raise InvalidValue(
                f"Record.seconds: {name!r} is a list of Events; use clock.seconds(events.t)"
            )
        first, every = self.samplings.get(name, Sampling())
        return self.clock.seconds(first + every * np.arange(len(self[name])))

    def __repr__(self) -> str:
        # a signal in a file is loaded once for this, like for everything else
        rows = [
            f"  {name}: {signal[0]!r}"
            if isinstance(signal, list)
            else f"  {name}: {tuple(signal.shape)}"
            for name, signal in self._signals.items()
        ]
        return "\n".join([f"Record on {self.clock!r} [time, batch, unit...]", *rows])
