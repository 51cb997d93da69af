"""Recording: what probes gather, chunk by chunk, in memory or in an HDF5 file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from neuro.errors import InvalidValue
from neuro.record import Record
from neuro.sim import probe as sampling
from neuro.sim import stream
from neuro.sim.memory import available
from neuro.sim.plan import CHUNK, Plan, Step
from neuro.sim.probe import Probe
from neuro.units import ms

if TYPE_CHECKING:
    from neuro.sim.simulation import Simulation


class Sink(Protocol):
    """Where columns grow."""

    def append(self, name: str, rows: NDArray[Any]) -> None:
        """Add rows to a column."""
        ...

    def end(self, duration: int) -> None:
        """So many ticks are whole now."""
        ...

    def columns(self) -> Mapping[str, NDArray[Any]]:
        """All columns; nothing will be added any more."""
        ...


class Memory:
    """Columns in memory."""

    def __init__(self) -> None:
        self._pieces: dict[str, list[NDArray[Any]]] = {}

    def append(self, name: str, rows: NDArray[Any]) -> None:
        self._pieces.setdefault(name, []).append(rows)

    def end(self, duration: int) -> None:
        pass

    def columns(self) -> Mapping[str, NDArray[Any]]:
        return {name: np.concatenate(self._pieces.pop(name)) for name in list(self._pieces)}


class Recorder:
    """Gathers the probes of one run.

    Args:
        simulation: at the tick at which the run begins.
        ticks: the run is meant to last.
        path: file to write to, or None.
    """

    def __init__(
        self, simulation: Simulation, probes: list[Probe], ticks: int,
        path: str | os.PathLike[str] | None,
    ) -> None:  # fmt: skip
        self._simulation, self._probes, self._first = simulation, probes, simulation.tick
        clock = simulation.network.clock
        self._every = {
            p.name: int(clock.ticks(p.every or (ms if p.signal == "rate" else clock.dt),
                                    exact=p.every is not None))
            for p in probes
        }  # fmt: skip
        self._every = {n: max(1, e) for n, e in self._every.items()}
        self._fields: list[NDArray[np.int64]] = []
        self._kept: list[NDArray[Any]] = []  # actors know only their addresses
        self._buffers: dict[str, NDArray[Any]] = {}
        self._carry: dict[str, float] = {}
        self._facts = {p.name: self._fact(p) for p in probes}
        if path is None:
            self._check_size(ticks)
            self._sink: Sink = Memory()
        else:
            self._sink = stream.File(path, clock, simulation.network.fingerprint)
            self._sink.describe(self._facts)
        self._prepare()

    def _fact(self, p: Probe) -> dict[str, Any]:
        """What a reader of the columns must know."""
        simulation, every = self._simulation, self._every[p.name]
        fact: dict[str, Any] = {"kind": "signal", "every": every, "more": 0}
        fact["first"] = 0 if p.signal == "rate" else -self._first % every
        if p.signal == "weight":  # sampled at pauses, so also at the end
            return fact | {"units": [len(simulation.weights(p.owner))], "more": 1}
        units = simulation.network.populations[p.owner].units
        if p.signal == "spikes":
            graded = simulation._plan.logs[p.owner].graded
            return fact | {"kind": "spikes", "units": list(units), "graded": graded}
        if p.signal == "rate":
            return fact | {"units": [1]}
        return fact | {"units": list(units) if p.units is None else [len(p.units)]}

    def _check_size(self, ticks: int) -> None:
        """Refuse signals that would not fit into memory, before anything is run."""
        itemsize = self._simulation._plan.dtype.itemsize
        sizes = {
            p.name: ticks // self._every[p.name] * self._width(p) * itemsize
            for p in self._signals()
        }
        have, want = available(), 2 * sum(sizes.values())  # pieces, and then the whole
        if have is not None and want > have:
            largest = max(sizes, key=lambda name: sizes[name])
            raise InvalidValue(
                f"Simulation.run.record: the signals would take {want / 1e9:.1f} GB of memory, but "
                f"{have / 1e9:.1f} GB are free. The largest is {largest!r}. Write them to a file "
                "with stream='run.h5', or record less: Probe(name, units=[...], every=1 * ms)."
            )

    def _signals(self) -> list[Probe]:
        return [p for p in self._probes if p.signal not in ("spikes", "rate", "weight")]

    def _prepare(self) -> None:
        """Empty columns, so that every name is there even if nothing happens."""
        plan = self._simulation._plan
        for p in self._probes:
            if p.signal == "spikes":
                self._sink.append(f"{p.name}/t", np.zeros(0, np.int64))
                self._sink.append(f"{p.name}/unit", np.zeros(0, np.int32))
                if plan.logs[p.owner].graded:
                    self._sink.append(f"{p.name}/value", np.zeros(0, plan.dtype))
            elif p.signal == "rate":
                self._sink.append(p.name, np.zeros((0, 1), np.float64))
            elif p.signal == "weight":
                count = len(self._simulation.weights(p.owner))
                self._sink.append(p.name, np.zeros((0, count), np.float32))
                if self._first % self._every[p.name] == 0:
                    self._weights(p)
            else:
                self._sink.append(p.name, np.zeros((0, self._width(p)), plan.dtype))

    def _width(self, p: Probe) -> int:
        size = self._simulation.network.populations[p.owner].size
        return size if p.units is None else len(p.units)

    @property
    def pauses(self) -> list[int]:
        """Every how many ticks weights are sampled."""
        return [self._every[p.name] for p in self._probes if p.signal == "weight"]

    def steps(self, plan: Plan) -> list[list[Step]]:
        """The sampling actors of each part."""
        made: list[list[Step]] = [[] for _ in range(plan.parts.total)]
        for p in self._signals():
            every, width = self._every[p.name], self._width(p)
            out = np.zeros((CHUNK // every + 2, width), plan.dtype)
            self._buffers[p.name] = out
            if p.signal == "value":
                state = plan.emission[p.owner]
            else:
                state = plan.populations[p.owner].state[p.signal]
            wanted = np.arange(width) if p.units is None else np.asarray(p.units, np.int64)
            order = np.argsort(wanted, kind="stable")
            for part in range(plan.parts.total):
                low, high = plan.parts.range(p.owner, part)
                a, b = np.searchsorted(wanted[order], [low, high])
                own = np.ascontiguousarray(wanted[order][a:b])
                fields = np.zeros(sampling.FIELDS, np.int64)
                fields[[
                    sampling.UNITS, sampling.COUNT, sampling.STATE, sampling.EVERY, sampling.OUT,
                    sampling.WIDTH, sampling.COLUMN, sampling.SIZE,
                ]] = (own.ctypes.data, b - a, state.ctypes.data, every, out.ctypes.data, width, a,
                      plan.dtype.itemsize)  # fmt: skip
                self._fields.append(fields)
                self._kept.append(own)
                address: Any = sampling.sample.address
                made[part].append((address, fields))
        return made

    def begin(self, tick: int) -> None:
        """A chunk begins at `tick`: its first sample goes to row 0 of the buffers."""
        for fields in self._fields:
            fields[sampling.BASE] = -(-tick // fields[sampling.EVERY])

    def collect(self, tick: int, done: int) -> None:
        """Take over what a chunk of `done` ticks from `tick` on has left."""
        plan = self._simulation._plan
        history = plan.history
        for p in self._probes:
            every = self._every[p.name]
            if p.signal == "spikes":
                k, unit, value = plan.logs[p.owner].entries(history, history + done)
                self._sink.append(f"{p.name}/t", k - history + (tick - self._first))
                self._sink.append(f"{p.name}/unit", unit)
                if plan.logs[p.owner].graded:
                    self._sink.append(f"{p.name}/value", value)
            elif p.signal == "rate":
                self._rate(p, tick, done)
            elif p.signal != "weight":
                count = (tick + done - 1) // every - (tick - 1) // every
                order = np.arange(self._width(p)) if p.units is None else p.units
                rows = self._buffers[p.name][:count]
                self._sink.append(p.name, rows[:, np.argsort(np.argsort(order))].copy())

    def _rate(self, p: Probe, tick: int, done: int) -> None:
        """Spikes of whole bins; those of a bin that is not over are carried to the next chunk."""
        plan, every = self._simulation._plan, self._every[p.name]
        log = plan.logs[p.owner]
        span = slice(plan.history, plan.history + done + 1)
        counts = np.sum([np.diff(m[span]) for m in log.marks], axis=0)
        at = (np.arange(done) + tick - self._first) // every
        bins = np.bincount(at - at[0], weights=counts)
        bins[0] += self._carry.pop(p.name, 0.0)
        if (tick - self._first + done) % every:
            self._carry[p.name] = float(bins[-1])
            bins = bins[:-1]
        size = self._simulation.network.populations[p.owner].size
        seconds = float(self._simulation.network.clock.seconds(every))
        self._sink.append(p.name, (bins / (size * seconds))[:, None])

    def at_pause(self, tick: int) -> None:
        """Sample weights if it is time to."""
        for p in self._probes:
            if p.signal == "weight" and tick % self._every[p.name] == 0:
                self._weights(p)
        self._sink.end(tick - self._first)

    def _weights(self, p: Probe) -> None:
        self._sink.append(p.name, self._simulation.weights(p.owner).astype(np.float32)[None])

    def finish(self) -> Record:
        """The record of what was run."""
        simulation = self._simulation
        return stream.record(
            self._sink.columns(), self._facts, simulation.tick - self._first,
            simulation.network.clock, simulation.network.fingerprint,
        )  # fmt: skip
