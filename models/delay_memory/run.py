"""Delays as memory: a spike pattern, shown once, is given back from the spikes under way.

    neuro run delay_memory      or      python models/delay_memory/run.py

New patterns of 8 channels and 20 ticks. "Relay": a feed-forward network gives each back once,
after a lag. "Ring": a recurrent network gives it back again and again, far beyond its longest
delay. Learned delays, fixed random ones and delays of one tick, at one number of trained values.
"""

import runpy
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
import typer
from rich.console import Console
from rich.progress import Progress

from neuro.plot import style
from neuro.recipe import Json, Out, Quick, Seed, finish

HERE = Path(__file__).parent
memory = SimpleNamespace(**runpy.run_path(str(HERE / "memory.py")))
task = SimpleNamespace(**runpy.run_path(str(HERE / "task.py")))

PAPER = "Perrinet 2026, arXiv 2604.14096; Hammouamri, Khalfaoui-Hassani & Masquelier, ICLR 2024"
LAGS = (10, 20, 40)  # ticks, of the relay; two delays reach 50
LAG = 20  # the one that the headline figures are of
PERIOD, TAUGHT, ROUNDS = 20, 2, 10  # of the ring: ticks, rounds in training, rounds in the test
BUDGET = 512  # trained weights and delays
TESTS, SIMULATED = 100, 5  # trials


Outcome = dict[str, Any]  # what one trained network recalls; a row of the results


def relay(kind: str, lag: int, seed: int, updates: int) -> Outcome:
    """Train and test one feed-forward network at one lag."""
    made = memory.relay(kind, task.CHANNELS, BUDGET, seed)
    return _measured("relay", kind, made, seed, updates, lag, 1, 1)


def ring(kind: str, seed: int, updates: int) -> Outcome:
    """Train one recurrent network on few rounds, and test it on many."""
    made = memory.ring(kind, task.CHANNELS, BUDGET, seed)
    return _measured("ring", kind, made, seed, updates, PERIOD, TAUGHT, ROUNDS)


def _measured(
    name: str, kind: str, made: Any, seed: int, updates: int, lag: int, taught: int, rounds: int
) -> Outcome:
    random = np.random.default_rng([seed, 2])
    module = memory.train(made, lambda n: task.trials(n, lag, taught, random), lag, updates)
    shown, wanted = task.trials(TESTS, lag, rounds, np.random.default_rng([seed, 3]))
    spikes = memory.recall(module, made, shown)
    few = shown[:, :SIMULATED]
    network = module.network()
    replayed = memory.simulated(network, made, few)
    spans = [slice(k * lag, k * lag + task.SHOW) for k in range(1, rounds + 1)]
    loops = memory.own_loops(network, task.CHANNELS, PERIOD) if name == "ring" else None
    return Outcome(
        task=name, kind=kind, seed=seed, lag=lag, parameters=memory.trained(module),
        recall=[task.f1(spikes[span], wanted[span]) for span in spans],
        exact=[task.f1(spikes[span], wanted[span], 0) for span in spans],
        chance=[task.chance(spikes[span], wanted[span]) for span in spans],
        own_loops=loops, differing_spikes=int((replayed != memory.recall(module, made, few)).sum()),
    )  # fmt: skip


def by(rows: list[Outcome], name: str, kind: str, field: str, lag: int, turn: int = -1) -> Any:
    """The figure of every seed, at one lag, at one time that the pattern is given back."""
    chosen = [r for r in rows if (r["task"], r["kind"], r["lag"]) == (name, kind, lag)]
    return np.array([row[field][turn] for row in chosen])


def error(values: Any) -> float | None:
    """Standard error of the mean over seeds; None of one seed."""
    return float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None


