"""A network in Brian2: the same laws, delays, inputs and draws, run by Brian2's own machinery.

Every neuron is translated (`neuro.sim._brian2_code`); states are float64. How a tick maps:

    Brian2's slots      what runs there
    start               samples of weights
    known, known_fires  what Inputs and sources send in this tick, and graded values sent earlier
    arrive              spikes of earlier ticks reach the accumulators (synapses with delays)
    update_k            laws of the populations of level k: flow, receive, fire, jump
    fires_k, deliver_k  their spikes, and what travels along synapses without delay
    flow                presynaptic traces of plastic synapses
    modulate, third, learn, drift, decay    the other laws of a rule, see `neuro.rules.Rule`
    end                 samples of states

Levels follow the synapses without delay, so that input of tick t acts in tick t. Brian2 puts a
spike into its queue when the synapses run: those in `arrive` see it one tick late, so a delay of d
ticks is d - 1 there, and d in `deliver_k`. Brian2's queues carry spikes, not numbers: what is
graded or may be more than one spike (Inputs, sources, leaky integrators) is sent by relays, one
group for every delay, which say z ticks later what was sent.

Brian2 compiles with Cython if there is a C++ compiler, else it uses NumPy; set
`brian2.prefs.codegen.target` to choose. Its compiler flags are replaced while the network runs,
since `-ffast-math` would change the order of sums.

Source: Stimberg, Brette & Goodman, eLife 8:e47314 (2019).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.errors import Unsupported, require
from neuro.lower.noise import uniform
from neuro.network import Network, Synapse
from neuro.neurons import Neuron
from neuro.record import Record
from neuro.sim import _brian2_code, neuron_actor
from neuro.sim._brian2_plastic import Plastic, plastic
from neuro.sim.outside import Connections, Emission, Results, biases, connections, emissions, port
from neuro.sim.probe import Probe

FLAGS = ["-w", "-O3", "-ffp-contract=off", "-std=c++11"]


def run(
    network: Network, ticks: int, *, inputs: Any = None, record: Sequence[str | Probe] = (),
    seed: int = 0, dtype: str = "float64", threads: int = 1,
) -> Record:  # fmt: skip
    """Run a network from rest in Brian2; see `neuro.sim.run`.

    Args:
        dtype: taken for the sake of the other engines; Brian2 computes in float64.

    Raises:
        Unsupported: more than one thread is asked for, Brian2 is set to a standalone device, or
            something is plastic in a way that cannot be translated.
        MissingExtra: Brian2 is not installed.
    """
    if threads > 1:
        raise Unsupported(
            "sim.run", "threads", "Brian2 runs on one thread outside its C++ standalone mode",
            "pass threads=1",
        )  # fmt: skip
    brian2: Any = require("brian2", "brian2")
    if not isinstance(brian2.get_device(), brian2.devices.RuntimeDevice):
        raise Unsupported(
            "sim.run", "engine", "Brian2 is set to a standalone device",
            "call brian2.set_device('runtime') first",
        )  # fmt: skip
    results = Results(network, ticks, record)
    with _exact(brian2):
        return _Translation(brian2, network, ticks, inputs, seed, results).run()


@contextmanager
def _exact(brian2: Any) -> Iterator[None]:
    """Brian2 with floating-point operations as they are written."""
    wanted = {
        "codegen.cpp.extra_compile_args_gcc": FLAGS, "codegen.loop_invariant_optimisations": False,
        "core.default_float_dtype": np.float64,
    }  # fmt: skip
    before = {name: brian2.prefs[name] for name in wanted}
    try:
        for name, value in wanted.items():
            brian2.prefs[name] = value
        yield
    finally:
        for name, value in before.items():
            brian2.prefs[name] = value


class _Translation:
    """One network as Brian2 objects."""

    def __init__(
        self, brian2: Any, network: Network, ticks: int, inputs: Any, seed: int, results: Results
    ) -> None:
        self.b, self.network, self.ticks, self.results = brian2, network, ticks, results
        self.dt = network.clock.dt * brian2.second
        self.clock = brian2.Clock(self.dt)
        self.level = _levels(network)
        self.bias = biases(network)
        self.sent = emissions(network, inputs, ticks, seed)
        self.objects: list[Any] = []
        self.groups: dict[str, Any] = {}
        self.codes: dict[str, _brian2_code.Code] = {}
        self.relays: dict[tuple[str, int], Any] = {}
        self.monitors: list[tuple[Probe, Any]] = []
        self.spikes: dict[str, Any] = {}
        self.weights: dict[str, list[Any]] = {}
        self.parts: dict[str, list[tuple[Any, NDArray[np.int64]]]] = {}
        for name, neuron in network.neurons().items():
            self._population(name, neuron)
        for s in network.synapses:
            self._synapse(s)
        self._monitors()

    def _keep(self, made: Any) -> Any:
        self.objects.append(made)
        return made

    # -- populations ----------------------------------------------------------------------------

    def _population(self, name: str, neuron: Neuron) -> None:
        p = neuron_actor.derive(neuron, self.network.clock)
        rest = neuron_actor.rest(neuron, p, np.dtype(np.float64))
        own = {port: v for (n, port), v in self.bias.items() if n == name}
        code = _brian2_code.code(neuron, p, rest, own)
        level = self.level[name]
        group = self._group(neuron.size, {**code.variables, **code.constants},
                            None if code.graded else f"fires_{level}", "z > 0.5")  # fmt: skip
        group.run_regularly(code.update, when=f"update_{level}", dt=self.dt)
        self.groups[name], self.codes[name] = group, code
        for number, drawn in enumerate(type(neuron).noise):
            self._draws(group, drawn, neuron, number)

    def _group(self, size: int, variables: dict[str, Any], slot: str | None, threshold: str) -> Any:
        model = "\n".join(f"{n} : 1" for n in variables)
        fires = {"threshold": threshold, "reset": ""} if slot else {}
        group = self.b.NeuronGroup(size, model, clock=self.clock, **fires)
        for n, value in variables.items():
            setattr(group, n, value)
        if slot:
            group.thresholder["spike"].when = slot
        return self._keep(group)

    def _draws(self, group: Any, name: str, neuron: Any, number: int) -> None:
        """Uniform draws of a neuron with chance, keyed as everywhere in neuro."""
        row = group.variables[f"x_{name}"].get_value()

        def draw(tick: int) -> None:
            row[:] = uniform(int(neuron.seed), number, tick, 1, neuron.size)[0]

        self._operation(draw, "known")

    def _operation(self, act: Any, slot: str) -> None:
        tick = self.clock.variables["timestep"].get_value()
        made = self.b.NetworkOperation(lambda: act(int(tick[0])), clock=self.clock, when=slot)
        self._keep(made)

    # -- what is sent ---------------------------------------------------------------------------

    def _relay(self, name: str, delay: int) -> Any:
        """A group that says in `z` what `name` sent `delay` ticks ago."""
        size, now = self.network.populations[name].size, name in self.groups and delay == 0
        slots = [f"relay_{self.level[name]}", f"relay_fires_{self.level[name]}"] if now else [
            "known", "known_fires"]  # fmt: skip
        group = self._group(size, {"z": 0.0}, slots[1], "z != 0.0")
        z = group.variables["z"].get_value()
        if name in self.sent:
            self._operation(_replay(self.sent[name], delay, self.ticks, z), slots[0])
            return group
        graded = self.groups[name].variables["z"].get_value()
        if now:
            self._operation(lambda tick: np.copyto(z, graded), slots[0])
            return group
        past = np.zeros((delay, size))
        self._operation(lambda tick: np.copyto(z, past[tick % delay]), slots[0])
        self._operation(lambda tick: np.copyto(past[tick % delay], graded), "end")
        return group

    # -- synapses -------------------------------------------------------------------------------

    def _synapse(self, s: Synapse) -> None:
        every = connections(self.network, s)
        level = f"deliver_{self.level[s.pre]}"
        whole = np.arange(len(every.pre))
        if s.pre in self.groups and not self.codes[s.pre].graded:
            early = len(every.delay) > 0 and int(every.delay.min()) > 0
            queued = every._replace(delay=every.delay - 1) if early else every
            self._project(s, self.groups[s.pre], queued, whole, "arrive" if early else level)
            return
        if s.rule is not None:
            self._check_single(s)
        for delay in np.unique(every.delay).tolist():
            chosen = whole[every.delay == delay]
            part = every.some(chosen)
            if (s.pre, delay) not in self.relays:
                self.relays[s.pre, delay] = self._relay(s.pre, delay)
            slot = level if s.pre in self.groups and delay == 0 else "arrive"
            now = part._replace(delay=np.zeros_like(part.delay))
            self._project(s, self.relays[s.pre, delay], now, chosen, slot)

    def _check_single(self, s: Synapse) -> None:
        if s.pre in self.groups or (self.sent[s.pre].value != 1.0).any():
            raise Unsupported(
                f"Synapse[{s.name!r}]", "rule", f"{s.pre!r} sends graded values or several spikes "
                "in a tick, and a synapse of Brian2 learns from single spikes",
                "use a finer Clock, or engine='compiled'",
            )  # fmt: skip

    def _project(
        self, s: Synapse, source: Any, c: Connections, place: NDArray[np.int64], slot: str
    ) -> None:
        """Connections that deliver in a slot, c.delay ticks after the slot first sees a spike.

        Args:
            place: their places among all connections of the synapse.
        """
        if not len(c.pre):
            return
        rule = (
            None if s.rule is None else plastic(f"Synapse[{s.name!r}]", s.rule, self.network.clock)
        )
        accumulator = f"x_{port(self.network, s)}_post"
        given: dict[str, Any] = {"model": "w : 1"}
        if rule is not None:
            given["model"] = "\n".join(f"{n} : 1" for n in ("w", *rule.variables, "emitted"))
            given["on_pre"] = f"{rule.on_pre}\n{accumulator} += sent"
            given |= {"on_post": rule.on_post} if rule.on_post else {}
        else:
            sent = "w" if source is self.groups.get(s.pre) else "w*z_pre"
            given["on_pre"] = f"{accumulator} += {sent}"
        made = self.b.Synapses(source, self.groups[s.post], clock=self.clock, **given)
        made.connect(i=c.pre, j=c.post)
        made.w = c.weight
        made.pre.when = slot
        if c.delay.any():
            made.delay = c.delay * self.dt
        self._keep(made)
        self.parts.setdefault(s.name, []).append((made, place))
        if rule is not None:
            self._learning(s, made, rule, c.post)

    def _learning(self, s: Synapse, made: Any, rule: Plastic, post: NDArray[np.int64]) -> None:
        """What a rule does beside its reaction to presynaptic spikes."""
        for n, value in rule.variables.items():
            setattr(made, n, value)
        if rule.on_post:
            made.post.when = "learn"
        for slot in ("flow", "third", "drift", "decay"):
            if getattr(rule, slot):
                made.run_regularly(getattr(rule, slot), when=slot, dt=self.dt)
        if s.modulator:
            self._modulator(s, made, post)

    def _modulator(self, s: Synapse, made: Any, post: NDArray[np.int64]) -> None:
        """Give every synapse what its modulator sends in the present tick."""
        group = self.groups.get(s.modulator)
        if group is None:
            key = s.modulator, 0
            if key not in self.relays:
                self.relays[key] = self._relay(*key)
            group = self.relays[key]
        z, emitted = group.variables["z"].get_value(), made.variables["emitted"].get_value()
        at = post if len(z) > 1 else np.zeros_like(post)
        self._operation(lambda tick: np.take(z, at, out=emitted), "modulate")

    # -- recording ------------------------------------------------------------------------------

    def _monitors(self) -> None:
        plastic_ = {s.name for s in self.network.synapses if s.rule is not None}
        for p in self.results.probes:
            every = self.results.every[p.name] * self.dt
            if p.owner in plastic_:
                for made, _ in self.parts.get(p.owner, []):
                    monitor = self.b.StateMonitor(made, "w", record=True, dt=every, when="start")
                    self.weights.setdefault(p.name, []).append(self._keep(monitor))
            if p.owner not in self.groups:
                continue
            group = self.groups[p.owner]
            if p.signal in ("spikes", "rate"):
                if p.owner not in self.spikes:
                    self.spikes[p.owner] = self._keep(self.b.SpikeMonitor(group))
            else:
                units = True if p.units is None else np.asarray(p.units)
                monitor = self.b.StateMonitor(
                    group, f"s_{p.signal}", record=units, dt=every, when="end"
                )
                self.monitors.append((p, self._keep(monitor)))

    def run(self) -> Record:
        net = self.b.Network(self.objects)
        levels = range(1 + max(self.level.values(), default=0))
        stages = ("update", "fires", "relay", "relay_fires", "deliver")
        net.schedule = [
            "start", "known", "known_fires", "flow", "arrive",
            *(f"{s}_{k}" for k in levels for s in stages),
            "modulate", "third", "learn", "drift", "decay",
            "groups", "thresholds", "synapses", "resets", "end",
        ]  # fmt: skip
        net.run(self.ticks * self.dt, namespace=_brian2_code.functions(self.b))
        return self._results()

    def _results(self) -> Record:
        results = self.results
        for name, sent in self.sent.items():
            results.sent(name, sent)
        for name, monitor in self.spikes.items():
            t = np.rint(np.asarray(monitor.t / self.dt)).astype(np.int64)
            results.events(name, t, np.asarray(monitor.i))
        for p, monitor in self.monitors:
            results.signal(p, np.array(getattr(monitor, f"s_{p.signal}")).T)
        for p in results.probes:
            if p.name in self.weights:
                results.signal(p, self._learned(p))
            elif p.signal == "weight":
                results.static(p)
        return results.record()

    def _learned(self, p: Probe) -> NDArray[np.float64]:
        """Weights at the start of every sampled tick, and after the last tick if one is due."""
        pairs = list(zip(self.parts[p.owner], self.weights[p.name], strict=True))
        size = sum(len(place) for (_, place), _ in pairs)
        rows = np.zeros((self.ticks // self.results.every[p.name] + 1, size))
        for (made, place), monitor in pairs:
            sampled = np.array(monitor.w).T
            rows[: len(sampled), place] = sampled
            if len(sampled) < len(rows):
                rows[-1, place] = np.array(made.w)
        return rows


def _replay(sent: Emission, delay: int, ticks: int, z: NDArray[np.float64]) -> Any:
    """Fills z with what was sent `delay` ticks before the present one."""
    start = np.searchsorted(sent.t, np.arange(ticks + 1))

    def replay(tick: int) -> None:
        z[:] = 0.0
        if tick >= delay:
            rows = slice(*start[tick - delay : tick - delay + 2])
            z[sent.unit[rows]] = sent.value[rows]

    return replay


def _levels(network: Network) -> dict[str, int]:
    """How many synapses without delay lead to a population one after the other, at most."""
    level: dict[str, int] = {}
    for name in network.order:
        before = [
            level[s.pre] + 1
            for s in network.synapses
            if s.post == name and s.pre in network.neurons() and not network.shortest_delay(s)
        ]
        level[name] = max(before, default=0)
    return level
