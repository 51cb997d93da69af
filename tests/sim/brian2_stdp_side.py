"""Runs STDP in Brian2: jobs come in as JSON, weights go out. See `tests/neurons/brian2_side.py`."""

import json
import sys
from typing import Any

import brian2 as b  # type: ignore[import-not-found]
import numpy as np


def run(job: dict[str, Any]) -> list[float]:
    """Weights after spike trains on both sides, one for each synapse of `pre`, `post`."""
    b.start_scope()
    dt = b.defaultclock.dt = job["dt"] * b.second
    sides = [
        b.SpikeGeneratorGroup(job[f"{side}_size"], np.array(job[f"{side}_unit"], int),
                              np.array(job[f"{side}_tick"]) * dt)
        for side in ("source", "target")
    ]  # fmt: skip
    space = {k: v * b.second if k.startswith("tau") else v for k, v in job["constants"].items()}
    synapses = b.Synapses(
        *sides, job["model"], on_pre=job["on_pre"], on_post=job["on_post"], namespace=space
    )
    synapses.connect(i=np.array(job["pre"]), j=np.array(job["post"]))
    synapses.w = job["weight"]
    synapses.pre.delay = np.array(job["delay"]) * dt
    net = b.Network(*sides, synapses)
    net.run(job["steps"] * dt)
    return np.asarray(synapses.w).tolist()


def network(job: dict[str, Any]) -> dict[str, Any]:
    """LIF cells driven by plastic synapses, and plastic synapses among them: spikes and weights.

    Presynaptic pathways run before thresholds are tested, as input arrives before units fire in
    neuro. Brian2 then sees a spike one step late, so delays are a step shorter.
    """
    b.start_scope()
    dt = b.defaultclock.dt = job["dt"] * b.second
    space = {k: v * b.second if k.startswith("tau") else v for k, v in job["constants"].items()}
    fed = b.SpikeGeneratorGroup(
        job["source_size"], np.array(job["source_unit"], int), np.array(job["source_tick"]) * dt
    )
    cells = b.NeuronGroup(
        job["target_size"], "dv/dt = -v / tau_mem : 1", threshold="v > v_th", reset="v = 0",
        method="exact", namespace=space,
    )  # fmt: skip
    kept = []
    for source, weight, delay in ((fed, job["forward"], 3), (cells, job["back"], 2)):
        synapses = b.Synapses(
            source, cells, job["model"], on_pre=job["on_pre"] + "; v_post += w",
            on_post=job["on_post"], namespace=space,
        )  # fmt: skip
        synapses.connect()
        synapses.w = np.array(weight).T.ravel()
        synapses.pre.delay = (delay - 1) * dt
        synapses.pre.when = "before_thresholds"
        kept.append(synapses)
    spikes = b.SpikeMonitor(cells)
    b.Network(fed, cells, spikes, *kept).run(job["steps"] * dt)
    order = np.argsort(kept[0].i[:] * job["target_size"] + kept[0].j[:])
    again = np.argsort(kept[1].i[:] * job["target_size"] + kept[1].j[:])
    return {
        "tick": np.round(np.asarray(spikes.t / dt)).astype(int).tolist(),
        "unit": np.asarray(spikes.i).tolist(),
        "forward": np.asarray(kept[0].w)[order].tolist(),
        "back": np.asarray(kept[1].w)[again].tolist(),
    }


if __name__ == "__main__":
    b.prefs.codegen.target = "numpy"
    jobs = json.load(sys.stdin).items()
    print(json.dumps({n: network(job) if "forward" in job else run(job) for n, job in jobs}))
