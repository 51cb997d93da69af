"""Song, Miller & Abbott 2000: additive STDP makes a thousand inputs compete for one neuron.

    neuro run song_stdp            or      python models/song_stdp/run.py

1,000 Poisson excitatory inputs of 10 to 40 Hz and 200 inhibitory ones of 10 Hz -> one
conductance-based cell -> its rate, the irregularity of its spikes, and its weights, with
plasticity and without.
"""

import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from neuro import Clock, Network, Synapse, ms
from neuro.neurons import CobaLIF
from neuro.recipe import Json, Out, Quick, Seed, finish
from neuro.rules import PairSTDP
from neuro.sim import Simulation
from neuro.sources import Poisson
from neuro.synapses import AllToAll

PAPER = "Song, Miller & Abbott, Nature Neuroscience 3 (2000) 919-926"
STEP = Clock(0.2 * ms)
EXCITATORY, INHIBITORY = 1000, 200
TOP, INHIBITION = 0.015, 0.05  # conductances, in units of the leak's
GROWTH, BIAS = 0.005, 1.05  # A+, in units of TOP, and A- / A+
RATES = (10.0, 20.0, 30.0, 40.0)
LOW, HIGH = 0.2, 0.8  # a weight below or above these shares of TOP lies near a bound


class Outcome(NamedTuple):
    """One neuron after learning: rate in Hz, CV of its intervals, weights over TOP [1000]."""

    rate: float
    cv: float
    start: float  # rate in the first seconds, before much has changed
    weights: NDArray[np.float64]


def network(rate: float, plastic: bool, seed: int) -> Network:
    """The cell and its inputs; all excitatory weights start at the maximum, as in the paper."""
    cell = CobaLIF(
        1, tau_mem=20 * ms, tau_exc=5 * ms, tau_inh=5 * ms, e_leak=-70e-3, e_exc=0.0,
        e_inh=-70e-3, v_th=-54e-3, v_reset=-60e-3,
    )  # fmt: skip
    rule = PairSTDP(
        a_plus=GROWTH * TOP, a_minus=BIAS * GROWTH * TOP, tau_plus=20 * ms, tau_minus=20 * ms,
        w_min=0.0, w_max=TOP,
    )  # fmt: skip
    return Network(
        {
            "exc": Poisson(EXCITATORY, rate=rate, seed=2 * seed),
            "inh": Poisson(INHIBITORY, rate=10.0, seed=2 * seed + 1),
            "cell": cell,
        },
        (
            Synapse("exc", "cell", AllToAll(weight=TOP), port="excitation",
                    rule=rule if plastic else None),
            Synapse("inh", "cell", AllToAll(weight=INHIBITION), port="inhibition"),
        ),
        outputs=("cell",), clock=STEP,
    )  # fmt: skip


def intervals(ticks: NDArray[np.int64]) -> float:
    """Coefficient of variation of the intervals between spikes; NaN below three spikes."""
    gaps = np.diff(np.sort(ticks))
    return float(gaps.std() / gaps.mean()) if len(gaps) > 1 else float("nan")


def learn(rate: float, plastic: bool, seed: int, settle: float, measure: float) -> Outcome:
    """Let the weights settle for `settle` seconds, then measure for `measure` seconds."""
    simulation = Simulation(network(rate, plastic, seed), seed=seed, threads=1)
    first = simulation.run(5.0).events("cell.spikes")[0]
    if plastic:
        simulation.run(round(settle) - 5.0)
    spikes = simulation.run(measure).events("cell.spikes")[0]
    weights = np.asarray(simulation.weights("exc->cell.excitation"), np.float64) / TOP
    ticks = np.asarray(spikes.t)
    return Outcome(len(ticks) / measure, intervals(ticks), len(first.t) / 5.0, weights)


def bimodality(weights: NDArray[np.float64]) -> float:
    """Share of the weights that lie near either bound."""
    return float(((weights < LOW) | (weights > HIGH)).mean())


