"""The child's side of `isolated`: limits itself, runs one generator, and sends what it yields.

Started as a script, and the packages around a task are not run: starting costs as little as NumPy
and h5py do. A message is the length of a JSON header, the header, and the bytes of arrays.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import types
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

Part = tuple[dict[str, Any], list[NDArray[Any]]]


def kind_of(error: BaseException) -> tuple[str, str]:
    """How an error is reported: its kind, and its text.

    Tasks raise ValueError for a damaged file, NotImplementedError for a sound one that cannot be
    read, LookupError for a wrong argument. Whatever else comes is from the library: a damaged file.
    """
    text = str(error) or type(error).__name__
    if isinstance(error, MemoryError):
        return "memory", text
    if isinstance(error, NotImplementedError):
        return "unsupported", text
    if isinstance(error, IndexError):
        return "invalid", text
    return "corrupt", text


def load(module: str, function: str, packages: dict[str, list[str]]) -> Any:
    """A function of a module, whose packages are known by their folders and are not run."""
    for name, folders in packages.items():
        sys.modules[name] = package = types.ModuleType(name)
        package.__path__ = folders
    return getattr(importlib.import_module(module), function)


def send(out: BinaryIO, header: dict[str, Any], arrays: list[NDArray[Any]]) -> None:
    """One message."""
    held = [np.ascontiguousarray(a) for a in arrays]
    header = {**header, "arrays": [[a.dtype.str, a.size] for a in held]}
    text = json.dumps(header).encode()
    out.write(len(text).to_bytes(8, "little") + text)
    out.writelines(array.tobytes() for array in held)
    out.flush()


def restrict(memory: int, seconds: int) -> None:
    """Set hard limits on this process, where the system knows them."""
    try:
        import resource
    except ImportError:  # Windows: only the parent's clock guards
        return
    limits = ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, seconds),
              (resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 1 << 20))  # fmt: skip
    for kind, wanted in limits:
        allowed = resource.getrlimit(kind)[1]
        value = wanted if allowed == resource.RLIM_INFINITY else min(wanted, allowed)
        hard = value + 5 if kind == resource.RLIMIT_CPU else value  # first asked to end, then made
        if allowed != resource.RLIM_INFINITY:
            hard = min(hard, allowed)
        try:
            resource.setrlimit(kind, (value, hard))
        except (ValueError, OSError):  # a limit that this system has but does not set
            continue


def main() -> None:
    """Read the order from the command line, and run it."""
    order = json.loads(sys.argv[1])
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing that a library prints may come between messages
    restrict(order["memory"], order["seconds"])
    try:
        parts: Iterator[Part] = load(order["module"], order["function"], order["packages"])(
            **order["arguments"]
        )
        for facts, arrays in parts:
            send(out, {"facts": facts}, arrays)
        send(out, {"end": True}, [])
    except BrokenPipeError:  # the parent wants no more
        os._exit(0)
    except Exception as error:
        kind, text = kind_of(error)
        send(out, {"error": kind, "text": text[:2000]}, [])
    os._exit(0)  # closing a damaged file may crash, and all that counts was sent


if __name__ == "__main__":
    main()
