"""Brunel's sparse network in its four regimes, against the mean-field theory of its rates.

    neuro run brunel                 or      python models/brunel/run.py

12,500 LIF neurons, 1,250 synapses each, four pairs of inhibition g and drive eta -> rates against
the stationary solution of the mean field, irregularity, synchrony, and a picture of all four.
"""

import runpy
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import typer
from rich.console import Console
from rich.progress import track

from neuro import Events
from neuro.build import brunel
from neuro.metrics import cv, firing_rates, population_rate
from neuro.plot import style
from neuro.recipe import Json, Out, Quick, Seed, finish
from neuro.sim import Simulation
from neuro.units import ms

PAPER = "Brunel 2000, J. Comput. Neurosci. 8, figure 8"
SOURCE = "mean-field (Siegert) solution of Brunel 2000, section 3, solved by mean_field.py"
SETTLE = 0.3  # seconds that are not counted


class Regime(NamedTuple):
    """A point of figure 8 and its activity."""

    title: str
    g: float
    eta: float


REGIMES = {
    "sr": Regime("Synchronous regular", 3.0, 2.0),
    "si_fast": Regime("Fast, irregular", 6.0, 4.0),
    "ai": Regime("Asynchronous irregular", 5.0, 2.0),
    "si_slow": Regime("Slow, irregular", 4.5, 0.9),
}


def simulate(regime: Regime, seed: int, seconds: float) -> Events:
    """Spikes of the excitatory neurons after `SETTLE`."""
    simulation = Simulation(brunel(regime.g, regime.eta, seed=seed), seed=seed)
    simulation.run(SETTLE)
    return simulation.run(seconds).events("exc.spikes")[0]


def measure(events: Events) -> dict[str, float]:
    """Rate, CV, and how much the rate of the population varies beyond independent neurons.

    `synchrony` is the variance of the spikes of all neurons in 1 ms over their mean, 1 if neurons
    fire independently like Poisson processes.
    """
    width = 1 * ms
    counts = population_rate(events, bin_width=width).rate * events.size * width
    return {
        "rate": float(firing_rates(events).mean()),
        "cv": float(np.nanmean(cv(events, min_intervals=3))),
        "synchrony": float(counts.var() / counts.mean()),
    }


def draw(spikes: dict[str, Events], file: Path) -> None:
    """Spikes of 50 neurons and the rate of all, 200 ms of each regime."""
    figure = style.new_figure(style.WIDTH, 5.6)
    rows = figure.subplots(4, 2, sharex=True, height_ratios=(2, 1, 2, 1))
    for k, (name, events) in enumerate(spikes.items()):
        top, bottom = rows[2 * (k // 2)][k % 2], rows[2 * (k // 2) + 1][k % 2]
        shown = events.slice(events.duration - int(events.clock.ticks(0.2)), events.duration)
        few = shown.unit < 50
        color = style.SERIES[k].color
        top.scatter(1e3 * shown.seconds[few], shown.unit[few], s=3, marker="|", color=color)
        rate = population_rate(shown, bin_width=0.5 * ms)
        bottom.plot(1e3 * rate.time, rate.rate, color=color, linewidth=0.8)
        bottom.set_ylim(0)
        r = REGIMES[name]
        style.finish(top, title=f"{r.title}: g = {r.g:g}, η = {r.eta:g}", y="neuron")
        style.finish(bottom, x="time (ms)" if k > 1 else "", y="rate (Hz)")
    figure.savefig(file)


def main(quick: Quick = False, seed: Seed = 0, out: Out = None, as_json: Json = False) -> None:
    """Does the network fire at the rates the mean field predicts, in all four regimes?"""
    out = out or Path("runs/brunel")
    out.mkdir(parents=True, exist_ok=True)
    theory = runpy.run_path(str(Path(__file__).with_name("mean_field.py")))["solve"]
    seeds = [10 * seed + k for k in range(1 if quick else 3)]
    seconds = 0.5 if quick else 2.0
    found: dict[str, list[dict[str, float]]] = {name: [] for name in REGIMES}
    shown: dict[str, Events] = {}
    runs = [(one, name) for one in seeds for name in REGIMES]
    for one, name in track(runs, "networks", console=Console(stderr=True), transient=True):
        shown[name] = simulate(REGIMES[name], one, seconds)
        found[name].append(measure(shown[name]))
    results: dict[str, Any] = {}
    for name, regime in REGIMES.items():
        predicted = theory(regime.g, regime.eta)
        for key in ("rate", "cv", "synchrony"):
            results[f"{name}_{key}"] = float(np.mean([f[key] for f in found[name]]))
        results[f"{name}_rate_theory"], results[f"{name}_cv_theory"] = predicted.rate, predicted.cv
        results[f"{name}_off"] = results[f"{name}_rate"] / predicted.rate - 1
    results = {
        "value": results["ai_rate"], "reference": results["ai_rate_theory"], "source": SOURCE,
        "compares": "rate of the excitatory neurons in the asynchronous irregular regime, Hz",
        **results, "seconds": seconds, "seeds": seeds,
    }  # fmt: skip
    draw(shown, out / "brunel.png")
    finish(results, out, as_json=as_json)


if __name__ == "__main__":
    typer.run(main)
