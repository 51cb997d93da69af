"""What the user feeds into Input populations, as sorted events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.errors import InvalidValue, UnknownName
from neuro.events import Events
from neuro.network import Network


class Stimulus(NamedTuple):
    """Events for one Input: tick from the start of the run, unit, and value if graded."""

    t: NDArray[np.int64]
    unit: NDArray[np.int32]
    value: NDArray[Any] | None = None

    def between(self, low: int, high: int) -> tuple[NDArray, NDArray, NDArray | None]:
        """Those with low <= t < high."""
        a, b = np.searchsorted(self.t, [low, high])
        return self.t[a:b], self.unit[a:b], None if self.value is None else self.value[a:b]


SILENCE = Stimulus(np.zeros(0, np.int64), np.zeros(0, np.int32))


def stimuli(
    network: Network, inputs: Mapping[str, Any] | Any | None, ticks: int
) -> dict[str, Stimulus]:
    """The stimulus of every Input of the network.

    Raises:
        InvalidValue: shape, clock or length do not fit, or a value is NaN.
        UnknownName: there is no Input of that name.
    """
    names = network.inputs
    if inputs is None:
        inputs = {}
    if not isinstance(inputs, Mapping):
        if len(names) != 1:
            raise InvalidValue(
                f"Simulation.run.inputs: the network has inputs {names}; pass a mapping by name"
            )
        inputs = {names[0]: inputs}
    for name in inputs:
        if name not in names:
            raise UnknownName("Simulation.run.inputs", name, names)
    return {
        name: _stimulus(name, network, inputs[name], ticks) if name in inputs else SILENCE
        for name in names
    }


def _stimulus(name: str, network: Network, given: Any, ticks: int) -> Stimulus:
    where = f"Simulation.run.inputs[{name!r}]"
    units = network.populations[name].units
    if isinstance(given, Events):
        if int(np.prod(given.shape)) != int(np.prod(units)):
            raise InvalidValue(f"{where}: the events are of shape {given.shape}, expected {units}")
        if given.clock != network.clock:
            raise InvalidValue(
                f"{where}: the events are on {given.clock!r}, the network on {network.clock!r}; "
                "convert them with events.on(network.clock)"
            )
        if len(given.t) and given.t[-1] >= ticks:
            late = int((given.t >= ticks).sum())
            raise InvalidValue(
                f"{where}: {late} events come after the {ticks} ticks of this run; run longer, or "
                "slice the events"
            )
        return Stimulus(given.t, given.unit, given.value)
    array = np.asarray(given)
    if array.ndim == len(units) + 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.shape != (ticks, *units) or array.dtype.kind not in "biuf":
        raise InvalidValue(
            f"{where}: got {array.dtype} of shape {array.shape}, expected Events or numbers "
            f"[{ticks}, {', '.join(map(str, units))}]"
        )
    if not np.isfinite(array).all():
        raise InvalidValue(f"{where}: contains NaN or infinite values")
    flat = array.reshape(ticks, -1)
    t, unit = np.nonzero(flat)
    return Stimulus(t, unit.astype(np.int32), flat[t, unit].astype(np.float64))
