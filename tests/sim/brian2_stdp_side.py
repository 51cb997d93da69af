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


if __name__ == "__main__":
    b.prefs.codegen.target = "numpy"
    print(json.dumps({name: run(job) for name, job in json.load(sys.stdin).items()}))
