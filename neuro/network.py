"""Network: populations and synapses as frozen, comparable, plain data. Nothing here runs."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from graphlib import CycleError, TopologicalSorter
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.clock import Clock
from neuro.distributions import Distribution
from neuro.elements import Input as Input
from neuro.elements import Synapse as Synapse
from neuro.errors import InvalidValue, UnknownName, Unsupported
from neuro.neurons import Neuron
from neuro.plain import by_name, changes, make_population, make_synapse, plain_options
from neuro.rules import Rule
from neuro.sources import Source
from neuro.synapses import Dense, Rows, Sparse


@dataclass(frozen=True, eq=False, repr=False)
class Network:
    """Populations, synapses, outputs and the clock they run on.

    Two networks are equal if their fingerprints are. Every life of a network (training,
    simulation, export) reads this object and none changes it.

    Args:
        populations: name -> Input, Source or Neuron, every one with a shape.
        synapses: edges between them.
        outputs: names of the populations a run returns.
        clock: the step that all derived coefficients and delays refer to.

    Raises:
        InvalidValue: shapes do not fit, a delay is off the grid or a loop has no delay.
        UnknownName: a synapse or output names a population or port that does not exist.
    """

    populations: Mapping[str, Input | Neuron | Source]
    synapses: tuple[Synapse, ...]
    outputs: tuple[str, ...]
    clock: Clock

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "populations", MappingProxyType(dict(self.populations)))
        set_(self, "synapses", tuple(self.synapses))
        outputs = (self.outputs,) if isinstance(self.outputs, str) else tuple(self.outputs)
        set_(self, "outputs", outputs)
        if not isinstance(self.clock, Clock):
            raise InvalidValue(f"Network.clock: got {self.clock!r}, expected e.g. Clock(1 * ms)")
        for name, population in self.populations.items():
            if not name or any(c in name for c in "./") or "->" in name:
                raise InvalidValue(
                    f"Network.populations: name {name!r} is empty or contains '.', '/' or '->'"
                )
            if not isinstance(population, Input | Neuron | Source):
                raise InvalidValue(
                    f"Network[{name!r}]: got {population!r}, expected an Input, Source or neuron"
                )
            if population.units == ():
                raise InvalidValue(f"Network[{name!r}].shape is empty; give it one, e.g. LIF(128)")
        for name in outputs:
            self._population(name, "Network.outputs")
        self._check_seeds()
        self._check_synapses()
        _ = self.order  # raises on a loop without delay

    def _population(self, name: str, where: str) -> Input | Neuron | Source:
        if name not in self.populations:
            raise UnknownName(where, name, self.populations)
        return self.populations[name]

    def _check_seeds(self) -> None:
        """Refuse sources that would draw the same numbers."""
        seen: dict[int, str] = {}
        for name, population in self.populations.items():
            seed = getattr(population, "seed", None) if isinstance(population, Source) else None
            if seed is not None and seed in seen:
                raise InvalidValue(
                    f"Network[{name!r}].seed: {seed} is the seed of {seen[seed]!r} too, so that "
                    "both would draw the same numbers; give one of them another seed"
                )
            if seed is not None:
                seen[seed] = name

    def _check_synapses(self) -> None:
        seen: set[str] = set()
        for synapse in self.synapses:
            where = f"Synapse[{synapse.name!r}]"
            if synapse.name in seen:
                raise InvalidValue(
                    f"{where}: the name is used twice; pass name= to tell them apart"
                )
            if synapse.name in self.populations:
                raise InvalidValue(f"{where}: a population has the same name; pass another name=")
            seen.add(synapse.name)
            pre = self._population(synapse.pre, f"{where}.pre")
            post = self._population(synapse.post, f"{where}.post")
            if not isinstance(post, Neuron):
                kind = "an Input" if isinstance(post, Input) else "a source"
                raise InvalidValue(f"{where}.post: {synapse.post!r} is {kind} and receives nothing")
            if synapse.port and synapse.port not in post.Inputs._fields:
                raise UnknownName(f"{where}.port", synapse.port, post.Inputs._fields)
            try:
                synapse.topology.check(pre.units, post.units)
            except InvalidValue as error:
                raise InvalidValue(f"{where}: {error}") from None
            self.shortest_delay(synapse)
            if synapse.modulator:
                third = self._population(synapse.modulator, f"{where}.modulator")
                if third.size not in (1, post.size):
                    raise InvalidValue(
                        f"{where}.modulator: {synapse.modulator!r} has {third.size} units, expected"
                        f" 1, or {post.size} as {synapse.post!r} has"
                    )

    # -- derived ----------------------------------------------------------------------------

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the Input populations, in order."""
        return tuple(n for n, p in self.populations.items() if isinstance(p, Input))

    def shortest_delay(self, synapse: Synapse) -> int:
        """The shortest delay that a connection of the synapse may have, in ticks."""
        if isinstance(synapse.delay, Distribution):
            least = np.array(synapse.delay.bounds[:1])
            return int(drawn_ticks(least, synapse.delay, self.clock)[0])
        where = f"Synapse[{synapse.name!r}].delay"
        if self.each_its_delay(synapse):
            ticks = self.clock.ticks(synapse.delay, exact=True, what=where)
            return int(ticks.min(initial=np.iinfo(np.int64).max))
        return int(self.delay_ticks(synapse).min())

    def each_its_delay(self, synapse: Synapse) -> bool:
        """Whether the delay is given, or drawn, for each connection."""
        if isinstance(synapse.delay, Distribution):
            return True
        one_each = isinstance(synapse.topology, Sparse | Dense)
        return one_each and np.shape(synapse.delay) == synapse.topology.arrays()["weight"].shape

    def rows(self, synapse: Synapse, low: int, high: int) -> Rows:
        """The connections of the presynaptic units from `low` to `high`.

        The same ones at every call, whatever the chunks; may be called from several threads.
        """
        pre, post = self.populations[synapse.pre], self.populations[synapse.post]
        start, target, weight = synapse.topology.rows(pre.units, post.units, low, high)
        delay = synapse.delay
        if isinstance(delay, Distribution):
            from neuro.synapses import drawing

            seed = getattr(synapse.topology, "seed", 0)
            drawn = drawing.values(delay, seed, drawing.DELAYS, low, start)
            return Rows(start, target, weight, drawn_ticks(drawn, delay, self.clock))
        where = f"Synapse[{synapse.name!r}].delay"
        if self.each_its_delay(synapse):
            topology = synapse.topology
            assert isinstance(topology, Sparse | Dense) and isinstance(delay, np.ndarray)
            ticks = self.clock.ticks(topology.in_rows(delay, low, high), exact=True, what=where)
            return Rows(start, target, weight, ticks.astype(np.int32))
        ticks = self.delay_ticks(synapse)
        if ticks.ndim == 0:
            return Rows(start, target, weight, ticks.reshape(1).astype(np.int32))
        own = np.repeat(ticks.ravel()[low:high], np.diff(start))
        return Rows(start, target, weight, own.astype(np.int32))

    def synapse_count(self, synapse: Synapse) -> int:
        """Number of connections of a synapse, or a number that it does not exceed."""
        pre, post = self.populations[synapse.pre], self.populations[synapse.post]
        return synapse.topology.synapse_count(pre.units, post.units)

    def delay_ticks(self, synapse: Synapse) -> NDArray[np.int64]:
        """Delay of a synapse in ticks: a 0-d array, or one of the presynaptic shape.

        Raises:
            Unsupported: each connection has a delay of its own; see `rows`.
        """
        where = f"Synapse[{synapse.name!r}].delay"
        if self.each_its_delay(synapse):
            raise Unsupported(
                f"Synapse[{synapse.name!r}]", "delay", "each connection has a delay of its own",
                "simulate the network with neuro.sim, or give the synapse one delay",
            )  # fmt: skip
        assert not isinstance(synapse.delay, Distribution)
        ticks = self.clock.ticks(synapse.delay, exact=True, what=where)
        if ticks.ndim == 0:
            return ticks
        shape = self.populations[synapse.pre].units
        try:
            return np.broadcast_to(ticks, shape)
        except ValueError:
            raise InvalidValue(
                f"{where}: shape {ticks.shape} does not broadcast to {synapse.pre!r} {shape}"
            ) from None

    @property
    def order(self) -> tuple[str, ...]:
        """Order in which populations update within a tick: along edges without delay."""
        graph: dict[str, list[str]] = {name: [] for name in self.populations}
        for synapse in self.synapses:
            if not self.shortest_delay(synapse):
                graph[synapse.post].append(synapse.pre)
        try:
            return tuple(TopologicalSorter(graph).static_order())
        except CycleError as error:
            loop = " -> ".join(error.args[1])
            raise InvalidValue(
                f"Network: the loop {loop} has no delay, so its order within a tick is undefined. "
                f"Give one of its synapses a delay of at least one tick ({self.clock.dt:g} s)."
            ) from None

    @property
    def stages(self) -> tuple[tuple[str, ...], ...]:
        """Populations that run one after the other, each over all time.

        A stage of several populations, or one with a synapse onto itself, is a loop and must
        run tick by tick; its members are listed in their order within a tick.
        """
        names = self.order
        index = {name: i for i, name in enumerate(names)}
        reach = np.eye(len(names), dtype=bool)
        for synapse in self.synapses:
            reach[index[synapse.pre], index[synapse.post]] = True
        for k in range(len(names)):  # Warshall's transitive closure
            reach |= reach[:, k : k + 1] & reach[k]
        loop = reach & reach.T
        groups = {tuple(np.flatnonzero(row)) for row in loop}
        # A group comes after every group that reaches it, hence after fewer ancestors.
        ranked = sorted(groups, key=lambda g: (reach[:, g[0]].sum(), g))
        return tuple(tuple(names[i] for i in group) for group in ranked)

    def in_loop(self, synapse: Synapse) -> bool:
        """Whether a spike that crosses the synapse can come back to it."""
        return any({synapse.pre, synapse.post} <= set(stage) for stage in self.stages)

    def neurons(self) -> dict[str, Neuron]:
        """The populations that have dynamics."""
        return {n: p for n, p in self.populations.items() if isinstance(p, Neuron)}

    def plain(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The whole network as JSON-ready structure plus named arrays."""
        arrays: dict[str, NDArray[Any]] = {}

        def store(path: str, value: ArrayLike) -> float | str:
            if np.ndim(value) == 0:
                return float(value)  # type: ignore[arg-type]
            arrays[path] = np.asarray(value)
            return path

        populations: dict[str, Any] = {}
        for name, p in self.populations.items():
            entry: dict[str, Any] = {"type": type(p).__name__, "shape": list(p.units)}
            if not isinstance(p, Input):
                values = {k: store(f"{name}.{k}", v) for k, v in p.values().items()}
                entry |= {"parameters": values, "options": p.options()}
            populations[name] = entry
        synapses: list[dict[str, Any]] = []
        for s in self.synapses:
            named = {**s.topology.arrays(), **s.topology.constants()}
            for key, array in named.items():
                arrays[f"{s.name}.{key}"] = array
            delay = (
                s.delay.plain()
                if isinstance(s.delay, Distribution)
                else store(f"{s.name}.delay", s.delay)
            )
            synapses.append({
                "name": s.name, "pre": s.pre, "post": s.post, "port": s.port,
                "delay": delay, "type": type(s.topology).__name__,
                "options": plain_options(s.topology), "arrays": sorted(named),
            })  # fmt: skip
            if s.rule is not None:
                synapses[-1] |= {"rule": s.rule.plain(), "modulator": s.modulator}
        tick = [self.clock.tick.numerator, self.clock.tick.denominator]
        structure = {
            "tick": tick, "outputs": list(self.outputs),
            "populations": populations, "synapses": synapses,
        }  # fmt: skip
        return structure, arrays

    @classmethod
    def from_plain(
        cls,
        structure: Mapping[str, Any],
        arrays: Mapping[str, NDArray[Any]],
        *,
        neurons: Mapping[str, type[Neuron]] | None = None,
        rules: Mapping[str, type[Rule]] | None = None,
    ) -> Network:
        """The network that `plain` took apart.

        Args:
            structure, arrays: as `plain` returns them.
            neurons: name -> class, for neuron classes that are not in `neuro.neurons`. Classes
                are only looked up by name; nothing is ever imported.
            rules: likewise, for rules that are not in `neuro.rules`.

        Raises:
            UnknownName: a neuron, topology or rule class is in no list.
            InvalidValue: an entry is missing, of the wrong kind or out of bounds.
        """
        try:
            populations = {
                name: make_population(name, entry, arrays, neurons or {})
                for name, entry in structure["populations"].items()
            }
            synapses = tuple(
                make_synapse(entry, arrays, rules or {}) for entry in structure["synapses"]
            )
            clock = Clock(Fraction(*structure["tick"]))
            return cls(populations, synapses, tuple(structure["outputs"]), clock)
        except UnknownName:
            raise
        except (KeyError, TypeError, AttributeError, ZeroDivisionError) as error:
            raise InvalidValue(
                f"Network.from_plain: an entry is missing or of the wrong kind "
                f"({type(error).__name__}: {error})"
            ) from error

    @property
    def fingerprint(self) -> str:
        """SHA-256 over structure and every array: equal networks, equal fingerprints."""
        structure, arrays = self.plain()
        digest = hashlib.sha256(json.dumps(structure, sort_keys=True).encode())
        for name in sorted(arrays):
            array = np.ascontiguousarray(arrays[name])
            digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
            digest.update(array.tobytes())
        return digest.hexdigest()

    def __eq__(self, other: object) -> bool:
        return (
            self.fingerprint == other.fingerprint if isinstance(other, Network) else NotImplemented
        )

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    # -- change by copy -----------------------------------------------------------------------

    def __reduce__(self) -> tuple[Any, ...]:
        # pickle and deepcopy (other processes, Lightning) cannot take a MappingProxyType apart
        return Network, (dict(self.populations), self.synapses, self.outputs, self.clock)

    def replace(self, **changes: Any) -> Network:
        """A copy with some fields changed, checked anew."""
        return dataclasses.replace(self, **changes)

    def diff(self, other: Network) -> list[str]:
        """One line per difference, e.g. "hid.tau_mem: 0.02 -> 0.01"; empty if equal."""
        (mine, my_arrays), (theirs, their_arrays) = self.plain(), other.plain()
        lines = [
            f"{path}: {a} -> {b}" for path, a, b in changes(by_name(mine), by_name(theirs), "")
        ]
        for name in sorted(my_arrays.keys() & their_arrays.keys()):
            a, b = my_arrays[name], their_arrays[name]
            if a.shape != b.shape:
                lines.append(f"{name}: shape {a.shape} -> {b.shape}")
            elif not np.array_equal(a, b):
                changed = int((a != b).sum())
                lines.append(
                    f"{name}: {changed} of {a.size} values, by up to {np.abs(a - b).max():g}"
                )
        return lines

    def __repr__(self) -> str:
        lines = [f"Network on {self.clock!r}, outputs {', '.join(self.outputs)}"]
        width = max((len(n) for n in self.populations), default=0)
        lines += [f"  {name:<{width}}  {p!r}" for name, p in self.populations.items()]
        for s in self.synapses:
            text = f", delay {s.delay!r}" if isinstance(s.delay, Distribution) else ""
            delay = np.asarray(0.0 if isinstance(s.delay, Distribution) else s.delay) * 1e3
            if delay.any():
                span = (
                    f"{delay.min():g}"
                    if delay.min() == delay.max()
                    else f"{delay.min():g}..{delay.max():g}"
                )
                text = f", delay {span} ms"
            if s.rule is not None:
                text += f", {s.rule!r}" + (f" by {s.modulator}" if s.modulator else "")
            lines.append(f"  {s.name}: {s.topology!r}{text}")
        return "\n".join(lines)


def drawn_ticks(
    seconds: NDArray[np.floating[Any]], drawn: Distribution, clock: Clock
) -> NDArray[np.int32]:
    """Drawn delays in ticks; a distribution that keeps away from 0 gives at least one."""
    ticks = np.rint(np.asarray(seconds, np.float64) / clock.dt).astype(np.int32)
    return np.maximum(ticks, 1 if drawn.bounds[0] > 0 else 0, dtype=np.int32)
