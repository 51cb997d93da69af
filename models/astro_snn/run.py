"""Does an astrocyte make a spiking network remember?

    neuro run astro_snn      or      python models/astro_snn/run.py

Four pairs of a key and a value are shown, then one key: which value was it? The same spiking
network is trained with an astrocyte, without it, and wider without it -> accuracy on fresh
questions, also after long silences -> a small language model over characters, with and without
(language.py) -> figure.
"""

import runpy
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from neuro import Clock, ms, second
from neuro.neurons import AMSU
from neuro.nn import AMSULayer, Linear, Sequential
from neuro.plot import style
from neuro.recipe import Json, Out, Quick, Seed, finish

PAPER = "Shen, Zhao, Dong, Y. Li, J. Li, Sun & Zeng 2023, arXiv 2312.07625"
CLOCK = Clock(1 * ms)
KEYS, VALUES, PAIRS = 8, 8, 4
SILENCES = (0, 4, 12, 28, 60, 124, 252)  # steps without input before the question, in tests
QUESTIONS = 2000  # in a test
LEAST_WITH, MOST_WITHOUT, LEAST_BITS = 0.95, 0.60, 0.1  # gates


class Size(NamedTuple):
    """A network of the recall task."""

    name: str
    units: int
    astrocyte: bool


WITH = Size("with astrocyte", 64, True)
WITHOUT = Size("same without", 64, False)
LARGER = Size("larger without", 96, False)


class Questions(NamedTuple):
    """Pairs, silence and a question, one sample a column."""

    x: Tensor  # key, value, question mark: [PAIRS + silence + 1, N, KEYS + VALUES + 1]
    value: Tensor  # the right answer [N]
    lag: Tensor  # steps between the pair and the question [N]


def ask(samples: int, silence: int, random: torch.Generator) -> Questions:
    """Fresh samples: four pairs with keys that differ, one pair a step; then one of the keys."""
    key = torch.rand(samples, KEYS, generator=random).argsort(1)[:, :PAIRS]
    value = torch.randint(VALUES, (samples, PAIRS), generator=random)
    asked = torch.randint(PAIRS, (samples, 1), generator=random)
    x = torch.zeros(PAIRS + silence + 1, samples, KEYS + VALUES + 1)
    x[:PAIRS, :, :KEYS] = one_hot(key, KEYS).transpose(0, 1)
    x[:PAIRS, :, KEYS:-1] = one_hot(value, VALUES).transpose(0, 1)
    x[-1, :, :KEYS] = one_hot(key.gather(1, asked)[:, 0], KEYS)
    x[-1, :, -1] = 1
    return Questions(x, value.gather(1, asked)[:, 0], PAIRS + silence - asked[:, 0])


def build(size: Size) -> Sequential:
    """Recurrent spiking units, and a readout of their spikes."""
    units = AMSULayer(
        KEYS + VALUES + 1, AMSU(size.units, tau_mem=10 * ms), CLOCK,
        astrocyte=size.astrocyte, key=16, tau=1 * second, recurrent=True, learn=["tau_mem"],
    )  # fmt: skip
    return Sequential(units, Linear(size.units, VALUES))


def fit(size: Size, seed: int, updates: int, progress: Progress) -> Sequential:
    """Train on fresh samples without silence; only the last step is scored."""
    torch.manual_seed(seed)
    network, random = build(size), torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-3)
    for _ in progress.track(range(updates), description=f"recall, seed {seed}: {size.name}"):
        batch = ask(64, 0, random)
        scores, _ = network(batch.x)
        optimizer.zero_grad()
        cross_entropy(scores[-1], batch.value).backward()
        optimizer.step()
    return network


class Recall(NamedTuple):
    """How well a network answers fresh questions, the same for every network of a seed."""

    accuracy: float  # without silence, as in training
    right: NDArray[np.bool_]  # each of these answers
    retention: dict[int, float]  # accuracy by the steps between pair and question
    rate: float  # spikes a unit and step
    parameters: int


@torch.no_grad()
def test(network: Sequential, seed: int) -> Recall:
    """Ask after each silence."""
    random = torch.Generator().manual_seed(10**6 + seed)
    retention: dict[int, float] = {}
    units, readout = network
    answers: list[Tensor] = []
    rates: list[float] = []
    for silence in SILENCES:
        questions = ask(QUESTIONS, silence, random)
        spikes, _ = units(questions.x)
        right = readout(spikes[-1:])[0].argmax(1) == questions.value
        answers.append(right)
        rates.append(float(spikes.mean()))
        for lag in range(silence + 1, silence + PAIRS + 1):
            retention[lag] = float(right[questions.lag == lag].double().mean())
    parameters = sum(p.numel() for p in network.parameters())
    return Recall(
        float(answers[0].double().mean()), answers[0].numpy(), retention, rates[0], parameters
    )


def difference(a: list[float], b: list[float], spread: NDArray[np.float64]) -> tuple[float, float]:
    """Mean of a - b over seeds, paired; standard error over them, or over `spread` if only one."""
    gains = np.subtract(a, b)
    over = gains if len(gains) > 1 else spread
    return float(gains.mean()), float(over.std(ddof=1) / np.sqrt(len(over)))


