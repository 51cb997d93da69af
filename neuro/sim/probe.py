"""Probes: which signals of a simulation to keep, and the actor that samples them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import cfunc

from neuro.errors import InvalidValue, UnknownName
from neuro.network import Network
from neuro.neurons import Neuron
from neuro.sim.native import ACTOR, carray, pointer


@dataclass(frozen=True)
class Probe:
    """A signal to record.

    Args:
        name: "exc.spikes", "exc.v" (any state variable), "exc.rate" (spikes per second and unit,
            averaged over `every`), or "exc->exc.weight".
        units: flat indices of the units to record; all by default. Spikes are always of all.
        every: seconds between samples, on the clock's grid; every tick by default, and 1 ms for
            rates. The first sample is that of the first tick.

    Raises:
        InvalidValue: the name has no dot, units repeat or are below 0, or `every` is not above 0.
    """

    name: str
    units: Sequence[int] | None = None
    every: float | None = None

    def __post_init__(self) -> None:
        if "." not in self.name:
            raise InvalidValue(
                f"Probe.name: got {self.name!r}, expected 'population.signal', e.g. 'exc.v'"
            )
        if self.every is not None and not self.every > 0:
            raise InvalidValue(f"Probe[{self.name!r}].every: got {self.every} s, expected above 0")
        if self.units is not None:
            units = np.asarray(self.units)
            if units.ndim != 1 or units.dtype.kind not in "iu" or (units < 0).any():
                raise InvalidValue(
                    f"Probe[{self.name!r}].units: expected a list of whole numbers >= 0"
                )
            if len(np.unique(units)) < len(units):
                raise InvalidValue(f"Probe[{self.name!r}].units: a unit is listed twice")
            object.__setattr__(self, "units", tuple(int(u) for u in units))

    @property
    def owner(self) -> str:
        """The population or synapse."""
        return self.name.rpartition(".")[0]

    @property
    def signal(self) -> str:
        """What of it."""
        return self.name.rpartition(".")[2]


def probes(network: Network, record: Sequence[str | Probe]) -> list[Probe]:
    """The probes of a run: what the outputs emit, and what was asked for; each name once.

    Raises:
        UnknownName: the network has no such signal.
        InvalidValue: a unit is outside its population, or `every` is off the clock's grid.
    """
    offered: dict[str, list[str]] = {s.name: ["weight"] for s in network.synapses}
    for name, p in network.populations.items():
        states = list(type(p).State._fields) if isinstance(p, Neuron) else []
        offered[name] = ["spikes", "rate"] if p.emits == "spikes" else []
        offered[name] += states or ([] if offered[name] else ["value"])
    outputs = [f"{n}.{network.populations[n].emits}" for n in network.outputs]
    found: dict[str, Probe] = {}
    for wanted in [*outputs, *([record] if isinstance(record, (str, Probe)) else record)]:
        probe = wanted if isinstance(wanted, Probe) else Probe(wanted)
        if probe.signal not in offered.get(probe.owner, []):
            known = [f"{n}.{f}" for n, fields in offered.items() for f in fields]
            raise UnknownName("sim.run.record", probe.name, known)
        if probe.every is not None:
            network.clock.ticks(probe.every, exact=True, what=f"Probe[{probe.name!r}].every")
        if probe.units is not None and probe.owner in network.populations:
            size = network.populations[probe.owner].size
            if max(probe.units, default=0) >= size:
                raise InvalidValue(
                    f"Probe[{probe.name!r}].units: got {max(probe.units)}, expected below {size}"
                )
        found[probe.name] = probe
    return list(found.values())


# Fields of the arguments
UNITS, COUNT, STATE, EVERY, BASE, OUT, WIDTH, COLUMN, SIZE, FIELDS = range(10)


@cfunc(ACTOR, cache=True, error_model="numpy")
def sample(args, tick, k):
    """Copy chosen entries of a state array into a row of the record."""
    a = carray(pointer(args), FIELDS, np.int64)
    if tick % a[EVERY] != 0:
        return
    n = a[COUNT]
    units = carray(pointer(a[UNITS]), n, np.int64)
    at = (tick // a[EVERY] - a[BASE]) * a[WIDTH] + a[COLUMN]
    if a[SIZE] == 4:
        from_4 = carray(pointer(a[STATE]), 1 << 40, np.uint32)
        to_4 = carray(pointer(a[OUT] + 4 * at), n, np.uint32)
        for i in range(n):
            to_4[i] = from_4[units[i]]
    else:
        from_8 = carray(pointer(a[STATE]), 1 << 40, np.uint64)
        to_8 = carray(pointer(a[OUT] + 8 * at), n, np.uint64)
        for i in range(n):
            to_8[i] = from_8[units[i]]
