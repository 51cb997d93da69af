"""Products in which every connection has its own delay. Numba kernels.

A connection s from unit pre[s] to unit post[s] has n taps: what x does at time t arrives, times
taps[s, k], at time t + start[s] + k. Time is the innermost axis of the kernels' own buffers, so
that the taps of one connection, or all times of one tap, lie side by side. A kernel works on a
range of samples (or groups of samples), which no other range writes to.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def count(x, counts, graded, low, high):
    """counts[b]: entries of x [L, B, I] that are not zero; graded[b]: whether one is not 1."""
    for b in range(low, high):
        n, other = 0, False
        for t in range(x.shape[0]):
            row = x[t, b]
            for i in range(row.shape[0]):
                n += row[i] != 0
                other |= row[i] != 0 and row[i] != 1
        counts[b], graded[b] = n, other


@njit(nogil=True, cache=True)
def listed(x, starts, units, times, values, low, high):
    """The entries of each sample that are not zero, in the order of time; values if room is."""
    for b in range(low, high):
        n = starts[b]
        for t in range(x.shape[0]):
            row = x[t, b]
            for i in range(row.shape[0]):
                if row[i] != 0:
                    units[n], times[n] = i, t
                    if values.shape[0]:
                        values[n] = row[i]
                    n += 1


@njit(nogil=True, cache=True)
def into_columns(buffer, width, offset, out, b):
    """out[t, b, r] += buffer[r * width + offset + t], eight r at a time."""
    steps, rows = out.shape[0], out.shape[2]
    r = 0
    while r + 8 <= rows:
        n = r * width + offset
        for t in range(steps):
            o = out[t, b, r : r + 8]
            for k in range(8):
                o[k] += buffer[np.uint64(n + k * width + t)]
        r += 8
    while r < rows:
        for t in range(steps):
            out[t, b, r] += buffer[np.uint64(r * width + offset + t)]
        r += 1


@njit(nogil=True, cache=True)
def from_columns(x, b, buffer, width, offset):
    """buffer[r * width + offset + t] = x[t, b, r], eight r at a time."""
    steps, rows = x.shape[0], x.shape[2]
    r = 0
    while r + 8 <= rows:
        n = r * width + offset
        for t in range(steps):
            o = x[t, b, r : r + 8]
            for k in range(8):
                buffer[np.uint64(n + k * width + t)] = o[k]
        r += 8
    while r < rows:
        for t in range(steps):
            buffer[np.uint64(r * width + offset + t)] = x[t, b, r]
        r += 1


@njit(nogil=True, cache=True)
def time_last(x, rows, width, offset, low, high):
    """rows[b, r * width + offset + t] = x[t, b, r]."""
    for b in range(low, high):
        from_columns(x, b, rows[b], width, offset)


@njit(nogil=True, cache=True)
def time_first(rows, width, offset, out, low, high):
    """out[t, b, r] += rows[b, r * width + offset + t]."""
    for b in range(low, high):
        into_columns(rows[b], width, offset, out, b)


@njit(nogil=True, cache=True)
def scatter(
    out, starts, units, times, values, first, place, taps, n, width, lead, low, high
):  # fmt: skip
    """out[:, b] += what the listed spikes of sample b cause.

    Args:
        out: [T, B, O].
        starts, units, times, values: the lists of all samples; no values if all are one.
        first: [I + 1], where the connections of a unit begin.
        place: [m], post * width + start.
        taps: [m * n].
        lead: steps that lie before the first of `out`.
    """
    buffer = np.zeros(out.shape[2] * width, out.dtype)
    one = out.dtype.type(1)
    for b in range(low, high):
        buffer[:] = 0
        for e in range(starts[b], starts[b + 1]):
            i, t = units[e], times[e]
            v = values[e] if values.shape[0] else one
            for s in range(first[i], first[i + 1]):
                at, tap = place[s] + t, s * n
                for k in range(n):
                    buffer[np.uint64(at + k)] += v * taps[np.uint64(tap + k)]
        into_columns(buffer, width, lead, out, b)


@njit(nogil=True, cache=True)
def gather(grad, g, starts, units, times, values, first, place, n, width, lead, size, low, high):
    """grad[p] [m * n]: the gradient for the taps from samples p * size to (p + 1) * size.

    Args:
        g: [T, B, O]; the others as in `scatter`.
    """
    buffer = np.zeros(g.shape[2] * width, g.dtype)
    one = g.dtype.type(1)
    for p in range(low, high):
        taps = grad[p]
        for b in range(p * size, min((p + 1) * size, g.shape[1])):
            from_columns(g, b, buffer, width, lead)
            for e in range(starts[b], starts[b + 1]):
                i, t = units[e], times[e]
                v = values[e] if values.shape[0] else one
                for s in range(first[i], first[i + 1]):
                    at, tap = place[s] + t, s * n
                    for k in range(n):
                        taps[np.uint64(tap + k)] += v * buffer[np.uint64(at + k)]


@njit(nogil=True, cache=True)
def add_terms(o, source, places, coefficients, n, end):
    """o += the stretches of the source that begin at places[n:end], each times its coefficient."""
    steps = o.shape[0]
    while n + 4 <= end:
        a = source[np.uint64(places[n]) : np.uint64(places[n] + steps)]
        b = source[np.uint64(places[n + 1]) : np.uint64(places[n + 1] + steps)]
        c = source[np.uint64(places[n + 2]) : np.uint64(places[n + 2] + steps)]
        d = source[np.uint64(places[n + 3]) : np.uint64(places[n + 3] + steps)]
        p, q = coefficients[n], coefficients[n + 1]
        r, s = coefficients[n + 2], coefficients[n + 3]
        for t in range(steps):
            o[t] = o[t] + a[t] * p + b[t] * q + c[t] * r + d[t] * s
        n += 4
    while n < end:
        a, p = source[np.uint64(places[n]) : np.uint64(places[n] + steps)], coefficients[n]
        for t in range(steps):
            o[t] += a[t] * p
        n += 1


@njit(nogil=True, cache=True)
def shift(out, x, width, offset, first, places, coefficients, low, high):
    """out[:, b, r] += the terms first[r] to first[r + 1], each a stretch of x times a number.

    Args:
        out: [steps, B, R].
        x: [L, B, S]; its value at time t of unit s lies at s * width + offset + t, zeros around it.
        places: where the stretches begin.
    """
    steps, rows = out.shape[0], out.shape[2]
    buffer = np.zeros(x.shape[2] * width, x.dtype)
    sums = np.empty(rows * steps, x.dtype)
    for b in range(low, high):
        from_columns(x, b, buffer, width, offset)
        sums[:] = 0
        for r in range(rows):
            o = sums[r * steps : (r + 1) * steps]
            add_terms(o, buffer, places, coefficients, first[r], first[r + 1])
        into_columns(sums, steps, 0, out, b)


@njit(nogil=True, cache=True, fastmath={"reassoc", "nsz"})
def product_sum(a, b, c, d, p, q, r, s):
    """a . p + b . q + c . r + d . s; the order of additions is fixed when this is compiled."""
    total = a.dtype.type(0)
    for t in range(a.shape[0]):
        total += a[t] * p[t] + b[t] * q[t] + c[t] * r[t] + d[t] * s[t]
    return total


@njit(nogil=True, cache=True)
def correlate(grad, x, g, width, offset, first, places, size, low, high):
    """grad[p] [m * n]: the gradient for all terms from samples p * size to (p + 1) * size.

    Args:
        x, width, offset: as in `shift`.
        g: [T, B, O].
        first, places: of the terms in the order of post, as in `shift`.
    """
    steps = g.shape[0]
    xs = np.zeros((4, x.shape[2] * width), x.dtype)
    gs = np.zeros((4, g.shape[2] * steps), g.dtype)
    for p in range(low, high):
        b, end = p * size, min((p + 1) * size, g.shape[1])
        while b < end:
            for j in range(4):
                if b + j < end:
                    from_columns(x, b + j, xs[j], width, offset)
                    from_columns(g, b + j, gs[j], steps, 0)
                else:
                    gs[j][:] = 0
            for o in range(g.shape[2]):
                e, f = o * steps, (o + 1) * steps
                for n in range(first[o], first[o + 1]):
                    at = np.uint64(places[n])
                    to = np.uint64(places[n] + steps)
                    grad[p, n] += product_sum(
                        xs[0, at:to], xs[1, at:to], xs[2, at:to], xs[3, at:to],
                        gs[0, e:f], gs[1, e:f], gs[2, e:f], gs[3, e:f],
                    )  # fmt: skip
            b += 4
