"""Diehl & Cook 2015: digits recognised without labels, by STDP, homeostasis and inhibition.

    neuro run diehl_cook            or      python models/diehl_cook/run.py
    python models/diehl_cook/run.py --data FOLDER      (MNIST, the four idx files)

Pixels as Poisson rates, 350 ms a digit and 150 ms of rest -> excitatory cells with thresholds that
rise with each spike, each inhibiting all others -> STDP. Labels serve only to name the cells once
learning is over. Accuracy on digits never seen, against the same network with its random first
weights, of which only the thresholds learned.
"""

import gzip
import time
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from neuro import Clock, Events, Network, Synapse, ms
from neuro.errors import CorruptFile, InvalidValue, require
from neuro.neurons import ALIF
from neuro.recipe import Json, Out, Quick, Seed, finish
from neuro.rules import HeterosynapticNormalisation, PairSTDP
from neuro.sim import Simulation
from neuro.sources import Poisson
from neuro.synapses import Dense

PAPER = "Diehl & Cook, Frontiers in Computational Neuroscience 9:99 (2015)"
REPORTED = {100: 0.829, 400: 0.870, 1600: 0.919, 6400: 0.950}  # MNIST, by excitatory cells
STEP = Clock(1 * ms)
SHOWN, REST = 350 * ms, 150 * ms
SPIKES = 600.0  # mean input spikes of a digit, the same for every digit
TOTAL = 12.0  # sum of a cell's weights
TAU_MEM = 50 * ms  # a third of REST: else inhibition lasts until the next digit, losers stay losers
THRESHOLD = 10.0
RISE = 0.1  # of the threshold by a spike
INHIBITION = 10.0
GROWTH = 0.05
Array = NDArray[np.float64]
Labels = NDArray[np.int64]


class Digits(NamedTuple):
    """Pictures [N, pixels] from 0 to 1, and their labels [N]."""

    pictures: Array
    labels: Labels


def small_digits(seed: int) -> tuple[Digits, Digits]:
    """scikit-learn's 1,797 digits of 8x8 pixels; the last fifth of a random order is the test."""
    bunch = require("sklearn.datasets", "data").load_digits()
    order = np.random.default_rng(seed).permutation(len(bunch.target))
    pictures, labels = bunch.data[order] / 16.0, np.asarray(bunch.target, np.int64)[order]
    cut = len(order) * 4 // 5
    return Digits(pictures[:cut], labels[:cut]), Digits(pictures[cut:], labels[cut:])


def mnist(folder: Path, seed: int, train: int, test: int) -> tuple[Digits, Digits]:
    """The first digits of a random order of MNIST's own training and test sets."""

    def part(name: str, count: int) -> Digits:
        pictures = _idx(folder / f"{name}-images-idx3-ubyte").reshape(-1, 784) / 255.0
        labels = _idx(folder / f"{name}-labels-idx1-ubyte").astype(np.int64)
        picked = np.random.default_rng(seed).permutation(len(labels))[:count]
        return Digits(pictures[picked], labels[picked])

    return part("train", train), part("t10k", test)


