"""Generated kernels on disk, under the hash of their text.

The sources are readable Python in `$NEURO_CACHE`, or `neuro/kernels` in the user's cache folder,
with Numba's machine code beside them. Files appear whole or not at all, so any number of processes
may make the same kernel at the same time.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from functools import cache, lru_cache
from pathlib import Path
from types import ModuleType

from neuro.errors import InvalidValue, require
from neuro.files import atomic


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
def load(name: str, source: str, target: str = "numba", extra: str = "train") -> ModuleType:
    """The module of a generated source, from memory, from disk, or new.

    Args:
        name: begins the file's name.
        target: "numba" or "triton", whose absence is explained.
        extra: the optional dependencies that bring Numba.

    Raises:
        MissingExtra: the compiler is not installed.
        InvalidValue: the cache folder cannot be written.
    """
    if target == "triton":
        require("triton", "gpu")
    else:
        require("numba", extra)
        vectorise()
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
def vectorise() -> None:
    """Let LLVM check many arrays for overlap; by default it gives up vectorising at eight."""
    binding = require("llvmlite.binding", "sim")
    binding.set_option("neuro", "-runtime-memory-check-threshold=1000")
