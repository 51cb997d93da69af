"""Building the synapses of one presynaptic population into the layout that `delivery` reads.

Rows are drawn in chunks, by several threads at once. A chunk is sorted by part and delay while it
is in the cache and then copied to its place, so at most the finished synapses and a few chunks are
in memory: 2 or 4 bytes for the slot, and 4 for the weight unless all weights are equal.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from neuro.errors import InvalidValue
from neuro.network import Network, Synapse
from neuro.sim import delivery
from neuro.sim.logs import Log
from neuro.sim.parts import SHORT, Parts

CHUNK = 1 << 20  # synapses drawn at a time by a thread
Advance = Callable[[int], None]  # called with the number of synapses that were built


class Group(NamedTuple):
    """Synapses from one population, ready for delivery.

    Args:
        pre: the population.
        delays: ticks, sorted; () if every spike goes into the ring of accumulators.
        begin: for each part, uint32 [units, delays + 1], where the synapses of a unit with a delay
            begin, and where those with the longest end; [units, 2] with the ring.
        post: for each part its slots, uint16 or uint32.
        weight: for each part float32, or none if all are `same`.
        late: for each part the delays, uint16, with the ring; else none.
    """

    pre: str
    delays: NDArray[np.int64]
    begin: list[NDArray[np.uint32]]
    post: list[NDArray[Any]]
    weight: list[NDArray[np.float32]]
    same: NDArray[np.float64]
    late: list[NDArray[np.uint16]]
    longest: int

    @property
    def ring(self) -> bool:
        """Whether spikes are delivered into rows of later ticks."""
        return len(self.late) > 0

    @property
    def total(self) -> int:
        """Number of synapses."""
        return sum(len(p) for p in self.post)

    @property
    def nbytes(self) -> int:
        """Memory of all arrays."""
        arrays = (*self.begin, *self.post, *self.weight, *self.late)
        return sum(a.nbytes for a in arrays)


class _Store:
    """Where finished synapses of a part go; memory is touched only as it fills."""

    def __init__(self, slots: int, room: int) -> None:
        self.post = np.empty(room, np.uint16 if slots <= SHORT else np.uint32)
        self.weight = np.empty(room, np.float32)
        self.used = 0

    def claim(self, count: int) -> int:
        first, self.used = self.used, self.used + count
        if self.used > len(self.post):
            raise AssertionError("a topology has more synapses than synapse_count said")
        return first


def build(network: Network, synapses: Sequence[Synapse], parts: Parts, threads: int,
          advance: Advance, *, immediate: bool) -> Group | None:  # fmt: skip
    """The group of these synapses, all of one presynaptic population; None if there are none.

    Args:
        advance: told about progress, from any thread.
        immediate: take the synapses without delay, instead of those with.
    """
    pre = synapses[0].pre
    units = network.populations[pre].size
    total = sum(network.synapse_count(s) for s in synapses)
    stores = [_Store(int(size), total) for size in parts.size]
    length = max(1, min(units, CHUNK * units // max(total, 1)))
    firsts = range(0, units, length)
    pieces: list[Any] = [None] * len(firsts)
    lock = threading.Lock()
    targets = [_target(parts, network, s) for s in synapses]
    conductance = [_is_conductance(network, s) for s in synapses]

    def make(number: int) -> None:
        low = firsts[number]
        high = min(low + length, units)
        rows = [network.rows(s, low, high) for s in synapses]
        for s, r, positive in zip(synapses, rows, conductance, strict=True):
            if positive and len(r.post) and r.weight.min() < 0:
                raise InvalidValue(
                    f"Synapse[{s.name!r}]: got the weight {r.weight.min():g}, but the port "
                    f"{s.port!r} takes conductances, which are at least 0; the reversal potential "
                    "makes it inhibit"
                )
        row = np.zeros(high - low + 1, np.int64)
        for r in rows:
            row += r.start
        size = int(row[-1])
        slot, part = np.empty(size, np.uint32), np.empty(size, np.uint8)
        weight, delay = np.empty(size, np.float32), np.empty(size, np.int32)
        cursor = row[:-1].copy()
        for r, (share, base) in zip(rows, targets, strict=True):
            _scatter(r.start, r.post, r.weight, r.delay, share, base, immediate, cursor, slot,
                     part, weight, delay)  # fmt: skip
        ends = cursor  # of each row; some synapses may have been left out
        least, most = _span(row, ends, delay)
        order = np.empty(size, np.int64)
        counts = np.zeros((parts.total, high - low, most - least + 1), np.uint32)
        places = _sort(row, ends, part, delay, least, counts, order)
        sizes = counts.sum((1, 2))
        with lock:
            claimed = [s.claim(int(n)) for s, n in zip(stores, sizes, strict=True)]
        at = 0
        for store, first, n in zip(stores, claimed, sizes, strict=True):
            _copy(order[at : at + n], slot, weight, store.post, store.weight, first)
            at += int(n)
        pieces[number] = low, least, counts, claimed
        advance(places)

    if threads > 1 and len(firsts) > 1:
        with ThreadPoolExecutor(threads) as pool:
            for done in [pool.submit(make, i) for i in range(len(firsts))]:
                done.result()
    else:
        for i in range(len(firsts)):
            make(i)
    if not any(s.used for s in stores):
        return None
    return _finish(pre, units, parts, stores, pieces)


def _is_conductance(network: Network, synapse: Synapse) -> bool:
    post = type(network.neurons()[synapse.post])
    return (synapse.port or post.Inputs._fields[0]) in post.conductances


def _target(parts: Parts, network: Network, synapse: Synapse) -> tuple[int, NDArray[np.int64]]:
    """Share and the slot of unit 0 as each part would count it."""
    port = synapse.port or type(network.neurons()[synapse.post]).Inputs._fields[0]
    base = parts.slots[synapse.post, port] - parts.bounds[synapse.post][:-1]
    return parts.share[synapse.post], base


def _finish(pre: str, units: int, parts: Parts, stores: list[_Store], pieces: list[Any]) -> Group:
    for store in stores:
        store.post.resize(store.used, refcheck=False)
        store.weight.resize(store.used, refcheck=False)
    seen = np.unique(np.concatenate([
        least + np.flatnonzero(counts.any((0, 1))) for _, least, counts, _ in pieces
    ]))  # fmt: skip
    total = sum(s.used for s in stores)
    # Longer delays than uint16 holds stay with the sender: the ring would have as many rows.
    ring = len(seen) > 1 and len(seen) * units > total // 2 and seen.max() < 1 << 16
    columns = 1 if ring else len(seen)
    begin = [np.zeros((units, columns + 1), np.uint32) for _ in stores]
    late = [np.empty(s.used, np.uint16) for s in stores] if ring else []
    for low, least, counts, claimed in pieces:
        for part, table in enumerate(begin):
            given = counts[part]
            if ring:
                sizes = given.sum(1, keepdims=True, dtype=np.int64)
                delays = np.tile(np.arange(given.shape[1]) + least, len(given))
                n = int(sizes.sum())
                late[part][claimed[part] : claimed[part] + n] = np.repeat(delays, given.ravel())
            else:
                sizes = np.zeros((len(given), columns), np.int64)
                inside = (seen >= least) & (seen < least + given.shape[1])
                sizes[:, inside] = given[:, seen[inside] - least]
            ends = np.cumsum(sizes).reshape(sizes.shape) + claimed[part]
            rows = table[low : low + len(given)]
            rows[:, 1:] = ends
            rows[:, 0] = ends[:, 0] - sizes[:, 0]
    weights = [s.weight for s in stores]
    filled = [w for w in weights if w.size]
    least_w, most_w = min(w.min() for w in filled), max(w.max() for w in filled)
    equal = least_w == most_w
    return Group(
        pre, seen.astype(np.int64), begin, [s.post for s in stores],
        [] if equal else weights, np.array([least_w if equal else 0.0], np.float64), late,
        int(seen.max()),
    )  # fmt: skip


def actors(group: Group, log: Log, parts: Parts, slots: list[NDArray[Any]], dtype: Any
           ) -> list[tuple[int, NDArray[np.int64]]]:  # fmt: skip
    """Address and arguments of the delivery of each part."""
    kind = "send" if group.ring else "arrive"
    function = getattr(delivery, f"{kind}_{np.dtype(dtype)}")
    made: list[tuple[int, NDArray[np.int64]]] = []
    for part in range(parts.total):
        a = np.zeros(delivery.FIELDS, np.int64)
        late = group.late[part] if group.ring else group.delays
        weight = group.weight[part].ctypes.data if group.weight else 0
        values = {
            delivery.PARTS: log.parts, delivery.TABLE: log.table.ctypes.data,
            delivery.DELAYS: late.ctypes.data, delivery.DELAY_COUNT: len(group.delays),
            delivery.BEGIN: group.begin[part].ctypes.data,
            delivery.POST: group.post[part].ctypes.data,
            delivery.WIDE: group.post[part].itemsize == 4, delivery.WEIGHT: weight,
            delivery.SAME: group.same.ctypes.data, delivery.SLOTS: slots[part].ctypes.data,
            delivery.STRIDE: slots[part].strides[0], delivery.ROWS: len(slots[part]),
            delivery.STEP: slots[part].shape[1], delivery.GRADED: log.graded,
        }  # fmt: skip
        for field, value in values.items():
            a[field] = value
        made.append((function.address, a))
    return made


@njit(nogil=True, cache=True)
def _scatter(start, post, weights, delays, share, base, immediate, cursor, slot, part,
             weight, delay):  # fmt: skip
    """The wanted synapses of a chunk, behind those of their rows that are there already."""
    many_w, many_d = len(weights) > 1, len(delays) > 1
    for i in range(len(start) - 1):
        at = cursor[i]
        for j in range(start[i], start[i + 1]):
            late = delays[j] if many_d else delays[0]
            if (late == 0) != immediate:
                continue
            q = post[j] // share
            slot[at], part[at] = base[q] + post[j], q
            weight[at] = weights[j] if many_w else weights[0]
            delay[at] = late
            at += 1
        cursor[i] = at


@njit(nogil=True, cache=True)
def _span(row, ends, delay):
    """Shortest and longest delay."""
    least, most = 1 << 30, 0
    for i in range(len(ends)):
        for j in range(row[i], ends[i]):
            least, most = min(least, delay[j]), max(most, delay[j])
    return (least, most) if least <= most else (0, 0)


@njit(nogil=True, cache=True)
def _sort(row, ends, part, delay, least, counts, order):
    """Stable order by part, row, delay; fills counts [parts, rows, delays]."""
    total = 0
    for i in range(len(ends)):
        for j in range(row[i], ends[i]):
            counts[part[j], i, delay[j] - least] += 1
            total += 1
    places = np.empty(counts.shape, np.int64)
    at = 0
    for q in range(counts.shape[0]):
        for i in range(counts.shape[1]):
            for d in range(counts.shape[2]):
                places[q, i, d] = at
                at += counts[q, i, d]
    for i in range(len(ends)):
        for j in range(row[i], ends[i]):
            d = delay[j] - least
            order[places[part[j], i, d]] = j
            places[part[j], i, d] += 1
    return total


@njit(nogil=True, cache=True)
def _copy(order, slot, weight, to_post, to_weight, first):
    for i in range(len(order)):
        to_post[first + i] = slot[order[i]]
        to_weight[first + i] = weight[order[i]]
