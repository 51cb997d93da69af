"""A network in NEST: exact counterparts of neurons, the same connections, delays and input spikes.

Translated are the neurons that NEST integrates as neuro does (`neuro.sim._nest_neurons`); all
others are refused with the reason. NEST computes in float64. How a tick maps:

    neuro, tick t of a population       NEST, the step that ends at (t + 1 + shift) ticks
    flow                                V_m and currents one step later
    receive                             the ring buffer's spikes of this step are added
    fire, jump                          V_m >= V_th, V_reset; the spike is stamped with the end

A NEST spike travels for at least one step. Synapses without delay are translated all the same:
every population gets a `shift`, by which all of it runs later, such that a delay of d ticks is
d + shift(post) - shift(pre) >= 1 steps there, and times are shifted back in the record. Such shifts
exist unless a loop of n synapses has less than n ticks of delay, which is refused. Steps before
tick 0 are taken without input, and the state is set to rest after them.

Inputs and sources send the very draws that other engines use, from one spike_generator a unit;
counts and graded values are weights of its spikes. `nest.ResetKernel` is called first, so what NEST
held before is gone. Threads are NEST's (`local_num_threads`).

Beyond one machine: with a NEST that was built with MPI, the same script runs on several processes
or machines,

    mpirun -n 2 python script.py

where each process builds its share of the neurons and its record holds the spikes of that share;
signals of units that live elsewhere are NaN.

Source: Gewaltig & Diesmann, Scholarpedia 2(4):1430 (2007); on the grid and the order within a step:
Morrison, Mehring, Geisel, Aertsen & Diesmann, Neural Computation 17 (2005), section 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.errors import Unsupported, require
from neuro.network import Network, Synapse
from neuro.record import Record
from neuro.sim._nest_neurons import counterpart
from neuro.sim.outside import Emission, Results, biases, connections, emissions, port
from neuro.sim.probe import Probe

ROWS = 4096  # presynaptic units whose connections are made at once
STDP = (
    "the delay of stdp_synapse is dendritic: it pairs a presynaptic spike at its start with a "
    "postsynaptic one when that has travelled back, so of delay d it sees t_post + d - t_pre where "
    "neuro's axonal delay gives t_post - t_pre - d. The difference, 2 d, is at least two ticks"
)


def run(
    network: Network, ticks: int, *, inputs: Any = None, record: Sequence[str | Probe] = (),
    seed: int = 0, dtype: str = "float64", threads: int = 1,
) -> Record:  # fmt: skip
    """Run a network from rest in NEST; see `neuro.sim.run`.

    Args:
        dtype: taken for the sake of the other engines; NEST computes in float64.

    Raises:
        Unsupported: NEST has no counterpart of a neuron, a synapse or the clock.
        MissingExtra: NEST is not installed.
    """
    nest: Any = require("nest", "nest")
    return _Translation(nest, network, ticks, inputs, seed, threads, record).run()


class _Translation:
    """One network in NEST's kernel."""

    def __init__(
        self, nest: Any, network: Network, ticks: int, inputs: Any, seed: int, threads: int,
        record: Sequence[str | Probe],
    ) -> None:  # fmt: skip
        self.nest, self.network, self.ticks = nest, network, ticks
        self.results = Results(network, ticks, record)
        self.models = {n: counterpart(n, p, network.clock) for n, p in network.neurons().items()}
        for s in network.synapses:
            self._check(s)
        self.bias = biases(network)
        self.shift = _shifts(network, {name for name, _ in self.bias})
        self.sent = emissions(network, inputs, ticks, seed)
        self._check_probes()
        self.step = self._kernel(seed, threads)
        self.nodes = {name: self._population(name) for name in self.models}
        for name, sent in self.sent.items():
            self.nodes[name] = self._generators(sent, network.populations[name].size)
        for s in network.synapses:
            self._connect(s)
        for (name, target), bias in self.bias.items():
            self._constant(name, target, bias)
        self.recorders = {p.name: self._recorder(p) for p in self.results.probes}

    def _check(self, s: Synapse) -> None:
        where = f"Synapse[{s.name!r}]"
        if s.rule is not None:
            raise Unsupported(where, "rule", STDP, "use engine='compiled' or 'brian2'")
        pre = self.network.populations[s.pre]
        if s.pre in self.models and pre.emits != "spikes":
            raise Unsupported(
                where, "pre", f"{s.pre!r} sends its {pre.emits!r} in every tick, NEST only spikes",
                "use engine='compiled' or 'brian2'",
            )  # fmt: skip

    def _check_probes(self) -> None:
        for p in self.results.probes:
            if p.owner in self.models and p.signal not in ("spikes", "rate"):
                model = self.models[p.owner]
                if p.signal not in model.signals:
                    listed = [f"{p.owner}.{n}" for n in model.signals]
                    raise Unsupported(
                        "sim.run.record", p.name, f"{model.model} has no recordable for it",
                        f"NEST records {listed}",
                    )  # fmt: skip

    def _kernel(self, seed: int, threads: int) -> float:
        """Set NEST's kernel up; a tick in ms."""
        tick = self.network.clock.tick * 10**6
        if tick.denominator != 1:
            raise Unsupported(
                "Network", "clock",
                f"NEST's times are whole microseconds, a tick is {float(tick)} us",
                "use a Clock that is a whole number of microseconds",
            )  # fmt: skip
        nest = self.nest
        nest.verbosity = nest.VerbosityLevel.ERROR
        nest.ResetKernel()
        nest.resolution = self.network.clock.dt * 1e3
        nest.local_num_threads = threads
        nest.rng_seed = seed % (2**32 - 2) + 1  # nothing is drawn in NEST; it wants a number > 0
        return self.network.clock.dt * 1e3

    # -- nodes ----------------------------------------------------------------------------------

    def _population(self, name: str) -> Any:
        neuron, model = self.network.neurons()[name], self.models[name]
        nodes = self.nest.Create(model.model, neuron.size)
        nodes.set(_lists({**model.parameters, **model.rest}, neuron.units))
        return nodes

    def _generators(self, sent: Emission, size: int) -> Any:
        nodes = self.nest.Create("spike_generator", size)
        order = np.lexsort((sent.t, sent.unit))
        start = np.searchsorted(sent.unit[order], np.arange(size + 1))
        times, values = (sent.t[order] + 1) * self.step, sent.value[order]
        spans = [slice(a, b) for a, b in pairwise(start)]
        nodes.set([{"spike_times": times[span], "spike_weights": values[span]} for span in spans])
        return nodes

    def _constant(self, name: str, port: str, bias: NDArray[np.float64]) -> None:
        """A generator that sends in every tick what a bias adds."""
        self._check_sign(name, name, port, bias)
        times = (np.arange(self.ticks) + self.shift[name]) * self.step
        generator = self.nest.Create("spike_generator", params={"spike_times": times})
        pre = np.full(len(bias), generator.global_id)
        delay = np.full(len(bias), self.step)
        self._link(pre, np.asarray(self.nodes[name].tolist()), bias, delay)

    def _link(self, pre: Any, post: Any, weight: Any, delay: Any) -> None:
        given = {"synapse_model": "static_synapse", "weight": weight, "delay": delay}
        self.nest.Connect(pre, post, "one_to_one", given)

    def _connect(self, s: Synapse) -> None:
        later, target = self.shift[s.post] - self.shift[s.pre], port(self.network, s)
        pre, post = (np.asarray(self.nodes[n].tolist()) for n in (s.pre, s.post))
        where = f"Synapse[{s.name!r}]"
        for low in range(0, len(pre), ROWS):
            c = connections(self.network, s, low, min(low + ROWS, len(pre)))
            self._check_sign(where, s.post, target, c.weight)
            if s.pre in self.sent:  # a negative value turns the sign of any weight
                self._check_sign(where, s.post, "excitation", self.sent[s.pre].value)
            if len(c.pre):
                self._link(pre[c.pre], post[c.post], c.weight, (c.delay + later) * self.step)

    def _check_sign(self, where: str, post: str, port: str, values: NDArray[np.float64]) -> None:
        sign = self.models[post].ports.get(port, 0)
        if (sign * values < 0).any():
            raise Unsupported(
                where, "weight",
                f"NEST chooses between excitation and inhibition by the sign of what arrives, and "
                f"{port!r} would get values {'below' if sign > 0 else 'above'} 0",
                "send them to the other port, or use engine='compiled' or 'brian2'",
            )  # fmt: skip

    # -- running --------------------------------------------------------------------------------

    def _recorder(self, p: Probe) -> Any:
        if p.owner not in self.models:
            return None
        nodes, given = self.nodes[p.owner], {"delay": self.step}
        if p.signal in ("spikes", "rate"):
            recorder = self.nest.Create("spike_recorder", params={"time_in_steps": True})
            self.nest.Connect(nodes, recorder, "all_to_all", given)
            return recorder
        theirs = self.models[p.owner].signals[p.signal]
        settings = {"record_from": [theirs], "interval": self.step, "time_in_steps": True}
        recorder = self.nest.Create("multimeter", params=settings)
        chosen = nodes if p.units is None else nodes[sorted(p.units)]
        self.nest.Connect(recorder, chosen, "all_to_all", given)
        return recorder

    def run(self) -> Record:
        last = max(self.shift.values(), default=0)
        for k in range(1, last + 1):
            self.nest.Simulate(self.step)
            for name, model in self.models.items():
                if self.shift[name] == k:
                    self.nodes[name].set(_lists(model.rest, self.network.populations[name].units))
        # Devices get what was recorded a slice later, and a slice is the least delay.
        self.nest.Simulate(self.ticks * self.step + self.nest.min_delay)
        self._collect()
        return self.results.record()

    def _collect(self) -> None:
        for name, sent in self.sent.items():
            self.results.sent(name, sent)
        for p in self.results.probes:
            if p.signal == "weight":
                self.results.static(p)
            if p.owner not in self.models:
                continue
            events = self.recorders[p.name].events
            ids = np.asarray(self.nodes[p.owner].tolist())
            t = np.asarray(events["times"], np.int64) - 1 - self.shift[p.owner]
            unit = np.asarray(events["senders"], np.int64) - ids[0]
            within = (t >= 0) & (t < self.ticks)
            if p.signal in ("spikes", "rate"):
                self.results.events(p.owner, t[within], unit[within])
            else:
                theirs = self.models[p.owner].signals[p.signal]
                self._signal(p, t[within], unit[within], np.asarray(events[theirs])[within])

    def _signal(self, p: Probe, t: Any, unit: Any, value: Any) -> None:
        every, size = self.results.every[p.name], self.network.populations[p.owner].size
        columns = np.arange(size) if p.units is None else np.asarray(p.units)
        at = np.full(size, -1)
        at[columns] = np.arange(len(columns))
        rows = np.full((-(-self.ticks // every), len(columns)), np.nan)
        sampled = t % every == 0
        rows[t[sampled] // every, at[unit[sampled]]] = value[sampled]
        self.results.signal(p, rows)


def _lists(values: dict[str, Any], units: tuple[int, ...]) -> dict[str, Any]:
    """Parameters as NEST takes them: a number, or a list of one for each unit."""
    return {
        n: np.broadcast_to(v, units).ravel().tolist() if np.ndim(v) else float(v)
        if not isinstance(v, bool) else v
        for n, v in values.items()
    }  # fmt: skip


def _shifts(network: Network, biased: set[str]) -> dict[str, int]:
    """By how many ticks each population runs later, so that every delay is at least one step.

    The least numbers with shift(post) >= shift(pre) + 1 - delay, by Bellman and Ford.
    """
    shift = {name: int(name in biased) for name in network.populations}
    changed = ""
    for _ in range(len(shift) + 1):
        changed = ""
        for s in network.synapses:
            least = shift[s.pre] + 1 - network.shortest_delay(s)
            if shift[s.post] < least:
                shift[s.post], changed = least, s.name
        if not changed:
            return shift
    raise Unsupported(
        f"Synapse[{changed!r}]", "delay", "it is in a loop of n synapses with a delay of less than "
        "n ticks, and a spike takes at least one step for each in NEST",
        "lengthen the delays of the loop, or use engine='compiled' or 'brian2'",
    )  # fmt: skip
