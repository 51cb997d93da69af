"""Damaged event files, made by the thousand: every one must be read or refused, never crash.

    python -m tests.fuzz_formats --seconds 600              every format
    python -m tests.fuzz_formats --format evt3 --json

Two processes work side by side. One runs the kernels as plain Python, and in itself what otherwise
runs in a child, and traces which lines of `neuro/formats` follow which; a changed file that takes a
new way, or is answered in a new way, is changed further. The other reads the same files as users
do, compiled, and changes them blindly in between. A file is allowed to give a Recording or to be
refused with CorruptFile, InvalidValue or Unsupported. Found are:

    crash     any other exception or warning, or the end of the process; also an answer that
              contradicts itself: see `contradiction`
    hang      more than 1 s of processor time compiled; formats that are read in a child process
              have that process's own limit, and 60 s of wall time
    blow-up   more than 512 MB in memory, of the reader or of its child
"""

from __future__ import annotations

import argparse
import importlib
import json
import multiprocessing
import os
import random
import re
import resource
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from neuro.formats import isolated
from neuro.formats._base import Format
from tests.fuzz_inputs import mutated, seeds
from tests.fuzz_verdicts import Finding, Ways, judged, worded

STUCK = 60.0  # seconds of wall time after which a worker is ended
ADDRESSES = 8 << 30  # bytes of address space of the guided worker
CHILD_SHARE = 4.0  # of the time, for formats that start a process for each reading
PEAK = 512 << 20  # bytes of resident memory
MINIMISING = 3.0  # seconds
detect_module = sys.modules["neuro.formats.detect"]


# -- workers --------------------------------------------------------------------------------------


@dataclass
class Tally:
    """What one worker has done for one format."""

    corpus: list[bytes] = field(default_factory=list)
    answers: set[str] = field(default_factory=set)
    inputs: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    queue: list[bytes] = field(default_factory=list)


@dataclass
class Work:
    """What a worker is told at its start."""

    names: list[str]
    modules: list[str]
    seed: int
    guided: bool
    folder: Path
    corpora: dict[str, list[bytes]]
    skip: dict[str, list[bytes]]  # inputs that ended an earlier worker


def work(pipe: Connection, begun: Any, order: Work) -> None:
    """Until told to stop, or the driver is gone; see `try_files`."""
    with suppress(EOFError, ConnectionError):
        try_files(pipe, begun, order)


