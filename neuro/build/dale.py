"""Dale's law: a neuron excites all its targets, or inhibits them all."""

from __future__ import annotations

import numpy as np

from neuro.errors import InvalidValue
from neuro.network import Network
from neuro.neurons import Neuron

CHUNK = 1 << 22  # connections looked at together


def check_dale(network: Network) -> None:
    """Refuse a network in which a neuron has synapses of both signs.

    Weights of a conductance port count as they act: the port "inhibition" inhibits, whatever the
    sign of its weights. Populations that are no neurons may do as they please.

    Raises:
        InvalidValue: a neuron has weights of both signs; it, the synapses and the weights are
            named.
    """
    for name, population in network.populations.items():
        if not isinstance(population, Neuron):
            continue
        own = [s for s in network.synapses if s.pre == name]
        total = sum(network.synapse_count(s) for s in own)
        length = max(1, population.size * CHUNK // max(total, 1))
        for low in range(0, population.size, length):
            high = min(low + length, population.size)
            least, most = np.zeros(high - low), np.zeros(high - low)
            where: dict[tuple[int, int], str] = {}
            for s in own:
                post = network.populations[s.post]
                assert isinstance(post, Neuron)
                port = s.port or type(post).Inputs._fields[0]
                rows = network.rows(s, low, high)
                weight = np.broadcast_to(rows.weight, rows.post.shape).astype(np.float64)
                if port in type(post).conductances and port.startswith("inhib"):
                    weight = -weight
                unit = np.repeat(np.arange(high - low), np.diff(rows.start))
                np.minimum.at(least, unit, weight)
                np.maximum.at(most, unit, weight)
                for sign, found in ((-1, weight < 0), (1, weight > 0)):
                    for u in np.unique(unit[found]):
                        where.setdefault((int(u), sign), s.name)
            both = np.flatnonzero((least < 0) & (most > 0))
            if both.size:
                u = int(both[0])
                raise InvalidValue(
                    f"check_dale: unit {low + u} of {name!r} inhibits through "
                    f"{where[u, -1]!r} (weight {least[u]:g}) and excites through "
                    f"{where[u, 1]!r} (weight {most[u]:g}); {both.size} units of this stretch do so"
                )
