"""How long a layer of learned delays takes, and how much memory, next to the DCLS package.

    make bench-delays                                    every layer
    python benchmarks/delays.py --layers 'narrow*' --rounds 9

Before anything is timed, what the contestants compute is compared. Each is a process of its own;
they take turns, each round begins with another, and a figure is the median over rounds of a turn's
median. Memory is measured in a fresh process each. See benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from contest.contestant import Contestant, Entry, Failed
from contest.delay_layers import Layer

FORMAT = "neuro delays benchmark, version 1"
PEERS = {"dcls": "dcls", "plain": ""}  # where each is installed: a folder in .bench, or here
WIDE, NARROW = 12.0, 0.23  # of DCLS's training on SHD, at its start and after annealing
CLOSE = {"current": 1e-5, "weight": 1e-4, "delay": 1e-4, "input": 1e-4}  # of the largest value
SUMMARY = (0.02, 0.05)  # densities of the layers that the headline figures are of
READS = {
    "ratio_dcls": "time of DCLS over time of neuro, the smaller of the layers narrow-2% and "
    "narrow-5%: 140 -> 256, 25 taps, 128 x 100, end of annealing, no gradient of the input",
    "memory_ratio_dcls": "peak memory of neuro over that of DCLS, the larger of the same layers",
    "ratio_dcls_worst": "time of DCLS over time of neuro, the smallest of all layers of the run",
    "max_delay": "narrow kernel at 2 %, 32 x 300, no gradient of the input: only the longest delay "
    "differs",
}
screen = Console(stderr=True)


def layers() -> list[Layer]:
    """Every kernel at every density, with and without gradient of the input; longer delays."""
    rows: list[Layer] = []
    kernels = (("narrow", "gauss", NARROW), ("wide", "gauss", WIDE), ("triangle", "triangle", 0.0))
    for title, kernel, width in kernels:
        for density in (0.02, 0.05, 0.2):
            name = f"{title}-{density:.0%}"
            rows.append(Layer(name, kernel, density, width))
            rows.append(Layer(f"{name}-input", kernel, density, width, input_gradient=True))
    rows += [Layer(f"evaluation-{d:.0%}", "whole", d) for d in (0.02, 0.05, 0.2)]
    for longest in (24, 100, 250):
        long = Layer(f"longest-{longest}", "gauss", 0.02, NARROW, taps=longest + 1)
        rows.append(replace(long, batch=32, steps=300))  # so that late spikes still arrive
    return rows


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time a layer of delays against the DCLS package.")
    add = parser.add_argument
    add("--layers", default="*", help="names, comma-separated; * and ? as in file names")
    add("--peers", default="dcls", help="dcls, plain (PyTorch's convolution), both, or none")
    add("--rounds", type=int, default=5, help="turns of each contestant")
    add("--threads", type=int, default=2)
    add("--budget", type=float, default=0.5, help="seconds of a turn; a longer step runs once")
    add("--quick", action="store_true", help="one round on almost no data; figures mean nothing")
    add("--json", action="store_true", help="print one JSON object")
    add("--out", type=Path, help="write the JSON here")
    add("--read", type=Path, help="report this earlier JSON instead of measuring")
    options = parser.parse_args()
    patterns, known = options.layers.split(","), layers()
    options.layers = [row for row in known if any(fnmatch(row.name, p) for p in patterns)]
    if not options.layers:
        names = ", ".join(row.name for row in known)
        parser.error(f"--layers: {','.join(patterns)} matches none of {names}")
    options.peers = [] if options.peers == "none" else options.peers.split(",")
    for name in options.peers:
        if name not in PEERS:
            parser.error(f"--peers: {name!r} is unknown; choose among {', '.join(PEERS)}, or none")
        if not entry(name, 1).python().exists() and not options.read:
            parser.error(
                f"--peers: {name} is not installed in .bench/{name}. Install it with "
                "`make bench-delays`, or compare with PyTorch's convolution: --peers plain"
            )
    for name in ("rounds", "threads"):
        if getattr(options, name) < 1:
            parser.error(f"--{name}: got {getattr(options, name)}, expected at least 1")
    if options.quick:
        options.layers = [replace(row.tiny(), inputs=9, outputs=13) for row in options.layers]
        options.rounds, options.budget = 1, 0.0
    return options


class Runner(Contestant):
    """The process of `contest.delay_layers` for one contestant."""

    def ask(self, do: str, **more: Any) -> dict[str, Any]:
        return self._ask(do=do, **more)


def entry(name: str, threads: int) -> Entry:
    return Entry("contest.delay_layers", PEERS.get(name, ""), (name,), threads)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """The whole benchmark; `options.out` is rewritten after every layer."""
    rows: list[dict[str, Any]] = []
    result: dict[str, Any] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-delays-")))
        runners = {
            name: stack.enter_context(Runner(name, entry(name, options.threads)))
            for name in ("neuro", *options.peers)
        }
        head = {
            "format": FORMAT,
            "machine": {"cpu": processor(), "cores": os.cpu_count(), "threads": options.threads},
            "versions": {name: runner.ask("who")["versions"] for name, runner in runners.items()},
            "rounds": options.rounds, "quick": options.quick,
        }  # fmt: skip
        for i, layer in enumerate(options.layers, start=1):
            screen.print(f"[{i}/{len(options.layers)}] {layer.name}", highlight=False)
            differ = compared(runners, layer, folder)
            times = rounds(runners, options)
            peaks = {
                name: peak(runners[name] if options.quick else None, name, layer, options)
                for name in runners
            }
            rows.append(row(layer, times, peaks, differ))
            result = {**summary(rows), "reads": READS, **head, "layers": rows}
            write(result, options.out)
    return result


def compared(runners: dict[str, Runner], layer: Layer, folder: Path) -> dict[str, dict[str, float]]:
    """Peer -> array -> largest difference from ours, relative to the largest value.

    Raises:
        Failed: it is too large, so that times could not be compared.
    """
    made: dict[str, dict[str, np.ndarray]] = {}
    for name, runner in runners.items():
        file = folder / f"{name}.npz"
        with screen.status(f"preparing {name}"):
            runner.ask("prepare", layer=layer.plain(), file=str(file))
        with np.load(file) as arrays:
            made[name] = dict(arrays)
    ours = made.pop("neuro")
    differ: dict[str, dict[str, float]] = {}
    for name, theirs in made.items():
        if theirs.keys() != ours.keys():
            raise Failed(f"{name}: computed {', '.join(theirs)}, neuro {', '.join(ours)}")
        differ[name] = {
            key: float(np.abs(array - ours[key]).max() / (np.abs(array).max() or 1.0))
            for key, array in theirs.items()
        }
        for key, off in differ[name].items():
            if not off <= CLOSE[key]:
                raise Failed(
                    f"{layer.name}: {key} of {name} and neuro differ by {off:.2g} of the largest "
                    f"value, expected at most {CLOSE[key]:g}"
                )
    return differ


def rounds(runners: dict[str, Runner], options: argparse.Namespace) -> dict[str, list[float]]:
    """Milliseconds per contestant and round."""
    names, times = list(runners), {name: [] for name in runners}
    for turn in range(options.rounds):
        first = turn % len(names)  # so that nobody is always the first after a pause
        for name in names[first:] + names[:first]:
            taken = runners[name].ask("time", budget=options.budget)["ms"]
            times[name].append(statistics.median(taken))
    said = ", ".join(f"{name} {statistics.median(taken):.1f}" for name, taken in times.items())
    screen.print(f"  {said} ms", highlight=False)
    return times


def peak(
    running: Runner | None, name: str, layer: Layer, options: argparse.Namespace
) -> float | None:
    """Peak memory of a step in MB, in a fresh process unless a running one is given."""
    fresh = nullcontext(running) if running else Runner(name, entry(name, options.threads))
    with fresh as runner:
        return runner.ask("peak", layer=layer.plain())["peak_mb"]


def row(
    layer: Layer,
    times: dict[str, list[float]],
    peaks: dict[str, float | None],
    differ: dict[str, dict[str, float]],
) -> dict[str, Any]:
    """One row of the result."""
    ms = {name: statistics.median(taken) for name, taken in times.items()}
    mb, theirs = peaks["neuro"], peaks.get("dcls")
    return {
        **layer.plain(), "max_delay": layer.taps - 1,
        "ours_ms": ms["neuro"], "peers": {name: ms[name] for name in differ},
        "ratio_dcls": ms["dcls"] / ms["neuro"] if "dcls" in ms else None,
        "peak_mb": mb, "peers_peak_mb": {name: peaks[name] for name in differ},
        "memory_ratio_dcls": mb / theirs if theirs and mb else None,
        "difference": differ, "rounds_ms": times,
    }  # fmt: skip


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The headline figures, None where no layer that they are of was measured; see READS."""
    named = [f"narrow-{density:.0%}" for density in SUMMARY]
    chosen = [r for r in rows if r["name"] in named]

    def least(rows: list[dict[str, Any]], key: str) -> float | None:
        return min((r[key] for r in rows if r[key] is not None), default=None)

    def most(rows: list[dict[str, Any]], key: str) -> float | None:
        return max((r[key] for r in rows if r[key] is not None), default=None)

    whole = len(chosen) == len(named)
    return {
        "ratio_dcls": least(chosen, "ratio_dcls") if whole else None,
        "memory_ratio_dcls": most(chosen, "memory_ratio_dcls") if whole else None,
        "ratio_dcls_worst": least(rows, "ratio_dcls"),
        "max_delay": [
            {
                "max_delay": r["max_delay"], "ours_ms": r["ours_ms"],
                "dcls_ms": r["peers"].get("dcls"), "ratio_dcls": r["ratio_dcls"],
                "peak_mb": r["peak_mb"], "dcls_peak_mb": r["peers_peak_mb"].get("dcls"),
            }
            for r in rows if r["name"].startswith("longest")
        ],
    }  # fmt: skip


