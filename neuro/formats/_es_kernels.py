"""Decoding and encoding of Event Stream bytes."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def read_events2(raw, at, end, state, limit, t, polarity, y, x, bad):
    """DVS and ATIS events of version 2; state: time, whether ATIS."""
    now, atis = state[0], state[1]
    n = 0
    while at < end and n <= limit:
        first = np.int64(raw[at])
        if atis == 0:
            if first >= 0xFE:
                now += 127 * (first & 1)  # an overflow, or a reset
                at += 1
                continue
            step, on, crossing = first >> 1, first & 1, 0
        else:
            if first >= 0xFC:
                now += 63 * (first & 3)
                at += 1
                continue
            step, on, crossing = first >> 2, first >> 1 & 1, first & 1
        if at + 5 > end:
            break
        now += step
        if crossing == 0:
            t[n] = now
            polarity[n] = on
            x[n] = np.int64(raw[at + 1]) | np.int64(raw[at + 2]) << 8
            y[n] = np.int64(raw[at + 3]) | np.int64(raw[at + 4]) << 8
            n += 1
        at += 5
    state[0] = now
    return at, n, 0


@njit(nogil=True, cache=True)
def read_events1(raw, at, end, state, limit, t, polarity, y, x, bad):
    """DVS and ATIS events of version 1; state: time, whether ATIS."""
    now, atis = state[0], state[1]
    bits = 4 + atis  # of the time
    full = (1 << bits) - 1
    n = 0
    while at < end and n <= limit:
        first = np.int64(raw[at])
        if first & full == full:
            now += full * (first >> bits)
            at += 1
            continue
        if at + 3 > end:
            break
        second, third = np.int64(raw[at + 1]), np.int64(raw[at + 2])
        now += first & full
        if atis == 0 or third & 0x40 == 0:
            t[n] = now
            polarity[n] = third >> 7
            x[n] = first >> bits | (second & 0x3F) << (8 - bits)
            y[n] = second >> 6 | (third & (0x7F if atis == 0 else 0x3F)) << 2
            n += 1
        at += 3
    state[0] = now
    return at, n, 0


@njit(nogil=True, cache=True)
def read_colors(raw, at, end, state, limit, t, channel, y, x, value, bad):
    """Color events of version 2, each as three; state: time, rows, columns."""
    now, rows, columns = state[0], state[1], state[2]
    n = k = 0
    while at < end and n <= limit and k < len(bad):
        first = np.int64(raw[at])
        if first >= 0xFE:
            now += 254 * (first & 1)
            at += 1
            continue
        if at + 8 > end:
            break
        now += first
        column = np.int64(raw[at + 1]) | np.int64(raw[at + 2]) << 8
        row = np.int64(raw[at + 3]) | np.int64(raw[at + 4]) << 8
        if row < rows and column < columns:
            for i in range(3):
                t[n] = now
                channel[n] = i
                y[n] = row
                x[n] = column
                value[n] = raw[at + 5 + i]
                n += 1
        else:
            bad[k, 0], bad[k, 1], bad[k, 2], bad[k, 3] = at, 8, 0, n
            k += 1
        at += 8
    state[0] = now
    return at, n, k


@njit(nogil=True, cache=True)
def write_dvs(t, unit, shape, i, state, out):
    """DVS events of version 2 from event i on, until `out` is full; state: time.

    Returns the next event and the bytes written.
    """
    rows, columns = shape[1], shape[2]
    m = 0
    while i < len(t) and m + 5 <= len(out):
        step = t[i] - state[0]
        if step >= 127:
            out[m] = 0xFF
            state[0] += 127
            m += 1
            continue
        u = np.int64(unit[i])
        row, column = u // columns % rows, u % columns
        out[m] = step << 1 | u // columns // rows
        out[m + 1], out[m + 2] = column & 0xFF, column >> 8
        out[m + 3], out[m + 4] = row & 0xFF, row >> 8
        state[0] = t[i]
        m += 5
        i += 1
    return i, m
