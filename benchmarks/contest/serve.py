"""The process around one contestant: a JSON request a line on stdin, an answer a line on a pipe.

The pipe's number is in BENCHMARK_ANSWERS; simulators print what they like on stdout.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from contest.spec import Spec


class Running(Protocol):
    """A network that was built: `build_s`, `compile_s`, and a timed second at each `turn`."""

    build_s: float
    compile_s: float

    def turn(self, seconds: float) -> tuple[float, float]:
        """Seconds of wall time it took, and the mean rate (Hz)."""
        ...

    def peak_mb(self) -> float: ...


def serve(build: Callable[[Spec], Running]) -> None:
    """Answer requests until stdin ends: {"do": "build", "spec": ...}, {"do": "turn", "seconds"}."""
    answers = os.fdopen(int(os.environ["BENCHMARK_ANSWERS"]), "w")
    running: Running | None = None
    for line in sys.stdin:
        request = json.loads(line)
        said: dict[str, Any]
        try:
            if request["do"] == "build":
                running = build(Spec.from_plain(request["spec"]))
                said = {"build_s": running.build_s, "compile_s": running.compile_s}
            else:
                assert running is not None, "build comes first"
                run_s, rate = running.turn(request["seconds"])
                said = {"run_s": run_s, "rate_hz": rate, "peak_mb": running.peak_mb()}
        except Exception as error:
            said = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(said) + "\n")
        answers.flush()


def peak_mb(pid: int | str = "self") -> float:
    """Largest resident memory of a process so far, MB. Linux only."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+)", status)
    return int(found.group(1)) * 1.024e-3 if found else 0.0


class Stopwatch:
    """`with Stopwatch() as s: ...` then `s.seconds`."""

    def __enter__(self) -> Stopwatch:
        self.seconds, self._begun = 0.0, time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._begun
