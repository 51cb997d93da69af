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
    digest = hashlib.sha256(Path(__file__).with_name("gather.py").read_bytes()).hexdigest()
    return f"from neuro.lower.gather import add_graded, add_rows  # {digest[:20]}"


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
    add = (
        "add_rows(o, table, places, 0, n)"
        if spikes
        else "add_graded(o, table, places, values, 0, n)"
    )
    return f"""

{_imports()}


@njit(nogil=True, cache=True, error_model="numpy")
def loop(low, high, first, last, delay, table, bias, before, given, {names}):
    units = table.shape[1]
    places, values = np.empty(units + 1, np.int32), np.empty(units + 1, bias.dtype)
    for t in range(first, last):
        past = out[t - delay] if t >= delay else before[t]
        for b in range(low, high):
            n = 0
            for u in range(units):
                places[n] = u
                values[n] = past[b * units + u]
                n += past[b * units + u] != zero
            o, x = {row}, given[t, b * units : (b + 1) * units]
            for k in range(units):
                o[k] = x[k] + bias[k]
            {add}
        {step}
"""
