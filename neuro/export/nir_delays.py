"""A delay for each connection as NIR can say it: branches of one Delay and one Linear each.

NIR delays channels, not connections. A branch delays each presynaptic unit by one time and then
applies those weights whose delay it is; all other weights of the branch are 0. The branches' sum is
the synapse. A unit whose connections have k different delays needs k branches, so that the unit
with the most of them settles how many there are, and no fewer will do in this form.

NIR has no lists of synapses either: a `Sparse` becomes matrices too, one if its delays allow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.errors import InvalidValue, Unsupported
from neuro.network import Network, Synapse
from neuro.synapses import Dense, Sparse

MAX_BRANCHES = 32  # by default
LARGEST = 1 << 26  # weights as which a list may be stored, 256 MiB


class Branch(NamedTuple):
    """Ticks [pre] by which a branch delays each presynaptic unit, and its weights [post, pre]."""

    ticks: NDArray[np.int64]
    weight: NDArray[np.float32]


@dataclass(frozen=True)
class BranchedSynapse:
    """What a NIR graph stores for a synapse whose connections have delays of their own.

    Args:
        name: of the synapse.
        connections: weights that are not 0.
        different: number of different delays among them.
        branches: pairs of a Delay and a Linear or Affine.
        stored: weights in all branches, zeros included.
    """

    name: str
    connections: int
    different: int
    branches: int
    stored: int

    @property
    def inflation(self) -> float:
        """Weights stored for each connection; infinite if there are none."""
        return self.stored / self.connections if self.connections else float("inf")

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.connections} connections with {self.different} different delays "
            f"take {self.branches} branches, which store {self.stored} weights, "
            f"{self.inflation:.3g} for each connection"
        )


@dataclass(frozen=True)
class DelayReport:
    """How the delays of a network's connections are written to NIR; `str` is readable."""

    synapses: tuple[BranchedSynapse, ...]

    @property
    def branches(self) -> int:
        """Branches of all these synapses."""
        return sum(s.branches for s in self.synapses)

    @property
    def inflation(self) -> float:
        """Weights stored for each connection of these synapses; 1 if there are none."""
        connections = sum(s.connections for s in self.synapses)
        stored = sum(s.stored for s in self.synapses)
        return stored / connections if connections else float("inf") if stored else 1.0

    def __str__(self) -> str:
        return "\n".join(map(str, self.synapses)) or "no connection has a delay of its own"


def lowering(network: Network) -> DelayReport:
    """How many branches `to_nir` needs for a `Dense` with a delay for each connection, or a
    `Sparse`."""
    wanted = (s for s in network.synapses if is_branched(network, s))
    return DelayReport(tuple(_measured(network, s, _listed(network, s)) for s in wanted))


def is_branched(network: Network, synapse: Synapse) -> bool:
    """Whether a synapse is written as branches, of which there may be but one."""
    topology = synapse.topology
    own = isinstance(topology, Dense) and network.each_its_delay(synapse)
    return own or isinstance(topology, Sparse)


def branches(network: Network, synapse: Synapse, most: int) -> list[Branch]:
    """The branches of a synapse that `is_branched`.

    Where it costs no branch, each delays all units by the same time. A unit without connections in
    a branch has a delay of one of its neighbours there, so that no loop gets shorter.

    Raises:
        Unsupported: there would be more than `most`, a list is too long as matrices, or it has
            several synapses from unit to unit with one delay.
    """
    listed = _listed(network, synapse)
    needs = _measured(network, synapse, listed)
    if needs.branches > most:
        raise _too_many(network, synapse, listed, needs, most)
    topology = synapse.topology
    if isinstance(topology, Sparse):
        _check_list(network, synapse, listed, needs)
    sizes = tuple(network.populations[n].size for n in (synapse.post, synapse.pre))
    first = np.zeros(sizes, np.float32)
    if isinstance(topology, Dense):  # zeros may have a sign
        first = np.where(topology.weight == 0, topology.weight, first)
    unit, post, weight, delay = listed
    if not len(delay):
        least = 1 if isinstance(topology, Sparse) else network.shortest_delay(synapse)
        return [Branch(np.full(sizes[1], least, np.int64), first)]
    place = _levels(unit, delay) if needs.different > needs.branches else _ranks(delay)
    found = []
    for number in range(needs.branches):
        own = place == number
        each = np.full(sizes[1], delay[own].min(), np.int64)
        each[unit[own]] = delay[own]
        matrix = first if number == 0 else np.zeros(sizes, np.float32)
        matrix[post[own], unit[own]] = weight[own]
        found.append(Branch(each, matrix))
    return found


