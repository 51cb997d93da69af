"""Plasticity in the engine: a projection with a learning rule, as actors over its synapses.

What the engine does with it: `build` once, put `actors(part)` into the program of the part's thread
at the places that their stages name, and stop at multiples of `pause` ticks, if it is above 0, to
call `rewire(tick)`.

    ARRIVALS     stage A: delayed spikes: on_pre, and transmit into the accumulators
    TRACES       stage B, after the units of the presynaptic population have fired: their traces
    IMMEDIATE    with the other deliveries without delay, after the barrier
    END          stage C, after the last barrier: third factor, on_post, slow laws, traces of posts

Who owns what: a part owns the synapses onto its own postsynaptic units, and the traces of its own
units on either side. Presynaptic traces lie in a ring over the last ticks which all parts read, so
a weight is only ever changed by one part, in an order that does not depend on the parts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from neuro.clock import Clock
from neuro.errors import InvalidValue, UnknownName, Unsupported
from neuro.lower.rule_emit import kernel
from neuro.lower.rule_laws import numbers
from neuro.network import Network, Synapse
from neuro.neurons import Neuron
from neuro.rules import Rewiring, Rule

if TYPE_CHECKING:
    from neuro.sim.plan import Plan

ARRIVALS, TRACES, IMMEDIATE, END = "arrivals", "traces", "immediate", "end"


class Site(NamedTuple):
    """Where one part of the engine keeps what a plastic projection reads and writes there.

    Addresses stay valid for the life of the group. Logs are given by the address of `Log.table`,
    int64 [lists, 5] (units, marks, values, ...), whose entries may change between chunks.
    """

    post: tuple[int, int]  # own units of the postsynaptic population, first and one after the last
    pre: tuple[int, int]  # own units of the presynaptic population
    slots: int  # accumulator of the first own postsynaptic unit at the synapse's port, in row 0
    stride: int  # bytes from one row of accumulators to the next
    rows: int  # rows of accumulators; tick t adds to row t % rows
    pre_log: int  # Log.table of the presynaptic population
    pre_lists: int  # its rows
    post_log: int  # Log.table of the postsynaptic population, a list for every part; 0 if graded
    modulator_log: int = 0  # Log.table of the population that the synapse names as modulator
    modulator_lists: int = 0
    modulator_graded: bool = False
    reads: Mapping[str, int] = {}  # rule.reads -> address of that state variable, own units
    adapts: int = 0  # address of the coefficient rule.adapts, own units, one value a unit


class Actor(NamedTuple):
    """A compiled function, its arguments, and when in a tick it runs."""

    stage: str
    address: int
    args: int


class Edges(NamedTuple):
    """The synapses of a projection in their canonical order, that of `Network.rows`."""

    pre: NDArray[np.uint32]
    post: NDArray[np.uint32]
    delay: NDArray[np.int32]  # ticks


def build(network: Network, synapse: Synapse, plan: Plan) -> PlasticGroup:
    """The plastic synapses of one projection.

    Args:
        plan: where the engine keeps what they read and write.

    Raises:
        InvalidValue: a weight is out of the rule's bounds, or `every` is off the clock's grid.
        Unsupported: the presynaptic population emits values instead of spikes, or the neuron lacks
            what the rule reads or adapts.
    """
    assert synapse.rule is not None
    rule, pre, post = synapse.rule, *(network.populations[n] for n in (synapse.pre, synapse.post))
    where = f"Synapse[{synapse.name!r}]"
    if pre.emits != "spikes":
        raise Unsupported(
            where, "rule", f"{rule.name} acts on spikes, but {synapse.pre!r} emits {pre.emits!r}",
            "use a spiking population",
        )  # fmt: skip
    assert isinstance(post, Neuron)
    if (post.emits != "spikes" or not post.spiking()) and any(
        map(rule.defines, ("on_post", "post_spike"))
    ):
        raise Unsupported(
            where, "rule", f"{rule.name} needs spikes of {synapse.post!r}, a {post.name} without",
            "use a spiking neuron",
        )  # fmt: skip
    for name in rule.reads:
        if name not in type(post).State._fields:
            raise Unsupported(
                where, "rule", f"{rule.name} reads {name!r}, which {post.name} has not among "
                f"{type(post).State._fields}", "use a neuron with that state variable",
            )  # fmt: skip
    if rule.adapts and rule.adapts not in type(post).Coefficients._fields:
        raise Unsupported(
            where, "rule", f"{rule.name} adapts {rule.adapts!r}, which {post.name} has not among "
            f"{type(post).Coefficients._fields}", "use a neuron with that coefficient",
        )  # fmt: skip
    rows = network.rows(synapse, 0, pre.size)
    low, high = rule.bounds()
    bad = (rows.weight < low) | (rows.weight > high)
    if bad.any():
        raise InvalidValue(
            f"{where}: weight {rows.weight[bad][0]:g} is outside the bounds {low:g} to {high:g} of "
            f"{rule.name}; choose w_min and w_max so that all weights lie between them"
        )
    count = int(rows.start[-1])
    edges = Edges(
        np.repeat(np.arange(pre.size, dtype=np.uint32), np.diff(rows.start)),
        rows.post.astype(np.uint32), np.broadcast_to(rows.delay, count).astype(np.int32),
    )  # fmt: skip
    different = len(np.unique(edges.delay))
    if different > 1 << 16:
        raise Unsupported(
            where, "delay", f"has {different} different delays; synapses that learn are sorted by "
            "delay, of which there may be 65536", "round them to a coarser tick",
        )  # fmt: skip
    sites = [Site(**plan.site(synapse, part)) for part in range(plan.parts.total)]
    third = network.populations[synapse.modulator].size if synapse.modulator else 0
    return PlasticGroup(
        rule, network.clock, edges, np.broadcast_to(rows.weight, count), (pre.size, post.size),
        sites, plan.dtype, itself=synapse.pre == synapse.post, modulator=third,
    )  # fmt: skip


class PlasticGroup:
    """The synapses of one projection, their traces, and the actors that work on them.

    Args:
        rule, clock: what changes the synapses.
        edges: the synapses.
        weight: one for each.
        sizes: units of the presynaptic and of the postsynaptic population.
        sites: one for every part.
        dtype: float32 or float64.
        itself: whether the two populations are one.
        modulator: units of the population that is the third factor; 0 if there is none.
    """

    def __init__(
        self, rule: Rule, clock: Clock, edges: Edges, weight: NDArray[Any], sizes: tuple[int, int],
        sites: Sequence[Site], dtype: Any, *, itself: bool = False, modulator: int = 0,
    ) -> None:  # fmt: skip
        self.rule, self.clock, self.dtype = rule, clock, np.dtype(dtype)
        self.sizes, self.sites, self.itself = sizes, sites, itself
        self.modulator = modulator if rule.Modulator._fields else 0
        self.kernel = kernel(rule, clock, self.dtype)
        self.pause = rule.pause(clock)
        self.count = len(edges.pre)
        self._rewired = False
        p = rule.derive(clock)
        # Delays never change, not even by rewiring.
        self.delays = np.unique(edges.delay).astype(np.int64)
        self.ring = int(self.delays.max(initial=0)) + 2
        self._numbers = np.array(numbers(rule, clock), np.float64)
        self._pre = {
            n: np.full((self.ring, sizes[0]), v, self.dtype)
            for n, v in zip(rule.Pre._fields, rule.pre_rest(p), strict=True)
        }
        self._post = {
            n: np.full(sizes[1], v, self.dtype)
            for n, v in zip(rule.Post._fields, rule.post_rest(p), strict=True)
        }
        self._third = [self._modulators(site) for site in sites]
        # In each part one row for what arrives later and one for what arrives at once.
        self._args = [np.zeros((2, len(self.kernel.fields)), np.int64) for _ in sites]
        self._scratch = [np.zeros(len(self.delays), np.int64) for _ in sites]
        self._parts: list[_Part] = []
        own = {"w": np.asarray(weight, self.dtype)}
        own |= {n: np.zeros(self.count, self.dtype) for n in rule.Synapse._fields[1:]}
        self._arrange(edges, own)

    def _modulators(self, site: Site) -> dict[str, NDArray[Any]]:
        size = min(self.modulator, site.post[1] - site.post[0]) if self.modulator != 1 else 1
        names = [f"{k}_{n}" for n in self.rule.Modulator._fields for k in ("A_m", "S_m")]
        return {n: np.zeros(size, self.dtype) for n in [*names, "emitted"]}

    def _arrange(self, edges: Edges, values: Mapping[str, NDArray[Any]]) -> None:
        """Lay the synapses out for every part, and point the arguments at them."""
        self._parts = []
        for i, site in enumerate(self.sites):
            own = np.flatnonzero((edges.post >= site.post[0]) & (edges.post < site.post[1]))
            part = _Part(self, edges, values, own.astype(np.uint32), site)
            self._parts.append(part)
            given = self._fields(i, site, part)
            places = self.kernel.fields
            for name, place in places.items():
                self._args[i][:, place] = given[name]
            self._args[i][1, places["first"]] = 0
            self._args[i][1, places["last"]] = given["first"]

    def _fields(self, i: int, site: Site, part: _Part) -> dict[str, int]:
        low, high = site.post
        third = self._third[i]
        wide = self.modulator > 1
        slow = {f"every_{j}": m.slow(self.clock) for j, m in enumerate(self.rule.members)}
        address = {name: array.ctypes.data for name, array in part.arrays.items()}
        address |= {f"A_s_{n}": v.ctypes.data for n, v in part.values.items()}
        address |= {f"A_x_{n}": v.ctypes.data for n, v in self._pre.items()}
        address |= {f"A_y_{n}": v[low:].ctypes.data for n, v in self._post.items()}
        address |= {n: v.ctypes.data for n, v in third.items()}
        address |= {f"A_u_{n}": site.reads.get(n, 0) for n in self.rule.reads}
        return address | slow | {
            "numbers": self._numbers.ctypes.data, "pre_size": self.sizes[0], "ring": self.ring,
            "classes": len(self.delays), "delays": self.delays.ctypes.data,
            "first": int(self.delays.min(initial=1) == 0), "last": len(self.delays),
            "base": self._scratch[i].ctypes.data, "synapses": len(part.where), "own": high - low,
            "part": i, "pre_low": site.pre[0], "pre_high": site.pre[1], "post_low": low,
            "slots": site.slots, "stride": site.stride, "rows": site.rows,
            "pre_log": site.pre_log, "pre_log_lists": site.pre_lists, "post_log": site.post_log,
            "modulator_log": site.modulator_log, "modulator_log_lists": site.modulator_lists,
            "modulator_graded": int(site.modulator_graded), "modulator_stride": int(wide),
            "modulator_size": len(third["emitted"]), "modulator_low": low if wide else 0,
            "adapted": site.adapts,
        }  # fmt: skip

    # -- for the engine -------------------------------------------------------------------------

    def actors(self, part: int) -> tuple[Actor, ...]:
        """What runs in every tick for a part, in the order of the stages."""
        args, now = (row.ctypes.data for row in self._args[part])
        found = [Actor(TRACES, self.kernel.traces, args), Actor(END, self.kernel.end, args)]
        if len(self.delays) and self.delays[-1] > 0:
            found.insert(0, Actor(ARRIVALS, self.kernel.arrivals, args))
        if len(self.delays) and self.delays[0] == 0:
            found.insert(-1, Actor(IMMEDIATE, self.kernel.arrivals, now))
        return tuple(found)

    def rewire(self, tick: int) -> None:
        """Change the connections, if the rule does so before this tick."""
        if not self.pause or tick == 0 or tick % self.pause:
            return
        edges = self.edges()
        values = {name: self.variable(name) for name in self.rule.Synapse._fields}
        for member in self.rule.members:
            if not isinstance(member, Rewiring):
                continue
            gone, pre, post = member.rewire(
                tick, edges.pre.astype(np.int64), edges.post.astype(np.int64), values["w"],
                self.sizes, itself=self.itself,
            )  # fmt: skip
            edges.pre[gone], edges.post[gone] = pre, post
            for name, array in values.items():
                array[gone] = member.weight if name == "w" else 0.0
        self._rewired = True
        self._arrange(edges, values)

    # -- looking, and going on --------------------------------------------------------------------

    def variable(self, name: str) -> NDArray[Any]:
        """A variable of every synapse in the canonical order, e.g. "w"."""
        self._check(name)
        values = np.empty(self.count, self.dtype)
        for part in self._parts:
            values[part.where] = part.values[name]
        return values

    def _check(self, name: str) -> None:
        if name not in self.rule.Synapse._fields:
            fields = self.rule.Synapse._fields
            raise UnknownName(f"{self.rule.name}: synaptic variable", name, fields)

    def weights(self) -> NDArray[Any]:
        """The weight of every synapse in the canonical order."""
        return self.variable("w")

    def assign(self, name: str, values: ArrayLike) -> None:
        """Set a variable of every synapse, in the canonical order; one number sets all."""
        self._check(name)
        given = np.broadcast_to(np.asarray(values, self.dtype), self.count)
        for part in self._parts:
            part.values[name][:] = given[part.where]

    def edges(self) -> Edges:
        """The synapses in the canonical order; rewiring changes them."""
        n = self.count
        edges = Edges(np.empty(n, np.uint32), np.empty(n, np.uint32), np.empty(n, np.int32))
        for part, site in zip(self._parts, self.sites, strict=True):
            start = part.arrays["start"].reshape(len(self.delays), -1)
            units = np.tile(np.arange(self.sizes[0], dtype=np.uint32), len(self.delays))
            counts = np.diff(start, axis=1)
            edges.pre[part.where] = np.repeat(units, counts.ravel())
            edges.delay[part.where] = np.repeat(self.delays, counts.sum(1))
            edges.post[part.where] = part.arrays["post"] + np.uint32(site.post[0])
        return edges

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything that changes in a run, as arrays that do not depend on the parts."""
        found = {f"synapse.{n}": self.variable(n) for n in self.rule.Synapse._fields}
        found |= {f"pre.{n}": v.copy() for n, v in self._pre.items()}
        found |= {f"post.{n}": v.copy() for n, v in self._post.items()}
        for n in self._third[0] if self._third else ():
            if n != "emitted":
                each = [third[n] for third in self._third]
                found[f"modulator.{n}"] = (
                    np.concatenate(each) if self.modulator > 1 else each[0].copy()
                )
        if self._rewired:
            found |= {f"edges.{n}": v for n, v in self.edges()._asdict().items()}
        return found

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what `state` returned; parts may differ, network and dtype may not.

        Raises:
            InvalidValue: an array is missing or of another shape.
        """
        known = self.state()
        for name, array in known.items():
            if name.startswith("edges."):
                continue
            if name not in state or state[name].shape != array.shape:
                shape = state[name].shape if name in state else None
                raise InvalidValue(
                    f"PlasticGroup.restore[{name!r}]: got shape {shape}, expected {array.shape}; "
                    "the snapshot is of another network"
                )
        self._rewired = "edges.pre" in state
        edges = self.edges()
        if self._rewired:
            edges = Edges(*(state[f"edges.{n}"] for n in Edges._fields))
        for kind, arrays in (("pre", self._pre), ("post", self._post)):
            for n, array in arrays.items():
                array[:] = state[f"{kind}.{n}"]
        for third, site in zip(self._third, self.sites, strict=True):
            low, high = site.post if self.modulator > 1 else (0, 1)
            for n in third:
                if n != "emitted":
                    third[n][:] = state[f"modulator.{n}"][low:high]
        self._arrange(edges, {n: state[f"synapse.{n}"] for n in self.rule.Synapse._fields})


class _Part:
    """The synapses onto one part's units: by delay, then presynaptic unit, then canonical order."""

    def __init__(
        self, group: PlasticGroup, edges: Edges, values: Mapping[str, NDArray[Any]],
        own: NDArray[np.uint32], site: Site,
    ) -> None:  # fmt: skip
        n, classes, units = group.sizes[0], len(group.delays), site.post[1] - site.post[0]
        lag = np.searchsorted(group.delays, edges.delay[own]).astype(np.uint16)
        start, order = by_key(lag * np.int64(n) + edges.pre[own], classes * n)
        self.where = own[order]
        post = edges.post[self.where] - np.uint32(site.post[0])
        # One list of n + 1 places for each delay.
        places = (np.arange(classes) * n)[:, None] + np.arange(n + 1)
        self.arrays: dict[str, NDArray[Any]] = {"start": start[places].ravel(), "post": post}
        self.values = {
            name: array[self.where].astype(group.dtype) for name, array in values.items()
        }
        if group.kernel.learns:
            reverse, place = by_key(post, units)
            self.arrays |= {
                "reverse": reverse, "place": place, "source": edges.pre[self.where][place],
                "lag": lag[order][place],
            }  # fmt: skip


@njit(cache=True, nogil=True)
def by_key(key, keys):
    """Sort whole numbers by counting: where each begins, int64 [keys + 1], and the stable order."""
    start = np.zeros(keys + 1, np.int64)
    for k in key:
        start[k + 1] += 1
    for k in range(keys):
        start[k + 1] += start[k]
    at = start.copy()
    order = np.empty(len(key), np.uint32)
    for i in range(len(key)):
        order[at[key[i]]] = i
        at[key[i]] += 1
    return start, order
