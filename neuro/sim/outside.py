"""What every engine outside neuro is given, and how its results become a Record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.network import Network, Synapse
from neuro.record import Record
from neuro.sim import stream
from neuro.sim.inputs import stimuli
from neuro.sim.probe import Probe, probes
from neuro.sources import Source
from neuro.units import ms

CHUNK = 1024  # ticks of a source that are drawn at once


class Emission(NamedTuple):
    """What a population that is not simulated sends, sorted by tick; one row a tick and unit."""

    t: NDArray[np.int64]
    unit: NDArray[np.int64]
    value: NDArray[np.float64]  # number of spikes, or size of a graded event


def emissions(network: Network, inputs: Any, ticks: int, seed: int) -> dict[str, Emission]:
    """What Inputs and sources of a network send in a run: the very draws of the other engines.

    It is held in memory: three numbers for each event, and for a source of currents three numbers
    a tick and unit.
    """
    found = {}
    for name, given in stimuli(network, inputs, ticks).items():
        value = np.ones(len(given.t)) if given.value is None else given.value
        found[name] = _merged(given.t, given.unit, value, network.populations[name].size)
    for name, source in network.populations.items():
        if isinstance(source, Source):
            found[name] = _drawn(source, network.clock, ticks, seed)
    return found


def _drawn(source: Source, clock: Clock, ticks: int, seed: int) -> Emission:
    """A source's emission, made in pieces, as it may be mostly zeros."""
    none = np.zeros(0, np.int64)
    pieces, state = [Emission(none, none, np.zeros(0))], None
    for first in range(0, ticks, CHUNK):
        count = min(CHUNK, ticks - first)
        grid, state = source.emission(clock, count, seed=seed, first=first, state=state)
        flat = grid.reshape(count, -1)
        t, unit = np.nonzero(flat)
        pieces.append(Emission(t + first, unit, np.asarray(flat[t, unit], np.float64)))
    t, unit, value = (np.concatenate(columns) for columns in zip(*pieces, strict=True))
    return Emission(t, unit, value)


