"""Delivery of spikes: for every arrival, the rows of the synapses that carry it.

Synapses of one presynaptic population are kept together. Within a part they are sorted by
presynaptic unit, then by delay, so that what arrives in one tick from one unit is one piece of
memory, and the accumulators it adds to stay in the cache. Where almost every synapse has a delay of
its own, that would be many empty pieces; then spikes are delivered when they are fired, into a ring
of accumulators, one row for each tick to come.
"""

from __future__ import annotations

import numpy as np
from numba import cfunc, njit

from neuro.sim.native import ACTOR, append_values, carray, pointer, prefetch

# Fields of a group's arguments
(PARTS, TABLE, DELAYS, DELAY_COUNT, BEGIN, POST, WIDE, WEIGHT, SAME, SLOTS, STRIDE, ROWS, STEP,
 GRADED, FIELDS) = range(15)  # fmt: skip
LINE = 64  # bytes of a cache line


@njit(error_model="numpy")
def _add(post, weight, same, begin, end, value, slots):
    if len(weight) == 0:
        amount = slots.dtype.type(same) * value
        for i in range(begin, end):
            slots[post[i]] += amount
    else:
        for i in range(begin, end):
            slots[post[i]] += weight[i] * value


@njit(error_model="numpy")
def _arrive(args, tick, k, f):
    """Spikes of tick - delay, for every delay of the group, add their weights to this tick."""
    a = carray(pointer(args), FIELDS, np.int64)
    count = a[DELAY_COUNT]
    delays = carray(pointer(a[DELAYS]), count, np.int64)
    logs = carray(pointer(a[TABLE]), (a[PARTS], 5), np.int64)
    slots = carray(pointer(a[SLOTS] + (tick % a[ROWS]) * a[STRIDE]), 1 << 32, f)
    begin = carray(pointer(a[BEGIN]), 1 << 40, np.uint32)
    short = carray(pointer(a[POST]), 1 << 32, np.uint16)
    wide = carray(pointer(a[POST]), 1 << 32, np.uint32)
    weight = carray(pointer(a[WEIGHT]), 0 if a[WEIGHT] == 0 else 1 << 32, np.float32)
    same = carray(pointer(a[SAME]), 1, np.float64)[0]
    size = 4 if a[WIDE] else 2
    for d in range(count):
        at = k - delays[d]
        for part in range(a[PARTS]):
            marks = carray(pointer(logs[part, 1]), at + 2, np.int64)
            units = carray(pointer(logs[part, 0]), 1 << 40, np.int32)
            values = carray(pointer(logs[part, 2]), 1 << 40, f)
            for s in range(marks[at], marks[at + 1]):
                place = np.int64(units[s]) * (count + 1) + d
                low, high = np.int64(begin[place]), np.int64(begin[place + 1])
                if low == high:
                    continue
                value = values[s] if a[GRADED] else f(1.0)
                if a[WIDE]:
                    _add(wide, weight, same, low, high, value, slots)
                else:
                    _add(short, weight, same, low, high, value, slots)
                if d + 1 < count:  # what this unit's spike needs next, in a tick or so
                    end = np.int64(begin[place + 2])
                    for line in range(a[POST] + high * size, a[POST] + end * size, LINE):
                        prefetch(line)
                    if a[WEIGHT] != 0:
                        for line in range(a[WEIGHT] + high * 4, a[WEIGHT] + end * 4, LINE):
                            prefetch(line)


@cfunc(ACTOR, cache=True, error_model="numpy")
def arrive_float32(args, tick, k):
    _arrive(args, tick, k, np.float32)


@cfunc(ACTOR, cache=True, error_model="numpy")
def arrive_float64(args, tick, k):
    _arrive(args, tick, k, np.float64)