def table(result: dict[str, Any]) -> str:
    """The figures as Markdown."""
    peers = sorted({p for r in result["layers"] for p in r["peers"]})
    heads = ["neuro", *peers, "DCLS / neuro", "neuro MB", *(f"{p} MB" for p in peers),
             "neuro / DCLS, MB"]  # fmt: skip
    lines = [f"| layer | {' | '.join(heads)} |", "| --- |" + " ---: |" * len(heads)]
    for r in result["layers"]:
        cells = [
            number(r["ours_ms"]), *(number(r["peers"].get(p)) for p in peers),
            number(r["ratio_dcls"]), number(r["peak_mb"]),
            *(number(r["peers_peak_mb"].get(p)) for p in peers), number(r["memory_ratio_dcls"]),
        ]  # fmt: skip
        lines.append(f"| {r['name']} | {' | '.join(cells)} |")
    headlines = ("ratio_dcls", "memory_ratio_dcls", "ratio_dcls_worst")
    said = [
        f"- {key} {number(result[key]) or 'none'}: {result['reads'][key]}." for key in headlines
    ]
    lines += ["", *said]
    return "\n".join(lines)


def number(value: float | None) -> str:
    """Three digits, or nothing."""
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 100 else f"{value:#.3g}".rstrip(".")


def write(result: dict[str, Any], out: Path | None) -> None:
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(result, indent=1) + "\n")


def processor() -> str:
    """Name of the CPU."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def main() -> None:
    options = arguments()
    result = json.loads(options.read.read_text()) if options.read else measure(options)
    write(result, options.out)
    print(json.dumps(result) if options.json else table(result))


if __name__ == "__main__":
    try:
        main()
    except Failed as error:
        sys.exit(f"benchmarks/delays.py: {error}")