def _idx(path: Path) -> NDArray[np.uint8]:
    """An idx file of bytes, plain or gzipped."""
    zipped = path.with_name(path.name + ".gz")
    if not path.is_file() and not zipped.is_file():
        raise InvalidValue(f"--data: neither {path} nor {zipped.name} there")
    raw = path.read_bytes() if path.is_file() else gzip.decompress(zipped.read_bytes())
    if raw[:3] != b"\0\0\x08":
        raise CorruptFile(f"{path}: begins with {raw[:4].hex()}, expected an idx file of bytes")
    shape = np.frombuffer(raw, ">i4", raw[3], 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(shape)


def network(
    pictures: Array, weights: Array, seed: int, *, plastic: bool, held: Array | None
) -> Network:
    """The network and all the digits it will see, one after the other.

    `plastic`: whether weights learn. `held`: how far each threshold has risen, in spikes, and
    stays; None: thresholds start low and rise with each spike.
    """
    pixels, cells = weights.shape
    rate = np.zeros((2 * len(pictures), pixels))
    rate[::2] = SPIKES / SHOWN * pictures / pictures.sum(1, keepdims=True)
    starts = np.arange(len(pictures)) * (SHOWN + REST)
    rule = PairSTDP(
        a_plus=GROWTH,
        a_minus=0.1 * GROWTH,
        tau_plus=20 * ms,
        tau_minus=20 * ms,
        w_min=0.0,
        w_max=1.0,
        dependence="guetig",
        mu_plus=1.0,
        mu_minus=1.0,
        pairing="nearest",
    ) + HeterosynapticNormalisation(total=TOTAL, w_min=0.0, w_max=1.0, every=SHOWN + REST)
    cell = ALIF(
        cells, tau_mem=TAU_MEM, tau_adapt=1e4, beta=RISE if held is None else 0.0,
        v_th=THRESHOLD if held is None else THRESHOLD + RISE * held, reset="zero",
    )  # fmt: skip
    return Network(
        {
            "digits": Poisson(
                pixels, rate=rate, times=np.stack([starts, starts + SHOWN], 1).ravel(), seed=seed
            ),
            "cells": cell,
        },
        (
            Synapse("digits", "cells", Dense(weights.T), rule=rule if plastic else None),
            Synapse("cells", "cells", Dense(-INHIBITION * (1 - np.eye(cells))), delay=STEP.dt,
                    name="inhibition"),
        ),
        outputs=("cells",), clock=STEP,
    )  # fmt: skip


def counts(spikes: Events, shown: int, cells: int) -> Array:
    """Spikes of each cell at each digit [shown, cells]."""
    digit = spikes.t // int(STEP.ticks(SHOWN + REST))
    flat = np.bincount(digit * cells + spikes.unit, minlength=shown * cells)
    return flat.reshape(shown, cells).astype(np.float64)


def respond(pictures: Array, weights: Array, adapt: Array, seed: int) -> Array:
    """Spikes of each cell at each digit, with nothing changing."""
    still = network(pictures, weights, seed, plastic=False, held=adapt)
    one = Simulation(still, seed=seed, threads=1)
    spikes = one.run(len(pictures) * (SHOWN + REST)).events("cells.spikes")[0]
    return counts(spikes, len(pictures), weights.shape[1])


def assign(responses: Array, labels: Labels) -> Labels:
    """The digit that each cell answers most, on average; -1 for cells that never answer."""
    count = np.bincount(labels, minlength=10)
    mean = np.stack([responses[labels == d].sum(0) / max(count[d], 1) for d in range(10)])
    return np.where(mean.max(0) > 0, mean.argmax(0), -1)


def vote(responses: Array, assigned: Labels) -> Labels:
    """The digit whose cells answer most, on average over these cells, for each row; or -1."""
    score = np.stack([
        responses[:, assigned == d].mean(1) if (assigned == d).any() else np.zeros(len(responses))
        for d in range(10)
    ], axis=1)  # fmt: skip
    return np.where(score.max(1) > 0, score.argmax(1), -1)


class Outcome(NamedTuple):
    """What one network has learned and how well it tells digits apart."""

    accuracy: float  # share of the test digits named rightly
    weights: Array  # [pixels, cells]
    rises: Array  # of the threshold of each cell, in spikes [cells]
    assigned: Labels  # digit of each cell, -1 for those that never answer [cells]
    spikes: float  # of all cells, at a test digit


def evaluate(weights: Array, adapt: Array, train: Digits, test: Digits, seed: int) -> Outcome:
    """Name the cells by the training digits, then read out the test."""
    naming = slice(0, 2000)
    named = respond(train.pictures[naming], weights, adapt, seed + 1)
    assigned = assign(named, train.labels[naming])
    answers = respond(test.pictures, weights, adapt, seed + 2)
    right = float((vote(answers, assigned) == test.labels).mean())
    return Outcome(right, weights, adapt, assigned, float(answers.sum(1).mean()))


def learn(train: Digits, test: Digits, cells: int, epochs: int, seed: int) -> list[Outcome]:
    """The network after learning; and one with the same first weights and learning thresholds."""
    random = np.random.default_rng(seed)
    first = random.uniform(0.0, 1.0, (train.pictures.shape[1], cells))
    first *= TOTAL / first.sum(0)
    order = np.concatenate([random.permutation(len(train.labels)) for _ in range(epochs)])
    shown = train.pictures[order]
    outcomes = []
    for plastic in (True, False):
        learning = network(shown, first, seed, plastic=plastic, held=None)
        one = Simulation(learning, seed=seed, threads=1)
        one.run(len(shown) * (SHOWN + REST))
        weights = np.asarray(one.weights("digits->cells"), np.float64).reshape(first.shape)
        outcomes.append(evaluate(weights, one.get("cells.b"), train, test, seed))
    return outcomes


def main(
    quick: Quick = False, seed: Seed = 0, out: Out = None, as_json: Json = False,
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder of MNIST's idx files.")
    ] = None,
    cells: Annotated[int, typer.Option("--cells", min=10, help="Excitatory cells.")] = 100,
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="Times each digit is shown.")] = 1,
) -> None:  # fmt: skip
    """Does a network without labels learn to tell digits apart?"""
    out, console, start = out or Path("runs/diehl_cook"), Console(), time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    seeds = [10 * seed + k for k in range(1 if quick else 3)]
    learned: list[Outcome] = []
    random: list[Outcome] = []
    shown = test = 0
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("networks", total=len(seeds))
        for one in seeds:
            training, testing = (
                small_digits(one) if data is None
                else mnist(data, one, 1000 if quick else 20_000, 500 if quick else 10_000)
            )  # fmt: skip
            shown, test = epochs * len(training.labels), len(testing.labels)
            after, before = learn(training, testing, cells, epochs, one)
            learned.append(after)
            random.append(before)
            progress.advance(task)
    accuracy = [o.accuracy for o in learned]
    value, baseline = float(np.mean(accuracy)), float(np.mean([o.accuracy for o in random]))
    results = {
        "value": value,
        "reference": REPORTED.get(cells),
        "source": f"{PAPER}, MNIST: 82.9 % with 100 excitatory cells, 87.0 % with 400, 91.9 % with "
        "1,600, 95.0 % with 6,400; ours on " + ("8x8 digits" if data is None else "MNIST"),
        "paper": PAPER,
        "baseline": baseline,
        "effect": value - baseline,
        "chance": 0.1,
        "cells": cells,
        "shown": shown,
        "test": test,
        "spikes_per_digit": float(np.mean([o.spikes for o in learned])),
        "silent_cells": float(np.mean([(o.assigned < 0).sum() for o in learned])),
        "fewest_spikes_learning": float(min(o.rises.min() for o in learned)),
        "classes_named": float(np.mean([len(set(o.assigned) - {-1}) for o in learned])),
        "by_seed": {"learned": accuracy, "fixed_weights": [o.accuracy for o in random]},
        "seeds": seeds,
        "seconds": round(time.perf_counter() - start, 1),
        "seed": seed,
        "figure": str(out / "diehl_cook.png"),
    }
    draw(learned[0], random[0], out / "diehl_cook.png")
    finish(results, out, as_json=as_json)


def draw(learned: Outcome, random: Outcome, to: Path) -> None:
    """Weights of 64 cells after learning, in the order of the digits they stand for."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    side = int(np.sqrt(len(learned.weights)))
    shown = np.argsort(learned.assigned, kind="stable")
    shown = shown[np.linspace(0, len(shown) - 1, min(64, len(shown))).astype(int)]
    figure, axes = plt.subplots(8, 8, figsize=(7, 8.2), layout="constrained")
    for axis in axes.ravel():
        axis.axis("off")
    for axis, cell in zip(axes.ravel(), shown, strict=False):
        axis.imshow(learned.weights[:, cell].reshape(side, side), cmap="magma")
        axis.set_title(str(learned.assigned[cell]), fontsize=9)
    figure.suptitle(
        f"weights learned without labels, and the digit each cell stands for\n"
        f"test accuracy {learned.accuracy:.1%}; random weights {random.accuracy:.1%}"
    )
    figure.savefig(to, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    typer.run(main)
