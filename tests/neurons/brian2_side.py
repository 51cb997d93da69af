"""Runs models in Brian2: a JSON list of jobs comes in, traces and spikes go out.

A program of its own, so that Brian2 may live in another environment than neuro (its release for a
given Python can need an older NumPy) and its warnings stay there.
"""

import json
import sys
from typing import Any

import brian2 as b  # type: ignore[import-not-found]
import numpy as np


def run(job: dict[str, Any]) -> dict[str, Any]:
    """One neuron: `x(t)` in the equations and in `act` is the job's input, one value a step."""
    b.start_scope()
    b.defaultclock.dt = job["dt"] * b.second
    x = b.TimedArray(np.array(job["x"]), dt=b.defaultclock.dt)
    space = {"x": x, **job.get("constants", {})}
    group = b.NeuronGroup(
        1,
        job["equations"],
        method=job.get("method", "euler"),
        threshold=job["threshold"],
        reset=job.get("reset", ""),
        refractory=job.get("refractory", False),
        namespace=space,
    )
    for name, value in job.get("initial", {}).items():
        setattr(group, name, value)
    for slot, code in job.get("act", {}).items():
        group.run_regularly(code, when=slot)
    state = b.StateMonitor(group, job["record"], record=True, when="end")
    spikes = b.SpikeMonitor(group)
    net = b.Network(group, state, spikes, *group.contained_objects)
    net.run(len(job["x"]) * b.defaultclock.dt)
    ticks = np.round(np.asarray(spikes.t / b.defaultclock.dt)).astype(int)
    traces = {name: np.asarray(getattr(state, name)[0]).tolist() for name in job["record"]}
    return {"spikes": ticks.tolist(), **traces}


if __name__ == "__main__":
    b.prefs.codegen.target = "numpy"
    print(json.dumps({name: run(job) for name, job in json.load(sys.stdin).items()}))
