"""How fast event files are read, events are binned and pictures are seen, next to other libraries.

    make bench-events                                   every format, every peer
    python benchmarks/events.py --formats evt3,dat --peers none

A file of each format is written by neuro and read whole by everyone, from the page cache. Two
processes, one with neuro and one with the peers in an environment of their own, read in turns, and
each round begins with another reader. A figure is the median over rounds, in millions of events a
second; only the reading is timed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from contest.events_camera import eye, loop_camera, numpy_camera, pictures
from contest.events_readers import READS

HERE = Path(__file__).parent
PEERS = HERE.parent / ".bench" / "events" / "bin" / "python"
FORMAT = "neuro events benchmark, version 1"
ROWS, COLUMNS = 260, 346
TEXT = ("csv", "csv.gz", "rpg", "rpg.gz")  # a tenth of the events: peers take a second a million
WINDOW = 10_000  # microseconds of a frame
screen = Console(stderr=True)


class Failed(Exception):
    """A reader refused, or its process ended."""


class Reader:
    """The process of `contest.events_readers` in one environment."""

    def __init__(self, python: Path) -> None:
        paths = os.pathsep.join(
            (str(HERE), *([str(HERE.parent)] if str(python) == sys.executable else []))
        )
        self._process = subprocess.Popen(
            [str(python), "-m", "contest.events_readers"], cwd=HERE, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": paths},
        )  # fmt: skip

    def ask(self, **request: Any) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise Failed(f"{request.get('who')}: its process ended") from None
        line = self._process.stdout.readline()
        if not line:
            raise Failed(f"{request.get('who')}: its process ended")
        said = json.loads(line)
        if "error" in said:
            raise Failed(f"{request.get('who')}: {said['error']}")
        return said

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Time reading, binning and making events against other libraries."
    )
    add = parser.add_argument
    add("--formats", default="*", help="names, comma-separated; * and ? as in file names")
    add("--peers", default="*", help="names, comma-separated; * and ?; or none")
    add("--python", type=Path, default=PEERS, help="that has the peers")
    add("--events", type=int, default=4_000_000, help="in a file; a tenth in text")
    add("--images", type=int, default=10_000, help="that the camera sees")
    add("--rounds", type=int, default=5, help="turns of each reader")
    add("--budget", type=float, default=0.3, help="seconds of a turn; longer readings run once")
    add("--quick", action="store_true", help="one round of almost nothing; figures mean nothing")
    add("--json", action="store_true", help="print one JSON object")
    add("--out", type=Path, help="write the JSON here")
    options = parser.parse_args()
    for name in ("events", "images", "rounds"):
        if getattr(options, name) < 1:
            parser.error(f"--{name}: got {getattr(options, name)}, expected at least 1")
    options.peers = [] if options.peers == "none" else options.peers.split(",")
    if options.peers and not options.python.exists():
        parser.error(
            "--peers: not installed in .bench/events. Install them with `make bench-events`, or "
            "compare with none: --peers none"
        )
    if options.quick:
        options.events, options.images, options.rounds, options.budget = 2_000, 20, 1, 0.0
    return options


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """The whole benchmark."""
    from neuro.formats import formats

    names = [f.name for f in formats() if f.writable]
    patterns = options.formats.split(",")
    chosen = [n for n in names if any(fnmatch(n, p) for p in patterns)]
    if not chosen:
        sys.exit(f"--formats: {options.formats} matches none of {', '.join(names)}")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-events-")))
        ours = stack.enter_context(Reader(Path(sys.executable)))
        theirs = stack.enter_context(Reader(options.python)) if options.peers else None
        versions = ours.ask(do="who")["versions"]
        if theirs:
            versions = {**theirs.ask(do="who")["versions"], "neuro": versions.get("neuro", "")}
        able = {n for n in versions if any(fnmatch(n, p) for p in options.peers)}
        rows = []
        for i, name in enumerate(chosen, start=1):
            screen.print(f"[{i}/{len(chosen)}] {name}", highlight=False)
            rows.append(row(name, folder, ours, theirs, able, options))
        result = {
            "format": FORMAT,
            "machine": {
                "cpu": processor(), "cores": os.cpu_count(), "system": platform.system(),
                "python": platform.python_version(),
            },
            "versions": versions, "rounds": options.rounds, "quick": options.quick,
            "formats": rows,
            "binning": binning(folder, ours, theirs if "tonic" in able else None, options),
            "camera": camera(options),
        }  # fmt: skip
    return result


def row(
    name: str,
    folder: Path,
    ours: Reader,
    theirs: Reader | None,
    able: set[str],
    options: argparse.Namespace,
) -> dict[str, Any]:
    """One format: its file is written, then everyone reads it in turns."""
    path, count, shape = written(name, folder, options.events)
    readers = {"neuro": ours}
    if theirs:
        readers |= {peer: theirs for peer in READS.get(name, ()) if peer in able}
    request = {"do": "read", "file": str(path), "format": name, "sensor": shape,
               "budget": options.budget}  # fmt: skip
    if name == "csv":  # not every peer passes over what comes before the numbers
        request["bare"] = str(bare(path))
    failed: dict[str, str] = {}
    read: dict[str, int] = {}
    for who in list(readers):  # once before the turns: compiled, imported, in the page cache
        try:
            read[who] = readers[who].ask(who=who, **{**request, "budget": 0.0})["events"]
        except Failed as error:
            if who == "neuro":
                raise
            failed[who] = str(error)
            del readers[who]
            screen.print(f"  {error}", highlight=False, markup=False)
    speeds = turns(readers, request, count, options.rounds)
    size = path.stat().st_size
    path.unlink()
    peers = {who: s for who, s in speeds.items() if who != "neuro"}
    best = max(peers.values(), default=None)
    return {
        "name": name, "events": count, "bytes": size, "ours_Mev_s": speeds["neuro"],
        "peers": peers, "ratio": None if best is None else speeds["neuro"] / best,
        "read": read, "failed": failed,
    }  # fmt: skip


def bare(path: Path) -> Path:
    """A copy of a text file with nothing but its lines of numbers."""
    lines = path.read_bytes().split(b"\n")
    rows = [line for line in lines if line[:1].isdigit()]
    path.with_suffix(".bare.csv").write_bytes(b"\n".join(rows) + b"\n")
    return path.with_suffix(".bare.csv")


def turns(
    readers: dict[str, Reader], request: dict[str, Any], count: int, rounds: int
) -> dict[str, float]:
    """Median of each reader's rounds in millions of events a second."""
    taken: dict[str, list[float]] = {who: [] for who in readers}
    names = list(readers)
    for k in range(rounds):
        first = k % len(names)  # so that nobody is always the first after a pause
        for who in names[first:] + names[:first]:
            taken[who].append(count / readers[who].ask(who=who, **request)["s"] / 1e6)
    said = ", ".join(f"{who} {statistics.median(v):.1f}" for who, v in taken.items())
    screen.print(f"  {said} million events/s", highlight=False, soft_wrap=True)
    return {who: statistics.median(values) for who, values in taken.items()}


