"""SHD-Adding: the sum of two spoken digits, by an ELM neuron and by an LSTM of equal size.

    neuro run elm_adding --data FSDD.h5    or    python models/elm_adding/run.py --data FSDD.h5

Two recordings after one another, as spikes in fine and in coarse bins; the answer is the sum of
the digits. An ELM with long memory, one with short memory and an LSTM are trained on the same
pairs, and tested on pairs of recordings never heard. Without --data, made-up words take the place
of the digits.
"""

import runpy
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import numpy as np
import torch
import typer
from rich.console import Console
from rich.progress import Progress
from torch import nn
from torch.nn.functional import cross_entropy

from neuro import Clock, ms
from neuro.data import EventDataset
from neuro.encode import Cochlea
from neuro.plot import style
from neuro.recipe import Json, Out, Quick, Seed, find, finish

HERE = Path(__file__).parent
pairs = SimpleNamespace(**runpy.run_path(str(HERE / "pairs.py")))
contenders = SimpleNamespace(**runpy.run_path(str(HERE / "contenders.py")))

PAPER = "Spieler, Rahaman, Martius, Schoelkopf & Levina, ICLR 2024, arXiv 2306.16922"
BINS = {"fine": Clock(8 * ms), "coarse": Clock(40 * ms)}
HALF = 600 * ms  # of a recording; the rest is cut off, and the results say how much
CHANNELS, MEMORY, BATCH, RATE = 70, 30, 32, 5e-3
TESTS = 2000  # pairs
GAIN = {"elm": 4.0, "elm_short": 4.0, "lstm": 1.0}  # root mean square of the input; see README


def fit(model: nn.Module, part: Any, gain: float, updates: int, seed: int) -> None:
    """Train on fresh pairs, on the readout of the last step."""
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, updates)
    random = np.random.default_rng([seed, 1])
    for _ in range(updates):
        x, total = pairs.draw(part, BATCH, random)
        optimizer.zero_grad()
        cross_entropy(model(x * gain)[0][-1], total).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()


