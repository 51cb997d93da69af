"""Stage 4: the training kernels of a neuron class, made once for each arrangement of its laws."""

from __future__ import annotations

import threading
from types import ModuleType
from typing import Any, NamedTuple

import torch

from neuro.lower import loop_emit, numba_emit, triton_emit
from neuro.lower.adjoint import Adjoint, adjoint
from neuro.lower.cache import load
from neuro.lower.numba_emit import Kernels
from neuro.lower.trace import COLUMN, HOST, UNIFORM, Step, trace
from neuro.neurons import Neuron
from neuro.surrogate import Surrogate

_lock = threading.RLock()
_compiled: dict[Any, Compiled] = {}


class Compiled(NamedTuple):
    """Kernels of one neuron class for one arrangement of its coefficients."""

    step: Step
    adjoint: Adjoint
    text: Kernels
    module: ModuleType
    target: str  # "numba" or "triton"


def levels(p: Any) -> tuple[int | None, ...]:
    """Where each coefficient lives; None for options and switches."""

    def level(value: Any) -> int | None:
        if isinstance(value, torch.Tensor):
            return UNIFORM if value.ndim == 0 else COLUMN
        if isinstance(value, (bool, str)) or value is None:
            return None
        return HOST

    return tuple(map(level, p))


def compiled(
    neuron: type[Neuron], p: Any, surrogate: Surrogate, learned: tuple[str, ...],
    recorded: tuple[str, ...], dtype: torch.dtype, target: str = "numba", entry: str = "",
    reuse: bool = False,
) -> Compiled:  # fmt: skip
    """The kernels, from memory, from disk, or new.

    Args:
        target: "numba" for the processor or "triton" for a GPU.
        entry: name of the port that feedback enters; adds the kernel `loop`.
        reuse: whether the memory of the first input may take what is kept of a tick.

    Raises:
        Unsupported: the laws cannot be compiled; the message names file and line.
    """
    where = levels(p)
    switches = tuple(value for value, level in zip(p, where, strict=True) if level is None)
    key = (neuron, where, switches, repr(surrogate), learned, recorded, dtype, target, entry, reuse)
    found = _compiled.get(key)
    if found is None:
        with _lock:
            found = _compiled.get(key)
            if found is None:
                step = trace(neuron, p, where, surrogate)
                backward = adjoint(step, learned)
                form = str(dtype).removeprefix("torch.")
                if target == "triton":
                    text = triton_emit.emit(step, backward, recorded, form)
                else:
                    text = numba_emit.emit(step, backward, recorded, form, reuse)
                if entry:
                    more = loop_emit.emit(text.forward, f"x_{entry}", step.emitted.op == "spike")
                    text = text._replace(source=text.source + more)
                module = load(neuron.__name__, text.source, target)
                found = Compiled(step, backward, text, module, target)
                _compiled[key] = found
    return found
