"""Stage 3 for feedback: a Numba kernel that takes samples through several ticks of a loop.

Each tick, what a sample emitted `delay` ticks ago selects rows of the recurrent weights, which are
added to its input; then the `forward` kernel of the same file runs that tick. Samples do not depend
on each other, so each thread takes some of them through all the ticks.

A stream with fewer ticks than are run is written over from its beginning.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path


@cache
def _imports() -> str:
    """Numba does not see when a function from another file changes; its hash does."""
    files = (Path(__file__).with_name(name) for name in ("gather.py", "packed.py"))
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    return (
        f"# {digest[:20]}\n"
        "from neuro.lower.gather import add_graded, add_rows\n"
        "from neuro.lower.packed import nonzero"
    )


def emit(arguments: Sequence[str], entry: str, spikes: bool) -> str:
    """Source of `loop`, to follow that of `forward`.

    Its arguments are (low, high), the samples; first and last tick, delay, weights [pre, post],
    bias [post], what was emitted before the first tick [delay, columns] and the input [T, columns];
    then those of `forward`, where `entry` is a stream that this kernel fills.

    Args:
        arguments: names of the arguments of `forward` after its first three.
        entry: the stream that feedback enters.
        spikes: whether what the population emits is 0 or 1.
    """

    def now(name: str) -> str:
        if name.startswith(("s_", "p_", "end_")):
            return name
        return f"{name}[t % {name}.shape[0] : t % {name}.shape[0] + 1]"

    names = ", ".join(arguments)
    step = f"forward(low * units, high * units, 1, {', '.join(map(now, arguments))})"
    row = f"{entry}[t % {entry}.shape[0], b * units : (b + 1) * units]"
    add = "add_rows(o, table, places, 0, n)"
    if not spikes:
        add = """for j in range(n):
                values[j] = past[b * units + places[j]]
            add_graded(o, table, places, values, 0, n)"""
    return f"""

{_imports()}


@njit(nogil=True, cache=True, error_model="numpy")
def loop(low, high, first, last, delay, table, bias, before, given, {names}):
    units = table.shape[1]
    places, values = np.empty(units, np.int32), np.empty(units, bias.dtype)
    flags = np.zeros((units + 7) // 8 * 8, np.uint8)
    eights = flags.view(np.uint64)
    for t in range(first, last):
        past = out[t - delay] if t >= delay else before[t]
        for b in range(low, high):
            n = nonzero(past[b * units : (b + 1) * units], flags, eights, places)
            o, x = {row}, given[t, b * units : (b + 1) * units]
            for k in range(units):
                o[k] = x[k] + bias[k]
            {add}
        {step}
"""