def score(model: nn.Module, part: Any, gain: float, seed: int) -> tuple[float, float]:
    """Accuracy on pairs that depend on the seed alone, and that of the commonest sum."""
    random = np.random.default_rng([seed, 2])
    right, sums = 0, np.zeros(pairs.SUMS, int)
    with torch.no_grad():
        for _ in range(TESTS // 250):
            x, total = pairs.draw(part, 250, random)
            right += int((model(x * gain)[0][-1].argmax(1) == total).sum())
            sums += np.bincount(total.numpy(), minlength=pairs.SUMS)
    return float(right / sums.sum()), float(sums.max() / sums.sum())


def recordings(data: Path | None, quick: bool, seed: int) -> tuple[EventDataset, EventDataset]:
    """To train on and to test on; no recording is in both."""
    folder = find("spoken_digits").folder
    if data is not None:
        return runpy.run_path(str(folder / "run.py"))["in_shd_layout"](data, 10 if quick else None)
    words = runpy.run_path(str(folder / "voice.py"))["words"]
    return words((12, 4) if quick else (60, 15), Cochlea(channels=CHANNELS), seed)


def difference(rows: list[dict[str, Any]], bins: str, a: str, b: str) -> tuple[float, float | None]:
    """Mean gain of accuracy of `a` over `b`, and its standard error over seeds."""
    one, other = (accuracies(rows, bins, kind) for kind in (a, b))
    gain = one - other
    error = float(gain.std(ddof=1) / np.sqrt(len(gain))) if len(gain) > 1 else None
    return float(gain.mean()), error


def accuracies(rows: list[dict[str, Any]], bins: str, kind: str) -> Any:
    """Of every seed."""
    return np.array([r["accuracy"] for r in rows if (r["bins"], r["kind"]) == (bins, kind)])


def plot(rows: list[dict[str, Any]], chance: float, path: Path) -> None:
    """Accuracy of every model, one dot a seed."""
    figure = style.new_figure(style.WIDTH, 2.6)
    axes = figure.subplots()
    names = list(dict.fromkeys((row["bins"], row["kind"]) for row in rows))
    for i, (bins, kind) in enumerate(names):
        values = accuracies(rows, bins, kind)
        axes.barh(i, values.mean(), color=style.FAINT)
        axes.plot(values, [i] * len(values), "o", color=style.INK, ms=3.5)
    axes.axvline(chance, color=style.HAIRLINE)
    axes.set_yticks(range(len(names)), [f"{contenders.NAMES[k]}, {b} bins" for b, k in names])
    axes.invert_yaxis()
    style.finish(axes, title="Sum of two digits", x="test accuracy; line: the commonest sum")
    figure.savefig(path, dpi=150)


def main(
    quick: Quick = False,
    seed: Seed = 0,
    out: Out = None,
    as_json: Json = False,
    data: Annotated[
        Path | None, typer.Option(help="Spoken digits as spikes in SHD's layout (.h5), unpacked.")
    ] = None,
    updates: Annotated[int | None, typer.Option(min=1, help="Steps of training.")] = None,
) -> None:
    """Add two spoken digits with an ELM neuron, and with an LSTM."""
    torch.set_num_threads(1)  # small matrices, and one result on every machine
    out, console, start = out or Path("runs/elm_adding"), Console(), time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    updates = updates or (100 if quick else 1500)
    seeds = [3 * seed + k for k in range(1 if quick else 3)]
    train, test = recordings(data, quick, seed)
    console.print(f"{train!r}\n{test!r}", highlight=False)
    jobs = [("fine", kind) for kind in contenders.NAMES]
    jobs += [("coarse", kind) for kind in ("elm", "lstm")]

    parts = {
        bins: [pairs.halves(p, step, round(HALF / step.dt), CHANNELS) for p in (train, test)]
        for bins, step in BINS.items()
    }
    rows: list[dict[str, Any]] = []
    with Progress(console=console, transient=True) as progress:
        runs = [(one, *job) for one in seeds for job in jobs]
        for one, bins, kind in progress.track(runs, description="training"):
            began, (heard, held) = time.perf_counter(), parts[bins]
            gain = GAIN[kind] / pairs.loudness(heard)
            steps = 2 * heard.counts.shape[1]
            model = contenders.build(
                kind, CHANNELS, pairs.SUMS, BINS[bins], steps, memory=MEMORY, seed=one
            )
            fit(model, heard, gain, updates, one)
            accuracy, commonest = score(model, held, gain, one)
            rows.append({
                "seed": one, "bins": bins, "kind": kind, "accuracy": accuracy,
                "train_accuracy": score(model, heard, gain, one)[0], "commonest_sum": commonest,
                "parameters": contenders.size(model), "cut": max(heard.cut, held.cut),
                "seconds": round(time.perf_counter() - began, 1),
            })  # fmt: skip
            progress.print(f"  seed {one}, {contenders.NAMES[kind]}, {bins} bins: {accuracy:.3f}")
    chance = float(np.mean([row["commonest_sum"] for row in rows]))
    plot(rows, chance, out / "elm_adding.png")

    effect, stderr = difference(rows, "fine", "elm", "lstm")
    coarse, coarse_stderr = difference(rows, "coarse", "elm", "lstm")
    long, long_stderr = difference(rows, "fine", "elm", "elm_short")
    results = {
        "value": float(accuracies(rows, "fine", "elm").mean()),
        "baseline": float(accuracies(rows, "fine", "lstm").mean()),
        "effect": effect,
        "stderr": stderr,
        "short_memory": float(accuracies(rows, "fine", "elm_short").mean()),
        "effect_long_memory": long,
        "stderr_long_memory": long_stderr,
        "coarse_value": float(accuracies(rows, "coarse", "elm").mean()),
        "coarse_baseline": float(accuracies(rows, "coarse", "lstm").mean()),
        "coarse_effect": coarse,
        "coarse_stderr": coarse_stderr,
        "commonest_sum": chance,
        "data": "spoken digits" if data is not None else "synthetic words",
        "train_recordings": len(train),
        "test_recordings": len(test),
        "share_of_spikes_cut": max(row["cut"] for row in rows),
        "parameters": {row["kind"]: row["parameters"] for row in rows},
        "updates": updates,
        "paper": PAPER,
        "runs": rows,
        "seconds": round(time.perf_counter() - start, 1),
        "seed": seed,
        "figure": str(out / "elm_adding.png"),
    }
    finish(results, out, as_json=as_json)


if __name__ == "__main__":
    typer.run(main)
