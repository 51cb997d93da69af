"""A contestant seen from the driver: a process that works only while it is asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contest.spec import Spec

HERE = Path(__file__).parents[1]
ENVIRONMENTS = HERE.parent / ".bench"


class Failed(Exception):
    """A contestant refused, or its process ended."""


@dataclass(frozen=True)
class Entry:
    """Who takes part: a module, where its packages are, and which networks it runs."""

    module: str
    home: str  # folder in .bench, or "" for neuro's own Python
    arguments: tuple[str, ...] = ()
    threads: int = 1
    networks: tuple[str, ...] = ("*",)  # patterns

    def python(self) -> Path:
        return ENVIRONMENTS / self.home / "bin" / "python" if self.home else Path(sys.executable)

    def environment(self) -> dict[str, str]:
        limits = ("OMP", "MKL", "OPENBLAS", "NUMBA")
        return {
            **os.environ,
            **{f"{limit}_NUM_THREADS": str(self.threads) for limit in limits},
            "BENCHMARK_THREADS": str(self.threads),
            "PYTHONPATH": os.pathsep.join(map(str, (HERE, *([] if self.home else [HERE.parent])))),
        }


OURS = {f"{n}": Entry("contest.ours", "", threads=n) for n in (1, 2)}
_SMALL = ("cuba_*", "coba_*", "brunel_*", "stdp_*", "microcircuit_0.1")
PEERS = {
    "brian2_cpp": Entry("contest.brian2_cells", "brian2", ("cpp",), networks=_SMALL),
    "brian2_cpp_openmp2": Entry(
        "contest.brian2_cells", "brian2", ("cpp",), 2, ("cuba_64000", "microcircuit_0.1")
    ),
    "brian2_cython": Entry("contest.brian2_cells", "brian2", ("cython",), 1, ("cuba_4000",)),
    "nest_1": Entry("contest.nest_cells", "nest", networks=_SMALL),
    "nest_2": Entry("contest.nest_cells", "nest", (), 2, (*_SMALL, "microcircuit_1.0")),
}


class Contestant:
    """The process of an Entry, with one network."""

    def __init__(self, name: str, entry: Entry) -> None:
        self.name = name
        self._complaints = tempfile.TemporaryFile("w+")  # noqa: SIM115 - until close()
        read, write = os.pipe()
        self._process = subprocess.Popen(
            [str(entry.python()), "-m", entry.module, *entry.arguments],
            cwd=HERE, env={**entry.environment(), "BENCHMARK_ANSWERS": str(write)},
            stdin=subprocess.PIPE, stdout=self._complaints, stderr=subprocess.STDOUT,
            pass_fds=(write,), text=True,
        )  # fmt: skip
        os.close(write)  # so that reading ends when the process does
        self._answers = os.fdopen(read)

    def build(self, spec: Spec) -> dict[str, float]:
        return self._ask(do="build", spec=spec.plain())

    def turn(self, seconds: float) -> dict[str, float]:
        return self._ask(do="turn", seconds=seconds)

    def _ask(self, **request: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._answers.readline()
        said = json.loads(line) if line else {"error": "its process ended"}
        if "error" in said:
            self._complaints.seek(0)
            raise Failed(f"{self.name}: {said['error']}\n{self._complaints.read()[-1500:]}")
        return said

    def __enter__(self) -> Contestant:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self._answers.close()
        self._complaints.close()
