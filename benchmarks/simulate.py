"""How long a second of a spiking network takes, next to other simulators.

    make bench-simulate                                      every network, every peer
    python benchmarks/simulate.py --networks cuba_4000 --peers none

Each contestant is a process of its own with one network. They take turns, one at a time, and each
round begins with another; a figure is the median over rounds. See benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from rich.console import Console

from contest.contestant import OURS, PEERS, Contestant, Entry, Failed
from contest.picture import draw, markdown
from contest.spec import NETWORKS, TICK, Spec

FORMAT = "neuro simulation benchmark, version 1"
SLOW = 20.0  # seconds; whoever takes longer for a turn has two of them only
SECONDS = 1.0  # of biology in a turn
LARGE = 100_000_000  # synapses; above, contestants are not in memory at the same time
screen = Console(stderr=True)


def main() -> None:
    options = arguments()
    result = json.loads(options.read.read_text()) if options.read else measure(options)
    if options.out:
        save(result, options.out)
        draw(result, options.out.with_suffix(".png"))
    print(json.dumps(result) if options.json else markdown(result))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Time one second of spiking networks against other simulators."
    )
    add = parser.add_argument
    add("--networks", default="*", help="names, comma-separated; * and ? as in file names")
    add("--peers", default="*", help="names, comma-separated; * and ?; or none")
    add("--rounds", type=int, default=5, help="turns of each contestant")
    add("--full", action="store_true", help="NEST runs microcircuit_1.0 too: 12 GB, 10 minutes")
    add("--quick", action="store_true", help="one round of tiny networks; figures mean nothing")
    add("--json", action="store_true", help="print one JSON object")
    add("--out", type=Path, help="write the JSON here and the picture beside it")
    add("--read", type=Path, help="report this earlier JSON instead of measuring")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error(f"--rounds: got {options.rounds}, expected at least 1")
    options.rounds = 1 if options.quick else options.rounds
    options.networks = chosen(parser, "--networks", options.networks, list(NETWORKS))
    if options.peers == "none":
        options.peers = []
    else:
        options.peers = chosen(parser, "--peers", options.peers, list(PEERS))
    absent = sorted({PEERS[n].home for n in options.peers if not PEERS[n].python().exists()})
    if absent:
        parser.error(
            f"--peers: not installed in .bench/: {', '.join(absent)}. Install them with "
            "`make bench-simulate`, or name those to compare with, e.g. --peers none"
        )
    return options


def chosen(parser: argparse.ArgumentParser, option: str, given: str, known: list[str]) -> list[str]:
    """The known names that any of the patterns fits."""
    patterns = given.split(",")
    for p in patterns:
        if not any(fnmatch(n, p) for n in known):
            parser.error(f"{option}: {p!r} matches none of {', '.join(known)}")
    return [n for n in known if any(fnmatch(n, p) for p in patterns)]


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """The whole benchmark; `options.out` is rewritten after every network."""
    head = {
        "format": FORMAT,
        "machine": {
            "cpu": processor(), "cores": os.cpu_count(), "system": platform.system(),
            "python": platform.python_version(),
        },
        "rounds": options.rounds,
        "quick": options.quick,
        "limits": json.loads(module("contest.limits").splitlines()[-1]),
        "fresh_process_s": fresh(options.rounds),
    }  # fmt: skip
    rows: list[dict[str, Any]] = []
    result: dict[str, Any] = {}
    for i, name in enumerate(options.networks, start=1):
        spec = NETWORKS[name]()
        spec = spec.tiny() if options.quick else spec
        screen.print(
            f"[{i}/{len(options.networks)}] {name}: {spec.neurons:,} neurons, "
            f"{spec.synapses:,} synapses", highlight=False,
        )  # fmt: skip
        rows.append(row(name, spec, options))
        ratios = [r["ratio"] for r in rows if r["ratio"] is not None]
        result = {"ratio_best_peer": min(ratios, default=None), **head, "networks": rows}
        if options.out:
            save(result, options.out)
    return result


def save(result: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")


def row(name: str, spec: Spec, options: argparse.Namespace) -> dict[str, Any]:
    """One network: everybody builds it, then they take turns."""
    entries = {f"neuro_{n}": e for n, e in OURS.items()}
    for peer in options.peers:
        entry = PEERS[peer]
        fits = any(fnmatch(name, pattern) for pattern in entry.networks)
        if fits and (options.full or name != "microcircuit_1.0"):
            entries[peer] = entry
    groups = [[n] for n in entries] if spec.synapses > LARGE else [list(entries)]
    figures: dict[str, dict[str, Any]] = {}
    failed: dict[str, str] = {}
    for group in groups:
        compete({n: entries[n] for n in group}, spec, options.rounds, figures, failed)
    ours = [n for n in figures if n in {f"neuro_{k}" for k in OURS}]
    if not ours:
        raise Failed(f"{name}: neuro failed: {failed}")
    best = min(ours, key=lambda n: figures[n]["run_s"])
    peers = {n: f for n, f in figures.items() if n not in ours}
    fastest = min((p["run_s"] for p in peers.values()), default=None)
    mine = figures[best]
    events = mine["rate_hz"] * spec.synapses  # of a second
    return {
        "name": name, "neurons": spec.neurons, "synapses": spec.synapses,
        "ours": {
            **mine, "threads": entries[best].threads, "dtype": "float32",
            "events_per_s": events / mine["run_s"],
            "ns_per_neuron_update": 1e9 * mine["run_s"] * TICK / SECONDS / spec.neurons,
        },
        "ours_by_threads": {str(entries[n].threads): figures[n] for n in ours},
        "peers": peers, "failed": failed,
        "ratio": None if fastest is None else fastest / mine["run_s"],
    }  # fmt: skip


def compete(
    entries: dict[str, Entry], spec: Spec, rounds: int,
    figures: dict[str, dict[str, Any]], failed: dict[str, str],
) -> None:  # fmt: skip
    """Build, then turns; what was measured goes into `figures`, or the reason into `failed`."""
    with ExitStack() as stack:
        able: dict[str, Contestant] = {}
        built: dict[str, dict[str, float]] = {}
        for name, entry in entries.items():
            contestant = stack.enter_context(Contestant(name, entry))
            try:
                with screen.status(f"building in {name}"):
                    built[name] = contestant.build(spec)
                able[name] = contestant
            except Failed as error:
                failed[name] = str(error)
                screen.print(f"  {error}", highlight=False, markup=False)
        turns: dict[str, list[dict[str, float]]] = {name: [] for name in able}
        names = list(able)
        for k in range(rounds):
            first = k % max(1, len(names))  # so that nobody is always the first after a pause
            for name in names[first:] + names[:first]:
                if len(turns[name]) < 2 or turns[name][-1]["run_s"] < SLOW:
                    turns[name].append(able[name].turn(SECONDS))
            said = ", ".join(
                f"{n} {t[-1]['run_s']:.3f} s {t[-1]['rate_hz']:.2f} Hz" for n, t in turns.items()
            )
            screen.print(f"  round {k + 1}: {said}", highlight=False, soft_wrap=True)
    for name, taken in turns.items():
        figures[name] = {
            **built[name],
            "run_s": statistics.median(t["run_s"] for t in taken),
            "rate_hz": statistics.median(t["rate_hz"] for t in taken),
            "peak_mb": max(t["peak_mb"] for t in taken),
            "rounds_s": [t["run_s"] for t in taken],
        }


def module(name: str) -> str:
    """What a module of ours prints, run in a new process."""
    entry = Entry(name, "", threads=2)
    done = subprocess.run(
        [sys.executable, "-m", name], cwd=Path(__file__).parent, env=entry.environment(),
        capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise Failed(f"{name}: {done.stderr[-1500:]}")
    return done.stdout


def fresh(rounds: int) -> float:
    """Seconds from the start of a new process to the end of 1 s of CUBA; kernels are cached."""
    module("contest.fresh")  # fills the cache
    taken = []
    for _ in range(rounds):
        begun = time.perf_counter()
        module("contest.fresh")
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


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
        sys.exit(f"benchmarks/simulate.py: {error}")