@njit(error_model="numpy")
def _send(args, tick, k, f):
    """Spikes of this tick add their weights to the rows of the ticks in which they arrive."""
    a = carray(pointer(args), FIELDS, np.int64)
    logs = carray(pointer(a[TABLE]), (a[PARTS], 5), np.int64)
    rows, stride = a[ROWS], a[STEP]
    slots = carray(pointer(a[SLOTS]), 1 << 32, f)
    begin = carray(pointer(a[BEGIN]), 1 << 40, np.uint32)
    short = carray(pointer(a[POST]), 1 << 32, np.uint16)
    wide = carray(pointer(a[POST]), 1 << 32, np.uint32)
    delay = carray(pointer(a[DELAYS]), 1 << 32, np.uint16)
    weight = carray(pointer(a[WEIGHT]), 0 if a[WEIGHT] == 0 else 1 << 32, np.float32)
    same = f(carray(pointer(a[SAME]), 1, np.float64)[0])
    for part in range(a[PARTS]):
        marks = carray(pointer(logs[part, 1]), k + 2, np.int64)
        units = carray(pointer(logs[part, 0]), 1 << 40, np.int32)
        values = carray(pointer(logs[part, 2]), 1 << 40, f)
        for s in range(marks[k], marks[k + 1]):
            value = values[s] if a[GRADED] else f(1.0)
            place = 2 * np.int64(units[s])
            for i in range(np.int64(begin[place]), np.int64(begin[place + 1])):
                post = np.int64(wide[i]) if a[WIDE] else np.int64(short[i])
                amount = same if a[WEIGHT] == 0 else f(weight[i])
                slots[((tick + delay[i]) % rows) * stride + post] += amount * value


@cfunc(ACTOR, cache=True, error_model="numpy")
def send_float32(args, tick, k):
    _send(args, tick, k, np.float32)


@cfunc(ACTOR, cache=True, error_model="numpy")
def send_float64(args, tick, k):
    _send(args, tick, k, np.float64)


# Fields of a one-to-one connection from a source, whose emission is a vector
(UNITS, V_SLOTS, V_STRIDE, V_ROWS, V_WEIGHT, V_SAME, V_OUT, V_RING, V_DELAY, V_FIELDS) = range(10)


@njit(error_model="numpy")
def _add_vector(args, tick, f):
    """Emission of one tick, or of `delay` ticks ago, times the weights, unit by unit."""
    a = carray(pointer(args), V_FIELDS, np.int64)
    n = a[UNITS]
    slots = carray(pointer(a[V_SLOTS] + (tick % a[V_ROWS]) * a[V_STRIDE]), n, f)
    weight = carray(pointer(a[V_WEIGHT]), 0 if a[V_WEIGHT] == 0 else n, np.float32)
    same = f(carray(pointer(a[V_SAME]), 1, np.float64)[0])
    now = carray(pointer(a[V_OUT]), n, f)
    if a[V_DELAY] > 0:
        rows = a[V_DELAY] + 1
        ring = carray(pointer(a[V_RING]), (rows, n), f)
        ring[tick % rows, :] = now
        now = ring[(tick + 1) % rows]
    if len(weight) == 0:
        for i in range(n):
            slots[i] += same * now[i]
    else:
        for i in range(n):
            slots[i] += f(weight[i]) * now[i]


@cfunc(ACTOR, cache=True, error_model="numpy")
def vector_float32(args, tick, k):
    _add_vector(args, tick, np.float32)


@cfunc(ACTOR, cache=True, error_model="numpy")
def vector_float64(args, tick, k):
    _add_vector(args, tick, np.float64)


# Fields of the actor that puts what a source emits into a spike log
(L_UNITS, L_LOW, L_ROW, L_STOP, L_OUT, L_FIELDS) = range(6)


@cfunc(ACTOR, cache=True, error_model="numpy")
def list_float32(args, tick, k):
    a = carray(pointer(args), L_FIELDS, np.int64)
    append_values(a[L_OUT], a[L_UNITS], a[L_LOW], a[L_ROW], k, a[L_STOP], tick, np.float32)


@cfunc(ACTOR, cache=True, error_model="numpy")
def list_float64(args, tick, k):
    a = carray(pointer(args), L_FIELDS, np.int64)
    append_values(a[L_OUT], a[L_UNITS], a[L_LOW], a[L_ROW], k, a[L_STOP], tick, np.float64)
