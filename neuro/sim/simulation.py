"""Simulation: a network in memory that runs, pauses, changes and goes on."""

from __future__ import annotations

import os
import signal
import threading
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from neuro.errors import Interrupted, InvalidValue, UnknownName, require
from neuro.events import Events
from neuro.lower.noise import uniform
from neuro.network import Input, Network
from neuro.record import Record
from neuro.sim.inputs import Stimulus, stimuli
from neuro.sim.memory import check_memory
from neuro.sim.progress import building, running
from neuro.sim.snapshot import Snapshot
from neuro.sources import Recorded, SpikeGenerator

require("numba", "sim")

from neuro.sim import driver  # noqa: E402 - needs Numba, whose absence is explained above
from neuro.sim.plan import CHUNK, Plan  # noqa: E402
from neuro.sim.probe import Probe, probes  # noqa: E402
from neuro.sim.recorder import Recorder  # noqa: E402

Format = Literal["float32", "float64"]
SMALL = 30_000  # neurons for which a second thread costs more than it helps
PAUSE = 0.1  # seconds between looks at Ctrl-C and the progress bar


class Simulation:
    """Runs a Network event by event: compiled, on several threads, with equal results on any.

    Args:
        network: what to run; it is not changed.
        seed: of the run; together with the seeds of sources it fixes every random draw.
        dtype: of state and accumulators.
        threads: processors to use; by default as many as there are, or one for small networks.
            Results do not depend on it.
        progress: show progress bars of building and running.

    Raises:
        InvalidValue: more memory is needed than there is, or an argument is out of range.
        MissingExtra: Numba is not installed.
    """

    def __init__(
        self, network: Network, *, seed: int = 0, dtype: Format = "float32",
        threads: int | None = None, progress: bool = False,
    ) -> None:  # fmt: skip
        if dtype not in ("float32", "float64"):
            raise InvalidValue(f"Simulation.dtype: got {dtype!r}, expected 'float32' or 'float64'")
        if not 0 <= seed < 1 << 63:
            raise InvalidValue(f"Simulation.seed: got {seed}, expected 0 <= seed < 2^63")
        units = sum(p.size for p in network.populations.values())
        available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
        count = threads or (1 if units < SMALL else available or os.cpu_count() or 1)
        if count < 1:
            raise InvalidValue(f"Simulation.threads: got {threads}, expected at least 1")
        check_memory(network)
        self.network, self.seed, self.progress = network, seed, progress
        self.threads, self.dtype = count, dtype
        self.tick = 0
        self._listed: set[str] = set()
        self._plan = self._build()
        self._past: dict[str, Stimulus] = {}

    def _build(self) -> Plan:
        network = self.network
        total = sum(network.synapse_count(s) for s in network.synapses if s.rule is None)
        with building(total, shown=self.progress) as advance:
            return Plan(
                network, seed=self.seed, dtype=self.dtype, threads=self.threads,
                listed=self._listed, advance=advance,
            )  # fmt: skip

    # -- running --------------------------------------------------------------------------------

    def run(
        self, duration: float, *, inputs: Mapping[str, Any] | Events | None = None,
        record: Sequence[str | Probe] = (), stream: str | os.PathLike[str] | None = None,
    ) -> Record:  # fmt: skip
        """Run for `duration` seconds from where the simulation is.

        Args:
            duration: seconds, on the clock's grid.
            inputs: for each Input population Events whose tick 0 is now, or an array [T, *units]
                (or [T, 1, *units]) of what it emits; Inputs that are not named are silent. Events
                alone go to the only Input.
            record: signals beside the outputs' spikes, by name or as `Probe`.
            stream: an HDF5 file to which records go while they are made, so that memory stays
                bounded; it can be read up to the last whole chunk whatever happens.

        Returns:
            Record of this stretch: spikes as Events, signals [T, 1, units].

        Raises:
            InvalidValue: an input does not fit, or the duration is off the grid.
            UnknownName: an input or signal is not of this network.

        Ctrl-C ends the run after the present chunk, with a warning (`Interrupted`); the record
        then holds what was run, and the simulation can go on.
        """
        ticks = int(self.network.clock.ticks(duration, exact=True, what="Simulation.run.duration"))
        if ticks < 0:
            raise InvalidValue(f"Simulation.run.duration: got {duration} s, expected >= 0")
        wanted = probes(self.network, record)
        fed = stimuli(self.network, inputs, ticks)
        for s in self.network.synapses:
            value = fed[s.pre].value if s.pre in fed else None
            if (
                s.rule is not None
                and value is not None
                and ((value < 0).any() or (value != np.rint(value)).any())
            ):
                raise InvalidValue(
                    f"Simulation.run.inputs[{s.pre!r}]: {s.name!r} learns from spikes, so values "
                    "must be numbers of spikes (whole, >= 0)"
                )
        for p in self.network.populations.values():
            if isinstance(p, Recorded) and ticks:  # refused before anything runs
                p.emission(self.network.clock, 1, first=self.tick + ticks - 1)
        self._listen({p.owner for p in wanted if p.signal in ("spikes", "rate")})
        recorder = Recorder(self, wanted, ticks, stream)
        with (
            _ctrl_c() as interrupted,
            running(self.network.clock, ticks, shown=self.progress) as on,
        ):
            done = self._stretch(ticks, fed, recorder, interrupted, on)
        if done < ticks:
            seconds = self.network.clock.seconds([done, ticks])
            warnings.warn(
                f"stopped after {seconds[0]:g} s of {seconds[1]:g} s; the record holds what was "
                "run, and the simulation can go on from there",
                Interrupted, stacklevel=2,
            )  # fmt: skip
        return recorder.finish()

    def _stretch(
        self, ticks: int, fed: dict[str, Stimulus], recorder: Recorder,
        interrupted: threading.Event, on: Any,
    ) -> int:  # fmt: skip
        plan, begun, longest = self._plan, self.tick, 64
        self._plan.probes = recorder.steps(self._plan)
        plan.link()
        try:
            while self.tick - begun < ticks and not interrupted.is_set():
                wanted = min(ticks - (self.tick - begun), longest, CHUNK)
                wanted = min([wanted, *(n - self.tick % n for n in self._stops(recorder))])
                self._feed(fed, self.tick - begun, wanted)
                recorder.begin(self.tick)
                started = time.perf_counter()
                done = driver.run(plan.programs, plan.stop, self.tick, wanted, plan.history)
                spent = time.perf_counter() - started
                recorder.collect(self.tick, done)
                for log in plan.logs.values():
                    log.advance(done)
                self.tick += done
                for projection in plan.projections.values():
                    if projection.pause and self.tick % projection.pause == 0:
                        projection.rewire(self.tick)
                recorder.at_pause(self.tick)
                on(done)
                if done == wanted:
                    longest = max(1, min(CHUNK, int(2 * longest), int(PAUSE * done / spent) + 1))
        finally:
            plan.probes = [[] for _ in range(plan.parts.total)]
            plan.link()
        return self.tick - begun

    def _stops(self, recorder: Recorder) -> list[int]:
        """Every how many ticks something is to be done in Python."""
        pauses = [p.pause for p in self._plan.projections.values() if p.pause]
        return pauses + recorder.pauses

    def _feed(self, fed: dict[str, Stimulus], first: int, ticks: int) -> None:
        """Put the coming ticks' events and draws where the actors read them."""
        plan = self._plan
        for name, p in self.network.populations.items():
            if isinstance(p, Input):
                k, unit, value = fed[name].between(first, first + ticks)
                plan.logs[name].fill(k - first + plan.history, unit, value, ticks)
            elif isinstance(p, SpikeGenerator):
                given = Stimulus(p.ticks(self.network.clock), p.unit)
                k, unit, _ = given.between(self.tick, self.tick + ticks)
                plan.logs[name].fill(k - self.tick + plan.history, unit, None, ticks)
        for (name, port), rows in plan.draws.items():
            neuron: Any = self.network.neurons()[name]
            number = type(neuron).noise.index(port)
            rows[:ticks] = uniform(int(neuron.seed), number, self.tick, ticks, neuron.size)

    def _listen(self, names: set[str]) -> None:
        """Give the named sources a spike log, if they have none."""
        missing = {n for n in names if n not in self._plan.logs}
        if missing:
            self._listed |= missing
            state = self.snapshot()
            self._plan = self._build()
            self.restore(state)

    # -- looking and changing -------------------------------------------------------------------

    @property
    def now(self) -> float:
        """Seconds simulated so far."""
        return float(self.network.clock.seconds(self.tick))

    @property
    def synapses(self) -> int:
        """Number of synapses in memory."""
        groups = (*self._plan.groups, *self._plan.immediate)
        return sum(g.total for g in groups) + sum(
            len(p.weights()) for p in self._plan.projections.values()
        )

    @property
    def nbytes(self) -> int:
        """Memory of the static synapses."""
        return sum(g.nbytes for g in (*self._plan.groups, *self._plan.immediate))

    def get(self, name: str) -> NDArray[Any]:
        """Present values of "exc.v" (any state variable or parameter), [*units] (a copy)."""
        owner, _, field = name.rpartition(".")
        population = self._neurons(owner, name)
        if field in population.state:
            return population.state[field].reshape(population.neuron.units).copy()
        if field in population.neuron.values():
            return np.asarray(population.neuron.values()[field])
        known = [*population.state, *population.neuron.values()]
        raise UnknownName(f"Simulation[{owner!r}]", field, known)

    def set(self, name: str, value: Any) -> None:
        """Change a parameter or a state variable from now on, e.g. "exc.v_th" or "exc.v".

        Args:
            value: a number, or an array that broadcasts to the population.

        Raises:
            UnknownName: there is no such population, parameter or state variable.
            InvalidValue: the value is NaN, out of bounds or of the wrong shape.
        """
        owner, _, field = name.rpartition(".")
        population = self._neurons(owner, name)
        if field in population.state:
            array = np.asarray(value, np.float64)
            if not np.isfinite(array).all():
                raise InvalidValue(f"Simulation.set({name!r}): got a value that is NaN or infinite")
            try:
                whole = np.broadcast_to(array, population.neuron.units)
            except ValueError:
                raise InvalidValue(
                    f"Simulation.set({name!r}): shape {array.shape} does not broadcast to "
                    f"{population.neuron.units}"
                ) from None
            population.state[field][:] = whole.ravel()
            return
        if field not in population.neuron.values():
            known = [*population.state, *population.neuron.values()]
            raise UnknownName(f"Simulation.set: {owner!r}", field, known)
        neuron = population.neuron.replace(**{field: value})
        self.network = self.network.replace(populations={**self.network.populations, owner: neuron})
        population.coefficients(neuron, self.network)
        self._plan.network = self.network
        self._plan.link()

    def _neurons(self, owner: str, name: str) -> Any:
        if owner not in self._plan.populations:
            raise UnknownName(f"Simulation: {name!r}", owner, self._plan.populations)
        return self._plan.populations[owner]

    def weights(self, synapse: str) -> NDArray[np.float32]:
        """Present weights of a synapse, in the order of `network.rows` (by presynaptic unit).

        Raises:
            UnknownName: no synapse of that name.
        """
        found = {s.name: s for s in self.network.synapses}
        if synapse not in found:
            raise UnknownName("Simulation.weights", synapse, found)
        if synapse in self._plan.projections:
            return self._plan.projections[synapse].weights()
        s = found[synapse]
        rows = self.network.rows(s, 0, self.network.populations[s.pre].size)
        return np.broadcast_to(rows.weight, rows.post.shape).copy()

    # -- snapshots ------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """Everything that changes, as arrays in an order that does not depend on threads."""
        plan = self._plan
        arrays: dict[str, NDArray[Any]] = {}
        for name, p in plan.populations.items():
            arrays |= {f"state/{name}/{n}": a.copy() for n, a in p.state.items()}
            arrays |= {f"column/{name}/{n}": a.copy() for n, a in p.columns.items()}
        for name, log in plan.logs.items():
            k, unit, value = log.entries(0, plan.history)
            arrays |= {f"log/{name}/k": k, f"log/{name}/unit": unit, f"log/{name}/value": value}
        for (name, port), firsts in plan.parts.slots.items():
            rows = [
                plan.slots[q][:, first : first + np.diff(plan.parts.bounds[name])[q]]
                for q, first in enumerate(firsts)
            ]
            arrays[f"slots/{name}/{port}"] = np.concatenate(rows, axis=1)
        for name in {n for n, _ in plan.rings}:
            rings = [plan.rings[name, q] for q in range(plan.parts.total)]
            arrays[f"ring/{name}"] = np.concatenate(rings, axis=1)
        for name, steps in plan.sources.items():
            for field in steps[0].state:
                arrays[f"source/{name}/{field}"] = np.concatenate([s.state[field] for s in steps])
        for name, projection in plan.projections.items():
            arrays |= {f"plastic/{name}/{n}": a for n, a in projection.state().items()}
        return Snapshot(self._fingerprint(), self.tick, self.seed, arrays)

    def restore(self, state: Snapshot) -> None:
        """Go back to (or on from) a snapshot of a simulation of the same network.

        Raises:
            InvalidValue: it belongs to another network or seed.
        """
        if not isinstance(state, Snapshot):
            raise InvalidValue(
                f"Simulation.restore: got a {type(state).__name__}, expected a Snapshot"
            )
        if state.fingerprint != self._fingerprint() or state.seed != self.seed:
            raise InvalidValue(
                "Simulation.restore: the snapshot is of another network, format or seed; "
                "build the Simulation from the network it was taken of, with the same seed"
            )
        plan, arrays = self._plan, state.arrays
        for name, p in plan.populations.items():
            for n, a in p.state.items():
                a[:] = arrays[f"state/{name}/{n}"]
            for n, a in p.columns.items():
                a[:] = arrays[f"column/{name}/{n}"]
        for name, log in plan.logs.items():
            if f"log/{name}/k" in arrays:
                entries = (arrays[f"log/{name}/{c}"] for c in ("k", "unit", "value"))
                log.restore(*entries)
        for (name, port), firsts in plan.parts.slots.items():
            whole = arrays[f"slots/{name}/{port}"]
            for q, first in enumerate(firsts):
                low, high = plan.parts.range(name, q)
                plan.slots[q][:, first : first + high - low] = whole[:, low:high]
        for name, q in plan.rings:
            low, high = plan.parts.range(self._post(name), q)
            plan.rings[name, q][:] = arrays[f"ring/{name}"][:, low:high]
        for name, steps in plan.sources.items():
            at = 0
            for step in steps:
                for field, a in step.state.items():
                    a[:] = arrays[f"source/{name}/{field}"][at : at + len(a)]
                at += len(next(iter(step.state.values()), ()))
        for name, projection in plan.projections.items():
            start = f"plastic/{name}/"
            projection.restore({
                n.removeprefix(start): a for n, a in arrays.items() if n.startswith(start)
            })  # fmt: skip
        self.tick = state.tick

    def _post(self, synapse: str) -> str:
        return next(s.post for s in self.network.synapses if s.name == synapse)

    def _fingerprint(self) -> str:
        return f"{self.network.fingerprint} {self.dtype}"


@contextmanager
def _ctrl_c() -> Iterator[threading.Event]:
    """An event that Ctrl-C sets, so that a chunk always ends whole; a second one stops at once."""
    pressed = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield pressed
        return
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: Any) -> None:
        if pressed.is_set():
            raise KeyboardInterrupt
        pressed.set()

    signal.signal(signal.SIGINT, note)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)
