"""Decoding and encoding of Prophesee's EVT 2, 2.1 and 3 words, and of DAT events."""

from __future__ import annotations

import numpy as np
from numba import njit

# Reasons, in the order of each format's wording.
UNKNOWN, OFF, NO_ROW, NO_BASE = 0, 1, 2, 3

# The number of a single set bit: the top five bits of bit times this constant differ for all 32.
_DE_BRUIJN = 0x077CB531
_BIT = np.array([(_DE_BRUIJN << i & 0xFFFFFFFF) >> 27 for i in range(32)]).argsort()


@njit(nogil=True, cache=True)
def first_high(raw, at, end, word, byte):
    """Byte of the first time-high word; `byte` of a word holds its type in the upper half."""
    while at + word <= end:
        if raw[at + byte] >> 4 == 8:
            return at
        at += word
    return -1


@njit(nogil=True, cache=True)
def _note(bad, k, at, length, reason, n):
    """Note damage; bad words side by side are one stretch. Returns the number of stretches."""
    if k > 0:
        last = bad[k - 1]
        if last[0] + last[1] == at and last[2] == reason and last[3] == n:
            last[1] += length
            return k
    bad[k, 0], bad[k, 1], bad[k, 2], bad[k, 3] = at, length, reason, n
    return k + 1


@njit(nogil=True, cache=True)
def _inside(valid, row, column, rows, columns):
    """Which of the pixels from `column` on lie on the sensor."""
    room = min(max(columns - column, 0), 32) if row < rows else 0
    return valid & ((1 << room) - 1)


@njit(nogil=True, cache=True)
def read_evt2(words, at, end, state, limit, t, polarity, y, x, bad):
    """EVT 2.0; state: wraps of the time, time-high."""
    loop, high = state[0], state[1]
    base = loop << 34 | high << 6
    n = k = 0
    while at + 4 <= end and n <= limit and k < len(bad):
        word = np.int64(words[at >> 2])
        kind = word >> 28
        if kind <= 1:
            t[n] = base | (word >> 22 & 0x3F)
            polarity[n] = kind
            y[n] = word & 0x7FF
            x[n] = word >> 11 & 0x7FF
            n += 1
        elif kind == 8:
            new = word & 0xFFFFFFF
            if high - new >= 1 << 27:  # more than half a turn back is a turn forward
                loop += 1
            high = new
            base = loop << 34 | high << 6
        elif kind != 0xA and kind != 0xE and kind != 0xF:
            k = _note(bad, k, at, 4, UNKNOWN, n)
        at += 4
    state[0], state[1] = loop, high
    return at, n, k


@njit(nogil=True, cache=True)
def read_evt21(words, at, end, state, limit, t, polarity, y, x, bad):
    """EVT 2.1; state: wraps of the time, time-high, half with the type, sensor."""
    loop, high, half, rows, columns = state[0], state[1], state[2], state[3], state[4]
    base = loop << 34 | high << 6
    n = k = 0
    while at + 8 <= end and n <= limit and k < len(bad):
        word = np.int64(words[(at >> 2) + half])
        kind = word >> 28
        if kind <= 1:
            valid = np.int64(words[(at >> 2) + 1 - half])
            now = base | (word >> 22 & 0x3F)
            row, column = word & 0x7FF, word >> 11 & 0x7FF
            if valid != 0 and (row >= rows or column + 32 > columns):
                inside = _inside(valid, row, column, rows, columns)
                if inside != valid:
                    k = _note(bad, k, at, 8, OFF, n)
                valid = inside
            while valid != 0:
                lowest = valid & -valid
                t[n] = now
                polarity[n] = kind
                y[n] = row
                x[n] = column + _BIT[(lowest * _DE_BRUIJN & 0xFFFFFFFF) >> 27]
                n += 1
                valid ^= lowest
        elif kind == 8:
            new = word & 0xFFFFFFF
            if high - new >= 1 << 27:
                loop += 1
            high = new
            base = loop << 34 | high << 6
        elif kind != 0xA and kind != 0xE and kind != 0xF:
            k = _note(bad, k, at, 8, UNKNOWN, n)
        at += 8
    state[0], state[1] = loop, high
    return at, n, k


