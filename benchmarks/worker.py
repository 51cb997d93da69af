"""The process around one contestant: JSON requests on stdin, one JSON answer a line on stdout.

A contestant calls `serve` with a function that returns its modes: name -> a function that builds
the training step of a workload. A step takes no argument and returns the spike counts of the last
layer and the gradients, computed to the end. The fastest mode of each workload is the one timed.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import platform
import re
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from workload import Workload

Step = Callable[[], tuple[Any, list[Any]]]
Modes = dict[str, Callable[[], Step]]


def serve(modes: Callable[[Workload], Modes], packages: tuple[str, ...]) -> None:
    """Answer requests until stdin ends.

    Requests: {"do": "prepare", "workload": {...}} chooses the mode and says what the step
    computed; {"do": "time", "budget": seconds} times steps; {"do": "peak", "workload": {...},
    "mode": name} measures memory, and only makes sense in a fresh process.

    Args:
        modes: the ways to run a workload; none if it cannot be run.
        packages: distributions whose versions are reported.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not get among the answers
    answer({"versions": _versions(packages)}, answers)
    step: Step | None = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["do"] == "prepare":
                step = None  # frees the last workload before the next is built
                step, said = _prepare(modes(Workload.from_plain(request["workload"])))
            elif request["do"] == "time":
                assert step is not None, "prepare comes first"
                said = {"ms": _time(step, request["budget"])}
            else:
                said = _peak(modes, Workload.from_plain(request["workload"]), request["mode"])
        except Exception as error:
            said = {"error": f"{type(error).__name__}: {error}"}
        answer(said, answers)


def answer(said: dict[str, Any], stream: Any) -> None:
    """One answer, at once."""
    stream.write(json.dumps(said) + "\n")
    stream.flush()


def _prepare(modes: Modes) -> tuple[Step | None, dict[str, Any]]:
    """The fastest step of several, warmed up, and what it computes."""
    if not modes:
        return None, {"mode": None}
    best: tuple[float, str, Step] | None = None
    evidence: dict[str, Any] = {}
    timed: dict[str, float] = {}
    for name, build in modes.items():
        step = build()
        counts, gradients = step()
        ms = timed[name] = statistics.median(_time(step, 0.5)) if len(modes) > 1 else 0.0
        if best is None or ms < best[0]:
            best = ms, name, step
            evidence = {
                "spikes": float(np.asarray(counts).sum()),
                "gradients": [float(np.linalg.norm(np.asarray(g))) for g in gradients],
            }
    assert best is not None
    return best[2], {"mode": best[1], "modes": timed, **evidence}


def _time(step: Step, budget: float) -> list[float]:
    """Milliseconds of every step that begins within the budget [s]; at least one, at most 50."""
    gc.collect()
    taken: list[float] = []
    while not taken or (sum(taken) < budget * 1e3 and len(taken) < 50):
        start = time.perf_counter()
        step()
        taken.append((time.perf_counter() - start) * 1e3)
    return taken


def _peak(
    modes: Callable[[Workload], Modes], workload: Workload, mode: str
) -> dict[str, float | None]:
    """How far a step and the next raise the resident memory above what stood before them, in MB.

    Imports, compilers, weights and the input are there before, so this is what training needs for
    activations, gradients and work space.
    """
    modes(workload.tiny())[mode]()()
    step = modes(workload)[mode]()
    gc.collect()
    if platform.system() != "Linux":
        return {"peak_mb": None}
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # sets the high-water mark to the present
    before = _status("VmRSS")
    start = time.perf_counter()
    step()
    if time.perf_counter() - start < 10:  # once more, to see whether anything was left over
        step()
    return {"peak_mb": (_status("VmHWM") - before) / 1e6}


def _status(field: str) -> int:
    """A figure of this process in bytes."""
    found = re.search(rf"^{field}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None, f"/proc/self/status has no {field}"
    return int(found[1]) * 1024


def _versions(packages: tuple[str, ...]) -> dict[str, str]:
    known = {"python": platform.python_version()}
    for package in packages:
        try:
            known[package] = version(package)
        except PackageNotFoundError:
            known[package] = "not installed"
    return known
