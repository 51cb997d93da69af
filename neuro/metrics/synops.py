"""Synaptic operations: what a run costs when only spikes cost anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuro.errors import InvalidValue
from neuro.network import Network
from neuro.record import Record

Counts = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Operations:
    """Operations of one synapse, or of several together, for each sample of a run.

    Args:
        effective_acs: accumulates [B]: every spike, once for each synapse it reaches.
        effective_macs: multiply-accumulates [B]: every graded value other than zero that a
            neuron without spikes sends, once for each synapse it reaches.
        dense: operations [B] if every unit sent a value at every step.
    """

    effective_acs: Counts
    effective_macs: Counts
    dense: Counts

    @property
    def effective(self) -> Counts:
        """Accumulates and multiply-accumulates together [B]."""
        return self.effective_acs + self.effective_macs

    @property
    def per_sample(self) -> float:
        """Effective operations, mean over samples."""
        return float(self.effective.mean())

    @property
    def dense_per_sample(self) -> float:
        """Dense operations, mean over samples."""
        return float(self.dense.mean())


@dataclass(frozen=True, eq=False)
class SynapticOperations:
    """Operations by synapse name, and in total."""

    synapses: Mapping[str, Operations]

    @property
    def total(self) -> Operations:
        """All synapses of the network together."""
        parts = self.synapses.values()
        return Operations(
            np.sum([p.effective_acs for p in parts], axis=0),
            np.sum([p.effective_macs for p in parts], axis=0),
            np.sum([p.dense for p in parts], axis=0),
        )

    @classmethod
    def joined(cls, batches: Sequence[SynapticOperations]) -> SynapticOperations:
        """The counts of several batches of one network, sample after sample.

        Raises:
            InvalidValue: no batches, or they come from networks with other synapses.
        """
        if not batches:
            raise InvalidValue("SynapticOperations.joined: got no batches, expected at least one")
        names = list(batches[0].synapses)
        for i, batch in enumerate(batches):
            if list(batch.synapses) != names:
                raise InvalidValue(
                    f"SynapticOperations.joined: batch {i} has synapses {list(batch.synapses)}, "
                    f"expected {names}"
                )

        def column(name: str, field: str) -> Counts:
            return np.concatenate([getattr(b.synapses[name], field) for b in batches])

        fields = ("effective_acs", "effective_macs", "dense")
        return cls({name: Operations(*(column(name, f) for f in fields)) for name in names})


def synops(network: Network, record: Record) -> SynapticOperations:
    """Count synaptic operations of a run, per synapse and sample.

    A spike costs one accumulate for each synapse that leaves its unit, at the borders of a
    convolution accordingly fewer. Biases cost nothing. The names and the mean over samples are
    those of NeuroBench (Yik et al., The NeuroBench framework for benchmarking neuromorphic
    computing algorithms and systems, Nature Communications 16, 1545 (2025)): Effective_ACs,
    Effective_MACs, Dense. We differ in two ways. NeuroBench skips weights that are exactly zero;
    here they count, because the synapse exists. And where n > 1 spikes fall in one tick, NeuroBench
    calls the layer graded and counts one multiply-accumulate; here they are n accumulates.

    Args:
        network: the network that ran.
        record: of that run, with the signal "<pre>.spikes" [T, B, *units] of every presynaptic
            population, the input included ("<pre>.v" where a neuron emits its membrane v).

    Raises:
        InvalidValue: a signal is missing or has the wrong shape, spikes are not whole numbers
            >= 0, or the network has no synapses.
    """
    if not network.synapses:
        raise InvalidValue("synops: the network has no synapses, so there is nothing to count")
    signals = {s.pre: _sent(network, record, s.pre) for s in network.synapses}
    lengths = {name: signal.shape[:2] for name, signal in signals.items()}
    if len(set(lengths.values())) > 1:
        raise InvalidValue(f"synops: signals differ in [T, B]: {lengths}")
    counts: dict[str, Operations] = {}
    for synapse in network.synapses:
        signal, units = signals[synapse.pre], network.populations[synapse.pre].units
        steps, samples = signal.shape[:2]
        fan_out = synapse.topology.fan_out(units).astype(np.float64)
        dense = np.full(samples, steps * fan_out.sum())
        none = np.zeros(samples)
        per_unit = signal.reshape(steps, samples, -1).sum(axis=0, dtype=np.float64)
        done = per_unit @ fan_out.ravel()
        spikes = network.populations[synapse.pre].emits == "spikes"
        counts[synapse.name] = Operations(done, none, dense) if spikes else Operations(
            none, done, dense
        )  # fmt: skip
    return SynapticOperations(counts)


def _sent(network: Network, record: Record, pre: str) -> NDArray[np.float64]:
    """How many values each unit sends at each step, [T, B, *units]."""
    population = network.populations[pre]
    name = f"{pre}.{population.emits}"
    if name not in record:
        raise InvalidValue(
            f"synops: the record has no signal {name!r}. Run the network again with {name!r} in "
            f"record=[...]; it has {', '.join(record) or 'nothing'}"
        )
    signal = record.array(name)
    if signal.ndim < 3 or signal.shape[2:] != population.units or 0 in signal.shape:
        units = ", ".join(map(str, population.units))
        raise InvalidValue(
            f"synops: Record[{name!r}] has shape {signal.shape}, expected [T, B, {units}]"
        )
    if population.emits != "spikes":
        return (signal != 0).astype(np.float64)
    if (signal < 0).any() or (signal != np.rint(signal)).any():
        raise InvalidValue(f"synops: Record[{name!r}] is not spikes: expected whole numbers >= 0")
    return signal
