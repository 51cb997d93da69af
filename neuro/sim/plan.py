"""The plan of a simulation: a network laid out in memory, and every thread's list of actors.

Within tick t, for the units that a part owns:

    A   arrivals: spikes of tick t - delay are delivered to the accumulators
    B   level by level along edges without delay: sources and neurons are updated and list their
        spikes; all threads meet; spikes without delay are delivered
    C   what follows a spike: delivery into rings, plasticity, samples of recorded signals
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.errors import InvalidValue
from neuro.network import Input, Network, Synapse
from neuro.neurons import Neuron
from neuro.sim import delivery, groups, neuron_actor, source_actor
from neuro.sim.driver import BARRIER
from neuro.sim.groups import Group
from neuro.sim.logs import Log
from neuro.sim.parts import Parts, cut
from neuro.sources import Source, SpikeGenerator
from neuro.synapses import OneToOne

Step = tuple[int, NDArray[np.int64]]  # address of an actor, and its arguments
CHUNK = 4096  # longest run of ticks without a return to Python


class Population:
    """A neuron population in memory.

    Args:
        state: name -> array of all units.
        columns: coefficients that differ by unit.
    """

    def __init__(
        self, name: str, neuron: Neuron, network: Network, dtype: Any, noisy: bool
    ) -> None:
        self.name, self.neuron, self.dtype = name, neuron, np.dtype(dtype)
        self.drawn = type(neuron).noise if noisy else ()
        self.flags = np.zeros(-(-neuron.size // 8) + 8, np.uint64)
        self.out = np.zeros(neuron.size, dtype)
        self.coefficients(neuron, network)
        self.state = neuron_actor.rest(neuron, self.derived, self.dtype)

    def coefficients(self, neuron: Neuron, network: Network) -> None:
        """Take over the parameters of `neuron`."""
        self.neuron = neuron
        self.derived = neuron_actor.rounded(neuron_actor.derive(neuron, network.clock), self.dtype)
        pairs = list(zip(self.derived._fields, self.derived, strict=True))
        self.numbers = np.array([v for _, v in pairs if isinstance(v, float)] or [0.0])
        self.columns = {n: np.ascontiguousarray(v) for n, v in pairs if isinstance(v, np.ndarray)}


class Plan:
    """See the module.

    Args:
        network: what to simulate.
        seed: of the run, which enters every draw of sources.
        dtype: float32 or float64.
        threads: processors to use.
        listed: sources whose emission is recorded, which therefore need a spike log.
        advance: called with numbers of synapses as they are built.

    Raises:
        InvalidValue: the network has something that this engine cannot represent.
    """

    def __init__(
        self, network: Network, *, seed: int, dtype: Any, threads: int, listed: set[str],
        advance: groups.Advance,
    ) -> None:  # fmt: skip
        self.network, self.seed, self.dtype = network, seed, np.dtype(dtype)
        self.threads = threads
        self.parts: Parts = cut(network, threads)
        self.stop = np.zeros(16, np.int64)
        self.kept: list[Any] = []  # arrays that actors refer to by address
        plain = [s for s in network.synapses if s.rule is None]
        self.plastic = [s for s in network.synapses if s.rule is not None]
        self.vectors = [s for s in plain if self._is_vector(s)]
        self.groups: list[Group] = []
        self.immediate: list[Group] = []
        for pre in network.populations:
            own = [s for s in plain if s.pre == pre and s not in self.vectors]
            for now, built in ((False, self.groups), (True, self.immediate)):
                wanted = [s for s in own if _may(network, s, immediate=now)]
                if wanted:
                    group = groups.build(
                        network, wanted, self.parts, threads, advance, immediate=now
                    )
                    built += [] if group is None else [group]
        longest = [g.longest for g in self.groups]
        longest += [_longest(network, s) for s in self.plastic]
        self.history = max([0, *longest])
        rows = 1 + max([0, *(g.longest for g in self.groups if g.ring)])
        self.slots = [np.zeros((rows, int(n)), self.dtype) for n in self.parts.size]
        self.bias = self._biases()
        self.populations = {
            name: Population(name, p, network, dtype, noisy=bool(type(p).noise))
            for name, p in network.neurons().items()
        }
        self.draws: dict[tuple[str, str], NDArray[Any]] = {}
        self.sources: dict[str, Any] = {}
        self.emission: dict[str, NDArray[Any]] = {}
        self.logs = self._logs(listed)
        self.probes: list[list[Step]] = [[] for _ in range(self.parts.total)]
        self.projections = self._projections()
        self._source_steps = {
            name: [self._source(name, part) for part in range(self.parts.total)]
            for name in self.source_names
        }
        self._vector_steps = {s.name: self._vector(s) for s in self.vectors}
        self._group_steps = {
            id(g): groups.actors(g, self.logs[g.pre], self.parts, self.slots, self.dtype)
            for g in (*self.groups, *self.immediate)
        }
        self.link()

    # -- what is there --------------------------------------------------------------------------

    @property
    def source_names(self) -> tuple[str, ...]:
        """Populations that emit without being fed."""
        return tuple(
            n
            for n, p in self.network.populations.items()
            if isinstance(p, Source) and not isinstance(p, SpikeGenerator)
        )

    def _is_vector(self, synapse: Synapse) -> bool:
        """Whether a synapse adds a source's emission to as many units without any list."""
        source = synapse.pre in self.source_names
        return (
            source and isinstance(synapse.delay, float) and isinstance(synapse.topology, OneToOne)
        )

    def _biases(self) -> dict[tuple[str, str], NDArray[Any]]:
        """What accumulators hold before anything arrives, where that is not 0."""
        found: dict[tuple[str, str], NDArray[Any]] = {}
        for s in self.network.synapses:
            bias = s.topology.arrays().get("bias")
            if bias is not None:
                post = self.network.neurons()[s.post]
                port = s.port or type(post).Inputs._fields[0]
                whole = np.broadcast_to(_per_unit(bias, post), post.size).astype(self.dtype)
                before = found.get((s.post, port))
                found[s.post, port] = whole if before is None else before + whole
        for (name, port), values in found.items():
            for part, (low, high, first) in enumerate(self._ranges(name, port)):
                self.slots[part][:, first : first + high - low] = values[low:high]
        return found

    def _ranges(self, name: str, port: str) -> Iterator[tuple[int, int, int]]:
        """First unit, one after the last, and first slot of each part."""
        for part in range(self.parts.total):
            low, high = self.parts.range(name, part)
            yield low, high, int(self.parts.slots[name, port][part])

    def _logs(self, listed: set[str]) -> dict[str, Log]:
        heard = {s.pre for s in self.network.synapses if s not in self.vectors}
        heard |= {s.modulator for s in self.plastic if s.modulator} | set(listed)
        logs: dict[str, Log] = {}
        for name, p in self.network.populations.items():
            whole = np.array([0, p.size])
            if isinstance(p, SpikeGenerator):
                logs[name] = Log(whole, self.history, CHUNK, 0)
            elif isinstance(p, Input):  # graded: what is fed may have values
                logs[name] = Log(whole, self.history, CHUNK, 0, self.dtype)
            elif isinstance(p, Source):
                if name in heard:
                    graded = None if p.emits == "spikes" else self.dtype
                    most = p.most(self.network.clock) if p.emits == "spikes" else 1
                    bounds = self.parts.bounds[name]
                    logs[name] = Log(bounds, self.history, CHUNK, most, graded)
            else:
                graded = p.emits != "spikes" or not p.spiking()
                if not graded or name in heard:
                    bounds = self.parts.bounds[name]
                    logs[name] = Log(bounds, self.history, CHUNK, 1, self.dtype if graded else None)
        return logs

    # -- actors ---------------------------------------------------------------------------------

    def _neuron(self, name: str, part: int) -> Step:
        population = self.populations[name]
        biased = tuple(port for (n, port) in self.bias if n == name)
        kernel = neuron_actor.kernel(
            population.neuron, population.derived, self.dtype, population.drawn, biased
        )
        low, high = self.parts.range(name, part)
        width, slots = self.dtype.itemsize, self.slots[part]
        log = self.logs.get(name)
        fields = [
            high - low, low, log.table[part].ctypes.data if log else 0, self.stop.ctypes.data,
            population.flags.ctypes.data + low, population.out.ctypes.data + low * width,
            population.numbers.ctypes.data, slots.strides[0], len(slots), self.history,
        ]  # fmt: skip
        own = [population.state[n] for n in kernel.states]
        own += [population.columns[n] for n in kernel.columns]
        fields += [array.ctypes.data + low * width for array in own]
        for port in kernel.ports:
            if port in population.drawn:
                rows = self.draws.setdefault(
                    (name, port), np.zeros((CHUNK, population.neuron.size), self.dtype)
                )
                fields += [rows.ctypes.data + low * width, rows.strides[0]]
            else:
                first = int(self.parts.slots[name, port][part])
                bias = self.bias.get((name, port))
                start = 0 if bias is None else bias.ctypes.data + low * width
                fields += [slots.ctypes.data + first * width, start]
        return kernel.address, np.array(fields, np.int64)

    def _source(self, name: str, part: int) -> list[Step]:
        low, high = self.parts.range(name, part)
        source = self.network.populations[name]
        assert isinstance(source, Source)
        out = self.emission.setdefault(name, np.zeros(source.size, self.dtype))
        step = source_actor.step(
            source, self.network.clock, self.seed, self.dtype, low, high, out[low:high]
        )
        self.sources.setdefault(name, []).append(step)
        steps: list[Step] = [(step.address, step.args)]
        if name in self.logs:
            function = getattr(delivery, f"list_{self.dtype}")
            row = self.logs[name].table[part]
            fields = [
                high - low, low, row.ctypes.data, self.stop.ctypes.data,
                out.ctypes.data + low * self.dtype.itemsize,
            ]  # fmt: skip
            steps.append((function.address, np.array(fields, np.int64)))
        return steps

    def _vector(self, synapse: Synapse) -> list[Step]:
        """Actors of a one-to-one synapse from a source, by part."""
        port = synapse.port or type(self.network.neurons()[synapse.post]).Inputs._fields[0]
        delay = int(self.network.delay_ticks(synapse))
        weight = np.atleast_1d(np.asarray(synapse.topology.arrays()["weight"], np.float32))
        same = np.array([weight[0]], np.float64)
        width = self.dtype.itemsize
        self.kept += [weight, same]
        out = self.emission[synapse.pre]
        steps: list[Step] = []
        for part, (low, high, first) in enumerate(self._ranges(synapse.post, port)):
            ring = np.zeros((delay + 1 if delay else 0, high - low), self.dtype)
            self.kept.append(ring)
            self.rings[synapse.name, part] = ring
            slots = self.slots[part]
            fields = [
                high - low, slots.ctypes.data + first * width, slots.strides[0], len(slots),
                weight.ctypes.data + low * 4 if weight.size > 1 else 0, same.ctypes.data,
                out.ctypes.data + low * width, ring.ctypes.data, delay,
            ]  # fmt: skip
            function = getattr(delivery, f"vector_{self.dtype}")
            steps.append((function.address, np.array(fields, np.int64)))
        return steps

    def _projections(self) -> dict[str, Any]:
        """Plastic synapses by name, laid out and ready."""
        self.rings: dict[tuple[str, int], NDArray[Any]] = {}
        if not self.plastic:
            return {}
        from neuro.sim import plastic

        return {s.name: plastic.build(self.network, s, self) for s in self.plastic}

    def site(self, synapse: Synapse, part: int) -> dict[str, Any]:
        """Where a plastic synapse finds what it reads and writes in a part."""
        post = self.populations[synapse.post]
        port = synapse.port or type(post.neuron).Inputs._fields[0]
        low, high = self.parts.range(synapse.post, part)
        slots, width = self.slots[part], self.dtype.itemsize
        pre_log, post_log = self.logs[synapse.pre], self.logs.get(synapse.post)
        spiking = post_log is not None and not post_log.graded
        found: dict[str, Any] = {
            "post": (low, high), "pre": self.parts.range(synapse.pre, part),
            "slots": slots.ctypes.data + int(self.parts.slots[synapse.post, port][part]) * width,
            "stride": slots.strides[0], "rows": len(slots),
            "pre_log": pre_log.table.ctypes.data, "pre_lists": pre_log.parts,
            "post_log": post_log.table.ctypes.data if post_log and spiking else 0,
        }  # fmt: skip
        if synapse.modulator:
            log = self.logs[synapse.modulator]
            found |= {
                "modulator_log": log.table.ctypes.data, "modulator_lists": log.parts,
                "modulator_graded": log.graded,
            }  # fmt: skip
        rule: Any = synapse.rule
        found["reads"] = {n: post.state[n].ctypes.data + low * width for n in rule.reads}
        if rule.adapts:
            if rule.adapts not in post.columns:
                raise InvalidValue(
                    f"Synapse[{synapse.name!r}].rule: {type(rule).__name__} adapts "
                    f"{rule.adapts!r}, which must be an array, one value a unit: give "
                    f"{synapse.post!r} {rule.adapts}=np.full(..., {synapse.post!r}.shape)"
                )
            found["adapts"] = post.columns[rule.adapts].ctypes.data + low * width
        return found

    # -- programs -------------------------------------------------------------------------------

    def link(self) -> None:
        """Make every thread's program from the actors there are now."""
        levels = self._levels()
        share = self.parts.total // self.threads
        neurons = {
            name: [self._neuron(name, part) for part in range(self.parts.total)]
            for name in self.populations
        }
        self.programs: list[NDArray[np.int64]] = []
        self._linked: list[Any] = [neurons]
        for thread in range(self.threads):
            own = range(thread * share, (thread + 1) * share)
            steps = self._program(levels, neurons, own)
            self.programs.append(np.array(steps, np.int64).reshape(-1, 2))

    def _program(
        self, levels: list[list[str]], neurons: dict[str, list[Step]], own: range
    ) -> list[tuple[int, int]]:
        steps: list[tuple[int, int]] = []  # addresses of actors and of their arguments

        def call(made: Iterable[Step]) -> None:
            steps.extend((address, a.ctypes.data) for address, a in made)

        def plastic(stage: str, level: set[str] | None = None) -> None:
            for s in self.plastic:
                if level is None or s.pre in level:
                    for part in own:
                        made = self.projections[s.name].actors(part)
                        steps.extend((x.address, x.args) for x in made if x.stage == stage)

        for g in self.groups:
            if not g.ring:
                call(self._group_steps[id(g)][part] for part in own)
        plastic("arrivals")
        for number, level in enumerate(levels):
            names = set(level)
            if number == 0:
                for name in self.source_names:
                    call(step for part in own for step in self._source_steps[name][part])
                for s in self.vectors:
                    call(self._vector_steps[s.name][part] for part in own)
            for name in level:
                if name in neurons:
                    call(neurons[name][part] for part in own)
            plastic("traces", names)
            steps.append((BARRIER, 0))
            for g in self.immediate:
                if g.pre in names:
                    call(self._group_steps[id(g)][part] for part in own)
            plastic("immediate", names)
        for g in self.groups:
            if g.ring:
                call(self._group_steps[id(g)][part] for part in own)
        plastic("end")
        for part in own:
            call(self.probes[part])
        return steps

    def _levels(self) -> list[list[str]]:
        """Populations that may be updated between the same two meetings of the threads."""
        at: dict[str, int] = {}
        network = self.network
        for name in network.order:
            before = [
                at[s.pre] + 1
                for s in network.synapses
                if s.post == name and s not in self.vectors and _may(network, s, immediate=True)
            ]
            at[name] = max(before, default=0)
        return [[n for n in network.order if at[n] == i] for i in range(max(at.values()) + 1)]


def _may(network: Network, synapse: Synapse, *, immediate: bool) -> bool:
    """Whether some of its connections have no delay, or (not immediate) some have one."""
    if immediate:
        return network.shortest_delay(synapse) == 0
    return network.each_its_delay(synapse) or bool((network.delay_ticks(synapse) > 0).any())


def _longest(network: Network, synapse: Synapse) -> int:
    """Longest delay of a synapse, in ticks."""
    units = network.populations[synapse.pre].size
    step = max(1, units // 16)
    spans = (network.rows(synapse, low, min(low + step, units)).delay for low in
             range(0, units, step))  # fmt: skip
    return max((int(d.max(initial=0)) for d in spans), default=0)


def _per_unit(bias: NDArray[Any], neuron: Neuron) -> NDArray[Any]:
    """A bias for each unit; that of a convolution is one for each channel."""
    if bias.size == neuron.size:
        return bias.ravel()
    channel = np.reshape(bias, (-1,) + (1,) * (len(neuron.units) - 1))
    return np.broadcast_to(channel, neuron.units).ravel()
