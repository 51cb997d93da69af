"""Gain control: interneurons whiten a population by their gains alone, context after context.

    neuro run whitening_gain            or      python models/whitening_gain/run.py

Inputs of one covariance, then of another -> gains learned from one sample at a time, W fixed ->
how far the responses are from white, and the gains from their closed form.
"""

import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray

from neuro.plot import style
from neuro.recipe import Json, Out, Quick, Seed, finish
from neuro.rules import whitening

SOURCE = (
    "Duong, Lipshutz, Heeger, Chklovskii & Simoncelli 2023, arXiv 2301.11955: responses are white "
    "(error 0) at the fixed point of the gains"
)
Floats = NDArray[np.float64]
ETA, SAMPLES = 2e-3, 10_000  # of the authors' demonstration with two neurons
MANY, ETA_MANY = 6, 1e-3  # and of theirs with six neurons and 21 interneurons
START = 1.0  # all gains before the first context
LAST = 2_000  # samples over which the gains are averaged for `gains_off`
LEAST_FALL = 10.0  # gate: the error of context A falls at least by this factor


def rotated(degrees: float, *variances: float) -> Floats:
    """Covariance [2, 2] with these variances along axes turned by an angle."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    turn = np.array([[c, -s], [s, c]])
    return turn @ np.diag(variances) @ turn.T


CONTEXTS = {"A": rotated(55, 20, 5), "B": np.diag([12.0, 8.0])}  # of the authors' demonstration
NARROW = rotated(30, 4, 0.25)  # one variance is below 1: gains that cannot be negative


class Course(NamedTuple):
    """Gains [samples + 1, K] in one context, and the error of the population along them."""

    gains: Floats
    error: Floats  # at every STRIDE-th sample
    optimal: Floats  # [K]


STRIDE = 50


def context(
    random: np.random.Generator, covariance: Floats, w: Floats, gains: Floats, eta: float,
    samples: int, floor: float | None = None,
) -> Course:  # fmt: skip
    """Gains learned online from `samples` normal inputs of that covariance."""
    s = random.multivariate_normal(np.zeros(len(covariance)), covariance, samples)
    path = whitening.adapt(s, w, gains, eta=eta, floor=floor)
    error = [
        whitening.whitening_error(covariance, whitening.response_matrix(w, g))
        for g in path[::STRIDE]
    ]
    return Course(path, np.array(error), whitening.optimal_gains(covariance, w))


def even_frame(random: np.random.Generator) -> Floats:
    """Three unit columns [2, 3] at 60 degrees from one another, turned at random."""
    angle = random.uniform(0, np.pi) + np.pi / 3 * np.arange(3)
    return np.array([np.cos(angle), np.sin(angle)])


def random_covariance(random: np.random.Generator, n: int) -> Floats:
    """Variances between 1 and 5 along random axes."""
    axes, _ = np.linalg.qr(random.normal(size=(n, n)))
    return (axes * random.uniform(1, 5, n)) @ axes.T


def main(quick: Quick = False, seed: Seed = 0, out: Out = None, as_json: Json = False) -> None:
    """Do gains alone, learned by a local rule, make the responses to any input white?"""
    out, start = out or Path("runs/whitening_gain"), time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    seeds = [5 * seed + k for k in range(2 if quick else 5)]

    two: list[dict[str, Course]] = []
    drawn: list[Course] = []
    six: list[list[Course]] = []
    kept: dict[str, list[Course]] = {"any": [], "floor": []}
    for one in seeds:
        random = np.random.default_rng([one, 0])
        # 1. Two neurons and three interneurons, context A, then B.
        w = even_frame(random)
        a = context(random, CONTEXTS["A"], w, np.full(3, START), ETA, SAMPLES)
        two.append({"A": a, "B": context(random, CONTEXTS["B"], w, a.gains[-1], ETA, SAMPLES)})
        uneven = whitening.frame(2, 3, seed=one)  # columns may lie close to one another
        drawn.append(context(random, CONTEXTS["A"], uneven, np.full(3, START), ETA, SAMPLES))
        # 2. A variance below 1, with gains of either sign and without negative ones.
        for name, floor in (("any", None), ("floor", 0.0)):
            found = context(random, NARROW, w, np.full(3, START), ETA, SAMPLES, floor)
            kept[name].append(found)
        # 3. Six neurons and 21 interneurons: a context, another one, and the first again.
        w = whitening.frame(MANY, MANY * (MANY + 1) // 2, seed=one)
        first, second = (random_covariance(random, MANY) for _ in range(2))
        gains, courses = np.zeros(w.shape[1]), []
        for covariance in (first, second, first):
            courses.append(context(random, covariance, w, gains, ETA_MANY, SAMPLES))
            gains = courses[-1].gains[-1]
        six.append(courses)

    def began(courses: list[Course]) -> list[float]:
        return [float(c.error[0]) for c in courses]

    def ended(courses: list[Course]) -> list[float]:
        return [float(c.error[-1]) for c in courses]

    def off(courses: list[Course]) -> list[float]:
        return [float(np.abs(c.gains[-LAST:].mean(0) - c.optimal).max()) for c in courses]

    a, b = ([of[name] for of in two] for name in ("A", "B"))
    error, before = np.array(ended(a)), np.array(began(a))
    results = {
        "value": float(error.mean()),
        "stderr": float(error.std(ddof=1) / np.sqrt(len(seeds))),
        "reference": 0.0,
        "source": SOURCE,
        "baseline": float(before.mean()),  # the gains it starts with
        "effect": float((before - error).mean()),
        "gate_error": bool(before.mean() / error.mean() >= LEAST_FALL),
        "gate_gains": max(off(a) + off(b)) <= 0.1,
        "error_of_input": {k: whitening.whitening_error(c) for k, c in CONTEXTS.items()},
        "error_b_before": float(np.mean(began(b))),
        "error_b": float(np.mean(ended(b))),
        "gains_off_a": float(np.mean(off(a))),
        "gains_off_b": float(np.mean(off(b))),
        "gains_off_largest": max(off(a) + off(b)),
        "random_frame_error": float(np.mean(ended(drawn))),
        "random_frame_largest": max(ended(drawn)),
        "random_frame_gains_off": float(np.mean(off(drawn))),
        "narrow_error_input": whitening.whitening_error(NARROW),
        "narrow_error": float(np.mean(ended(kept["any"]))),
        "narrow_error_floor": float(np.mean(ended(kept["floor"]))),
        "six_error_before": np.mean([began(c) for c in six], axis=0).tolist(),
        "six_error": np.mean([ended(c) for c in six], axis=0).tolist(),
        "by_seed": {
            "seeds": seeds, "a": ended(a), "b": ended(b), "a_before": began(a),
            "b_before": began(b), "gains_off_a": off(a), "gains_off_b": off(b),
            "random_frame": ended(drawn),
        },
        "seconds": round(time.perf_counter() - start, 1),
        "seed": seed,
        "figure": str(out / "whitening_gain.png"),
    }  # fmt: skip
    draw(two, six, out / "whitening_gain.png")
    finish(results, out, as_json=as_json)


def draw(two: list[dict[str, Course]], six: list[list[Course]], path: Path) -> None:
    """Errors over samples in both networks, one line a seed, and the gains of the first seed."""
    figure = style.new_figure(style.WIDTH, 2.7)
    gains, small, large = figure.subplots(1, 3)
    for k, look in enumerate(style.SERIES[:3]):
        line = np.concatenate([c.gains[:-1:STRIDE, k] for c in two[0].values()])
        gains.plot(STRIDE * np.arange(len(line)) / 1000, line, color=look.color, lw=0.8)
        for i, c in enumerate(two[0].values()):
            span = np.array([i, i + 1]) * SAMPLES / 1000
            gains.plot(span, [c.optimal[k]] * 2, "--", color=style.INK, lw=0.8,
                       label=None if k or i else "closed form")  # fmt: skip
    gains.legend(fontsize=style.NOTE, frameon=False, loc="upper right")
    for ax, runs in ((small, [list(of.values()) for of in two]), (large, six)):
        for look, courses in zip(style.SERIES, runs, strict=False):
            line = np.concatenate([c.error[:-1] for c in courses])
            ax.semilogy(STRIDE * np.arange(len(line)) / 1000, line, color=look.color, lw=0.8)
        for i in range(1, len(runs[0])):
            ax.axvline(i * SAMPLES / 1000, color=style.GREY, lw=0.8, ls=":")
    for ax in (gains, small, large):
        ax.set_xlabel("samples (thousands)", fontsize=style.LABEL)
    style.finish(gains, title="Gains, one seed", y="gain")
    style.finish(small, title="2 + 3 neurons", y="error, largest eigenvalue")
    style.finish(large, title="6 + 21 neurons", y="error, largest eigenvalue")
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    typer.run(main)
