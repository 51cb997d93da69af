"""Vogels and Abbott's network with currents: 4,000 neurons that keep themselves going.

    neuro run cuba                   or      python models/cuba/run.py

Several networks, each started from scattered potentials and left alone -> mean rate against the one
that another simulator publishes, irregularity, correlations, and whether activity lasts.
"""

from pathlib import Path
from typing import Any

import numpy as np
import typer
from rich.console import Console
from rich.progress import track

from neuro import Events
from neuro.build import balanced_start, vogels_abbott
from neuro.metrics import count_correlations, cv, firing_rates
from neuro.plot import network_summary
from neuro.recipe import Json, Out, Quick, Seed, finish
from neuro.sim import Simulation

PAPER = "Vogels & Abbott 2005; Brette et al. 2007, benchmark 2"
REFERENCE = 5.61  # Hz, one network, the first second
SOURCE = (
    "ANNarchy 5.0.3, its documentation's notebook COBA.ipynb: 'Mean firing rate in the CUBA "
    "population: 5.61475Hz'"
)
SETTLE = 0.2  # seconds left out of irregularity and correlations
END = 0.1  # seconds at the end in which a network that goes on has to fire
PAIRS = 400  # units of which correlations are taken


def simulate(seed: int, seconds: float) -> dict[str, Events]:
    """Spikes of one network from its start."""
    network = vogels_abbott("cuba", seed=seed)
    simulation = Simulation(network, seed=seed)
    for name, value in balanced_start(network, seed).items():
        simulation.set(name, value)
    record = simulation.run(seconds)
    return {name: record.events(f"{name}.spikes")[0] for name in network.outputs}


def measure(spikes: dict[str, Events], seed: int) -> dict[str, float]:
    """Rate in the first second, when the last spike fell, and statistics after `SETTLE`.

    A network that has fallen silent has no statistics.
    """
    first = [_cut(events, 0.0, 1.0) for events in spikes.values()]
    found = {
        "rate": float(np.mean(np.concatenate([firing_rates(events) for events in first]))),
        "last_spike": max(float(e.seconds[-1]) if len(e) else 0.0 for e in spikes.values()),
    }
    for name, events in spikes.items():
        length = float(events.clock.seconds(events.duration))
        if found["last_spike"] < length - END:
            break
        part = _cut(events, SETTLE, length)
        found[f"rate_{name}"] = float(firing_rates(part).mean())
        found[f"cv_{name}"] = float(np.nanmean(cv(part, min_intervals=3)))
        pairs = count_correlations(part, units=PAIRS, seed=seed).pairs
        found[f"correlation_{name}"] = float(pairs.mean())
    return found


def _cut(events: Events, start: float, stop: float) -> Events:
    return events.slice(*(int(events.clock.ticks(t)) for t in (start, stop)))


def main(quick: Quick = False, seed: Seed = 0, out: Out = None, as_json: Json = False) -> None:
    """Simulate the balanced network with currents and compare its rate with a published one."""
    out = out or Path("runs/cuba")
    out.mkdir(parents=True, exist_ok=True)
    seeds = [10 * seed + k for k in range(3 if quick else 10)]
    seconds = 1.5 if quick else 5.0
    found: list[dict[str, float]] = []
    spikes: dict[str, Events] = {}
    for one in track(seeds, "networks", console=Console(stderr=True), transient=True):
        spikes = simulate(one, seconds)
        found.append(measure(spikes, one))
    lasting = [f for f in found if "cv_exc" in f]
    rates = [f["rate"] for f in found]
    results: dict[str, Any] = {
        "value": float(np.mean(rates)), "reference": REFERENCE, "source": SOURCE,
        "compares": "mean rate of all 4,000 neurons in the first second, Hz",
        "standard_deviation": float(np.std(rates, ddof=1)),
        "lasting": len(lasting) / len(found),
    }  # fmt: skip
    for name in ("rate", "cv", "correlation"):
        for population in ("exc", "inh") if lasting else ():
            key = f"{name}_{population}"
            results[key] = float(np.mean([f[key] for f in lasting]))
    results |= {
        "rates": rates, "last_spikes": [f["last_spike"] for f in found], "seconds": seconds,
        "seeds": seeds,
    }  # fmt: skip
    shown = {name: _cut(events, 0.0, 1.0) for name, events in spikes.items()}
    figure = network_summary(shown, title=f"Vogels and Abbott, currents (seed {seeds[-1]})")
    figure.savefig(out / "cuba.png")
    finish(results, out, as_json=as_json)


if __name__ == "__main__":
    typer.run(main)
