"""The process around one simulator: JSON requests on stdin, one JSON answer a line on stdout.

Standard library only, so that the time to import a simulator is all its own.
"""

from __future__ import annotations

import gc
import json
import os
import platform
import re
import resource
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol

WARM_UP = 0.1  # seconds of biology before those that are timed


class Refused(Exception):
    """The simulator cannot run this network; the text says why."""


class Simulator(Protocol):
    """A network in a simulator.

    Attributes:
        compile_s: seconds that its compiler took, None if it cannot be told apart from building.
    """

    compile_s: float | None

    def __init__(self, job: dict[str, Any]) -> None:
        """Build the network of `job`, all of it, so that what follows is running.

        job: "network" (see `networks.describe`), "state" (an .npz of initial values), "threads",
        "dtype", "folder" (for files), "seconds" (that a run takes) and "quick".
        """
        ...

    def run(self, seconds: float) -> tuple[float, dict[str, int]]:
        """Seconds taken to run on by so much, and spikes of each population meanwhile."""
        ...


def serve(load: Callable[[], type[Simulator]], packages: tuple[str, ...]) -> None:
    """Answer requests until stdin ends.

    Requests: {"do": "prepare", ...} builds (see `Simulator`) and runs the warm-up; {"do": "run",
    "seconds": s} runs on.

    Args:
        load: imports the library; what it takes is `import_s`.
        packages: distributions whose versions are reported.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not get among the answers
    start = time.perf_counter()
    kind = load()
    answer({"import_s": time.perf_counter() - start, "versions": _versions(packages)}, answers)
    simulator: Simulator | None = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["do"] == "prepare":
                start = time.perf_counter()
                simulator = kind(request)
                whole = time.perf_counter() - start
                compile_s = simulator.compile_s
                simulator.run(WARM_UP)
                said = {"build_s": whole - (compile_s or 0.0), "compile_s": compile_s,
                        "prepare_s": time.perf_counter() - start}  # fmt: skip
            else:
                assert simulator is not None, "prepare comes first"
                gc.collect()
                run_s, spikes = simulator.run(request["seconds"])
                said = {"run_s": run_s, "spikes": spikes, "peak_mb": _peak(simulator)}
        except Refused as reason:
            said = {"refused": str(reason)}
        except Exception as error:
            said = {"error": f"{type(error).__name__}: {error}"}
        answer(said, answers)


def answer(said: dict[str, Any], stream: Any) -> None:
    """One answer, at once."""
    stream.write(json.dumps(said) + "\n")
    stream.flush()


def _peak(simulator: Simulator) -> float:
    """Largest resident memory of this process so far, or of the simulator's own, in MB."""
    own = getattr(simulator, "peak_mb", None)
    if own is not None:
        return own
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"^VmHWM:\s+(\d+) kB", status.read_text(), re.MULTILINE)
        assert found is not None, "/proc/self/status has no VmHWM"
        return int(found[1]) * 1024 / 1e6
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (1e6 if sys.platform == "darwin" else 1e3)


def _versions(packages: tuple[str, ...]) -> dict[str, str]:
    known = {"python": platform.python_version()}
    for package in packages:
        try:
            known[package] = version(package)
        except PackageNotFoundError:
            known[package] = "not installed"
    return known