def main(quick: Quick = False, seed: Seed = 0, out: Out = None, as_json: Json = False) -> None:
    """Does STDP make weights bimodal and the output rate nearly independent of the input rate?"""
    out, console, start = out or Path("runs/song_stdp"), Console(), time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    rates = (RATES[0], RATES[-1]) if quick else RATES
    seeds = [10 * seed + k for k in range(1 if quick else 3)]
    settle, measure = (6000.0, 30.0) if quick else (20_000.0, 100.0)  # settle: spikes of an input
    plastic: dict[float, list[Outcome]] = {r: [] for r in rates}
    fixed: dict[float, list[Outcome]] = {r: [] for r in rates}
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("neurons", total=2 * len(rates) * len(seeds))
        for one in seeds:
            for rate in rates:
                for name, results in ((True, plastic), (False, fixed)):
                    results[rate].append(learn(rate, name, one, settle / rate, measure))
                    progress.advance(task)

    def mean(of: dict[float, list[Outcome]], field: str) -> dict[str, float]:
        return {f"{r:g}": float(np.mean([getattr(o, field) for o in os])) for r, os in of.items()}

    after, before = mean(plastic, "rate"), mean(fixed, "rate")
    low, high = f"{rates[0]:g}", f"{rates[-1]:g}"
    both = [bimodality(o.weights) for os in plastic.values() for o in os]
    strong = {
        f"{r:g}": float(np.mean([(o.weights > 0.5).mean() for o in os]))
        for r, os in plastic.items()
    }
    value, baseline = after[high] / after[low], before[high] / before[low]
    results = {
        # Output rate at the highest input rate over that at the lowest: 1 is a flat curve.
        "value": value,
        "reference": 1.0,
        "source": f"{PAPER}: the output rate depends only weakly on the input rate; weights pile "
        "up at both bounds; the spikes become irregular",
        "paper": PAPER,
        "baseline": baseline,
        "effect": baseline - value,
        "input_ratio": rates[-1] / rates[0],
        "bimodal_share": float(np.mean(both)),
        "bimodal_share_uniform": LOW + 1 - HIGH,  # what evenly spread weights would give
        "strong_share": strong,
        "rate": after,
        "rate_fixed": before,
        "rate_start": mean(plastic, "start"),
        "cv": mean(plastic, "cv"),
        "cv_fixed": mean(fixed, "cv"),
        "by_seed": {f"{r:g}": [o.rate for o in os] for r, os in plastic.items()},
        "seeds": seeds,
        "seconds": round(time.perf_counter() - start, 1),
        "seed": seed,
        "figure": str(out / "song_stdp.png"),
    }
    draw(plastic, fixed, out / "song_stdp.png")
    finish(results, out, as_json=as_json)


def draw(plastic: dict[float, list[Outcome]], fixed: dict[float, list[Outcome]], to: Path) -> None:
    """Weights after learning at the lowest and highest rate; output rate and CV by input rate."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (weights, rate, cv) = plt.subplots(1, 3, figsize=(11, 3.4), layout="constrained")
    edges = np.linspace(0, 1, 21)
    for r in (min(plastic), max(plastic)):
        share = np.mean([np.histogram(o.weights, edges)[0] / EXCITATORY for o in plastic[r]], 0)
        weights.stairs(share, edges, label=f"inputs of {r:g} Hz", lw=1.8)
    weights.set(xlabel="weight / maximum", ylabel="share of synapses", title="weights learned")
    weights.legend(frameon=False)
    for of, label, mark in ((plastic, "STDP", "o-"), (fixed, "fixed at the maximum", "s--")):
        rate.plot(
            list(of), [np.mean([o.rate for o in os]) for os in of.values()], mark, label=label
        )
        cv.plot(list(of), [np.mean([o.cv for o in os]) for os in of.values()], mark, label=label)
    rate.set(xlabel="input rate (Hz)", ylabel="output rate (Hz)", yscale="log", title="rate")
    cv.set(xlabel="input rate (Hz)", ylabel="CV of intervals", ylim=(0, 1.2), title="irregularity")
    rate.legend(frameon=False)
    figure.savefig(to, dpi=130)
    plt.close(figure)


if __name__ == "__main__":
    typer.run(main)
