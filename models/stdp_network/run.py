"""Vogels et al. 2011: inhibitory STDP brings every cell of a recurrent network to its target rate.

    neuro run stdp_network            or      python models/stdp_network/run.py

8,000 excitatory and 2,000 inhibitory conductance-based cells, all driven above threshold; synapses
from inhibitory to excitatory cells start at nothing and learn -> rate of the excitatory cells
against the target rho_0, irregularity and synchrony, with plasticity and without.
"""

import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from neuro import Clock, Events, Network, Synapse, metrics, ms
from neuro.neurons import CobaLIF
from neuro.recipe import Json, Out, Quick, Seed, finish
from neuro.rules import VogelsISTDP
from neuro.sim import Probe, Simulation
from neuro.sources import StepCurrent
from neuro.synapses import FixedProbability, OneToOne

PAPER = "Vogels, Sprekeler, Zenke, Clopath & Gerstner, Science 334 (2011) 1569-1573"
STEP = Clock(0.1 * ms)
TARGET = 3.0  # rho_0, Hz: alpha = 2 rho_0 tau = 0.12
CHARGE = 160  # excitatory synapses of a cell: 2 % of 8,000
# A leak of 10 nS to -60 mV with 200 pA into the cell is, exactly, a leak of 20/3 nS to -60 mV and a
# tonic excitatory conductance of 10/3 nS. Conductances are counted in the leak's 20/3 nS.
LEAK, TAU_MEM, TONIC = 20 / 3, 30 * ms, 0.5
EXCITATION, INHIBITION = 0.3 / LEAK, 3.0 / LEAK  # nS
GROWTH, TOP = 0.01 / LEAK, 30.0 / LEAK  # eta and the largest learned conductance
MEASURE = 5.0  # s at the end


class Outcome(NamedTuple):
    """A network after learning."""

    rates: NDArray[np.float64]  # of the excitatory cells, Hz
    cv: float  # mean over the excitatory cells
    synchrony: float  # variance over mean of the population's count in 3 ms: 1 if independent
    inhibitory: float  # mean rate, Hz
    course: NDArray[np.float64]  # mean rate of the excitatory cells, Hz, by 10 ms
    weights: NDArray[np.float64]  # inhibitory to excitatory
    spikes: Events  # of the excitatory cells at the end


def network(size: int, plastic: bool, seed: int) -> Network:
    """`size` cells, 4 in 5 excitatory, each with the paper's mean number of synapses."""
    exc, inh = size * 4 // 5, size // 5
    p = CHARGE / exc
    cell = {
        "tau_mem": TAU_MEM, "tau_exc": 5 * ms, "tau_inh": 10 * ms, "e_leak": -60e-3,
        "e_exc": 0.0, "e_inh": -80e-3, "v_th": -50e-3, "v_reset": -60e-3, "refractory": 5 * ms,
    }  # fmt: skip
    rule = VogelsISTDP(eta=GROWTH, tau=20 * ms, rate=TARGET, w_min=0.0, w_max=TOP)
    synapses = [
        Synapse(
            pre, post, FixedProbability(p, weight=weight, seed=4 * seed + number, autapses=False),
            delay=STEP.dt, port=port, name=f"{pre}->{post}",
            rule=rule if plastic and (pre, post) == ("inh", "exc") else None,
        )
        for number, (pre, post, port, weight) in enumerate([
            ("exc", "exc", "excitation", EXCITATION),
            ("exc", "inh", "excitation", EXCITATION),
            ("inh", "inh", "inhibition", INHIBITION),
            ("inh", "exc", "inhibition", 1e-11),  # the paper's network starts without them
        ])
    ]  # fmt: skip
    refill = OneToOne(TONIC * -np.expm1(-STEP.dt / (5 * ms)))  # what decays in a tick
    synapses += [Synapse(f"tonic_{to}", to, refill, port="excitation") for to in ("exc", "inh")]
    populations = {
        "exc": CobaLIF(exc, **cell), "inh": CobaLIF(inh, **cell),
        "tonic_exc": StepCurrent(exc, amplitude=[1.0]),
        "tonic_inh": StepCurrent(inh, amplitude=[1.0]),
    }  # fmt: skip
    return Network(populations, tuple(synapses), outputs=("exc", "inh"), clock=STEP)