def merged(weights: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The weights of a synapse from those of its branches."""
    whole = np.array(weights[0])
    for weight in weights[1:]:
        if np.shape(weight) != whole.shape:
            raise InvalidValue(
                f"NIR weights of the branches of one synapse: shapes {whole.shape} and "
                f"{np.shape(weight)} differ, expected one shape"
            )
        whole[weight != 0] = weight[weight != 0]
    return whole


class _Listed(NamedTuple):
    """Connections whose weight is not 0, by presynaptic unit, [m] each; delays in ticks."""

    unit: NDArray[np.int64]
    post: NDArray[np.int64]
    weight: NDArray[np.float32]
    delay: NDArray[np.int64]


def _listed(network: Network, synapse: Synapse) -> _Listed:
    pre = network.populations[synapse.pre].size
    rows = network.rows(synapse, 0, pre)
    unit = np.repeat(np.arange(pre), np.diff(rows.start))
    weight = np.broadcast_to(rows.weight, rows.post.shape)
    delay = np.broadcast_to(rows.delay, rows.post.shape)
    own = weight != 0
    return _Listed(
        unit[own], rows.post[own].astype(np.int64), weight[own], delay[own].astype(np.int64)
    )


def _ranks(delay: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.unique(delay, return_inverse=True)[1].reshape(-1)


def _levels(unit: NDArray[np.int64], delay: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rank of each connection's delay among those of its unit."""
    pairs, place = np.unique(np.stack([unit, delay]), axis=1, return_inverse=True)
    first = np.searchsorted(pairs[0], pairs[0])
    return (np.arange(len(first)) - first)[place.reshape(-1)]


def _measured(network: Network, s: Synapse, listed: _Listed) -> BranchedSynapse:
    needed = int(_levels(listed.unit, listed.delay).max(initial=0)) + 1
    different, count = len(np.unique(listed.delay)), len(listed.delay)
    size = network.populations[s.pre].size * network.populations[s.post].size
    return BranchedSynapse(s.name, count, different, needed, needed * size)


def _check_list(network: Network, s: Synapse, listed: _Listed, needs: BranchedSynapse) -> None:
    where, post = f"Synapse[{s.name!r}]", network.populations[s.post]
    if len(post.units) > 1:
        raise Unsupported(
            where, "post", f"{s.post!r} has the shape {post.units}; NIR cannot unflatten a vector",
            f"give {s.post!r} the shape ({post.size},)",
        )  # fmt: skip
    if needs.stored > LARGEST:
        raise Unsupported(
            where, "topology", f"NIR has no node for Sparse; {needs.connections} synapses as "
            f"matrices take {needs.stored} weights, {needs.inflation:.3g} for each, beyond "
            f"{LARGEST}", "use smaller populations, or Conv2d",
        )  # fmt: skip
    keys = np.stack([listed.unit, listed.post, listed.delay])
    twice = len(listed.unit) - len(np.unique(keys, axis=1).T)
    if twice:
        raise Unsupported(
            where, "topology", f"{twice} synapses have the units and the delay of another one, and "
            "a matrix has one weight for both", "add their weights",
        )  # fmt: skip


def _too_many(
    network: Network, s: Synapse, listed: _Listed, needs: BranchedSynapse, most: int
) -> Unsupported:
    step, coarse = 1, needs
    while coarse.branches > most:
        step *= 2
        ticks = np.rint(listed.delay / step).astype(np.int64)
        coarse = _measured(network, s, listed._replace(delay=ticks))
    dt, sizes = network.clock.dt, [network.populations[n].size for n in (s.post, s.pre)]
    return Unsupported(
        f"Synapse[{s.name!r}]", "delay",
        f"its {needs.connections} connections have {needs.different} different delays, up to "
        f"{needs.branches} at one presynaptic unit, so NIR needs {needs.branches} branches of "
        f"{sizes[0]} x {sizes[1]} weights each, {needs.inflation:.3g} weights stored for each "
        f"connection, beyond max_branches={most}",
        f"use a coarser tick (with {step * dt:g} s instead of {dt:g} s it is {coarse.branches}; "
        "neuro.grid.on_grid rounds the delays), fewer different delays, or pass "
        f"max_branches={needs.branches}",
    )  # fmt: skip
