"""What of a network a Module can train, and what of it is chosen."""

from __future__ import annotations

from collections.abc import Sequence

from neuro.errors import UnknownName, Unsupported
from neuro.network import Network
from neuro.sources import Source
from neuro.synapses import Conv2d, Dense, Sparse
from neuro.train.paths import learnable


def check(network: Network) -> None:
    """Refuse what has no gradient to go through."""
    for name, population in network.populations.items():
        if isinstance(population, Source):
            raise Unsupported(
                f"Network[{name!r}]", population.name, "a Module is fed, and has no sources",
                "make it an Input and feed source.emission(clock, ticks)",
            )  # fmt: skip
    for synapse in network.synapses:
        if not isinstance(synapse.topology, (Dense, Conv2d, Sparse)):
            raise Unsupported(
                f"Synapse[{synapse.name!r}]", "topology",
                f"{type(synapse.topology).__name__} has no weights to train",
                "use Dense, Sparse or Conv2d, or simulate the network with neuro.sim",
            )  # fmt: skip


def chosen(network: Network, learn: Sequence[str]) -> set[str]:
    """Full names ("hid1.tau_mem", "in->hid1.weight") of everything that `learn` selects."""
    known = {
        f"{name}.{row.name}"
        for name, neuron in network.neurons().items()
        for row in neuron.table()
        if row.learnable
    }
    known |= {f"{s.name}.{key}" for s in network.synapses for key in s.topology.arrays()}
    known |= {f"{s.name}.delay" for s in network.synapses if learnable(network, s)}
    short = {name.rpartition(".")[2] for name in known} | {"bias"}
    found: set[str] = set()
    for name in learn:
        if name not in known and name not in short:
            raise UnknownName("Module.learn", name, known | short)
        found |= {full for full in known if full == name or full.rpartition(".")[2] == name}
    return found
