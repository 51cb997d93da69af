"""The ELM neuron learns what a simulated cortical neuron does: does memory pay?

    neuro run elm            or      python models/elm/run.py

A synthetic neuron (dendrites, NMDA-like plateaus, spikes) answers Poisson input -> branch-ELM
students with few and many memory units, with long and short time constants, learn its spikes and
its voltage -> explained variance on trials never seen -> figure. With --adding, ELM and LSTM of
equal size are compared on short and long sequences as well.
"""

import runpy
import time
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from sklearn.metrics import roc_auc_score
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss

from neuro import Clock, ms
from neuro.nn import ELM
from neuro.plot import style
from neuro.recipe import Json, Out, Quick, Seed, finish

PAPER = "Spieler, Rahaman, Martius, Schoelkopf & Levina, ICLR 2024, arXiv 2306.16922"
STEP = Clock(1 * ms)
STEPS, WINDOW, BURN_IN = 300, 150, 30  # of a trial; of a window; of a window not scored
TRAIN, TEST = 500, 150  # trials
BRANCHES, SYNAPSES = 8, 8  # excitatory; as many inhibitory
LEAST_MEMORY, LEAST_TAU = 0.05, 0.03  # gates: gain of explained variance


class Trials(NamedTuple):
    """What the teacher heard and did."""

    x: Tensor  # input spikes, inhibitory ones -1, [T, N, 128]
    spikes: Tensor  # [T, N]
    voltage: Tensor  # of the soma, in standard deviations of the training trials, [T, N]


class Student(NamedTuple):
    """A kind of student: memory units, and their longest time constant in seconds.

    `starts` is how often it is trained from other initial weights, to keep the one that explains
    the training trials best: with four hidden units, training depends on where it starts.
    """

    name: str
    memory: int
    tau_max: float
    starts: int = 1


FEW = Student("2 units", 2, 150 * ms, starts=3)
SOME = Student("10 units", 10, 150 * ms)
MANY = Student("20 units", 20, 150 * ms)
SHORT = Student("20 units, at most 3 ms", 20, 3 * ms)


