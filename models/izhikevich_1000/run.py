"""Izhikevich's 1,000 cortical cells: random connections and noise make rhythms.

    neuro run izhikevich_1000        or      python models/izhikevich_1000/run.py

800 excitatory cells between regular spiking and chattering, 200 inhibitory between fast and
low-threshold spiking, all connected to all at random -> rate, power spectrum of the excitatory
rate, its peaks in the alpha and gamma bands, and the same without any connection.
"""

from pathlib import Path
from typing import Any

import numpy as np
import typer
from rich.console import Console
from rich.progress import track

from neuro import Clock, Events, Network, Synapse, ms
from neuro.metrics import PowerSpectrum, firing_rates, power_spectrum
from neuro.neurons import Izhikevich
from neuro.plot import population_raster, spectra
from neuro.recipe import Json, Out, Quick, Seed, finish
from neuro.sim import Simulation
from neuro.sources import WhiteNoise
from neuro.synapses import Dense, OneToOne

PAPER = "Izhikevich 2003, Simple model of spiking neurons, figure 3"
SOURCE = (
    f"{PAPER} and its text: rhythms in the alpha and gamma range, 10 Hz and 40 Hz; mean rates "
    "around 8 Hz"
)
ALPHA, GAMMA, RATE = 10.0, 40.0, 8.0  # Hz
BANDS = {"alpha": (5.0, 15.0), "gamma": (20.0, 80.0)}  # Hz, where the peaks are looked for
SIZES = {"exc": 800, "inh": 200}
NOISE = {"exc": 5.0, "inh": 2.0}  # standard deviation of the thalamic input in a tick of 1 ms
SETTLE = 0.5  # seconds that are not counted


def build(seed: int, connected: bool = True) -> Network:
    """The network of the paper's program; a spike arrives in the tick after it."""
    random = np.random.default_rng(seed)
    e, i = random.random(SIZES["exc"]), random.random(SIZES["inh"])
    cells = {
        "exc": Izhikevich(SIZES["exc"], a=0.02, b=0.2, c=-65 + 15 * e**2, d=8 - 6 * e**2),
        "inh": Izhikevich(SIZES["inh"], a=0.02 + 0.08 * i, b=0.25 - 0.05 * i, c=-65.0, d=2.0),
    }
    noise = {
        f"{name} noise": WhiteNoise(
            SIZES[name], sigma=NOISE[name] * np.sqrt(1 * ms), seed=2 * seed + k
        )
        for k, name in enumerate(SIZES)
    }
    synapses = [Synapse(f"{name} noise", name, OneToOne()) for name in SIZES]
    for pre, strongest in (("exc", 0.5), ("inh", -1.0)) if connected else ():
        for post in SIZES:
            weight = strongest * random.random((SIZES[post], SIZES[pre]))
            synapses.append(Synapse(pre, post, Dense(weight), delay=1 * ms))
    return Network({**cells, **noise}, tuple(synapses), tuple(SIZES), Clock(1 * ms))


def simulate(network: Network, seed: int, seconds: float) -> dict[str, Events]:
    """Spikes after `SETTLE`, from v = -65 mV and u = b v."""
    simulation = Simulation(network, seed=seed)
    for name in SIZES:
        cell: Any = network.populations[name]
        simulation.set(f"{name}.v", np.full(cell.size, -65.0))
        simulation.set(f"{name}.u", np.full(cell.size, -65.0) * cell.b)
    simulation.run(SETTLE)
    record = simulation.run(seconds)
    return {name: record.events(f"{name}.spikes")[0] for name in SIZES}


def peak(spectrum: PowerSpectrum, low: float, high: float) -> tuple[float, float]:
    """Frequency and power of the highest point of a band."""
    inside = (spectrum.frequency >= low) & (spectrum.frequency <= high)
    k = int(np.argmax(spectrum.power[inside]))
    return float(spectrum.frequency[inside][k]), float(spectrum.power[inside][k])


def measure(spikes: dict[str, Events]) -> dict[str, float]:
    """Rates, and the peaks of the excitatory rate over the level of independent Poisson cells."""
    exc = spikes["exc"]
    found = {f"rate_{name}": float(firing_rates(e).mean()) for name, e in spikes.items()}
    found["rate"] = float(np.mean(np.concatenate([firing_rates(e) for e in spikes.values()])))
    level = 2 * found["rate_exc"] / exc.size
    spectrum = power_spectrum(exc, bin_width=1 * ms, segment=0.5)
    for band, (low, high) in BANDS.items():
        frequency, power = peak(spectrum, low, high)
        found[f"{band}_hz"], found[f"{band}_over_poisson"] = frequency, power / level
    return found


def main(quick: Quick = False, seed: Seed = 0, out: Out = None, as_json: Json = False) -> None:
    """Do 1,000 randomly connected cortical cells make alpha and gamma rhythms?"""
    out = out or Path("runs/izhikevich_1000")
    out.mkdir(parents=True, exist_ok=True)
    seeds = [10 * seed + k for k in range(3 if quick else 10)]
    seconds = 5.0 if quick else 20.0
    found: dict[bool, list[dict[str, float]]] = {True: [], False: []}
    shown: dict[str, Events] = {}
    for one in track(seeds, "networks", console=Console(stderr=True), transient=True):
        for connected in (False, True):
            shown = simulate(build(one, connected), one, seconds)
            found[connected].append(measure(shown))
    means = {
        connected: {k: float(np.mean([f[k] for f in each])) for k in each[0]}
        for connected, each in found.items()
    }
    results: dict[str, Any] = {
        "value": means[True]["rate"], "reference": RATE, "source": SOURCE,
        "compares": "mean rate of all 1,000 cells, Hz",
        "alpha_reference": ALPHA, "gamma_reference": GAMMA,
    }  # fmt: skip
    results |= means[True]
    results |= {f"unconnected_{k}": v for k, v in means[False].items()}
    for key in ("rate", "alpha_hz", "gamma_hz"):
        results[f"{key}_sd"] = float(np.std([f[key] for f in found[True]], ddof=1))
    results |= {"seconds": seconds, "seeds": seeds}
    title = f"Izhikevich's 1,000 cells (seed {seeds[-1]})"
    population_raster(shown, window=(0.0, 1.0), title=title).savefig(out / "raster.png")
    spectra(shown, segment=0.5, max_frequency=100.0).savefig(out / "spectra.png")
    finish(results, out, as_json=as_json)


if __name__ == "__main__":
    typer.run(main)
