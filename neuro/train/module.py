"""A Network as a PyTorch module: the differentiable life of the same graph."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils import _pytree
from torch.utils.checkpoint import checkpoint

from neuro.errors import InvalidValue, UnknownName
from neuro.grid import GridReport
from neuro.lower import recurrent, reference
from neuro.network import Input, Network, Synapse
from neuro.neurons import Neuron
from neuro.nn.connection import transmit
from neuro.nn.delay_kernel import DelayKernel
from neuro.nn.population import Backend, Population, check_input
from neuro.record import Record
from neuro.surrogate import Surrogate
from neuro.synapses import Dense
from neuro.train.normalise import folded, normalised, norms
from neuro.train.paths import Path, needed, shifted, window
from neuro.train.selection import check, chosen

_SPIKES = ("spikes", "count")  # signals that are no state of a neuron


class NetworkState(NamedTuple):
    """All that a network carries from one call to the next."""

    neurons: dict[str, Any]  # population -> State of tensors [B, *units]
    lines: dict[str, Tensor]  # delayed synapse -> spikes under way [longest delay, B, *units]


class Module(nn.Module):
    """Runs a Network in PyTorch with gradients: `record, state = module(x, state)`.

    Args:
        network: what to run; it is not changed. `module.network()` returns a new one with the
            trained values.
        learn: what to train: "weight", "bias", "delay", or a neuron parameter such as "tau_mem",
            everywhere; or one of them at one place, "hid1.tau_mem", "in->hid1.weight". Delays are
            learned in the shape they are given: one for each connection, or one for each
            presynaptic unit; a synapse with a single delay keeps it.
        surrogate: derivative of a spike, the same for all populations.
        backend: "auto", "fused" or "reference", see `neuro.nn.Population`.
        delays: how learned delays are smeared in training; `DelayKernel()` by default.
        max_delay: seconds that a learned delay may have; by default the longest of its synapse.
        normalise: normalise the currents into spiking populations over time and batch, in
            training; what it has learned becomes part of weights and biases in evaluation.
        dropout: share of the spiking units that a training sample goes without.

    In evaluation delays are whole ticks, as in `network()`. Learning rules of synapses rest here;
    `network()` returns them with the trained weights.

    Raises:
        UnknownName: `learn` names nothing in this network.
        InvalidValue: a delay is longer than `max_delay`, or a value is out of its bounds.
        Unsupported: a source or a connection rule, which only simulations have.
    """

    def __init__(
        self,
        network: Network,
        *,
        learn: Sequence[str] = ("weight", "bias"),
        surrogate: Surrogate | None = None,
        backend: Backend = "auto",
        delays: DelayKernel | None = None,
        max_delay: float | None = None,
        normalise: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check(network)
        if not 0 <= dropout < 1:
            raise InvalidValue(f"Module.dropout: got {dropout}, expected 0 or more and below 1")
        self._network = network
        self._stages = network.stages
        self._dropout = dropout
        self._known: tuple[object, str] = (None, "")  # state of the parameters, and its fingerprint
        trained = chosen(network, (learn,) if isinstance(learn, str) else learn)
        self.populations = nn.ModuleDict({
            name: Population(
                neuron, network.clock, surrogate=surrogate, backend=backend,
                learn=[row.name for row in neuron.table() if f"{name}.{row.name}" in trained],
            )
            for name, neuron in network.neurons().items()
        })  # fmt: skip
        longest = None
        if max_delay is not None:
            longest = int(network.clock.ticks(max_delay, exact=True, what="Module.max_delay"))
        self.delays = nn.ModuleDict({
            _key(s, "delay"): Path(network, s, learn=learned, kernel=delays, longest=longest)
            for s in network.synapses
            if needed(network, s, learned := f"{s.name}.delay" in trained)
        })  # fmt: skip
        self._delays = {
            s.name: network.delay_ticks(s) for s in network.synapses if self._path(s) is None
        }
        made = norms(network) if normalise else []
        self.norms = nn.ModuleDict({_key(s, "norm"): norm for s, norm in made})
        self.arrays = nn.ParameterDict()
        for synapse in network.synapses:
            for key, array in synapse.topology.arrays().items():
                learned = f"{synapse.name}.{key}" in trained
                tensor = torch.tensor(array)
                self.arrays[_key(synapse, key)] = nn.Parameter(tensor, requires_grad=learned)

    # -- running --------------------------------------------------------------------------------

    def forward(
        self,
        x: Tensor | Mapping[str, Tensor],
        state: NetworkState | None = None,
        record: Sequence[str] = (),
        chunk: int | Literal["sqrt"] | None = None,
    ) -> tuple[Record, NetworkState]:
        """Run all steps of the input.

        Args:
            x: spikes (or currents) [T, B, *units] for the input population; a mapping from name
                if there are several. All floating point, of one dtype.
            state: as returned by the previous call, or None to start at rest with silent delays.
            record: further signals to return: "hid1.spikes", "hid1.v" (any state variable),
                "in.spikes", or "hid1.count", the number of spikes as one step [1, B, *units]. What
                the outputs emit is always there, unless their count is asked for: a loss on rates
                then needs no array over all steps.
            chunk: keep for the backward pass only the state every so many steps and compute the
                rest again; "sqrt" takes the square root of T, with which memory grows as that
                root (but for the input and what is recorded). The gradients are the same.

        Returns:
            Record of tensors [T, B, *units], and the state after the last step.

        Raises:
            InvalidValue: wrong shape, dtype or batch size, or NaN in the input.
            UnknownName: `record` names no signal of this network.
        """
        if chunk is not None:
            return self._in_chunks(x, state, record, chunk)
        network = self._network
        signals = self._inputs(x)
        steps, batch = next(iter(signals.values())).shape[:2]
        wanted = self._wanted(record)
        neurons: dict[str, Any] = dict(state.neurons) if state is not None else {}
        lines: dict[str, Tensor] = dict(state.lines) if state is not None else {}
        kept: dict[str, Tensor] = {}
        for stage in self._stages:
            if isinstance(network.populations[stage[0]], Input):
                continue
            incoming = {name: self._currents(name, stage, signals, lines) for name in stage}
            run = self._scan if self._is_acyclic(stage) else self._loop
            if self._feeds_itself(stage, incoming):
                run = self._recur
            run(stage, incoming, signals, neurons, lines, kept, wanted, (steps, batch))
        for name, fields in wanted.items():
            if "spikes" in fields:
                kept[f"{name}.spikes"] = signals[name]
            if "count" in fields:
                kept[f"{name}.count"] = signals[name].sum(0, keepdim=True)
        named = {f"{n}.{f}": kept[f"{n}.{f}"] for n, fields in wanted.items() for f in fields}
        return Record(named, network.clock, self._fingerprint()), NetworkState(neurons, lines)

    def _in_chunks(
        self,
        x: Tensor | Mapping[str, Tensor],
        state: NetworkState | None,
        record: Sequence[str],
        chunk: int | Literal["sqrt"],
    ) -> tuple[Record, NetworkState]:
        signals = self._inputs(x)
        steps = len(next(iter(signals.values())))
        length = math.isqrt(steps - 1) + 1 if chunk == "sqrt" else chunk
        if not isinstance(length, int) or length < 1:
            raise InvalidValue(f"Module: chunk is {chunk!r}, expected at least 1, or 'sqrt'")
        parts: list[Record] = []
        for first in range(0, steps, length):
            part = {name: signal[first : first + length] for name, signal in signals.items()}
            done, state = checkpoint(self.forward, part, state, record, use_reentrant=False)
            parts.append(done)
        assert state is not None
        whole: dict[str, Tensor] = {}
        for name in parts[0]:
            pieces = torch.cat([part[name] for part in parts])
            whole[name] = pieces.sum(0, keepdim=True) if name.endswith(".count") else pieces
        return Record(whole, self._network.clock, self._fingerprint()), state

    def anneal(self, done: float) -> None:
        """Narrow the kernels of learned delays to what they are after the share `done`, 0 to 1, of
        the training; the training loop does it at every epoch."""
        for path in self.delays.values():
            assert isinstance(path, Path)
            path.anneal(done)

    def _fingerprint(self) -> str:
        """Of the network with its present values; "" in training, where each step changes them."""
        if torch.is_grad_enabled():
            return ""
        versions = tuple((id(p), p._version) for p in (*self.parameters(), *self.buffers()))
        if self._known[0] != versions:
            self._known = (versions, self.network().fingerprint)
        return self._known[1]

    def _inputs(self, x: Tensor | Mapping[str, Tensor]) -> dict[str, Tensor]:
        names = self._network.inputs
        if not isinstance(x, Mapping):
            if len(names) != 1:
                raise InvalidValue(
                    f"Module: the network has inputs {names}; pass a mapping by name"
                )
            x = {names[0]: x}
        for name in x:
            if name not in names:
                raise UnknownName("Module: input", name, names)
        for name in names:
            if name not in x:
                raise InvalidValue(f"Module: no input given for {name!r}; expected {names}")
            check_input(f"Module: input {name!r}", x[name], self._network.populations[name].units)
        leads = {tuple(x[name].shape[:2]) for name in names}
        if len(leads) > 1:
            raise InvalidValue(f"Module: inputs differ in [T, B]: {sorted(leads)}")
        return {name: x[name] for name in names}

    def _wanted(self, record: Sequence[str]) -> dict[str, list[str]]:
        """Population -> signals to return, each once, in the order asked."""
        populations = self._network.populations
        offered: dict[str, tuple[str, ...]] = {}
        for name, p in populations.items():
            states = type(p).State._fields if isinstance(p, Neuron) else ()
            offered[name] = (*(_SPIKES if p.emits == "spikes" else ()), *states)
        outputs = [
            f"{name}.{populations[name].emits}"
            for name in self._network.outputs
            if f"{name}.count" not in record
        ]
        wanted: dict[str, list[str]] = {}
        for signal in dict.fromkeys([*outputs, *record]):
            name, _, field = signal.partition(".")
            if field not in offered.get(name, ()):
                known = [f"{n}.{f}" for n, fields in offered.items() for f in fields]
                raise UnknownName("Module: record", signal, known)
            wanted.setdefault(name, []).append(field)
        return wanted

    def _is_acyclic(self, stage: tuple[str, ...]) -> bool:
        return not any(s.pre in stage and s.post in stage for s in self._network.synapses)

    def _currents(
        self,
        post: str,
        stage: tuple[str, ...],
        signals: dict[str, Tensor],
        lines: dict[str, Tensor],
    ) -> dict[str, Tensor]:
        """Summed current [T, B, *units] per port of a population, from outside its stage."""
        currents: dict[str, Tensor] = {}
        for synapse in self._network.synapses:
            if synapse.post != post or synapse.pre in stage:
                continue
            spikes, path = self._thinned(synapse.pre, signals[synapse.pre]), self._path(synapse)
            if path is not None:
                line = self._line(synapse, lines, spikes[0]) if synapse.name in lines else None
                current, after = path(spikes, line, self._arrays(synapse))
                if path.longest:
                    lines[synapse.name] = after
            else:
                delays = self._delays[synapse.name]
                if delays.any():
                    line = self._line(synapse, lines, spikes[0])
                    whole = torch.cat([line, spikes])
                    lines[synapse.name] = whole[len(whole) - len(line) :]
                    spikes = shifted(whole, delays, len(spikes))
                current = self._transmit(synapse, spikes)
            if self.training and _key(synapse, "norm") in self.norms:
                current = normalised(self.norms[_key(synapse, "norm")], current)
            _add(currents, self._port(synapse), current)
        return currents

    def _thinned(self, name: str, spikes: Tensor) -> Tensor:
        """Spikes without those of the units that dropout silences, for all steps of a sample."""
        if not (self.training and self._dropout) or name not in self.populations:
            return spikes
        return spikes * nn.functional.dropout(torch.ones_like(spikes[:1]), self._dropout)

    def _scan(
        self, stage: tuple[str, ...], incoming: dict[str, dict[str, Tensor]],
        signals: dict[str, Tensor], neurons: dict[str, Any], lines: dict[str, Tensor],
        kept: dict[str, Tensor], wanted: dict[str, list[str]], lead: tuple[int, int],
    ) -> None:  # fmt: skip
        """Run a population that is in no loop over all steps."""
        name = next(iter(stage))
        population = self._population(name)
        fields = [f for f in wanted.get(name, ()) if f not in _SPIKES]
        currents = incoming[name] or self._silence(name, signals, lead)
        signals[name], neurons[name], traces = population.trace(
            population.ports(currents, neurons.get(name)),
            neurons.get(name),
            fields,
            where=f"Module[{name!r}]",
            reuse=True,  # the currents were made for it alone
        )
        kept.update({f"{name}.{f}": trace for f, trace in traces.items()})

    def _feeds_itself(self, stage: tuple[str, ...], incoming: Any) -> bool:
        """Whether the stage is one population with one all-to-all synapse onto itself."""
        inner = [s for s in self._network.synapses if s.pre in stage and s.post in stage]
        if len(stage) > 1 or len(inner) != 1 or not isinstance(inner[0].topology, Dense):
            return False
        name = next(iter(stage))
        like = next(iter(incoming[name].values()), None)
        scalar = inner[0].name in self._delays and self._delays[inner[0].name].ndim == 0
        return scalar and like is not None and self._population(name).fuses(like)

    def _recur(
        self, stage: tuple[str, ...], incoming: dict[str, dict[str, Tensor]],
        signals: dict[str, Tensor], neurons: dict[str, Any], lines: dict[str, Tensor],
        kept: dict[str, Tensor], wanted: dict[str, list[str]], lead: tuple[int, int],
    ) -> None:  # fmt: skip
        """Run a population with all-to-all feedback over all steps."""
        name = next(iter(stage))
        (synapse,) = [s for s in self._network.synapses if s.pre == name and s.post == name]
        fields = [f for f in wanted.get(name, ()) if f not in _SPIKES]
        arrays = self._arrays(synapse)
        like = next(iter(incoming[name].values()))
        line = self._line(synapse, lines, like[0])
        feedback = recurrent.Feedback(
            arrays["weight"].to(like.dtype), arrays.get("bias"), line, self._port(synapse)
        )
        population = self._population(name)
        before = neurons.get(name)
        out, neurons[name], traces = population.trace(
            population.ports(incoming[name], before), before, fields,
            where=f"Module[{name!r}]", feedback=feedback,
        )  # fmt: skip
        whole = torch.cat([line, out]) if len(out) < len(line) else out
        lines[synapse.name] = whole[len(whole) - len(line) :]
        signals[name] = out
        kept.update({f"{name}.{f}": trace for f, trace in traces.items()})

    def _loop(
        self, stage: tuple[str, ...], incoming: dict[str, dict[str, Tensor]],
        signals: dict[str, Tensor], neurons: dict[str, Any], lines: dict[str, Tensor],
        kept: dict[str, Tensor], wanted: dict[str, list[str]], lead: tuple[int, int],
    ) -> None:  # fmt: skip
        """Run populations that form a loop, tick by tick."""
        inner = [s for s in self._network.synapses if s.pre in stage and s.post in stage]
        outside = {n: incoming[n] or self._silence(n, signals, lead) for n in stage}
        like = {n: next(iter(outside[n].values()))[0] for n in stage}
        for n in stage:
            first = next(iter(outside[n].values()))
            outside[n] |= self._population(n).noise(first, neurons.get(n))
        p = {n: self._population(n).coefficients(like[n].dtype, like[n].device) for n in stage}
        past = {s.name: list(self._line(s, lines, like[s.pre])) for s in inner}
        steppers = {
            s.name: path.stepper(self._arrays(s), like[s.post].dtype)
            for s in inner
            if (path := self._path(s)) is not None
        }
        traces: dict[str, list[Tensor]] = {}
        emitted: dict[str, list[Tensor]] = {n: [] for n in stage}
        for n in stage:
            neuron = self._population(n).neuron
            neurons.setdefault(n, reference.rest(neuron, p[n], like[n]))
            reference.check_state(f"Module[{n!r}]", neuron, neurons[n], like[n])
        for t in range(lead[0]):
            for n in stage:
                currents = {port: current[t] for port, current in outside[n].items()}
                for s in inner:
                    if s.post == n:
                        known, at = past[s.name] + emitted[s.pre], t + len(past[s.name])
                        recent = window(known, at, len(past[s.name]))
                        if s.name in steppers:
                            current = steppers[s.name](recent)
                        else:
                            spikes = shifted(torch.stack(recent), self._delays[s.name], 1)[0]
                            current = self._transmit(s, spikes)
                        _add(currents, self._port(s), current)
                population = self._population(n)
                inputs = population.ports(currents)
                out, neurons[n] = reference.tick(
                    population.neuron, p[n], neurons[n], inputs, population.surrogate
                )
                emitted[n].append(out)
                for f in wanted.get(n, ()):
                    if f not in _SPIKES:
                        traces.setdefault(f"{n}.{f}", []).append(getattr(neurons[n], f))
        for s in inner:
            if past[s.name]:
                lines[s.name] = torch.stack((past[s.name] + emitted[s.pre])[-len(past[s.name]) :])
        signals.update({n: torch.stack(emitted[n]) for n in stage})
        kept.update({name: torch.stack(trace) for name, trace in traces.items()})

    def _silence(
        self, name: str, signals: dict[str, Tensor], lead: tuple[int, int]
    ) -> dict[str, Tensor]:
        """Zero current for a population that nothing outside its stage reaches."""
        neuron = self._population(name).neuron
        like = next(iter(signals.values()))
        return {type(neuron).Inputs._fields[0]: like.new_zeros(*lead, *neuron.units)}

    def _line(self, synapse: Synapse, lines: dict[str, Tensor], like: Tensor) -> Tensor:
        """Spikes under way when the run begins, [longest delay, B, *pre]."""
        path = self._path(synapse)
        longest = int(self._delays[synapse.name].max()) if path is None else path.longest
        units = self._network.populations[synapse.pre].units
        shape = (longest, like.shape[0], *units)
        line = lines.get(synapse.name)
        if line is None:
            return like.new_zeros(shape)
        if tuple(line.shape) != shape:
            raise InvalidValue(
                f"Module: state.lines[{synapse.name!r}] has shape {tuple(line.shape)}, expected "
                f"{shape}. Pass state=None when the batch changes."
            )
        return line

    def _port(self, synapse: Synapse) -> str:
        return synapse.port or type(self._population(synapse.post).neuron).Inputs._fields[0]

    def _population(self, name: str) -> Population:
        population = self.populations[name]
        assert isinstance(population, Population)
        return population

    def _path(self, synapse: Synapse) -> Path | None:
        key = _key(synapse, "delay")
        path = self.delays[key] if key in self.delays else None  # noqa: SIM401  # no get() there
        assert path is None or isinstance(path, Path)
        return path

    def _arrays(self, synapse: Synapse) -> dict[str, Tensor]:
        """Weights and bias; in evaluation with what normalisation makes of them."""
        arrays = {k: self.arrays[_key(synapse, k)] for k in synapse.topology.arrays()}
        key = _key(synapse, "norm")
        if self.training or key not in self.norms:
            return arrays
        return folded(self.norms[key], arrays)

    def _transmit(self, synapse: Synapse, spikes: Tensor) -> Tensor:
        arrays = self._arrays(synapse)
        axes = len(self._network.populations[synapse.pre].units)
        return transmit(synapse.topology, arrays, spikes, axes)

    # -- back to data ---------------------------------------------------------------------------

    def network(self) -> Network:
        """A Network with the current values, as an evaluation uses them: weights, biases, delays in
        whole ticks and neuron parameters."""
        populations = {
            n: p if isinstance(p, Input) else self._population(n).trained()
            for n, p in self._network.populations.items()
        }
        synapses: list[Synapse] = []
        for s in self._network.synapses:
            arrays = {k: self.arrays[_key(s, k)] for k in s.topology.arrays()}
            if _key(s, "norm") in self.norms:
                arrays = folded(self.norms[_key(s, "norm")], arrays)
            values = {k: a.detach().cpu().float().numpy() for k, a in arrays.items()}
            topology, path = s.topology.with_arrays(values), self._path(s)
            delay = path.seconds() if path is not None and path.learned else s.delay
            synapses.append(replace(s, topology=topology, delay=delay))
        return self._network.replace(populations=populations, synapses=tuple(synapses))

    def on_grid(self) -> tuple[Network, GridReport]:
        """`network()`, and how far the learned delays moved to become whole ticks.

        The largest tick of a synapse's report is the longest delay that could be learned.
        """
        learned = {s.name: path for s in self._network.synapses
                   if (path := self._path(s)) is not None and path.learned}  # fmt: skip
        clock, network = self._network.clock, self.network()
        rows = [(name, p.exact_seconds(), clock.ticks(p.seconds()), clock)
                for name, p in learned.items()]  # fmt: skip
        return network, GridReport.of(rows, longest={n: p.longest for n, p in learned.items()})


def detach(state: Any) -> Any:
    """The same state without its history, to cut the gradient between two calls."""
    return _pytree.tree_map(lambda x: x.detach() if isinstance(x, Tensor) else x, state)


def _key(synapse: Synapse, array: str) -> str:
    """Name of an array in the state dictionary, where PyTorch allows no dot."""
    return f"{synapse.name}:{array}".replace(".", ":")


def _add(currents: dict[str, Tensor], port: str, current: Tensor) -> None:
    currents[port] = currents[port] + current if port in currents else current