def teacher(trials: int, random: np.random.Generator) -> tuple[NDArray[Any], ...]:
    """A cortical-like neuron in steps of 1 ms: signed input [T, N, 128], spikes, voltage [T, N].

    A branch adds fast excitation (3 ms), an NMDA-like component (40 ms) that opens with the
    branch's own voltage, and inhibition (8 ms). The soma (15 ms) adds up the branches, fires at 1,
    is reset to -0.2 and hyperpolarised (60 ms) after a spike. About 4 spikes a trial.
    """
    excite, inhibit = random.gamma(2, 0.5, (2, BRANCHES, SYNAPSES))

    def poisson() -> NDArray[Any]:
        blocks = np.exp(random.normal(-0.5, 1, (STEPS // 30, trials, BRANCHES, 1)))  # mean 1
        rate = 5e-3 * np.repeat(blocks, 30, axis=0)  # 5 Hz, fluctuating from block to block
        return random.random((STEPS, trials, BRANCHES, SYNAPSES)) < rate

    excitation, inhibition = poisson(), poisson()
    fast = slow = damp = branch = np.zeros((trials, BRANCHES))
    soma = after = np.zeros(trials)
    voltage, spikes = [], []
    for plus, minus in zip(
        (excitation * excite).sum(3), (inhibition * inhibit).sum(3), strict=True
    ):
        fast, slow = fast * np.exp(-1 / 3) + plus, slow * np.exp(-1 / 40) + plus
        damp = damp * np.exp(-1 / 8) + minus
        gate = 1 / (1 + np.exp(-4 * (branch - 1)))
        drive = np.clip(fast + 0.5 * slow * gate - 0.5 * damp, -4, 4)
        branch = branch + 0.15 * (drive - branch)
        after = after * np.exp(-1 / 60)
        soma = soma + (0.7 * np.maximum(branch.sum(1), 0) - after - soma) / 15
        fired = soma > 1
        voltage.append(soma)
        spikes.append(fired)
        soma, after = np.where(fired, -0.2, soma), after + 1.5 * fired
    signed = [excitation.reshape(STEPS, trials, -1), -1.0 * inhibition.reshape(STEPS, trials, -1)]
    return np.concatenate(signed, axis=2), np.stack(spikes), np.stack(voltage)


def trials(seed: int) -> tuple[Trials, Trials]:
    """Training and test trials of one teacher."""
    made = teacher(TRAIN + TEST, np.random.default_rng(seed))
    x, spikes, voltage = (torch.from_numpy(a).float() for a in made)
    voltage = (voltage - voltage[:, :TRAIN].mean()) / voltage[:, :TRAIN].std()
    both = Trials(x, spikes, voltage)
    return Trials(*(a[:, :TRAIN] for a in both)), Trials(*(a[:, TRAIN:] for a in both))


def fit(student: Student, data: Trials, seed: int, updates: int, progress: Progress) -> ELM:
    """A student trained on random windows: half cross-entropy of spikes, half voltage error."""
    elm = ELM(
        data.x.shape[2], 2, branches=2 * BRANCHES, memory=student.memory,
        tau_max=student.tau_max, clock=STEP, seed=seed,
    )  # fmt: skip
    optimizer = torch.optim.Adam(elm.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, updates)
    random = torch.Generator().manual_seed(seed)
    for _ in progress.track(range(updates), description=f"seed {seed}, {student.name}"):
        picked = torch.randperm(data.x.shape[1], generator=random)[:16]
        start = int(torch.randint(STEPS - WINDOW + 1, (1,), generator=random))
        x, spikes, voltage = (a[start : start + WINDOW, picked] for a in data)
        y = elm(x)[0][BURN_IN:]
        loss = 0.5 * binary_cross_entropy_with_logits(y[..., 0], spikes[BURN_IN:])
        loss = loss + 0.5 * mse_loss(y[..., 1], voltage[BURN_IN:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return elm


class Score(NamedTuple):
    """How well a student predicts the test trials, in windows from rest like in training."""

    explained: float  # share of the voltage's variance
    auc: float  # of the spike probability
    by_trial: NDArray[np.float64]  # explained variance of each trial; its mean is `explained`
    voltage: NDArray[np.float32]  # predicted, [window, N], of the first window


def score(elm: ELM, data: Trials) -> Score:
    """Explained variance of the voltage, and area under the curve of the spikes."""
    split = [torch.stack([a[:WINDOW], a[WINDOW:]], 1).flatten(1, 2) for a in data]
    x, spikes, voltage = split  # [WINDOW, 2 N]
    with torch.no_grad():
        y = elm(x)[0]
    scored, error = voltage[BURN_IN:], (y[..., 1] - voltage)[BURN_IN:].square()
    share = (1 - error.mean(0) / scored.var(correction=0)).unflatten(0, (2, -1)).mean(0)
    auc = roc_auc_score(spikes[BURN_IN:].flatten().numpy(), y[BURN_IN:, :, 0].flatten().numpy())
    by_trial = share.double().numpy()
    return Score(float(by_trial.mean()), float(auc), by_trial, y[:, : len(by_trial), 1].numpy())


def difference(runs: list[dict[Student, Score]], a: Student, b: Student) -> tuple[float, float]:
    """Mean gain of explained variance of `a` over `b`, and its standard error.

    The error is over seeds, or over the test trials where there is one seed only.
    """
    gains = np.array([run[a].explained - run[b].explained for run in runs])
    spread = gains if len(gains) > 1 else runs[0][a].by_trial - runs[0][b].by_trial
    return float(gains.mean()), float(spread.std(ddof=1) / np.sqrt(len(spread)))


def draw(runs: list[dict[Student, Score]], data: Trials, path: Path) -> None:
    """One test trial as the students see it, and the explained variance of each."""
    figure = style.new_figure(style.WIDTH, 2.9)
    trace, bars = figure.subplots(1, 2, width_ratios=[3, 2])
    shown = int(data.spikes[BURN_IN:WINDOW].sum(0).argsort()[TEST * 3 // 4])
    time_ms = np.arange(WINDOW)
    trace.axvspan(0, BURN_IN, color=style.HAIRLINE, lw=0)
    trace.plot(time_ms, data.voltage[:WINDOW, shown], color=style.INK, lw=1.6, label="teacher")
    for look, student in zip(style.SERIES, (MANY, FEW), strict=False):
        predicted = runs[0][student].voltage[:, shown]
        trace.plot(time_ms, predicted, look.line, color=look.color, lw=1.2, label=student.name)  # type: ignore[arg-type]
    style.finish(
        trace, title="Voltage of the soma", x="time (ms); grey: not scored", y="voltage (s.d.)"
    )
    trace.legend(fontsize=style.NOTE, frameon=False)
    for i, student in enumerate(runs[0]):
        values = [run[student].explained for run in runs]
        bars.barh(i, np.mean(values), color=style.FAINT)
        bars.plot(values, [i] * len(values), "o", color=style.INK, ms=3.5)
    bars.set_yticks(range(len(runs[0])), [s.name.replace(", ", ",\n") for s in runs[0]])
    bars.invert_yaxis()
    style.finish(bars, title="Test trials, one dot a seed", x="explained variance of the voltage")
    figure.savefig(path, dpi=150)


def main(
    quick: Quick = False,
    seed: Seed = 0,
    out: Out = None,
    as_json: Json = False,
    adding: Annotated[
        bool, typer.Option("--adding", help="Also compare with an LSTM on sums of two patterns.")
    ] = False,
) -> None:
    """Let ELM neurons with little and much memory learn a simulated cortical neuron."""
    torch.set_num_threads(1)  # small matrices, and one result on every machine
    out, console, start = out or Path("runs/elm"), Console(), time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    students = (FEW, MANY, SHORT) if quick else (FEW, SOME, MANY, SHORT)
    updates = 300 if quick else 900
    seeds = [3 * seed + k for k in range(1 if quick else 3)]

    runs: list[dict[Student, Score]] = []
    rows: list[dict[str, Any]] = []
    firing: list[float] = []
    first_test: Trials | None = None
    with Progress(console=console, transient=True) as progress:
        for one in seeds:
            train, test = trials(one)
            first_test = first_test or test
            firing.append(float(train.spikes.sum(0).mean()))
            runs.append({})
            for student in students:
                starts = range(1 if quick else student.starts)
                fits = [fit(student, train, one + 1000 * k, updates, progress) for k in starts]
                elm = max(fits, key=lambda elm: score(elm, train).explained)
                runs[-1][student] = got = score(elm, test)
                rows.append({
                    "seed": one, "memory": student.memory, "tau_max": student.tau_max,
                    "parameters": sum(p.numel() for p in elm.parameters()),
                    "explained_variance": got.explained, "auc": got.auc,
                })  # fmt: skip
                progress.print(
                    f"  seed {one}, {student.name}: explained variance {got.explained:.3f}, "
                    f"AUC {got.auc:.3f}"
                )
        compared = _adding(seeds, quick, progress) if adding else {}
    assert first_test is not None
    draw(runs, first_test, out / "elm.png")

    effect, stderr = difference(runs, MANY, FEW)
    effect_tau, stderr_tau = difference(runs, MANY, SHORT)

    def mean(student: Student, field: str) -> float:
        return float(np.mean([getattr(run[student], field) for run in runs]))

    results = {
        "value": mean(MANY, "explained"),
        "baseline": mean(FEW, "explained"),
        "effect": effect,
        "stderr": stderr,
        "stderr_over": "seeds" if len(seeds) > 1 else "test trials of one seed",
        "paper": PAPER,
        "gate_memory": effect >= LEAST_MEMORY,
        "short_tau": mean(SHORT, "explained"),
        "effect_tau_max": effect_tau,
        "stderr_tau_max": stderr_tau,
        "gate_tau_max": effect_tau >= LEAST_TAU,
        "auc": mean(MANY, "auc"),
        "auc_baseline": mean(FEW, "auc"),
        "auc_short_tau": mean(SHORT, "auc"),
        "teacher_spikes_per_trial": float(np.mean(firing)),
        "runs": rows,
        **compared,
        "seconds": round(time.perf_counter() - start, 1),
        "seed": seed,
        "figure": str(out / "elm.png"),
    }
    finish(results, out, as_json=as_json)


def _adding(seeds: list[int], quick: bool, progress: Progress) -> dict[str, Any]:
    """The comparison with an LSTM, which has its own file."""
    return runpy.run_path(str(Path(__file__).with_name("adding.py")))["compare"](
        seeds, 60 if quick else 400, progress
    )


if __name__ == "__main__":
    typer.run(main)
