"""The tick loop: every thread calls its actors in order, and they meet once a tick.

Nothing here knows what an actor does. Threads spin while they wait, since a tick often lasts less
than it takes to wake one; after a while they let others run.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from neuro.sim.native import (
    FLUSH,
    call,
    carray,
    fetch_add,
    float_mode,
    load,
    pointer,
    yield_address,
)

BARRIER = 0  # in place of an actor's address
PATIENCE = 2_000  # looks at the counter before others may run


@njit(nogil=True, cache=True, error_model="numpy")
def drive(program, shared, threads, first, ticks, k, rest):
    """Run ticks first, first + 1, ...; how many of them were run.

    Args:
        program: int64 [steps, 2], address and arguments of each actor, or BARRIER.
        shared: address of int64 [9]: the last tick to run, and a cache line further the counter
            on which threads meet.
        k: index of the first tick in the spike logs.
        rest: address of the function that lets other threads run, or 0.
    """
    # What decays undisturbed ends below the normal numbers, with which processors are slow.
    mode = float_mode(-1)
    if mode >= 0:
        float_mode(mode | FLUSH)
    last = carray(pointer(shared), 1, np.int64)
    done = ticks
    meeting = shared + 64
    for t in range(ticks):
        tick = first + t
        for j in range(len(program)):
            if program[j, 0] != BARRIER:
                call(program[j, 0], program[j, 1], tick, k + t)
            elif threads > 1:
                goal = (fetch_add(meeting, 1) // threads + 1) * threads
                looks = 0
                while load(meeting) < goal:
                    looks += 1
                    if looks > PATIENCE and rest != 0:
                        call(rest, 0, 0, 0)
        # A quick thread may have asked for a pause in the next tick already; that one is run.
        if last[0] <= tick:
            done = t + 1
            break
    if mode >= 0:
        float_mode(mode)
    return done


def run(programs: Sequence[NDArray[np.int64]], stop: NDArray[np.int64], first: int,
        ticks: int, k: int) -> int:  # fmt: skip
    """Run all threads' programs for up to `ticks` ticks; how many were run.

    Args:
        programs: one a thread; the first runs in the calling thread.
        stop: int64 [9], see `drive`; reset here.
    """
    stop[:] = 0
    stop[0] = np.iinfo(np.int64).max
    threads, rest = len(programs), yield_address()
    done = [0] * threads

    def work(i: int) -> None:
        done[i] = drive(programs[i], stop.ctypes.data, threads, first, ticks, k, rest)

    others = [threading.Thread(target=work, args=(i,), daemon=True) for i in range(1, threads)]
    for thread in others:
        thread.start()
    work(0)
    for thread in others:
        thread.join()
    return done[0]