def learn(size: int, plastic: bool, seed: int, settle: float) -> Outcome:
    """Start from random potentials, run `settle` seconds, then measure."""
    simulation = Simulation(network(size, plastic, seed), seed=seed)
    random = np.random.default_rng(seed)
    for name in ("exc", "inh"):
        cells = simulation.network.populations[name].size
        simulation.set(f"{name}.v", random.uniform(-60e-3, -50e-3, cells))
        simulation.set(f"{name}.g_exc", TONIC)
    rate = Probe("exc.rate", every=10 * ms)
    course = [simulation.run(1.0, record=[rate]).array("exc.rate").ravel()
              for _ in range(round(settle))]  # fmt: skip
    record = simulation.run(MEASURE, record=[rate])
    exc, inh = record.events("exc.spikes")[0], record.events("inh.spikes")[0]
    cv = metrics.cv(exc)
    return Outcome(
        metrics.firing_rates(exc), float(np.nanmean(cv)), metrics.synchrony_index(exc),
        float(metrics.firing_rates(inh).mean()),
        np.concatenate([*course, record.array("exc.rate").ravel()]),
        np.asarray(simulation.weights("inh->exc"), np.float64), exc,
    )  # fmt: skip


def main(quick: Quick = False, seed: Seed = 0, out: Out = None, as_json: Json = False) -> None:
    """Does inhibitory plasticity bring a recurrent network to its target rate?"""
    out, console, start = out or Path("runs/stdp_network"), Console(), time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    size, settle = (2000, 100.0) if quick else (10_000, 200.0)
    seeds = [10 * seed + k for k in range(1 if quick else 3)]
    plastic, fixed = [], []
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("networks", total=2 * len(seeds))
        for one in seeds:
            plastic.append(learn(size, True, one, settle))
            progress.advance(task)
            fixed.append(learn(size, False, one, 1.0))  # nothing changes: no need to wait
            progress.advance(task)

    def mean(of: list[Outcome], what: str) -> float:
        return float(np.mean([np.mean(getattr(o, what)) for o in of]))

    value, baseline = mean(plastic, "rates"), mean(fixed, "rates")
    results = {
        "value": value,
        "reference": TARGET,
        "source": f"{PAPER}: the rule's fixed point is the target rate rho_0 = alpha / (2 tau); "
        "the network goes from synchronous firing at high rates to asynchronous irregular",
        "paper": PAPER,
        "baseline": baseline,
        "effect": baseline - value,
        "value_over_reference": value / TARGET,
        "rate_sd_over_cells": float(np.mean([o.rates.std() for o in plastic])),
        "rate_inhibitory": mean(plastic, "inhibitory"),
        "cv": mean(plastic, "cv"),
        "cv_fixed": mean(fixed, "cv"),
        "synchrony": mean(plastic, "synchrony"),
        "synchrony_fixed": mean(fixed, "synchrony"),
        "weight_mean": mean(plastic, "weights"),
        "weights_at_top": float(np.mean([(o.weights >= 0.999 * TOP).mean() for o in plastic])),
        "cells": size,
        "by_seed": [float(o.rates.mean()) for o in plastic],
        "seeds": seeds,
        "seconds": round(time.perf_counter() - start, 1),
        "seed": seed,
        "figure": str(out / "stdp_network.png"),
    }
    draw(plastic[0], fixed[0], out / "stdp_network.png")
    finish(results, out, as_json=as_json)


def draw(plastic: Outcome, fixed: Outcome, to: Path) -> None:
    """Rate over time, rates of the cells, and the spikes at the end without and with plasticity."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(10, 6), layout="constrained")
    course, rates, before, after = axes.ravel()
    seconds = np.arange(len(plastic.course)) * 0.01
    course.plot(seconds, plastic.course, lw=0.8)
    course.axhline(TARGET, color="k", ls=":", label=f"target, {TARGET:g} Hz")
    course.set(
        xlabel="time (s)",
        ylabel="mean rate (Hz)",
        yscale="symlog",
        ylim=(0, 200),
        title="while learning",
    )
    course.legend(frameon=False)
    rates.hist(plastic.rates, np.arange(0, 4 * TARGET, 0.5), color="C0")
    rates.axvline(TARGET, color="k", ls=":")
    rates.set(xlabel="rate (Hz)", ylabel="excitatory cells", title="rates learned")
    for axis, of, title in ((before, fixed, "no plasticity"), (after, plastic, "after learning")):
        late = (of.spikes.seconds < 0.4) & (of.spikes.unit < 200)
        axis.plot(of.spikes.seconds[late], of.spikes.unit[late], "k.", ms=1.5)
        axis.set(xlabel="time (s)", ylabel="excitatory cell", title=title, xlim=(0, 0.4))
    figure.savefig(to, dpi=130)
    plt.close(figure)


if __name__ == "__main__":
    typer.run(main)
