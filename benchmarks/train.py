"""How long a training step takes, next to other libraries and next to the dense products alone.

    make bench                               every workload, every peer
    python benchmarks/train.py --workloads 'fc-b128*' --peers jax,norse

Each contestant is a process of its own. They take turns (neuro, dense products, peer, peer, ...),
one at a time, and each round begins with another; a figure is the median over rounds of a turn's
median. So a machine that slows down for a while slows all of them. See benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
from contextlib import ExitStack, nullcontext
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from rich.console import Console

from contestant import PEERS, Contestant, Failed, missing
from report import markdown, picture, summary, table
from workload import WORKLOADS, Workload

SLOW = 10_000  # ms; whoever takes longer for a step is timed in two rounds only
FORMAT = "neuro training benchmark, version 1"
screen = Console(stderr=True)


def main() -> None:
    options = arguments()
    result = json.loads(options.read.read_text()) if options.read else measure(options)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(result, indent=1) + "\n")
        picture(result, options.out.with_suffix(".png"))
    if options.markdown:
        print(markdown(result))
    elif options.json:
        print(json.dumps(result))
    else:
        Console(width=None if sys.stdout.isatty() else 160).print(table(result))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Time a training step against other libraries and the dense products alone."
    )
    add = parser.add_argument
    add("--workloads", default="*", help="names, comma-separated; * and ? as in file names")
    add("--peers", default=",".join(PEERS), help="names, comma-separated, or none")
    add("--rounds", type=int, default=5, help="turns of each contestant")
    add("--threads", type=int, default=2)
    add("--budget", type=float, default=0.5, help="seconds of a turn; a longer step runs once")
    add("--quick", action="store_true", help="one round on almost no data; figures mean nothing")
    add("--json", action="store_true", help="print one JSON object")
    add("--markdown", action="store_true", help="print the tables of the README")
    add("--out", type=Path, help="write the JSON here and the picture beside it")
    add("--read", type=Path, help="report this earlier JSON instead of measuring")
    options = parser.parse_args()
    patterns = options.workloads.split(",")
    options.workloads = [w for w in WORKLOADS if any(fnmatch(w.name, p) for p in patterns)]
    if not options.workloads:
        known = ", ".join(w.name for w in WORKLOADS)
        parser.error(f"--workloads: {','.join(patterns)} matches none of {known}")
    wanted = [] if options.peers == "none" else options.peers.split(",")
    options.peers = tuple(wanted)
    for name in wanted:
        if name not in PEERS:
            parser.error(f"--peers: {name!r} is unknown; choose among {', '.join(PEERS)}, or none")
    if absent := missing(options.peers):
        parser.error(
            f"--peers: not installed in .bench/: {', '.join(absent)}. Install them with "
            "`make bench`, or name those to compare with, e.g. --peers none"
        )
    for name in ("rounds", "threads"):
        if getattr(options, name) < 1:
            parser.error(f"--{name}: got {getattr(options, name)}, expected at least 1")
    if options.quick:
        options.workloads = [w.tiny() for w in options.workloads]
        options.rounds, options.budget = 1, 0.0
    return options


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """The whole benchmark; `options.out` is rewritten after every workload."""
    names = ("ours", "dense", "scan", "lean", *options.peers)
    measured: list[dict[str, Any]] = []
    result: dict[str, Any] = {}
    with ExitStack() as stack:
        contestants = {
            name: stack.enter_context(Contestant(name, options.threads)) for name in names
        }
        head = {
            "format": FORMAT,
            "machine": {"cpu": processor(), "cores": os.cpu_count(), "threads": options.threads},
            "versions": {name: contestants[name].versions for name in names},
            "rounds": options.rounds,
            "quick": options.quick,
        }
        for i, work in enumerate(options.workloads, start=1):
            screen.print(f"[{i}/{len(options.workloads)}] {work.name}", highlight=False)
            times, evidence = rounds(contestants, work, options.rounds, options.budget)
            remembered = ("ours", "lean", *(options.peers if work.peers_memory else ()))
            peaks = {
                name: peak(contestants[name] if options.quick else None, name, work, mode, options)
                for name in remembered
                if (mode := evidence[name]["mode"])
            }
            measured.append(entry(work, times, evidence, peaks))
            result = {**summary(measured), **head, "workloads": measured}
            if options.out:
                options.out.parent.mkdir(parents=True, exist_ok=True)
                options.out.write_text(json.dumps(result, indent=1) + "\n")
    return result


def rounds(
    contestants: dict[str, Contestant], work: Workload, number: int, budget: float
) -> tuple[dict[str, list[float]], dict[str, dict[str, Any]]]:
    """Milliseconds per contestant and round, and what each said about its step."""
    evidence: dict[str, dict[str, Any]] = {}
    for name, contestant in contestants.items():
        with screen.status(f"preparing {name}"):
            evidence[name] = contestant.ask("prepare", workload=work.plain())
    able = [name for name in contestants if evidence[name]["mode"]]
    times: dict[str, list[float]] = {name: [] for name in able}
    for turn in range(number):
        first = turn % len(able)  # so that nobody is always the first after a pause
        for name in able[first:] + able[:first]:
            if len(times[name]) < 2 or statistics.median(times[name]) < SLOW:
                taken = contestants[name].ask("time", budget=budget)["ms"]
                times[name].append(statistics.median(taken))
        said = ", ".join(f"{name} {taken[-1]:.1f}" for name, taken in times.items())
        screen.print(f"  round {turn + 1}: {said} ms", highlight=False, soft_wrap=True)
    return times, evidence


def peak(
    running: Contestant | None, name: str, work: Workload, mode: str, options: argparse.Namespace
) -> float | None:
    """Peak memory of a step in MB, in a fresh process unless a running one is given."""
    with nullcontext(running) if running else Contestant(name, options.threads) as contestant:
        return contestant.ask("peak", workload=work.plain(), mode=mode)["peak_mb"]


def entry(
    work: Workload,
    times: dict[str, list[float]],
    evidence: dict[str, dict[str, Any]],
    peaks: dict[str, float | None],
) -> dict[str, Any]:
    """One row of the result."""
    ms = {name: statistics.median(taken) for name, taken in times.items()}
    peers = [name for name in times if name in PEERS]
    units = work.target().size * work.steps
    return {
        "name": work.name,
        "ours_ms": ms["ours"],
        "dense_ms": ms["dense"],
        "peers": {name: ms[name] for name in peers},
        "peak_mb": peaks.get("ours"),
        "scan_ms": ms.get("scan"),
        "lean_ms": ms.get("lean"),
        "lean_peak_mb": peaks.get("lean"),
        "peers_peak_mb": {name: peaks[name] for name in peers if name in peaks},
        "density": work.density,
        "batch": work.batch,
        "steps": work.steps,
        "modes": {name: evidence[name]["mode"] for name in times},
        "modes_ms": {name: evidence[name]["modes"] for name in times},
        "rate": {n: evidence[n]["spikes"] / units for n in ("ours", *peers)},
        "gradients": {n: evidence[n]["gradients"] for n in ("ours", *peers)},
        "rounds_ms": times,
    }


def processor() -> str:
    """Name of the CPU."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


if __name__ == "__main__":
    try:
        main()
    except Failed as error:
        sys.exit(f"benchmarks/train.py: {error}")