@njit(nogil=True, cache=True)
def read_evt3(words, at, end, state, limit, t, polarity, y, x, bad):
    """EVT 3.0; state: wraps, time-high, time-low, row, base column, its polarity, sensor."""
    loop, high, low = state[0], state[1], state[2]
    row, column, on, rows, columns = state[3], state[4], state[5], state[6], state[7]
    now = loop << 24 | high << 12 | low
    n = k = 0
    while at + 2 <= end and n <= limit and k < len(bad):
        word = np.int64(words[at >> 1])
        kind = word >> 12
        if kind == 2:
            if row >= 0:
                t[n] = now
                polarity[n] = word >> 11 & 1
                y[n] = row
                x[n] = word & 0x7FF
                n += 1
            else:
                k = _note(bad, k, at, 2, NO_ROW, n)
        elif kind == 0:
            row = word & 0x7FF
        elif kind == 6:
            low = word & 0xFFF
            now = loop << 24 | high << 12 | low
        elif kind == 3:
            column = word & 0x7FF
            on = word >> 11 & 1
        elif kind == 4 or kind == 5:
            valid = word & (0xFFF if kind == 4 else 0xFF)
            width = 12 if kind == 4 else 8
            if valid != 0 and (row < 0 or column < 0):
                k = _note(bad, k, at, 2, NO_ROW if row < 0 else NO_BASE, n)
                valid = 0
            elif valid != 0 and (row >= rows or column + width > columns):
                inside = _inside(valid, row, column, rows, columns)
                if inside != valid:
                    k = _note(bad, k, at, 2, OFF, n)
                valid = inside
            while valid != 0:
                lowest = valid & -valid
                t[n] = now
                polarity[n] = on
                y[n] = row
                x[n] = column + _BIT[(lowest * _DE_BRUIJN & 0xFFFFFFFF) >> 27]
                n += 1
                valid ^= lowest
            if column >= 0:
                column += width
        elif kind == 8:
            new = word & 0xFFF
            if new != high:
                if high - new >= 1 << 11:
                    loop += 1
                high, low = new, 0  # a time-low follows
                now = loop << 24 | high << 12
        elif kind == 1 or kind == 9 or (kind > 0xA and kind < 0xE):
            k = _note(bad, k, at, 2, UNKNOWN, n)
        at += 2
    state[0], state[1], state[2] = loop, high, low
    state[3], state[4], state[5] = row, column, on
    return at, n, k


@njit(nogil=True, cache=True)
def read_dat(words, at, end, state, limit, t, polarity, y, x, bad):
    """DAT; state: version, latest time, what wraps of the time have added."""
    version, latest, offset = state[0], state[1], state[2]
    n = k = 0
    while at + 8 <= end and n <= limit and k < len(bad):
        now = np.int64(words[at >> 2]) + offset
        word = np.int64(words[(at >> 2) + 1])
        if latest - now > 1 << 31:
            now += 1 << 32
            offset += 1 << 32
        if version >= 2:
            row, column, on = word >> 14 & 0x3FFF, word & 0x3FFF, word >> 28
        else:
            row, column, on = word >> 9 & 0xFF, word & 0x1FF, word >> 17
        if on > 1:
            k = _note(bad, k, at, 8, UNKNOWN, n)
        else:
            latest = max(latest, now)
            t[n] = now
            polarity[n] = on
            y[n] = row
            x[n] = column
            n += 1
        at += 8
    state[1], state[2] = latest, offset
    return at, n, k


@njit(nogil=True, cache=True)
def _put(out, m, word, size):
    for i in range(size):
        out[m + i] = word >> 8 * i & 0xFF
    return m + size


@njit(nogil=True, cache=True)
def _next_high(high, goal, turn):
    """The next time-high to write: no more than half a turn on, and never past a turn's end."""
    return min(goal, high + (turn >> 1), high + 1 if high % turn == turn - 1 else high | (turn - 1))


