"""Couplings that switch with a hidden state, from little data: which prior finds them?

    neuro run hmm_glm                  or      python models/hmm_glm/run.py

Counts of 10 neurons whose 3 sets of couplings alternate -> one sequence of 1000 bins to learn from,
six to test -> fits with no prior, a Gaussian and a one-hot one -> states, weights and likelihood.
"""

import time
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import typer
from numpy.typing import NDArray

from neuro.analysis import HMMGLM, SwitchingGLM
from neuro.plot import style
from neuro.recipe import Json, Out, Quick, Seed, finish

SOURCE = (
    "Li, Kim, Rodgers, Choi & Wu, ICLR 2024, arXiv 2310.15263; the task is a small version of its "
    "simulation, and the reference is the aim that was set for it: correlation of one-hot weights "
    "minus that without a prior"
)
AIM = 0.08

NEURONS, STATES, LAGS, BINS, TESTS = 10, 3, 5, 1000, 6
SPARSE, EXCITATORY = 0.2, 0.5  # share of pairs with a synapse, of these excitatory
STRONGEST, BIAS, STAY = 3.0, 0.05, 0.98
PRIORS = ("none", "gauss", "onehot")
MEASURES = ("accuracy", "weights", "likelihood")
Array = NDArray[np.float64]


def truth(random: np.random.Generator) -> SwitchingGLM:
    """A network whose pairs have types drawn anew in each state from a law of their own."""
    law = 2 * np.array([SPARSE * (1 - EXCITATORY), 1 - SPARSE, SPARSE * EXCITATORY])
    chance = np.cumsum(random.dirichlet(law, (NEURONS, NEURONS)), axis=-1)[..., :-1]
    drawn = random.random((STATES, NEURONS, NEURONS, 1)) >= chance
    weights = (drawn.sum(axis=-1) - 1) * random.uniform(0, STRONGEST, drawn.shape[:3])
    weights[:, np.arange(NEURONS), np.arange(NEURONS)] = 0
    transition = np.full((STATES, STATES), (1 - STAY) / (STATES - 1))
    np.fill_diagonal(transition, STAY)
    bias = random.uniform(-BIAS, BIAS, NEURONS)
    return SwitchingGLM(weights, bias, np.full(STATES, 1 / STATES), transition, LAGS)


def measured(
    model: SwitchingGLM, true: SwitchingGLM, spikes: NDArray[np.int64], states: NDArray[np.int64]
) -> dict[str, float]:
    """Share of bins in the right state, correlation of weights, log likelihood per bin and neuron.

    States are named by the permutation that gives the most right bins.
    """
    path = model.viterbi(spikes)
    names = max(permutations(range(STATES)), key=lambda p: (np.array(p)[path] == states).mean())
    weights = np.empty_like(model.weights)
    weights[list(names)] = model.weights
    pairs = ~np.eye(NEURONS, dtype=bool)
    return {
        "accuracy": float((np.array(names)[path] == states).mean()),
        "weights": float(
            np.corrcoef(weights[:, pairs].ravel(), true.weights[:, pairs].ravel())[0, 1]
        ),
        "likelihood": float(model.log_likelihood(spikes).mean() / (BINS * NEURONS)),
    }


def experiment(seed: int, quick: bool) -> tuple[dict[str, dict[str, float]], dict[str, Array]]:
    """Measures and weights of each prior's fit, and of the true network."""
    true = truth(np.random.default_rng([seed, 16]))
    spikes, states = true.sample(BINS, 1 + TESTS, seed=seed)
    scores = {"true": measured(true, true, spikes[1:], states[1:])}
    weights = {"true": true.weights}
    rounds, restarts = (10, 1) if quick else (25, 2)
    for prior in PRIORS:
        # a one-hot fit begins with a Gaussian one; the others may start twice as often in its time
        starts = restarts if prior == "onehot" else 2 * restarts
        fit = HMMGLM(STATES, LAGS, prior, rounds=rounds, restarts=starts)
        model = fit.fit(spikes[:1], seed)
        scores[prior] = measured(model, true, spikes[1:], states[1:])
        weights[prior] = model.weights
    return scores, weights


def main(quick: Quick = False, seed: Seed = 0, out: Out = None, as_json: Json = False) -> None:
    """Does a one-hot prior find switching couplings from little data better than none?"""
    out, start = out or Path("runs/hmm_glm"), time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    seeds = [3 * seed + k for k in range(1 if quick else 3)]
    runs = [experiment(one, quick) for one in seeds]
    table = {
        f"{name}_{measure}": [scores[name][measure] for scores, _ in runs]
        for name in ("true", *PRIORS)
        for measure in MEASURES
    }
    mean = {name: float(np.mean(values)) for name, values in table.items()}
    gain = np.subtract(table["onehot_weights"], table["none_weights"])
    results: dict[str, Any] = {
        "value": float(gain.mean()),
        "stderr": None if quick else float(gain.std(ddof=1) / np.sqrt(len(gain))),
        "reference": AIM,
        "source": SOURCE,
        "gate_gain": bool(gain.mean() >= AIM),
        **mean,
        "by_seed": {"seeds": seeds, **table},
        "seconds": round(time.perf_counter() - start, 1),
        "seed": seed,
        "figure": str(out / "hmm_glm.png"),
    }
    draw(runs[0][1], mean, out / "hmm_glm.png")
    finish(results, out, as_json=as_json)


def draw(weights: dict[str, Array], mean: dict[str, float], path: Path) -> None:
    """Measures of each prior, and all weights against the true ones' spread."""
    figure = style.new_figure(style.WIDTH, 2.7)
    spread, bars = figure.subplots(1, 2)
    for name, look in zip(weights, style.SERIES, strict=False):
        values = np.sort(np.abs(weights[name]).ravel())[::-1]
        spread.plot(values, look.line, color=look.color, lw=1, label=name)
    spread.set_xlabel("weights of all states, by size", fontsize=style.LABEL)
    spread.legend(fontsize=style.NOTE, frameon=False)
    style.finish(spread, title="Sizes of weights, first seed", y="absolute weight")
    place = np.arange(len(PRIORS))
    for k, (measure, look) in enumerate(zip(MEASURES[:2], style.SERIES, strict=False)):
        height = [mean[f"{prior}_{measure}"] for prior in PRIORS]
        label = ("bins in the right state", "correlation of weights")[k]
        bars.bar(
            place + 0.4 * k - 0.2, height, 0.38, color=look.color, hatch=look.hatch, label=label
        )
    bars.set_xticks(place, list(PRIORS))
    bars.set_ylim(0, 1.4)
    bars.legend(fontsize=style.NOTE, frameon=False, loc="upper left")
    style.finish(bars, title="Test sequences", y="share, correlation")
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    typer.run(main)
