"""What compiled code needs beyond Numba: addresses, calls through them, and atomic counters."""

from __future__ import annotations

import ctypes
import os
import platform
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

_WORD = ir.IntType(64)
ACTOR = "void(int64, int64, int64)"  # arguments, tick, index into the spike logs
carray: Any = getattr(numba, "carray")  # noqa: B009 - its stub lacks it


@intrinsic
def _pointer(typingctx, address):
    """An address as the pointer that `carray` takes."""

    def codegen(context, builder, signature, args):
        return builder.inttoptr(args[0], cgutils.voidptr_t)

    return types.voidptr(types.int64), codegen


@intrinsic
def _call(typingctx, address, args, tick, k):
    """Call the actor at an address."""

    def codegen(context, builder, signature, given):
        kind = ir.FunctionType(ir.VoidType(), [_WORD] * 3)
        builder.call(builder.inttoptr(given[0], kind.as_pointer()), given[1:])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64, types.int64), codegen


@intrinsic
def _fetch_add(typingctx, address, amount):
    """Add to the counter at an address, atomically; what it was before."""

    def codegen(context, builder, signature, args):
        counter = builder.inttoptr(args[0], _WORD.as_pointer())
        return builder.atomic_rmw("add", counter, args[1], "seq_cst")

    return types.int64(types.int64, types.int64), codegen


@intrinsic
def _load(typingctx, address):
    """The counter at an address, as the other threads left it."""

    def codegen(context, builder, signature, args):
        return builder.load_atomic(builder.inttoptr(args[0], _WORD.as_pointer()), "seq_cst", 8)

    return types.int64(types.int64), codegen


@intrinsic
def _prefetch(typingctx, address):
    """Ask for the cache line at an address, which need not be valid."""

    def codegen(context, builder, signature, args):
        byte = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [byte] + [ir.IntType(32)] * 3)
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        settings = [ir.Constant(ir.IntType(32), x) for x in (0, 2, 1)]  # read, into L2, data
        builder.call(function, [builder.inttoptr(args[0], byte), *settings])
        return context.get_dummy_value()

    return types.void(types.int64), codegen


_X86 = platform.machine().lower() in ("x86_64", "amd64")


@intrinsic
def _float_mode(typingctx, mode):
    """Set the processor's mode for floating-point numbers, if mode >= 0; what it was before."""

    def codegen(context, builder, signature, args):
        if not _X86:
            return args[0]
        half, byte = ir.IntType(32), ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [byte])
        store = cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.sse.stmxcsr")
        load = cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.sse.ldmxcsr")
        place = cgutils.alloca_once(builder, half)
        builder.call(store, [builder.bitcast(place, byte)])
        before = builder.zext(builder.load(place), _WORD)
        with builder.if_then(builder.icmp_signed(">=", args[0], ir.Constant(_WORD, 0))):
            builder.store(builder.trunc(args[0], half), place)
            builder.call(load, [builder.bitcast(place, byte)])
        return before

    return types.int64(types.int64), codegen


# Numba replaces the first parameter of an intrinsic; a type checker cannot know.
pointer: Any = _pointer
call: Any = _call
fetch_add: Any = _fetch_add
load: Any = _load
prefetch: Any = _prefetch
float_mode: Any = _float_mode
FLUSH = 0x8040  # mode bits: results and operands below the normal numbers count as 0


@njit(error_model="numpy")
def append(flags, n, low, row, k, stop, tick):
    """Write the numbers of the flagged ones of n units into a spike log.

    Args:
        flags: address of one byte a unit, 0 or 1, read eight at a time.
        low: number of the first unit.
        row: address of the part's row of `Log.table`.
        stop: address of the last tick to run.
    """
    r = carray(pointer(row), 5, np.int64)
    units = carray(pointer(r[0]), r[3], np.int32)
    starts = carray(pointer(r[1]), k + 2, np.int64)
    one = carray(pointer(flags), n, np.uint8)
    eight = carray(pointer(flags), n // 8, np.uint64)
    at = starts[k]
    words = len(eight)
    w = 0
    while w < words:
        if w + 8 <= words:
            some = eight[w] | eight[w + 1] | eight[w + 2] | eight[w + 3]
            some |= eight[w + 4] | eight[w + 5] | eight[w + 6] | eight[w + 7]
            if some == 0:
                w += 8
                continue
        for v in range(w, min(w + 8, words)):
            if eight[v] != 0:
                for i in range(8 * v, 8 * v + 8):
                    if one[i] != 0:
                        units[at] = low + i
                        at += 1
        w += 8
    for i in range(8 * words, n):
        if one[i] != 0:
            units[at] = low + i
            at += 1
    close(row, k, at, stop, tick)


@njit(error_model="numpy")
def append_values(values, n, low, row, k, stop, tick, kind):
    """Write what n units emit into a log, where it is not 0: as values, or as so many spikes.

    Args:
        values: address of n numbers.
        kind: an array of their type.
    """
    r = carray(pointer(row), 5, np.int64)
    units = carray(pointer(r[0]), r[3], np.int32)
    starts = carray(pointer(r[1]), k + 2, np.int64)
    x = carray(pointer(values), n, kind)
    at = starts[k]
    if r[2] != 0:
        sent = carray(pointer(r[2]), r[3], kind)
        for i in range(n):
            if x[i] != 0:
                units[at] = low + i
                sent[at] = x[i]
                at += 1
    else:
        for i in range(n):
            if x[i] != 0:
                for _ in range(np.int64(x[i])):
                    units[at] = low + i
                    at += 1
    close(row, k, at, stop, tick)


@njit(error_model="numpy")
def close(row, k, at, stop, tick):
    """End a tick of a log, and ask for a pause if the next one might not fit."""
    r = carray(pointer(row), 5, np.int64)
    starts = carray(pointer(r[1]), k + 2, np.int64)
    starts[k + 1] = at
    if at + r[4] > r[3]:
        last = carray(pointer(stop), 1, np.int64)
        last[0] = min(last[0], tick)


def yield_address() -> int:
    """Address of the system's function that lets another thread run, or 0."""
    if os.name != "posix":
        return 0
    function = ctypes.CDLL(None).sched_yield
    return ctypes.cast(function, ctypes.c_void_p).value or 0
