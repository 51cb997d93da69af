"""A square millimetre of cortex: eight populations in four layers, rates, irregularity, synchrony.

    neuro run microcircuit           or      python models/microcircuit/run.py

Builds the microcircuit at a scale, runs it, and compares the mean rate of each population with the
published one.
"""

import resource
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from neuro.build import microcircuit
from neuro.build.microcircuit import POPULATIONS, RATES, potjans_diesmann
from neuro.metrics import count_correlations, cv
from neuro.plot import network_summary
from neuro.recipe import Json, Out, Quick, Seed, finish
from neuro.sim import Simulation

PAPER = "Potjans & Diesmann 2014"
SOURCE = "mean rates of the full model as NEST's example of it states them (Hz)"
SETTLE = 0.5  # seconds that are not counted
MANY = 1000  # units of which correlations are taken


def main(
    quick: Quick = False, seed: Seed = 0, out: Out = None, json: Json = False,
    scale: Annotated[float, typer.Option("--scale", help="Share of neurons and inputs.")] = 0.2,
    seconds: Annotated[float, typer.Option("--seconds", help="Biological time.")] = 10.0,
    threads: Annotated[int, typer.Option("--threads", help="Processors; 0: all.")] = 0,
) -> None:  # fmt: skip
    """Simulate the cortical microcircuit and compare its rates with the published table."""
    if quick:
        scale, seconds = min(scale, 0.1), min(seconds, 2.0)
    folder = out or Path("runs/microcircuit")
    folder.mkdir(parents=True, exist_ok=True)
    network = potjans_diesmann(scale, seed=seed)
    began = time.perf_counter()
    simulation = Simulation(network, seed=seed, threads=threads or None, progress=not json)
    built = time.perf_counter() - began
    for name, v in microcircuit.start(network, seed).items():
        simulation.set(f"{name}.v", v)
    simulation.run(SETTLE)
    began = time.perf_counter()
    record = simulation.run(seconds)
    ran = time.perf_counter() - began

    spikes = {
        shown: record.events(f"{name}.spikes")[0]
        for shown, name in zip(POPULATIONS, network.outputs, strict=True)
    }
    rates = [len(e) / e.size / seconds for e in spikes.values()]
    off = [r / published - 1 for r, published in zip(rates, RATES, strict=True)]
    results: dict[str, Any] = {
        "value": max(abs(x) for x in off),
        "reference": 0.0,
        "source": f"{PAPER}; {SOURCE}",
        "compares": "largest relative deviation of a population's mean rate from the published one",
    }
    for shown, rate, published, events in zip(
        POPULATIONS, rates, RATES, spikes.values(), strict=True
    ):
        results[f"rate {shown}"] = rate
        results[f"published {shown}"] = published
        irregular = cv(events)
        results[f"cv {shown}"] = float(np.nanmean(irregular))
        chosen = count_correlations(events, units=min(MANY, events.size), seed=seed)
        results[f"correlation {shown}"] = float(np.mean(chosen.pairs))
    results |= {
        "scale": scale, "seconds": seconds, "threads": simulation.threads,
        "neurons": sum(e.size for e in spikes.values()), "synapses": simulation.synapses,
        "build_s": built, "run_s_per_s": ran / seconds,
        "synapse_bytes": simulation.nbytes / simulation.synapses,
        "peak_mb": _peak(), "seed": seed,
    }  # fmt: skip
    figure = network_summary(
        spikes, reference={"rate": dict(zip(POPULATIONS, RATES, strict=True))},
        reference_name="published", title=f"Microcircuit at scale {scale:g}",
    )  # fmt: skip
    figure.savefig(folder / "microcircuit.png")
    finish(results, folder, as_json=json)


def _peak() -> float:
    """Largest memory of this process so far, MB."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (1e6 if sys.platform == "darwin" else 1e3)


if __name__ == "__main__":
    typer.run(main)