def _merged(t: Any, unit: Any, value: Any, size: int) -> Emission:
    """Events of the same unit and tick become one."""
    cell, at = np.unique(np.asarray(t, np.int64) * size + unit, return_inverse=True)
    total = np.bincount(at, weights=value, minlength=len(cell))
    return Emission(cell // size, cell % size, total.astype(np.float64))


class Connections(NamedTuple):
    """All connections of a synapse, as columns."""

    pre: NDArray[np.int64]
    post: NDArray[np.int64]
    weight: NDArray[np.float64]
    delay: NDArray[np.int64]  # ticks

    def some(self, chosen: NDArray[Any]) -> Connections:
        """Those in the chosen places."""
        pre, post, weight, delay = self
        return Connections(pre[chosen], post[chosen], weight[chosen], delay[chosen])


def connections(network: Network, synapse: Synapse, low: int = 0, high: int = -1) -> Connections:
    """The connections that leave presynaptic units low to high; all by default."""
    high = network.populations[synapse.pre].size if high < 0 else high
    start, post, weight, delay = network.rows(synapse, low, high)
    return Connections(
        np.repeat(np.arange(low, high), np.diff(start)), post.astype(np.int64),
        np.broadcast_to(weight, post.shape).astype(np.float64),
        np.broadcast_to(delay, post.shape).astype(np.int64),
    )  # fmt: skip


def port(network: Network, synapse: Synapse) -> str:
    """The port that a synapse reaches."""
    return synapse.port or type(network.neurons()[synapse.post]).Inputs._fields[0]


def biases(network: Network) -> dict[tuple[str, str], NDArray[np.float64]]:
    """What reaches a (population, port) in every tick, where that is not 0, [units]."""
    found: dict[tuple[str, str], NDArray[np.float64]] = {}
    for s in network.synapses:
        bias = s.topology.arrays().get("bias")
        if bias is not None:
            post = network.neurons()[s.post]
            if bias.size != post.size:  # that of a convolution is one number for each channel
                channel = bias.reshape(-1, *(1 for _ in post.units[1:]))
                bias = np.broadcast_to(channel, post.units)
            key = s.post, port(network, s)
            found[key] = found.get(key, 0.0) + bias.ravel().astype(np.float64)
    return found


class Results:
    """Collects what was recorded, and makes the Record.

    Args:
        record: signals beside the outputs', by name or as `Probe`.

    Raises:
        InvalidValue: a probe does not fit the network or its clock.
        UnknownName: a signal is not of this network.
    """

    def __init__(self, network: Network, ticks: int, record: Sequence[str | Probe]) -> None:
        self.network, self.ticks = network, ticks
        self.probes = probes(network, record)
        clock = network.clock
        self.every: dict[str, int] = {}
        for p in self.probes:
            seconds = p.every or (max(ms, clock.dt) if p.signal == "rate" else clock.dt)
            what = f"Probe[{p.name!r}].every"
            self.every[p.name] = int(clock.ticks(seconds, exact=p.every is not None, what=what))
        self._columns: dict[str, NDArray[Any]] = {}
        self._facts: dict[str, dict[str, Any]] = {}

    def of(self, owner: str) -> list[Probe]:
        """What is recorded of a population or synapse."""
        return [p for p in self.probes if p.owner == owner]

    def events(self, owner: str, t: Any, unit: Any, value: Any = None) -> None:
        """Take over all that a population sent, in any order, for its spikes and its rate."""
        units = self.network.populations[owner].units
        order = np.lexsort((unit, t))
        t, unit = np.asarray(t, np.int64)[order], np.asarray(unit, np.int32)[order]
        for p in self.of(owner):
            every = self.every[p.name]
            fact: dict[str, Any] = {"every": every, "first": 0, "more": 0}
            if p.signal == "spikes":
                fact |= {"kind": "spikes", "units": units, "graded": value is not None}
                self._columns |= {f"{p.name}/t": t, f"{p.name}/unit": unit}
                if value is not None:
                    self._columns[f"{p.name}/value"] = np.asarray(value, np.float64)[order]
            elif p.signal == "rate":
                fact |= {"kind": "signal", "units": (1,)}
                bins = np.bincount(t // every, minlength=self.ticks // every)
                span = float(self.network.clock.seconds(every)) * int(np.prod(units))
                self._columns[p.name] = bins[: self.ticks // every, None] / span
            else:
                continue
            self._facts[p.name] = fact

    def sent(self, owner: str, sent: Emission) -> None:
        """Take over what an Input or a source sent."""
        if self.network.populations[owner].emits != "spikes":
            grid = np.zeros((self.ticks, self.network.populations[owner].size))
            grid[sent.t, sent.unit] = sent.value
            for p in self.of(owner):
                rows = grid[:: self.every[p.name]]
                self.signal(p, rows if p.units is None else rows[:, list(p.units)])
        elif (sent.value == np.rint(sent.value)).all() and (sent.value >= 0).all():
            count = sent.value.astype(np.int64)
            self.events(owner, np.repeat(sent.t, count), np.repeat(sent.unit, count))
        else:
            self.events(owner, sent.t, sent.unit, sent.value)

    def static(self, p: Probe) -> None:
        """The weights of a synapse that is not plastic, which are the same at all times."""
        synapse = next(s for s in self.network.synapses if s.name == p.owner)
        weight = connections(self.network, synapse).weight
        self.signal(p, np.tile(weight, (self.ticks // self.every[p.name] + 1, 1)))

    def signal(self, p: Probe, rows: NDArray[Any]) -> None:
        """Take over the samples [rows, units] of a probe."""
        units: Sequence[int] = rows.shape[1:]
        if p.units is None and p.owner in self.network.populations:
            units = self.network.populations[p.owner].units
        more = 1 if p.signal == "weight" else 0
        fact = {"kind": "signal", "units": units, "first": 0, "more": more}
        self._facts[p.name] = fact | {"every": self.every[p.name]}
        self._columns[p.name] = rows

    def record(self) -> Record:
        """All of it."""
        facts = {p.name: self._facts[p.name] for p in self.probes}
        clock, fingerprint = self.network.clock, self.network.fingerprint
        return stream.record(self._columns, facts, self.ticks, clock, fingerprint)
