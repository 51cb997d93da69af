"""A contestant seen from the driver: a process that runs only while it is asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parent / ".bench"
PEERS = ("snntorch", "spikingjelly", "norse", "sinabs", "spyx", "jax")


class Failed(Exception):
    """A contestant refused, or its process ended."""


def interpreter(name: str) -> Path:
    """The Python that runs a contestant: its own environment's, or this one for neuro and torch."""
    if name not in PEERS:
        return Path(sys.executable)
    return ENVIRONMENTS / name / "bin" / "python"


def missing(peers: tuple[str, ...]) -> list[str]:
    """Those that are not installed."""
    return [name for name in peers if not interpreter(name).exists()]


class Contestant:
    """The process of `peers/<name>.py`.

    Args:
        name: of the file.
        threads: processors it may use.
    """

    def __init__(self, name: str, threads: int) -> None:
        self.name = name
        limits = ("OMP", "MKL", "OPENBLAS", "NUMBA")
        environment = {
            **os.environ,
            **{f"{limit}_NUM_THREADS": str(threads) for limit in limits},
            "JAX_PLATFORMS": "cpu",
            "NPROC": str(threads),  # XLA's thread pool
            "PYTHONPATH": os.pathsep.join((str(HERE), str(HERE.parent)))
            if name not in PEERS
            else str(HERE),
        }
        self._complaints = tempfile.TemporaryFile("w+")  # noqa: SIM115 - until close()
        # Run as a module: as a script, peers/jax.py would hide the package of that name.
        self._process = subprocess.Popen(
            [str(interpreter(name)), "-m", f"peers.{name}"],
            cwd=HERE,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            text=True,
        )
        self.versions: dict[str, str] = self._answer()["versions"]

    def ask(self, do: str, **more: Any) -> dict[str, Any]:
        """One request and its answer.

        Raises:
            Failed: the contestant answered with an error, or is no longer there.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **more}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._complaints.seek(0)
            raise Failed(f"{self.name}: its process ended\n{self._complaints.read()[-2000:]}")
        said = json.loads(line)
        if "error" in said:
            raise Failed(f"{self.name}: {said['error']}")
        return said

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self._complaints.close()

    def __enter__(self) -> Contestant:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
