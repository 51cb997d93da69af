"""Spikes as bits, 64 to a word, and the lists of those that are set.

Numba kernels over ranges of rows, for `neuro.lower.threads.parallel`. Unit u of a row is bit u % 64
of word u // 64. What is not zero counts as set, so that graded values can travel beside the bits.
"""

from __future__ import annotations

import numpy as np
from numba import njit

_ONE = np.uint64(1)
_PAIRS = np.uint64(0x5555555555555555)
_FOURS = np.uint64(0x3333333333333333)
_EIGHTS = np.uint64(0x0F0F0F0F0F0F0F0F)
_BYTES = np.uint64(0x0101010101010101)
_SPREAD = np.uint64(0x0102040810204080)
_DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)  # every 6 of its bits in a row are another number
_PLACES = np.zeros(64, np.int32)
_PLACES[[((1 << k) * int(_DE_BRUIJN) & (1 << 64) - 1) >> 58 for k in range(64)]] = range(64)


@njit(nogil=True, cache=True)
def _lowest(word):
    """Number of the lowest set bit (Leiserson, Prokop and Randall 1998)."""
    return _PLACES[((word & (~word + _ONE)) * _DE_BRUIJN) >> np.uint64(58)]


@njit(nogil=True, cache=True)
def _set_bits(word):
    """How many bits are set, added up in ever wider fields (Knuth, TAOCP 4A, 7.1.3)."""
    word = word - ((word >> _ONE) & _PAIRS)
    word = (word & _FOURS) + ((word >> np.uint64(2)) & _FOURS)
    word = (word + (word >> np.uint64(4))) & _EIGHTS
    return np.int64((word * _BYTES) >> np.uint64(56))


@njit(nogil=True, cache=True)
def nonzero(row, flags, eights, places):
    """List the units of a row that are not zero; how many. Room: a byte each, seen as `eights`."""
    for u in range(row.shape[0]):  # many at once
        flags[u] = row[u] != 0
    n = 0
    for j in range(eights.shape[0]):
        word = eights[j]
        while word:
            places[n] = 8 * j + (_lowest(word) >> 3)
            word &= word - _ONE
            n += 1
    return n


@njit(nogil=True, cache=True)
def count(x, step, low, high):
    """How many of x[low:high:step] are not zero."""
    total = 0
    for r in range(low, high, step):
        row, n = x[r], np.int32(0)
        for u in range(row.shape[0]):
            n += np.int32(row[u] != 0)
        total += n
    return total


@njit(nogil=True, cache=True)
def pack(x, bits, counts, graded, low, high):
    """Rows of x [R, N] into bits [R, words]; counts[r] set ones; graded[r]: some is not 1."""
    units = x.shape[1]
    flags = np.zeros(64 * bits.shape[1], np.uint8)
    eights = flags.view(np.uint64)
    for r in range(low, high):
        row, words = x[r], bits[r]
        n, other = 0, np.uint8(0)
        for u in range(units):  # runs on many units at once
            flag = np.uint8(row[u] != 0)
            flags[u] = flag
            other |= flag & np.uint8(row[u] != 1)
        for w in range(words.shape[0]):
            word = np.uint64(0)
            for k in range(8):  # the product moves the lowest bits of 8 bytes side by side
                byte = (eights[8 * w + k] * _SPREAD) >> np.uint64(56)
                word |= byte << np.uint64(8 * k)
            words[w] = word
            n += _set_bits(word)
        counts[r], graded[r] = n, other


@njit(nogil=True, cache=True)
def unpack(bits, x, low, high):
    """Ones and zeros x [R, N] from bits."""
    for r in range(low, high):
        row, words = x[r], bits[r]
        for u in range(row.shape[0]):
            row[u] = (words[u >> 6] >> np.uint64(u & 63)) & _ONE


@njit(nogil=True, cache=True)
def list_rows(bits, starts, places, low, high):
    """places[starts[r]:starts[r + 1]]: the units set in row r, in order."""
    for r in range(low, high):
        words, n = bits[r], starts[r]
        for w in range(words.shape[0]):
            word = words[w]
            while word:
                places[n] = 64 * w + _lowest(word)
                word &= word - _ONE
                n += 1


@njit(nogil=True, cache=True)
def take(x, starts, places, values, low, high):
    """values[n]: what x [R, N] holds at each listed place."""
    for r in range(low, high):
        row = x[r]
        for n in range(starts[r], starts[r + 1]):
            values[n] = row[places[n]]


@njit(nogil=True, cache=True)
def count_columns(bits, height, counts, low, high):
    """counts[t, u]: in how many of the `height` rows of tile t unit u is set."""
    for t in range(low, high):
        tally = counts[t]
        for r in range(t * height, min((t + 1) * height, bits.shape[0])):
            words = bits[r]
            for w in range(words.shape[0]):
                word = words[w]
                while word:
                    tally[64 * w + _lowest(word)] += 1
                    word &= word - _ONE


@njit(nogil=True, cache=True)
def list_columns(bits, height, starts, places, first, values, sorted_values, low, high):
    """places[starts[t, u]:]: the rows of tile t in which unit u is set, in order.

    Values, if there are any, are brought from the order of rows, where those of row r begin at
    first[r], into this one.
    """
    for t in range(low, high):
        cursor = starts[t].copy()
        for r in range(t * height, min((t + 1) * height, bits.shape[0])):
            words, k = bits[r], first[r]
            for w in range(words.shape[0]):
                word = words[w]
                while word:
                    u = 64 * w + _lowest(word)
                    word &= word - _ONE
                    places[cursor[u]] = r
                    if values.shape[0]:
                        sorted_values[cursor[u]] = values[k]
                    cursor[u] += 1
                    k += 1
