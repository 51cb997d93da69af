"""Vogels and Abbott's network with conductances: 4,000 neurons that keep themselves going.

    neuro run coba                   or      python models/coba/run.py

Several networks, each started from scattered potentials and conductances and left alone ->
mean rate against that of Brian, irregularity, correlations, and whether activity lasts.
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

PAPER = "Vogels & Abbott 2005; Brette et al. 2007, benchmark 1"
REFERENCE = 19.98  # Hz
SOURCE = (
    "Brian 2.9 with the same equations, probability and start: 13 of 17 networks kept going, at "
    "19.98 +- 0.83 Hz from 0.2 s to 2.2 s"
)
SETTLE = 0.2  # seconds left out of irregularity and correlations
END = 0.1  # seconds at the end in which a network that goes on has to fire
PAIRS = 400  # units of which correlations are taken


def simulate(seed: int, seconds: float) -> dict[str, Events]:
    """Spikes of one network from its start."""
    network = vogels_abbott("coba", seed=seed)
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
    else:
        units = {name: events.size for name, events in spikes.items()}
        total = sum(found[f"rate_{name}"] * size for name, size in units.items())
        found["rate_all"] = total / sum(units.values())
    return found


def _cut(events: Events, start: float, stop: float) -> Events:
    return events.slice(*(int(events.clock.ticks(t)) for t in (start, stop)))


def main(quick: Quick = False, seed: Seed = 0, out: Out = None, as_json: Json = False) -> None:
    """Simulate the balanced network with conductances and compare its rate with that of Brian."""
    out = out or Path("runs/coba")
    out.mkdir(parents=True, exist_ok=True)
    seeds = [10 * seed + k for k in range(5 if quick else 10)]
    seconds = 1.5 if quick else 5.0
    found: list[dict[str, float]] = []
    drawn: dict[str, Events] = {}
    which = seeds[0]
    for one in track(seeds, "networks", console=Console(stderr=True), transient=True):
        spikes = simulate(one, seconds)
        found.append(measure(spikes, one))
        if not drawn or "rate_all" in found[-1]:
            drawn, which = spikes, one
    lasting = [f for f in found if "rate_all" in f]
    if len(lasting) < 2:
        raise typer.BadParameter(f"{len(lasting)} of {len(found)} networks keep going; try another")
    rates = [f["rate"] for f in found]
    results: dict[str, Any] = {
        "value": float(np.mean([f["rate_all"] for f in lasting])),
        "reference": REFERENCE, "source": SOURCE,
        "compares": "mean rate of all neurons from 0.2 s on in networks that last, Hz",
        "standard_deviation": float(np.std([f["rate_all"] for f in lasting], ddof=1)),
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
    shown = {name: _cut(events, 0.0, 1.0) for name, events in drawn.items()}
    figure = network_summary(shown, title=f"Vogels and Abbott, conductances (seed {which})")
    figure.savefig(out / "coba.png")
    finish(results, out, as_json=as_json)


if __name__ == "__main__":
    typer.run(main)