def written(name: str, folder: Path, count: int) -> tuple[Path, int, tuple[int, ...]]:
    """A file of a format with events of the first sensor that fits it."""
    from neuro.errors import InvalidValue, Unsupported
    from neuro.formats import write_events
    from neuro.formats.detect import by_name

    count = max(1000, count // 10) if name in TEXT else count
    path = folder / f"file{by_name(name).suffixes[0]}"
    refused = ""
    for shape in ((2, ROWS, COLUMNS), (2, 240, 240), (2, 128, 128), (2, 34, 34), (700,)):
        for number in (count, count // 4):
            try:
                write_events(path, recording(number, shape), format=name)
            except (InvalidValue, Unsupported) as error:
                refused = str(error)
                continue
            return path, number, shape
    raise Failed(f"{name}: no file could be written: {refused}")


def recording(count: int, shape: tuple[int, ...], seed: int = 0) -> Any:
    """Events as a camera has them: 5 a microsecond, in short rows of one polarity."""
    from neuro import Clock, Events
    from neuro.units import us

    rng = np.random.default_rng([seed, count])
    rows, columns = (shape[-2], shape[-1]) if len(shape) == 3 else (1, shape[-1])
    groups = -(-count // 4)
    t = np.cumsum(rng.random(groups) * 1.6).astype(np.int64).repeat(4)[:count]
    start = rng.integers(0, max(1, columns - 8), groups)
    step = np.cumsum(rng.integers(1, 3, (groups, 4)), axis=1)
    x = (start[:, None] + step).ravel()[:count].clip(0, columns - 1)
    y = rng.integers(0, rows, groups).repeat(4)[:count]
    p = rng.integers(0, 2, groups).repeat(4)[:count] if len(shape) == 3 else 0
    return Events.sorted(t, (p * rows + y) * columns + x, shape=shape, clock=Clock(1 * us))


def binning(
    folder: Path, ours: Reader, theirs: Reader | None, options: argparse.Namespace
) -> dict[str, Any]:
    """Frames of 10 ms of a camera's events."""
    shape = (2, ROWS, COLUMNS)
    events = recording(options.events, shape)
    p, y, x = events.coordinates
    path = folder / "columns.npy"
    np.save(path, np.stack([events.t, x, y, p]))
    readers = {"neuro": ours, **({"tonic": theirs} if theirs else {})}
    request = {"do": "bin", "file": str(path), "sensor": shape, "window": WINDOW,
               "budget": options.budget}  # fmt: skip
    screen.print("binning", highlight=False)
    counted = {w: r.ask(who=w, **{**request, "budget": 0.0})["events"] for w, r in readers.items()}
    speeds = turns(readers, request, len(events), options.rounds)
    tonic = speeds.get("tonic")
    return {
        "ours": speeds["neuro"], "tonic": tonic,
        "ratio": None if tonic is None else speeds["neuro"] / tonic,
        "events": len(events), "counted": counted,
    }  # fmt: skip


def camera(options: argparse.Namespace) -> dict[str, Any]:
    """Pictures a second that become events: three saccades of each, seen by an event camera."""
    from neuro.encode import EventCamera, saccades

    screen.print("camera", highlight=False)
    seer = EventCamera(threshold=0.25, refractory=1e-3)
    group = min(256, options.images)
    seer.columns(*saccades(pictures(2)))  # compiled
    few, weights = min(group, 50), eye()
    rates: dict[str, list[float]] = {"neuro": [], "numpy": [], "lean": []}
    events = {"ours": 0, "numpy_loop": 0}
    for k in range(options.rounds):
        shown = pictures(max(group, options.images // options.rounds), seed=k)
        offsets: Any = None
        begun = time.perf_counter()
        for low in range(0, len(shown), group):
            seen = seer.columns(*saccades(shown[low : low + group]))
            offsets = seen.offsets if offsets is None else offsets
        rates["neuro"].append(len(shown) / (time.perf_counter() - begun))
        begun = time.perf_counter()
        looped = [numpy_camera(one, weights, 0.25, 1e-3) for one in shown[:few]]
        rates["numpy"].append(few / (time.perf_counter() - begun))
        begun = time.perf_counter()
        for one in shown[:few]:
            loop_camera(one, weights, 0.25)
        rates["lean"].append(few / (time.perf_counter() - begun))
        events["ours"] += int(offsets[few])
        events["numpy_loop"] += sum(len(unit) for _, unit in looped)
    images, loop, lean = (statistics.median(r) for r in rates.values())
    screen.print(f"  {images:.0f} pictures/s, loop {loop:.0f}, lean {lean:.0f}", highlight=False)
    return {
        "images_s": images, "numpy_loop_images_s": loop, "ratio": images / loop,
        "lean_loop_images_s": lean, "ratio_lean": images / lean,
        "images": options.images, "events_of_the_same_images": events,
    }  # fmt: skip


def table(result: dict[str, Any]) -> str:
    """The figures as Markdown."""
    peers = sorted({p for r in result["formats"] for p in r["peers"]})
    lines = [
        "| format | neuro | " + " | ".join([*peers, "neuro / best peer"]) + " |",
        "| --- |" + " ---: |" * (len(peers) + 2),
    ]
    for r in result["formats"]:
        cells = [f"{r['peers'][p]:.1f}" if p in r["peers"] else "" for p in peers]
        ratio = "" if r["ratio"] is None else f"{r['ratio']:.2f}"
        lines.append(
            f"| {r['name']} | {r['ours_Mev_s']:.1f} | " + " | ".join([*cells, ratio]) + " |"
        )
    b, c = result["binning"], result["camera"]
    tonic = "" if b["tonic"] is None else f", tonic {b['tonic']:.1f}, ratio {b['ratio']:.1f}"
    lines += [
        "", f"Binning into frames of 10 ms: {b['ours']:.1f} million events/s{tonic}.",
        f"Event camera: {c['images_s']:.0f} pictures/s, NumPy loop "
        f"{c['numpy_loop_images_s']:.0f}, ratio {c['ratio']:.1f}; "
        f"lean loop {c['lean_loop_images_s']:.0f}, ratio {c['ratio_lean']:.1f}.",
    ]  # fmt: skip
    return "\n".join(lines)


def processor() -> str:
    """Name of the CPU."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def main() -> None:
    options = arguments()
    result = measure(options)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result) if options.json else table(result))


if __name__ == "__main__":
    try:
        main()
    except Failed as error:
        sys.exit(f"benchmarks/events.py: {error}")
