"""Stage 4: kernels from a neuron's laws, made once and kept on disk under the hash of their text.

The generated sources are readable Python in `$NEURO_CACHE`, or `neuro/kernels` in the user's cache
folder, with Numba's machine code beside them. Files appear whole or not at all, so any number of
processes may make the same kernel at the same time.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import threading
from functools import cache, lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import torch

from neuro.errors import InvalidValue, require
from neuro.files import atomic
from neuro.lower import loop_emit, numba_emit, triton_emit
from neuro.lower.adjoint import Adjoint, adjoint
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
                if target == "triton":
                    text = triton_emit.emit(step, backward, recorded, dtype)
                else:
                    text = numba_emit.emit(step, backward, recorded, dtype, reuse)
                if entry:
                    more = loop_emit.emit(text.forward, f"x_{entry}", step.emitted.op == "spike")
                    text = text._replace(source=text.source + more)
                module = _load(neuron.__name__, text.source, target)
                found = Compiled(step, backward, text, module, target)
                _compiled[key] = found
    return found


def folder() -> Path:
    """Where generated kernels are kept.

    Raises:
        InvalidValue: the folder cannot be written.
    """
    root = os.environ.get("NEURO_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    path = Path(root) if root else Path(base) / "neuro" / "kernels"
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidValue(
            f"kernels: the cache folder {path} cannot be made ({error.strerror}); set NEURO_CACHE "
            "to a folder that can be written"
        ) from error
    return path


@cache
def _load(name: str, source: str, target: str) -> ModuleType:
    if target == "triton":
        require("triton", "gpu")
    else:
        require("numba", "train")
        _vectorise()
    digest = hashlib.sha256(source.encode()).hexdigest()[:20]
    path = folder() / f"{name.lower()}_{digest}.py"
    if not path.exists() or path.read_text(encoding="utf-8") != source:
        with atomic(path) as temporary:
            temporary.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(f"neuro_kernel_{digest}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module  # Numba looks it up when it reads its machine code
    spec.loader.exec_module(module)
    return module


@lru_cache(maxsize=1)
def _vectorise() -> None:
    """Let LLVM check many arrays for overlap; by default it gives up vectorising at eight."""
    binding = require("llvmlite.binding", "train")
    binding.set_option("neuro", "-runtime-memory-check-threshold=1000")
