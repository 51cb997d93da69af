"""Products with spikes: the rows that the spikes select, added up. Numba kernels.

For output row i and tile t, n runs over the list from starts[t * len(out) + i] to the next entry:

    out[i] = first + sum over t, n of table[places[n]]  (* values[n])

Additions happen in the order of the lists, column by column, so a result does not depend on how
the rows are shared among threads. Several rows are added in one pass, because reading and writing
out[i] would otherwise cost as much as the reading of the table.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def add_rows(o, table, places, n, end):
    """o += the rows of the table listed from n to end."""
    while n + 8 <= end:
        a, b = table[np.uint64(places[n])], table[np.uint64(places[n + 1])]
        c, d = table[np.uint64(places[n + 2])], table[np.uint64(places[n + 3])]
        e, f = table[np.uint64(places[n + 4])], table[np.uint64(places[n + 5])]
        g, h = table[np.uint64(places[n + 6])], table[np.uint64(places[n + 7])]
        for k in range(o.shape[0]):
            o[k] = o[k] + a[k] + b[k] + c[k] + d[k] + e[k] + f[k] + g[k] + h[k]
        n += 8
    while n + 2 <= end:
        a, b = table[np.uint64(places[n])], table[np.uint64(places[n + 1])]
        for k in range(o.shape[0]):
            o[k] = o[k] + a[k] + b[k]
        n += 2
    if n < end:
        a = table[np.uint64(places[n])]
        for k in range(o.shape[0]):
            o[k] += a[k]


@njit(nogil=True, cache=True)
def add_graded(o, table, places, values, n, end):
    """The same, each row times its value."""
    while n + 4 <= end:
        a, b = table[np.uint64(places[n])], table[np.uint64(places[n + 1])]
        c, d = table[np.uint64(places[n + 2])], table[np.uint64(places[n + 3])]
        p, q, r, s = values[n], values[n + 1], values[n + 2], values[n + 3]
        for k in range(o.shape[0]):
            o[k] = o[k] + a[k] * p + b[k] * q + c[k] * r + d[k] * s
        n += 4
    while n < end:
        a, p = table[np.uint64(places[n])], values[n]
        for k in range(o.shape[0]):
            o[k] += a[k] * p
        n += 1


@njit(nogil=True, cache=True)
def gather(out, first, table, starts, places, values, low, high):
    """Rows low..high of the sum; without values all are one."""
    rows = out.shape[0]
    for t in range((starts.shape[0] - 1) // rows):
        for i in range(low, high):
            o = out[i]
            if t == 0:
                o[:] = first
            n, end = starts[t * rows + i], starts[t * rows + i + 1]
            if values.shape[0]:
                add_graded(o, table, places, values, n, end)
            else:
                add_rows(o, table, places, n, end)


@njit(nogil=True, cache=True)
def turn(source, target, low, high):
    """Rows low..high of the source become columns of the target, eight at a time."""
    columns, r = source.shape[1], low
    while r + 8 <= high:
        a, b, c, d = source[r], source[r + 1], source[r + 2], source[r + 3]
        e, f, g, h = source[r + 4], source[r + 5], source[r + 6], source[r + 7]
        for j in range(columns):
            o = target[j, r : r + 8]
            o[0], o[1], o[2], o[3] = a[j], b[j], c[j], d[j]
            o[4], o[5], o[6], o[7] = e[j], f[j], g[j], h[j]
        r += 8
    while r < high:
        a = source[r]
        for j in range(columns):
            target[j, r] = a[j]
        r += 1
