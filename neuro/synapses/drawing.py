"""Compiled draws of connections: targets of a row, and values of a distribution.

Every draw is a function of (seed, purpose, presynaptic unit, number in the row), so any rows can be
drawn at any time, in any thread. Kernels release the GIL.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from neuro.distributions import Distribution
from neuro.lower.normal import quantiles, standard_normal
from neuro.lower.philox import philox4x32

TARGETS, WEIGHTS, DELAYS, SOURCES = range(4)  # purposes
_WORD = 2.0**-32
NONE = np.uint32(0)  # before a word is drawn


def key(seed: int) -> tuple[np.uint32, np.uint32]:
    """The two words of a seed below 2^64."""
    return np.uint32(seed & 0xFFFFFFFF), np.uint32(seed >> 32)


def values(
    given: Distribution, seed: int, purpose: int, low: int, start: NDArray[np.int64]
) -> NDArray[np.float32]:
    """A draw for every synapse of the rows from presynaptic unit `low` on, [start[-1]]."""
    out = np.empty(int(start[-1]), np.float32)
    a, b = given.numbers
    _values(given.kind, a, b, *given.bounds, *key(seed), purpose, low, start, *quantiles(), out)
    return out


@njit(inline="always", error_model="numpy")
def _draw(kind, a, b, word, inner, tail):
    if kind == 1:
        return a + b * np.float64(standard_normal(word, inner, tail))
    u = (np.float64(word) + 0.5) * _WORD
    if kind == 2:
        return a + b * u
    if kind == 4:
        return -a * math.log(u)
    return math.exp(a + b * np.float64(standard_normal(word, inner, tail)))


@njit(nogil=True, cache=True, error_model="numpy")
def _values(kind, a, b, least, most, k0, k1, purpose, low, start, inner, tail, out):
    for row in range(len(start) - 1):
        first, count = start[row], start[row + 1] - start[row]
        unit = np.uint32(low + row)
        for block in range((count + 3) // 4):
            words = philox4x32(block, 0, unit, purpose, k0, k1)
            for j in range(min(4, count - 4 * block)):
                value = _draw(kind, a, b, words[j], inner, tail)
                again = 0
                while not least <= value <= most:
                    again += 1
                    more = philox4x32(4 * block + j, again, unit, purpose, k0, k1)
                    value = _draw(kind, a, b, more[0], inner, tail)
                out[first + 4 * block + j] = value


@njit(inline="always", error_model="numpy")
def _below(word, n):
    """A number in [0, n) from a random word; the bias is at most n / 2^32."""
    return np.int64((np.uint64(word) * np.uint64(n)) >> np.uint64(32))


@njit(nogil=True, cache=True, error_model="numpy")
def uniform_targets(start, low, n, skip_self, k0, k1, out):
    """Independent targets in [0, n), repeats allowed; with `skip_self` never the unit itself."""
    for row in range(len(start) - 1):
        unit, count = low + row, start[row + 1] - start[row]
        own = skip_self and unit < n
        span = n - 1 if own else n
        for block in range((count + 3) // 4):
            words = philox4x32(block, 0, unit, TARGETS, k0, k1)
            for j in range(min(4, count - 4 * block)):
                target = _below(words[j], span)
                out[start[row] + 4 * block + j] = target + (own and target >= unit)


@njit(nogil=True, cache=True, error_model="numpy")
def distinct_targets(start, low, n, skip_self, k0, k1, out):
    """As `uniform_targets`, but no target twice in a row; in ascending order.

    Sequential sampling (Fan, Muller, Rezucha 1962) where many are wanted, otherwise repeats are
    drawn anew.
    """
    taken = np.full(n, -1, np.int64)
    for row in range(len(start) - 1):
        unit, first = low + row, start[row]
        count = start[row + 1] - first
        own = skip_self and unit < n
        span = n - 1 if own else n
        number, words = 0, (NONE, NONE, NONE, NONE)
        if count * 4 > span:
            left, at = count, 0
            for target in range(span):
                if number % 4 == 0:
                    words = philox4x32(number // 4, 0, unit, TARGETS, k0, k1)
                if _below(words[number % 4], span - target) < left:
                    out[first + at] = target + (own and target >= unit)
                    left -= 1
                    at += 1
                number += 1
            continue
        at = 0
        while at < count:
            if number % 4 == 0:
                words = philox4x32(number // 4, 0, unit, TARGETS, k0, k1)
            target = _below(words[number % 4], span)
            number += 1
            if taken[target] != row:
                taken[target] = row
                out[first + at] = target + (own and target >= unit)
                at += 1
        out[first : first + count].sort()


@njit(nogil=True, cache=True, error_model="numpy")
def bernoulli_targets(low, high, n, p, skip_self, k0, k1, start, room):
    """Each target with probability p: gaps between them are geometric. Grows `room` as needed."""
    out = np.empty(room, np.int32)
    scale = 1.0 / math.log1p(-p) if p < 1.0 else 0.0
    at = 0
    for row in range(high - low):
        unit = low + row
        own = skip_self and unit < n
        target, number, words = -1, 0, (NONE, NONE, NONE, NONE)
        while True:
            if p < 1.0:
                if number % 4 == 0:
                    words = philox4x32(number // 4, 0, unit, TARGETS, k0, k1)
                u = (np.float64(words[number % 4]) + 0.5) * _WORD
                number += 1
                gap = math.log(u) * scale
                target += 1 + (n if gap > n else np.int64(gap))
            else:
                target += 1
            if target >= n:
                break
            if own and target == unit:
                continue
            if at == len(out):
                more = np.empty(2 * len(out) + n, np.int32)
                more[:at] = out
                out = more
            out[at] = target
            at += 1
        start[row + 1] = at
    return out[:at]


@njit(nogil=True, cache=True, error_model="numpy")
def by_source(sources, posts, pre):
    """Lists of sources, `posts` by post, as rows by source: start [pre + 1] and post."""
    start = np.zeros(pre + 1, np.int64)
    for s in sources:
        start[s + 1] += 1
    for i in range(pre):
        start[i + 1] += start[i]
    cursor = start[:-1].copy()
    out = np.empty(len(sources), np.int32)
    for post in range(len(posts) - 1):
        for j in range(posts[post], posts[post + 1]):
            out[cursor[sources[j]]] = post
            cursor[sources[j]] += 1
    return start, out


@njit(nogil=True, cache=True, error_model="numpy")
def targets_by_distance(
    here, there, low, p, scale, kernel, side, skip_self, k0, k1, start
):  # fmt: skip
    """Targets of units at `here` among those at `there`, each with a probability by distance."""
    out = np.empty(16 + len(here) * 16, np.int32)
    at = 0
    dims, words = here.shape[1], (NONE, NONE, NONE, NONE)
    for row in range(len(here)):
        unit = low + row
        for target in range(len(there)):
            square = 0.0
            for axis in range(dims):
                gap = abs(here[row, axis] - there[target, axis])
                if side > 0.0:
                    gap = min(gap % side, side - gap % side)
                square += gap * gap
            if kernel == 0:
                chance = p * math.exp(-0.5 * square / (scale * scale))
            elif kernel == 1:
                chance = p * math.exp(-math.sqrt(square) / scale)
            else:
                chance = p if square <= scale * scale else 0.0
            if target % 4 == 0:
                words = philox4x32(target // 4, 0, unit, TARGETS, k0, k1)
            if (np.float64(words[target % 4]) + 0.5) * _WORD >= chance:
                continue
            if skip_self and target == unit:
                continue
            if at == len(out):
                more = np.empty(2 * len(out), np.int32)
                more[:at] = out
                out = more
            out[at] = target
            at += 1
        start[row + 1] = at
    return out[:at]


@njit(nogil=True, cache=True, error_model="numpy")
def ring_targets(low, high, n, k, beta, k0, k1, out):
    """k / 2 neighbours on either side on a ring of n; each moved with probability beta to a unit
    that the row does not reach yet, and that is not the unit itself."""
    taken = np.full(n, -1, np.int64)
    for row in range(high - low):
        unit, first = low + row, row * k
        taken[unit] = row
        for j in range(k):
            step = j // 2 + 1
            neighbour = (unit + step) % n if j % 2 == 0 else (unit - step) % n
            out[first + j] = neighbour
            taken[neighbour] = row
        number = 0
        for j in range(k):
            words = philox4x32(number, 1, unit, TARGETS, k0, k1)
            number += 1
            if (np.float64(words[0]) + 0.5) * _WORD >= beta or k >= n - 1:
                continue
            target = _below(words[1], n)
            while taken[target] == row:
                words = philox4x32(number, 1, unit, TARGETS, k0, k1)
                number += 1
                target = _below(words[1], n)
            taken[out[first + j]] = -1
            out[first + j], taken[target] = target, row
        out[first : first + k].sort()
