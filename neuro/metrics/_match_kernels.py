"""Compiled search for the longest earlier match of every place in a sequence."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]


@njit(nogil=True, cache=True)
def longest_matches(text: Array, matches: Array) -> None:
    """Length of the longest stretch from each place that also starts earlier, into `matches`.

    The earlier copy may overlap the later one. Built on the suffix automaton of the text, in time
    and memory proportional to its length; edges are kept in linked lists, so that the alphabet
    costs no memory.

    Args:
        text: uint8 [n].
        matches: int64 [n], written.
    """
    n = len(text)
    length = np.zeros(2 * n + 2, np.int32)
    link = np.full(2 * n + 2, -1, np.int32)
    first_end = np.zeros(2 * n + 2, np.int32)  # where the state's strings end for the first time
    head = np.full(2 * n + 2, -1, np.int32)  # first edge of each state
    symbol = np.zeros(3 * n + 8, np.uint8)
    target = np.zeros(3 * n + 8, np.int32)
    following = np.full(3 * n + 8, -1, np.int32)  # next edge of the same state
    states, edges, last = 1, 0, 0
    for i in range(n):
        c = text[i]
        new = states
        states += 1
        length[new] = length[last] + 1
        first_end[new] = i
        p = last
        e = -1
        while p >= 0:
            e = head[p]
            while e >= 0 and symbol[e] != c:
                e = following[e]
            if e >= 0:
                break
            symbol[edges], target[edges], following[edges] = c, new, head[p]
            head[p] = edges
            edges += 1
            p = link[p]
        if p < 0:
            link[new] = 0
        else:
            q = target[e]
            if length[q] == length[p] + 1:
                link[new] = q
            else:
                clone = states
                states += 1
                length[clone] = length[p] + 1
                link[clone] = link[q]
                first_end[clone] = first_end[q]
                k = head[q]
                while k >= 0:
                    symbol[edges], target[edges], following[edges] = (
                        symbol[k],
                        target[k],
                        head[clone],
                    )
                    head[clone] = edges
                    edges += 1
                    k = following[k]
                while p >= 0:
                    e = head[p]
                    while e >= 0 and symbol[e] != c:
                        e = following[e]
                    if e < 0 or target[e] != q:
                        break
                    target[e] = clone
                    p = link[p]
                link[q] = clone
                link[new] = clone
        last = new
    state, held = 0, 0  # the match at place i is the string of `held` symbols in this state
    for i in range(n):
        while i + held < n:
            c = text[i + held]
            e = head[state]
            while e >= 0 and symbol[e] != c:
                e = following[e]
            longer = target[e]
            if first_end[longer] - held >= i:  # its first copy starts here: none is earlier
                break
            state = longer
            held += 1
        matches[i] = held
        if held > 0:
            held -= 1
            if held == length[link[state]]:
                state = link[state]