def try_files(pipe: Connection, begun: Any, order: Work) -> None:
    """Choose a format and a file, change it, have it judged, and report."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    known = install(order.modules)
    share = {name: CHILD_SHARE if in_child(known[name]) else 1.0 for name in order.names}
    if order.guided:
        share = dict.fromkeys(order.names, 1.0)
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
        read_here()
    rng = random.Random(order.seed)
    tallies = {name: Tally(list(order.corpora[name])) for name in order.names}
    for tally, name in ((tallies[n], n) for n in order.names):
        tally.queue = [d for d in tally.corpus if d not in order.skip.get(name, [])]
    everything = [data for tally in tallies.values() for data in tally.corpus]
    ways, told = Ways(), time.monotonic()
    pipe.send(("ready",))
    while True:
        while pipe.poll():
            message = pipe.recv()
            if message is None:
                pipe.send(("tally", report(tallies)))
                return
            tallies[message[0]].queue.append(message[1])
        name = min(order.names, key=lambda n: tallies[n].seconds / share[n])
        tally = tallies[name]
        fresh = not tally.queue
        data = tally.queue.pop() if tally.queue else child_of(rng, tally.corpus, everything)
        path = order.folder / name / f"input{known[name].suffixes[0]}"
        start = time.monotonic()
        path.write_bytes(data)
        begun.value = time.time()
        if order.guided:
            with ways:
                signature, finding, longest = judged(name, path, False)
            # NumPy's small integers overflow where compiled ones are widened, so the other worker,
            # which gets this input too, decides. Only it cannot see a read past the end.
            if finding and not finding[1].startswith("IndexError"):
                finding = None
        else:
            signature, finding, longest = judged(name, path, True)
        begun.value = 0.0
        tally.inputs += 1
        tally.slowest = max(tally.slowest, longest)
        new = signature not in tally.answers or (order.guided and ways.new)
        tally.answers.add(signature)
        if new and fresh and len(data) <= 4 * 8192:
            tally.corpus.append(data)
            pipe.send(("interesting", name, data))
        if new and finding:
            small = data if finding[0] != "crash" else smallest(name, path, data, finding, order)
            pipe.send(("finding", name, *finding, small))
        if (memory := resident()) > PEAK:
            here = order.guided and in_child(known[name])  # without the limits of a child
            pipe.send(("doubt" if here else "finding", name, "blow-up", f"{memory >> 20} MB", data))
            pipe.send(("tally", report(tallies)))
            os._exit(0)  # the peak of a process never falls, so another one goes on
        tally.seconds += time.monotonic() - start
        if time.monotonic() - told > 1:
            told = time.monotonic()
            pipe.send(("tally", report(tallies)))


def child_of(rng: random.Random, corpus: list[bytes], everything: list[bytes]) -> bytes:
    """A changed file; half of the time of one that was found lately."""
    parent = rng.choice(corpus[-16:] if rng.random() < 0.5 else corpus)
    return mutated(rng, parent, corpus, everything)


def smallest(name: str, path: Path, data: bytes, finding: Finding, order: Work) -> bytes:
    """Parts of the file left out while the same goes wrong."""
    end = time.monotonic() + MINIMISING
    size = max(1, len(data) // 2)
    while size >= 1 and time.monotonic() < end:
        at = 0
        while at < len(data) and time.monotonic() < end:
            shorter = data[:at] + data[at + size :]
            path.write_bytes(shorter)
            if judged(name, path, not order.guided)[1] == finding:
                data = shorter
            else:
                at += size
        size //= 2
    return data


def resident() -> int:
    """Largest resident memory of this process or a child of it so far, in bytes."""
    own = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return max(int(own[1]) if own else 0, child) << 10


def report(tallies: dict[str, Tally]) -> dict[str, Any]:
    counts = {n: (t.inputs, len(t.corpus), t.slowest) for n, t in tallies.items()}
    return {"counts": counts, "peak_mb": resident() / 2**20}


def in_child(given: Format) -> bool:
    """Whether a library reads the format in a process of its own."""
    return hasattr(sys.modules[type(given).__module__], "run")


def read_here() -> None:
    """Read in this process what is otherwise read in a child, so that its lines are traced.

    This process may crash or hang over a file; the other worker then reads it as users do.
    """

    def run(*given: Any, **more: Any) -> Any:
        return isolated.run(*given, **{**more, "trusted": True})

    for name, module in list(sys.modules.items()):
        ours = name.startswith("neuro.") and module is not isolated
        if ours and getattr(module, "run", None) is isolated.run:
            setattr(module, "run", run)  # noqa: B010 - a module's function


def install(modules: list[str]) -> dict[str, Format]:
    """All formats by name, with those of further modules."""
    known = list(detect_module.formats())
    for module in modules:
        for thing in vars(importlib.import_module(module)).values():
            made = hasattr(thing, "recognises") and not isinstance(thing, type)
            if made and thing.name not in {f.name for f in known}:
                known.append(thing)
    everyone = tuple(known)
    setattr(detect_module, "formats", lambda: everyone)  # noqa: B010 - a module's function
    return {f.name: f for f in known}


# -- the driver -----------------------------------------------------------------------------------


class Worker:
    """A worker process that is started anew when it ends."""

    def __init__(self, order: Work) -> None:
        self.order = order
        self.done: dict[str, list[float]] = {n: [0, 0, 0.0] for n in order.names}
        self.last: dict[str, tuple[int, int, float]] = {}
        self.peak_mb = 0.0
        self.start()

    def start(self) -> None:
        self.order.folder.mkdir(parents=True, exist_ok=True)
        for name in self.order.names:
            (self.order.folder / name).mkdir(exist_ok=True)
        context = multiprocessing.get_context("spawn")
        self.pipe, far = context.Pipe()
        self.begun = context.Value("d", 0.0, lock=False)
        before = os.environ.get("NUMBA_DISABLE_JIT")
        os.environ["NUMBA_DISABLE_JIT"] = "1" if self.order.guided else "0"
        try:
            self.process = context.Process(target=work, args=(far, self.begun, self.order))
            self.process.start()
        finally:
            if before is None:
                del os.environ["NUMBA_DISABLE_JIT"]
            else:
                os.environ["NUMBA_DISABLE_JIT"] = before
        far.close()

    def messages(self) -> list[Any]:
        found = []
        try:
            while self.pipe.poll():
                found.append(self.pipe.recv())
        except (EOFError, OSError):
            pass  # it has ended, and `current` says over what
        return found

    def take(self, said: dict[str, Any]) -> None:
        self.last = said["counts"]
        self.peak_mb = max(self.peak_mb, said["peak_mb"])

    def settle(self) -> None:
        """Add what the last process did to the sum."""
        for name, (inputs, corpus, slowest) in self.last.items():
            total = self.done[name]
            total[0] += inputs
            total[1] = max(total[1], corpus)
            total[2] = max(total[2], slowest)
        self.last = {}

    def current(self) -> tuple[str, bytes]:
        """The input that it is, or was, busy with."""
        files = [p for n in self.order.names for p in (self.order.folder / n).iterdir()]
        latest = max(files, key=lambda p: p.stat().st_mtime_ns)
        return latest.parent.name, latest.read_bytes()

    def restart(self, without: tuple[str, bytes] | None) -> None:
        self.process.kill()
        self.process.join()
        self.settle()
        if without:
            self.order.skip.setdefault(without[0], []).append(without[1])
        self.order.seed += 1
        self.start()


@dataclass
class Fuzz:
    """One run."""

    options: argparse.Namespace
    findings: dict[tuple[str, str, str], tuple[bytes, int]] = field(default_factory=dict)

    def run(self) -> dict[str, Any]:
        known = install(self.options.module)
        names = self.options.format or list(known)
        if unknown := set(names) - set(known):
            raise SystemExit(f"--format: unknown {sorted(unknown)}; known: {', '.join(known)}")
        if not names:
            raise SystemExit("no formats: register them, or name modules with --module")
        corpora = {
            name: seeds(known[name], most=6 if in_child(known[name]) else 60) for name in names
        }
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            workers = [
                Worker(Work(names, self.options.module, 2 * self.options.seed + k, guided,
                            Path(folder) / str(k), {n: list(c) for n, c in corpora.items()}, {}))
                for k, guided in enumerate((True, False))
            ]  # fmt: skip
            try:
                for worker in workers:  # the time counts from when both have imported everything
                    worker.pipe.poll(STUCK)
                end = time.monotonic() + self.options.seconds
                while time.monotonic() < end:
                    self.watch(workers)
                    time.sleep(0.05)
                self.stop(workers)
            finally:
                for worker in workers:
                    worker.process.kill()
                    worker.process.join()
        return self.result(workers, known, names)

    def watch(self, workers: list[Worker]) -> None:
        guide, check = workers
        for worker in workers:
            for message in worker.messages():
                if message[0] == "tally":
                    worker.take(message[1])
                elif message[0] == "interesting":
                    _, name, data = message
                    worker.order.corpora[name].append(data)
                    if worker is guide:
                        check.order.corpora[name].append(data)
                        self.send(check, name, data)
                elif message[0] in ("finding", "doubt"):
                    if message[0] == "finding":
                        self.found(*message[1:])
                    else:
                        self.send(check, message[1], message[4])
                    if message[2] == "blow-up":
                        worker.order.skip.setdefault(message[1], []).append(message[4])
            stuck = worker.begun.value and time.time() - worker.begun.value > STUCK
            if stuck or not worker.process.is_alive():
                busy = worker.begun.value and worker.current()
                if busy and worker is guide:
                    self.send(check, *busy)  # interpreted code is slow, so the other one decides
                elif busy and stuck:
                    self.found(busy[0], "hang", f"no answer within {STUCK:.0f} s", busy[1])
                elif busy:
                    code = worker.process.exitcode
                    self.found(busy[0], "crash", f"the process ended with {code}", busy[1])
                worker.restart(busy or None)

    def send(self, worker: Worker, name: str, data: bytes) -> None:
        with suppress(OSError):  # it may just have ended; the next one gets the whole corpus
            worker.pipe.send((name, data))

    def stop(self, workers: list[Worker]) -> None:
        for worker in workers:
            try:
                worker.pipe.send(None)
            except OSError:
                continue
        end = time.monotonic() + 10
        while time.monotonic() < end and any(w.process.is_alive() for w in workers):
            for worker in workers:
                for message in worker.messages():
                    if message[0] == "tally":
                        worker.take(message[1])
                    elif message[0] == "finding":
                        self.found(*message[1:])
            time.sleep(0.02)
        for worker in workers:
            worker.settle()

    def found(self, name: str, kind: str, what: str, data: bytes) -> None:
        key = (name, kind, worded(what) if kind != "crash" else what)
        first, times = self.findings.get(key, (data, 0))
        self.findings[key] = (min(first, data, key=len), times + 1)
        if not times:
            print(f"{name}: {kind}: {what} ({len(data)} bytes)", file=sys.stderr, flush=True)

    def result(
        self, workers: list[Worker], known: dict[str, Format], names: list[str]
    ) -> dict[str, Any]:
        guide, check = workers
        listed = []
        for i, ((name, kind, what), (data, times)) in enumerate(sorted(self.findings.items())):
            self.options.keep.mkdir(parents=True, exist_ok=True)
            file = self.options.keep / f"{name}-{kind}-{i}"
            file.write_bytes(data)
            listed.append({"format": name, "kind": kind, "what": what, "times": times,
                           "file": str(file), "bytes": data[:64].hex()})  # fmt: skip
        kinds = {k: sum(f["kind"] == k for f in listed) for k in ("crash", "hang", "blow-up")}
        formats = {
            name: {
                "inputs": int(guide.done[name][0] + check.done[name][0]),
                "guided": int(guide.done[name][0]), "corpus": int(guide.done[name][1]),
                "slowest_s": round(check.done[name][2], 3),
                "in_child": in_child(known[name]),
                "findings": sum(f["format"] == name for f in listed),
            }
            for name in names
        }  # fmt: skip
        return {
            "inputs": sum(f["inputs"] for f in formats.values()), "crashes": kinds["crash"],
            "hangs": kinds["hang"], "blow_ups": kinds["blow-up"],
            "peak_mb": round(max(w.peak_mb for w in workers), 1), "seed": self.options.seed,
            "seconds": self.options.seconds, "formats": formats, "findings": listed,
        }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description="Fuzz the readers of event files.")
    add = parser.add_argument
    add("--seconds", type=float, default=600)
    add("--seed", type=int, default=0)
    add("--format", action="append", help="only this one; may be given several times")
    add("--module", action="append", default=[], help="also the formats that this module holds")
    add("--keep", type=Path, default=Path("runs/fuzz"), help="folder for what was found")
    add("--json", action="store_true", help="print one JSON object")
    result = Fuzz(parser.parse_args()).run()
    if result["inputs"] == 0:
        print("no input was tried", file=sys.stderr)
        return 1
    if "--json" in sys.argv:
        print(json.dumps(result))
    else:
        for name, row in result["formats"].items():
            print(f"{name:14} " + "  ".join(f"{k} {v}" for k, v in row.items()))
        print("  ".join(f"{k} {v}" for k, v in result.items() if not isinstance(v, dict | list)))
    return int(bool(result["findings"]))


if __name__ == "__main__":
    sys.exit(main())