@njit(nogil=True, cache=True)
def write_evt2(t, unit, shape, i, state, out):
    """EVT 2.0 words from event i on, until `out` is full; state: time-high written last, or -1.

    Returns the next event and the bytes written.
    """
    rows, columns = shape[1], shape[2]
    m = 0
    while i < len(t) and m + 8 <= len(out):
        goal = t[i] >> 6
        if state[0] != goal:
            high = 0 if state[0] < 0 else _next_high(state[0], goal, 1 << 28)
            m = _put(out, m, 8 << 28 | (high & 0xFFFFFFF), 4)
            state[0] = high
            continue
        u = np.int64(unit[i])
        row, column = u // columns % rows, u % columns
        m = _put(out, m, u // columns // rows << 28 | (t[i] & 0x3F) << 22 | column << 11 | row, 4)
        i += 1
    return i, m


@njit(nogil=True, cache=True)
def write_evt21(t, unit, shape, i, state, out):
    """EVT 2.1 words, little endian; as `write_evt2`."""
    rows, columns = shape[1], shape[2]
    m = 0
    while i < len(t) and m + 8 <= len(out):
        goal = t[i] >> 6
        if state[0] != goal:
            high = 0 if state[0] < 0 else _next_high(state[0], goal, 1 << 28)
            m = _put(out, m, 0, 4)
            m = _put(out, m, 8 << 28 | (high & 0xFFFFFFF), 4)
            state[0] = high
            continue
        now, line = t[i], np.int64(unit[i]) // columns
        base = np.int64(unit[i]) % columns & ~31
        valid, last = 0, -1
        while i < len(t) and t[i] == now and np.int64(unit[i]) // columns == line:
            place = np.int64(unit[i]) % columns - base
            if place <= last or place > 31:  # a pixel twice in a tick takes a second word
                break
            valid |= 1 << place
            last = place
            i += 1
        word = line // rows << 28 | (now & 0x3F) << 22 | base << 11 | line % rows
        m = _put(out, m, valid, 4)
        m = _put(out, m, word, 4)
    return i, m


@njit(nogil=True, cache=True)
def write_evt3(t, unit, shape, i, state, out):
    """EVT 3.0 words; as `write_evt2`. State: time-high, time-low, row written last, or -1."""
    rows, columns = shape[1], shape[2]
    m = 0
    while i < len(t) and m + 12 <= len(out):
        goal = t[i] >> 12
        if state[0] != goal:
            high = 0 if state[0] < 0 else _next_high(state[0], goal, 1 << 12)
            m = _put(out, m, 8 << 12 | (high & 0xFFF), 2)
            state[0], state[1] = high, -1
            continue
        now, line = t[i], np.int64(unit[i]) // columns
        row, on, column = line % rows, line // rows, np.int64(unit[i]) % columns
        if state[1] != now & 0xFFF:
            m = _put(out, m, 6 << 12 | (now & 0xFFF), 2)
            state[1] = now & 0xFFF
        if state[2] != row:
            m = _put(out, m, row, 2)
            state[2] = row
        base = min(column, max(columns - 32, 0))
        valid, last, j = 0, -1, i
        while j < len(t) and t[j] == now and np.int64(unit[j]) // columns == line:
            place = np.int64(unit[j]) % columns - base
            if place <= last or place > 31:
                break
            valid |= 1 << place
            last = place
            j += 1
        if j - i > 4:  # a vector of 32 columns takes four words
            m = _put(out, m, 3 << 12 | on << 11 | base, 2)
            m = _put(out, m, 4 << 12 | (valid & 0xFFF), 2)
            m = _put(out, m, 4 << 12 | (valid >> 12 & 0xFFF), 2)
            m = _put(out, m, 5 << 12 | valid >> 24, 2)
            i = j
        else:
            m = _put(out, m, 2 << 12 | on << 11 | column, 2)
            i += 1
    return i, m
