"""Running a reader of untrusted files in a child process, so that its crash is only an error.

Libraries written in C crash, loop for ever or take all memory on some damaged files. A task here is
a generator function that yields facts and arrays; its module imports little, and of neuro only such
modules, since the packages around it are not run in the child. The
child has a limit on its memory and its time, and sends each part through a pipe when it is asked
for, so that neither side holds more than a few parts.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from queue import Empty, Queue
from typing import IO, Any

import numpy as np

from neuro.errors import CorruptFile, InvalidValue, Unsupported
from neuro.formats import _isolated_child
from neuro.formats._isolated_child import Part, kind_of

BASE = 768 << 20  # bytes of address space that Python, NumPy and h5py take by themselves
MEMORY = 1 << 30  # bytes beyond them, at most
_HEADER = 1 << 22  # bytes; a header that claims more is no header
_KINDS = "biuf"


def run(
    task: str,
    path: Path,
    *,
    limit: int,
    trusted: bool = False,
    seconds: float | None = None,
    **arguments: Any,
) -> Generator[Part]:
    """What a task yields: facts, and arrays of numbers.

    Args:
        task: "package.module:function"; the function takes `path`, `limit` and the arguments, and
            is a generator of (dict of plain values, list of arrays).
        path: the file that it reads.
        limit: bytes that the file may unpack to. The child may use this much memory, but no more
            than 1 GiB, beyond what Python needs.
        trusted: run the task in this process, for files that are known to be whole, e.g. by a
            checksum. A damaged one may then end or stop the whole program.
        seconds: processor time for the child; by default 10 s and 1 s for each MB of the file. The
            wall clock may show six times as much while the parent waits.
        arguments: plain values.

    Raises:
        CorruptFile: the task found damage, crashed, or ran out of time or memory.
        Unsupported: the file is sound, but of a kind that cannot be read.
        InvalidValue: an argument does not fit the file.
    """
    arguments = {"path": str(path), "limit": limit, **arguments}
    module, _, function = task.partition(":")
    if trusted:
        parts = getattr(importlib.import_module(module), function)(**arguments)
        while True:
            try:
                part = next(parts, None)
            except Exception as error:
                raise worded(path, *kind_of(error)) from error
            if part is None:
                return
            yield part
    if seconds is None:
        seconds = 10 + path.stat().st_size / 1e6
    order = {
        "module": module, "function": function, "arguments": arguments,
        "packages": _packages(module),
        "memory": BASE + min(limit, MEMORY), "seconds": max(1, round(seconds)),
    }  # fmt: skip
    yield from _Child(path, order, 6 * seconds).parts()


def _packages(module: str) -> dict[str, list[str]]:
    """Folders of the packages around a module."""
    names = module.split(".")[:-1]
    around = [".".join(names[: i + 1]) for i in range(len(names))]
    return {name: list(importlib.import_module(name).__path__) for name in around}


def worded(path: Path, kind: str, text: str) -> Exception:
    """The error that a caller sees."""
    if kind == "unsupported":
        return Unsupported(str(path), "read", text)
    if kind == "invalid":
        return InvalidValue(f"{path}: {text}")
    if kind == "memory":
        text = f"reading it takes more memory than allowed ({text})"
    return CorruptFile(f"{path}: {text}. Copy or download the file again")


class _Child:
    """One child from its start to its end."""

    def __init__(self, path: Path, order: dict[str, Any], patience: float) -> None:
        self.path, self.order, self.patience = path, order, patience

    def parts(self) -> Iterator[Part]:
        with tempfile.TemporaryFile() as complaints:
            # unbuffered, so that a pipe that is slow to fill is not mistaken for one that ended
            child = subprocess.Popen(
                [sys.executable, "-P", "-X", "utf8", _isolated_child.__file__,
                 json.dumps(self.order)],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints,
                env=_environment(),
            )  # fmt: skip
            assert child.stdout is not None
            pipe = _Pipe(child.stdout, self.patience)
            try:
                while True:
                    message = self._next(pipe)
                    if message is None:
                        break
                    yield message
            except EOFError:
                raise self._died(child, complaints) from None
            except TimeoutError:
                raise self._corrupt(
                    f"its reader did not answer within {self.patience:.0f} s, so it probably loops "
                    "on damage"
                ) from None
            finally:
                child.kill()
                child.wait()
                pipe.close()

    def _next(self, pipe: _Pipe) -> Part | None:
        length = int.from_bytes(pipe.read(8), "little")
        if length > _HEADER:
            raise self._corrupt("its reader sent nonsense, so it was overwritten by damage")
        try:
            header = json.loads(pipe.read(length))
            kinds = [(np.dtype(kind), int(count)) for kind, count in header["arrays"]]
            wrong = any(d.kind not in _KINDS or n < 0 for d, n in kinds)
            size = sum(d.itemsize * n for d, n in kinds)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._corrupt("its reader sent nonsense, so it was overwritten") from error
        if wrong or size > self.order["memory"]:
            raise self._corrupt("its reader sent nonsense, so it was overwritten by damage")
        if "error" in header:
            raise worded(self.path, header["error"], header["text"])
        if "end" in header:
            return None
        arrays = [np.frombuffer(pipe.read(d.itemsize * n), d) for d, n in kinds]
        return header["facts"], arrays

    def _died(self, child: subprocess.Popen[bytes], complaints: IO[bytes]) -> Exception:
        code = child.wait()
        complaints.seek(0, os.SEEK_END)
        complaints.seek(max(0, complaints.tell() - 400))
        last = complaints.read().decode(errors="replace").strip().splitlines()[-1:]
        said = f" ({last[0]})" if last else ""
        if code < 0 and -code == getattr(signal, "SIGXCPU", 0):
            return self._corrupt(
                f"its reader was stopped after {self.order['seconds']} s of processor time, so it "
                f"probably loops on damage{said}"
            )
        if code < 0:
            return self._corrupt(f"its reader crashed with {signal.Signals(-code).name}{said}")
        return self._corrupt(f"its reader ended with exit code {code}{said}")

    def _corrupt(self, text: str) -> Exception:
        return worded(self.path, "corrupt", text)


class _Pipe:
    """Reads exactly so many bytes, and counts only the time that it waits."""

    def __init__(self, pipe: IO[bytes], patience: float) -> None:
        self.pipe, self.left = pipe, patience
        self.wanted: Queue[int] = Queue()
        self.got: Queue[bytes | bytearray] = Queue()
        # a thread, since Windows cannot wait for a pipe with a time limit
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def close(self) -> None:
        """End the thread, then the pipe; its other end is closed already."""
        self.wanted.put(0)
        self.thread.join()
        self.pipe.close()

    def _serve(self) -> None:
        while count := self.wanted.get():
            data = bytearray()
            while len(data) < count:
                block = self.pipe.read(min(count - len(data), 1 << 20))
                if not block:
                    break
                data += block
            self.got.put(data)
            if len(data) < count:
                return

    def read(self, count: int) -> bytes | bytearray:
        """Exactly `count` bytes.

        Raises:
            EOFError: there are fewer.
            TimeoutError: they did not come.
        """
        if count == 0:
            return b""
        start = time.monotonic()
        self.wanted.put(count)
        try:
            data = self.got.get(timeout=max(0.0, self.left))
        except Empty:
            raise TimeoutError from None
        self.left -= time.monotonic() - start
        if len(data) < count:
            raise EOFError
        return data


def _environment() -> dict[str, str]:
    """One thread, no file locks, and the modules of this process."""
    path = os.pathsep.join(entry for entry in sys.path if entry)
    return {
        **os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1", "HDF5_USE_FILE_LOCKING": "BEST_EFFORT",
    }  # fmt: skip
