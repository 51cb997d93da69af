"""engine="reference": the laws as they stand, tick by tick in PyTorch.

Slow and readable; what the compiled engine is tested against. Connections are written out as dense
matrices, one for each delay, and sources as the arrays they emit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from neuro.errors import Unsupported
from neuro.network import Input, Network, Synapse
from neuro.neurons import Neuron
from neuro.record import Record
from neuro.sim.inputs import stimuli
from neuro.sim.probe import Probe
from neuro.sources import Source
from neuro.synapses import Conv2d, Dense
from neuro.train import Module

LARGEST = 1 << 27  # entries of all matrices together


def run(
    network: Network, ticks: int, *, inputs: Any = None, record: Sequence[str | Probe] = (),
    seed: int = 0, dtype: str = "float64", threads: int = 1,
) -> Record:  # fmt: skip
    """Run from rest for `ticks` ticks; see `neuro.sim.run`.

    Args:
        threads: is ignored; PyTorch has threads of its own.

    Raises:
        Unsupported: a synapse learns, has too many delays or connections, or a probe samples.
    """
    names: list[str] = []
    for wanted in (record,) if isinstance(record, (str, Probe)) else record:
        if isinstance(wanted, Probe) and (wanted.units is not None or wanted.every is not None):
            raise Unsupported(
                "sim.run(engine='reference')", f"record[{wanted.name!r}]",
                "it keeps every unit at every tick", "pass the name alone, and slice the result",
            )  # fmt: skip
        names.append(wanted.name if isinstance(wanted, Probe) else wanted)
    plain = _dense(network)
    form = getattr(torch, dtype)
    fed: dict[str, torch.Tensor] = {}
    for name, stimulus in stimuli(network, inputs, ticks).items():
        grid = np.zeros((ticks, network.populations[name].size))
        np.add.at(
            grid, (stimulus.t, stimulus.unit), 1 if stimulus.value is None else stimulus.value
        )
        fed[name] = _tensor(grid, network.populations[name].units, form)
    for name, p in network.populations.items():
        if isinstance(p, Source):
            emitted, _ = p.emission(network.clock, ticks, seed=seed)
            fed[name] = _tensor(emitted, p.units, form)
    if not fed:  # a module counts its steps by its inputs
        plain = plain.replace(populations={**plain.populations, "clock tick": Input(1)})
        fed["clock tick"] = torch.zeros(ticks, 1, 1, dtype=form)
    with torch.no_grad():
        found, _ = Module(plain, backend="reference").to(form)(fed, record=names)
    signals = {name: found[name] for name in found}
    return Record(signals, network.clock, network.fingerprint)


def _tensor(grid: Any, units: tuple[int, ...], form: torch.dtype) -> torch.Tensor:
    return torch.tensor(np.reshape(grid, (len(grid), 1, *units)), dtype=form)


def _dense(network: Network) -> Network:
    """The same network with Inputs for sources, and matrices for rules and lists."""
    populations = {
        name: Input(p.units) if isinstance(p, Source) else p
        for name, p in network.populations.items()
    }
    synapses: list[Synapse] = []
    entries = 0
    for s in network.synapses:
        if s.rule is not None:
            raise Unsupported(
                f"Synapse[{s.name!r}]", "rule", "engine='reference' has no plasticity",
                "use engine='compiled', or neuro.rules on recorded spikes",
            )  # fmt: skip
        if isinstance(s.topology, (Dense, Conv2d)) and not network.each_its_delay(s):
            synapses.append(s)
            continue
        pre, post = network.populations[s.pre], network.populations[s.post]
        assert isinstance(post, Neuron)
        rows = network.rows(s, 0, pre.size)
        units = np.repeat(np.arange(pre.size), np.diff(rows.start))
        weight = np.broadcast_to(rows.weight, rows.post.shape).astype(np.float64)
        delays = np.broadcast_to(rows.delay, rows.post.shape)
        # What carries nothing has no row; a bias comes all the same, with the first matrix.
        bias = s.topology.arrays().get("bias")
        late = np.unique(delays) if len(delays) else np.array([network.shortest_delay(s)])
        for number, delay in enumerate(late if len(delays) or bias is not None else ()):
            entries += pre.size * post.size
            if entries > LARGEST:
                raise Unsupported(
                    f"Synapse[{s.name!r}]", "topology",
                    "engine='reference' writes it out as matrices, one for each delay, of more "
                    f"than {LARGEST:,} entries", "use engine='compiled', or a smaller network",
                )  # fmt: skip
            own = delays == delay
            matrix = np.zeros((post.size, pre.size))
            np.add.at(matrix, (rows.post[own], units[own]), weight[own])
            seconds = float(network.clock.seconds(int(delay)))
            name = f"{s.name} after {int(delay)}"
            dense = Dense(matrix, None if number else bias, post=post.units)
            synapses.append(Synapse(s.pre, s.post, dense, seconds, s.port, name))
    return Network(populations, tuple(synapses), network.outputs, network.clock)