def draw(recall: dict[Size, list[Recall]], bits: dict[str, list[float]], path: Path) -> None:
    """Accuracy against time since the pair, and bits per character."""
    figure = style.new_figure(style.WIDTH, 2.9)
    curve, dots = figure.subplots(1, 2, width_ratios=[3, 2])
    lags = list(recall[WITH][0].retention)
    for look, (size, runs) in zip(style.SERIES, recall.items(), strict=False):
        shares = np.array([list(run.retention.values()) for run in runs])
        curve.plot(
            lags, shares.mean(0), linestyle=look.line, marker=look.marker, color=look.color,
            lw=1.2, ms=3, label=f"{size.name}, {size.units} units",
        )  # fmt: skip
    curve.axhline(1 / VALUES, color=style.GREY, lw=0.8)
    curve.text(lags[-1], 0.03, "chance", ha="right", fontsize=style.NOTE, color=style.GREY)
    curve.axvspan(0.9, PAIRS + 0.5, color=style.HAIRLINE, lw=0)
    curve.set(xscale="log", ylim=(0, 1.05))
    curve.set_xticks([1, 4, 16, 64, 256], ["1", "4", "16", "64", "256"])
    curve.minorticks_off()
    curve.legend(fontsize=style.NOTE, frameon=False, loc="center right")
    style.finish(
        curve, title="Recall", x="steps between pair and question; grey: trained", y="accuracy"
    )
    for i, values in enumerate(bits.values()):
        dots.plot(np.mean(values), i, "|", color=style.GREY, ms=22)
        dots.plot(values, [i] * len(values), "o", color=style.INK, ms=3.5)
    dots.set_yticks(range(len(bits)), [name.replace(" ", "\n", 1) for name in bits])
    dots.set_ylim(len(bits) - 0.5, -0.5)
    style.finish(dots, title="Language, a dot a seed", x="bits per character (less is better)")
    figure.savefig(path, dpi=150)


def main(quick: Quick = False, seed: Seed = 0, out: Out = None, as_json: Json = False) -> None:
    """Let spiking networks with and without an astrocyte recall pairs and predict characters."""
    torch.set_num_threads(1)  # small matrices, and one result on every machine
    out, console, start = out or Path("runs/astro_snn"), Console(), time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    seeds = [3 * seed + k for k in range(1 if quick else 3)]
    sizes = (WITH, LARGER) if quick else (WITH, WITHOUT, LARGER)
    updates, told_updates = (600, 20) if quick else (1200, 1200)
    language = runpy.run_path(str(Path(__file__).with_name("language.py")))

    recall: dict[Size, list[Recall]] = {size: [] for size in sizes}
    with Progress(console=console, transient=True) as progress:
        for one in seeds:
            for size in sizes:
                recall[size].append(got := test(fit(size, one, updates, progress), one))
                progress.print(
                    f"  seed {one}, {size.name}: recall {got.accuracy:.3f}, rate {got.rate:.2f}"
                )
        text = language["read"]()
        told = language["compare"](text, seeds, told_updates, progress)
    bits = {name: [run.bits for run in runs] for name, runs in told.items()}
    draw(recall, bits, out / "astro_snn.png")

    accuracy = {size: [run.accuracy for run in runs] for size, runs in recall.items()}
    right = [recall[size][0].right.astype(float) for size in (WITH, LARGER)]
    effect, stderr = difference(accuracy[WITH], accuracy[LARGER], right[0] - right[1])

    def gain(without: Size) -> tuple[float, float]:
        """Bits per character that the astrocyte saves, and the standard error."""
        windows = told[without.name][0].by_window - told[WITH.name][0].by_window
        return difference(bits[without.name], bits[WITH.name], windows)

    language_effect, language_stderr = gain(WITHOUT)
    language_larger, language_larger_stderr = gain(LARGER)
    results = {
        "value": float(np.mean(accuracy[WITH])),
        "baseline": float(np.mean(accuracy[LARGER])),
        "effect": effect,
        "stderr": stderr,
        "stderr_over": "seeds" if len(seeds) > 1 else "questions and windows of one seed",
        "paper": PAPER,
        "chance": 1 / VALUES,
        "gate_with": min(accuracy[WITH]) >= LEAST_WITH,
        "gate_larger_without": max(accuracy[LARGER]) <= MOST_WITHOUT,
        "language_value": float(np.mean(bits[WITH.name])),
        "language_baseline": float(np.mean(bits[WITHOUT.name])),
        "language_effect": language_effect,
        "language_stderr": language_stderr,
        "language_larger": float(np.mean(bits[LARGER.name])),
        "language_effect_larger": language_larger,
        "language_stderr_larger": language_larger_stderr,
        "gate_language": language_effect >= LEAST_BITS,
        "recall": [
            {
                "model": size.name,
                "parameters": runs[0].parameters,
                "accuracy": accuracy[size],
                "rate": [run.rate for run in runs],
                "retention": {
                    str(lag): [run.retention[lag] for run in runs] for lag in runs[0].retention
                },
            }
            for size, runs in recall.items()
        ],
        "language": [
            {
                "model": name,
                "parameters": runs[0].parameters,
                "bits_per_character": bits[name],
                "rate": [run.rate for run in runs],
                "by_place": np.mean([run.by_place for run in runs], axis=0).tolist(),
            }
            for name, runs in told.items()
        ],
        "text_sha256": text.sha256,
        "seconds": round(time.perf_counter() - start, 1),
        "seed": seed,
        "figure": str(out / "astro_snn.png"),
    }
    finish(results, out, as_json=as_json)


if __name__ == "__main__":
    typer.run(main)