def draw(rows: list[Outcome], lags: tuple[int, ...], path: Path) -> None:
    """Recall against the lag of the relay, and against the time since the ring's pattern."""
    figure = style.new_figure(style.WIDTH, 2.8)
    left, right = figure.subplots(1, 2, sharey=True)
    for look, kind in zip(style.SERIES, memory.KINDS, strict=False):
        values = np.array([by(rows, "relay", kind, "recall", lag) for lag in lags]).mean(1)
        left.plot(lags, values, look.line, color=look.color, label=kind, marker="o", ms=3.5)
        values = [by(rows, "ring", kind, "recall", PERIOD, k).mean() for k in range(ROUNDS)]
        held = PERIOD * np.arange(1, ROUNDS + 1)
        right.plot(held, values, look.line, color=look.color, label=kind, marker="o", ms=3.5)
    left.axvline(memory.LONGEST, color=style.HAIRLINE)
    right.axvline(memory.LONGEST, color=style.HAIRLINE)
    left.set_ylim(0, 1.03)
    left.set_xlim(0, 2 * memory.LONGEST)
    right.set_xlim(0, PERIOD * ROUNDS + 5)
    style.finish(left, title="Relay: given back once", x="lag (ms)", y="F1 within 1 ms")
    style.finish(right, title="Ring: given back every 20 ms", x="held for (ms)")
    right.legend(fontsize=style.NOTE, frameon=False, title="delays", title_fontsize=style.NOTE)
    figure.savefig(path, dpi=150)


def main(quick: Quick = False, seed: Seed = 0, out: Out = None, as_json: Json = False) -> None:
    """Let delays hold spike patterns that were shown once."""
    torch.set_num_threads(1)  # small matrices, and one result on every machine
    out, console, start = out or Path("runs/delay_memory"), Console(), time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    seeds = [3 * seed + k for k in range(1 if quick else 3)]
    lags = (LAG,) if quick else LAGS
    updates = {"relay": 150 if quick else 400, "ring": 250 if quick else 600}
    rows: list[Outcome] = []
    with Progress(console=console, transient=True) as progress:
        jobs = [(s, kind, lag) for s in seeds for kind in memory.KINDS for lag in (*lags, 0)]
        for one, kind, lag in progress.track(jobs, description="training"):
            row = (
                relay(kind, lag, one, updates["relay"]) if lag else ring(kind, one, updates["ring"])
            )
            rows.append(row)
            progress.print(
                f"  seed {one}, {row['task']}, {kind}, lag {row['lag']}: "
                f"recall {' '.join(f'{value:.2f}' for value in row['recall'])}"
            )
    draw(rows, lags, out / "delay_memory.png")

    held = {kind: by(rows, "ring", kind, "recall", PERIOD) for kind in memory.KINDS}
    gain = held["learned"] - held["fixed"]
    once = {kind: by(rows, "relay", kind, "recall", LAG) for kind in memory.KINDS}
    results = {
        "value": float(held["learned"].mean()),
        "baseline": float(held["fixed"].mean()),
        "effect": float(gain.mean()),
        "stderr": error(gain),
        "one_tick": float(held["one tick"].mean()),
        "exact": float(by(rows, "ring", "learned", "exact", PERIOD).mean()),
        "chance": float(by(rows, "ring", "learned", "chance", PERIOD).mean()),
        "own_loops_of_8": float(
            np.mean([r["own_loops"] for r in rows if (r["task"], r["kind"]) == ("ring", "learned")])
        ),
        "held_for_ms": PERIOD * ROUNDS,
        "longest_delay_ms": memory.LONGEST,
        "relay_value": float(once["learned"].mean()),
        "relay_baseline": float(once["fixed"].mean()),
        "relay_effect": float((once["learned"] - once["fixed"]).mean()),
        "relay_stderr": error(once["learned"] - once["fixed"]),
        "relay_one_tick": float(once["one tick"].mean()),
        "relay_lag_ms": LAG,
        "relay_by_lag": {
            kind: {str(lag): float(by(rows, "relay", kind, "recall", lag).mean()) for lag in lags}
            for kind in memory.KINDS
        },
        "differing_spikes": sum(row["differing_spikes"] for row in rows),
        "paper": PAPER,
        "runs": [dict(row) for row in rows],
        "seconds": round(time.perf_counter() - start, 1),
        "seed": seed,
        "figure": str(out / "delay_memory.png"),
    }  # fmt: skip
    finish(results, out, as_json=as_json)


if __name__ == "__main__":
    typer.run(main)
