"""What this installation consists of: versions, processor, threads and GPUs."""

from __future__ import annotations

import importlib
import importlib.util
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

PACKAGES = (
    "neuro", "numpy", "h5py", "typer", "rich",
    "torch", "lightning", "safetensors", "matplotlib", "nir", "scikit-learn",
)  # fmt: skip


def environment() -> dict[str, Any]:
    """Facts that a result may depend on, as a dictionary ready for JSON.

    Keys: "python", "platform", "processor", "cpus" (those this process may use), "packages"
    (name -> version, None if not installed; read from metadata, nothing is imported) and "torch":
    None if torch is not installed, {"error": why} if it is and cannot be imported, else
    {"threads", "interop_threads", "cuda" (version or None), "gpus" (names)}.
    """
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": platform.platform(),
        "processor": platform.machine(),
        "cpus": _cpus(),
        "packages": {name: _version(name) for name in PACKAGES},
        "torch": _torch(),
    }


def _cpus() -> int:
    if hasattr(os, "sched_getaffinity"):  # Linux only; it respects containers and taskset
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        if package != "neuro":
            return None
        from neuro import __version__  # a checkout that was never installed has no metadata

        return __version__


def _torch() -> dict[str, Any] | None:
    if importlib.util.find_spec("torch") is None:
        return None
    try:
        torch = importlib.import_module("torch")
    except (ImportError, OSError) as error:  # e.g. a CUDA library that does not load
        return {"error": f"{type(error).__name__}: {error}"}
    gpus = range(torch.cuda.device_count()) if torch.cuda.is_available() else ()
    return {
        "threads": torch.get_num_threads(),
        "interop_threads": torch.get_num_interop_threads(),
        "cuda": torch.version.cuda,
        "gpus": [torch.cuda.get_device_name(i) for i in gpus],
    }
