"""The actor of a neuron population: one tick of its laws, for the units of one part.

The laws are read into a graph once (`neuro.lower.trace`) and written as a loop over units that
LLVM turns into vector code. It reads and clears the accumulators, updates the state in place and
flags who fires; the flagged units then go into the spike log.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.lower.cache import load
from neuro.lower.numba_emit import Body, elementary, indent
from neuro.lower.trace import COLUMN, HOST, trace
from neuro.neurons import Neuron
from neuro.surrogate import FastSigmoid

# Fields of the arguments; those of state, coefficients and ports follow.
N, LOW, ROW, STOP, FLAGS, OUT, NUMBERS, STRIDE, ROWS, HISTORY, FIRST_FREE = range(11)


def derive(neuron: Neuron, clock: Clock) -> Any:
    """The neuron's Coefficients in float64: floats, arrays [n], options and switches."""
    derived = type(neuron).derive(neuron, clock)

    def flat(value: Any) -> Any:
        if isinstance(value, (bool, str, np.bool_)) or value is None:
            return bool(value) if isinstance(value, np.bool_) else value
        array = np.asarray(value, np.float64)
        if array.ndim == 0:
            return float(array)
        return np.broadcast_to(array, neuron.units).ravel()

    return type(derived)(*map(flat, derived))


def rest(neuron: Neuron, p: Any, dtype: Any) -> dict[str, NDArray[Any]]:
    """The state at rest, by name, [n] each."""
    state = type(neuron).rest(rounded(p, dtype))
    return {
        name: np.array(np.broadcast_to(np.asarray(value, dtype).ravel(), neuron.size))
        for name, value in zip(state._fields, state, strict=True)
    }


def rounded(p: Any, dtype: Any) -> Any:
    """Coefficients whose every number is one of the format, as all back ends have them."""

    def one(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return value.astype(dtype)
        if isinstance(value, float):
            return float(dtype.type(value))
        return value

    return type(p)(*map(one, p))


class Kernel(NamedTuple):
    """A compiled actor and the order of what its arguments hold."""

    address: int
    states: tuple[str, ...]
    columns: tuple[str, ...]
    ports: tuple[str, ...]
    graded: bool
    module: Any


def kernel(neuron: Neuron, p: Any, dtype: Any, drawn: tuple[str, ...], biased: tuple[str, ...]
           ) -> Kernel:  # fmt: skip
    """The actor of the neuron's laws.

    Args:
        p: rounded Coefficients; only their kinds, options and switches matter.
        drawn: ports filled with a row of random draws a tick instead of an accumulator.
        biased: ports whose accumulators start every tick at a bias instead of 0.
    """
    kinds = tuple(
        COLUMN if isinstance(v, np.ndarray) else HOST if isinstance(v, float) else None for v in p
    )
    switches = tuple(v if kind is None else 0.0 for v, kind in zip(p, kinds, strict=True))
    return _kernel(type(neuron), type(p), kinds, switches, str(dtype), drawn, biased)


@cache
def _kernel(laws: type[Neuron], form: Any, kinds: tuple[int | None, ...], switches: tuple[Any, ...],
            dtype: str, drawn: tuple[str, ...], biased: tuple[str, ...]) -> Kernel:  # fmt: skip
    step = trace(laws, form(*switches), kinds, FastSigmoid())
    graph, graded = step.graph, laws.emits != "spikes" or not laws.spiking()
    states, ports = tuple(step.state), tuple(step.ports)
    coefficients = step.coefficients
    columns = tuple(n for n, node in coefficients.items() if node.level == COLUMN)
    plain = [n for n, node in coefficients.items() if node.level == HOST]
    known = {leaf: f"v_{n}" for n, leaf in step.state.items()}
    known |= {leaf: f"u_{n}" for n, leaf in step.ports.items()}
    known |= {leaf: f"p_{n}" for n, leaf in coefficients.items()}
    body = Body(known)
    changed = [n for n in states if step.after[n] is not step.state[n]]
    distance = None if graded else step.distance
    results = [step.after[n] for n in changed]
    results.append(step.emitted if distance is None else distance)
    body.emit(graph.nodes, results)

    inside = [f"v_{n} = b_{n}[i]" for n in states]
    inside += [f"u_{n} = i_{n}[i]" for n in ports]
    inside += [f"i_{n}[i] = d_{n}[i]" if n in biased else f"i_{n}[i] = zero"
               for n in ports if n not in drawn]  # fmt: skip
    inside += [f"p_{n} = c_{n}[i]" for n in columns]
    inside += body.inside
    inside += [f"b_{n}[i] = {body.use(step.after[n], False)}" for n in changed]
    if distance is not None:
        inside.append(f"flags[i] = {body.use(distance, False)} > zero")
    else:
        inside.append(f"out[i] = {body.use(step.emitted, False)}")

    at = FIRST_FREE
    views: list[str] = []
    for kind, names in (("b", states), ("c", columns)):
        for n in names:
            views.append(f"{kind}_{n} = carray(pointer(a[{at}]), n, f)")
            at += 1
    for n in ports:
        if n in drawn:
            shift = f"(k - a[{HISTORY}]) * a[{at + 1}]"
        else:
            shift = f"(tick % a[{ROWS}]) * a[{STRIDE}]"
        views.append(f"i_{n} = carray(pointer(a[{at}] + {shift}), n, f)")
        if n in biased:
            views.append(f"d_{n} = carray(pointer(a[{at + 1}]), n, f)")
        at += 2
    head = [f"a = carray(pointer(args), {at}, np.int64)", f"n = a[{N}]"]
    if plain:
        head.append(f"numbers = carray(pointer(a[{NUMBERS}]), {len(plain)}, np.float64)")
        head += [f"p_{n} = numbers[{i}]" for i, n in enumerate(plain)]
    if distance is None:
        head.append(f"out = carray(pointer(a[{OUT}]), n, f)")
        tail = f"append_values(a[{OUT}], n, a[{LOW}], a[{ROW}], k, a[{STOP}], tick, f)"
    else:
        head.append(f"flags = carray(pointer(a[{FLAGS}]), n, np.bool_)")
        tail = f"append(a[{FLAGS}], n, a[{LOW}], a[{ROW}], k, a[{STOP}], tick)"
    loop = ["for i in range(n):", *indent(1, inside)]
    text = ["def update(args, tick, k):"]
    text += indent(1, [*head, *views, *body.before, *loop, f"if a[{ROW}] != 0:", f"    {tail}"])
    lines = [
        '"""Generated from the laws of a neuron; do not edit. Deleting it only costs time."""',
        "", "from math import exp as math_exp, log as math_log, sqrt as math_sqrt",
        "from math import floor as math_floor", "", "import numpy as np",
        "from numba import carray, cfunc, njit", "",
        "from neuro.sim.native import ACTOR, append, append_values, pointer", "",
        f"f = np.{dtype}", "zero, one = f(0.0), f(1.0)", "",
        *elementary("\n".join(text), dtype),
        '@cfunc(ACTOR, cache=True, error_model="numpy")', *text,
    ]  # fmt: skip
    module = load(f"sim_{laws.__name__}", "\n".join(lines) + "\n", extra="sim")
    return Kernel(module.update.address, states, columns, ports, graded, module)
