"""ANNarchy: one population, views of it as sources, equations as in its COBA and CUBA examples."""

import shutil
import time
from typing import Any

from simulation.serve import Refused, serve

DRIVES = 1000  # trains of which an external input is the sum
TARGET = {"excitation": "exc", "inhibition": "inh"}


def load() -> Any:
    import ANNarchy as ann
    import numpy as np

    class Simulator:
        compile_s: float | None = None

        def __init__(self, job: dict[str, Any]) -> None:
            network = job["network"]
            if any(p["rule"] == "total" for p in network["projections"]):
                raise Refused("it has no rule for a total number of synapses")
            if shutil.which("g++") is None and shutil.which("clang++") is None:
                raise Refused("it needs a C++ compiler")
            cells = network["cells"]
            self.net = ann.Network(dt=network["dt"] * 1e3)
            self.net.config(num_threads=job["threads"], dtype=getattr(ann, job["dtype"]))
            bounds = np.cumsum([0, *(c["size"] for c in cells)])
            self.bounds = dict(zip((c["name"] for c in cells), bounds, strict=False))
            self.sizes = {c["name"]: c["size"] for c in cells}
            everyone = self.net.create(int(bounds[-1]), neuron(ann, network))

            def part(name: str | None) -> Any:
                if name is None:
                    return everyone
                low = int(self.bounds[name])
                return everyone[low : low + self.sizes[name]]

            scale = 1.0 if cells[0]["model"] == "CobaLIF" else 1e3  # mV
            for p in network["projections"]:
                target = TARGET.get(p["port"], "exc")
                synapse = None
                if p["stdp"]:
                    s = p["stdp"]
                    synapse = ann.STDP(
                        tau_plus=s["tau_plus"] * 1e3, tau_minus=s["tau_minus"] * 1e3,
                        A_plus=s["a_plus"] / s["w_max"], A_minus=s["a_minus"] / s["w_max"],
                        w_min=s["w_min"] * scale, w_max=s["w_max"] * scale,
                    )  # fmt: skip
                link = self.net.connect(part(p["pre"]), part(p["post"]), target, synapse)
                link.fixed_number_pre(
                    p["number"], weights=p["weight"][0] * scale, delays=p["delay"][0] * 1e3
                )
            self.monitor = self.net.monitor(everyone, ["spike"])
            start = time.perf_counter()
            self.net.compile(directory=job["folder"], silent=True)
            self.compile_s = time.perf_counter() - start
            with np.load(job["state"]) as state:
                for variable in {n.partition(".")[2] for n in state.files}:
                    values = np.concatenate([state[f"{c['name']}.{variable}"] for c in cells])
                    setattr(everyone, variable, values * (1e3 if variable == "v" else 1.0))

        def run(self, seconds: float) -> tuple[float, dict[str, int]]:
            start = time.perf_counter()
            self.net.simulate(seconds * 1e3)
            taken = time.perf_counter() - start
            spikes = self.monitor.get("spike")
            return taken, {
                name: sum(len(spikes[i]) for i in range(low, low + self.sizes[name]))
                for name, low in self.bounds.items()
            }

    return Simulator


def neuron(ann: Any, network: dict[str, Any]) -> Any:
    """The cells' equations, in mV and ms."""
    p = network["cells"][0]["params"]
    params = {k: v * 1e3 for k, v in p.items() if k not in ("r", "bias")}
    model = network["cells"][0]["model"]
    if model == "LIF":
        drives = network["drives"]
        assert len({(d["rate"], d["weight"]) for d in drives}) == 1
        chance = drives[0]["rate"] / DRIVES * network["dt"]
        equations = f"""
            ext = Binomial({DRIVES}, {chance!r})
            tau_mem * dv/dt = v_leak - v + ({drives[0]["weight"] * 1e3!r} * ext + g_exc) * {
            params["tau_mem"] / (network["dt"] * 1e3)!r
        }
            g_exc = 0.0
        """
        raise (
            Refused("spikes that move the potential at once: see below")
            if not equations
            else (Refused("delta synapses with a refractory period are not in its examples"))
        )
    if model == "CobaLIF":
        flow = "tau_mem * dv/dt = e_leak - v + g_exc * (e_exc - v) + g_inh * (e_inh - v)"
    elif model == "TwoCurrentLIF":
        flow = "tau_mem * dv/dt = v_leak - v + g_exc + g_inh"
    else:
        raise Refused(f"{model} with these inputs is not written for it here")
    equations = f"""
        {flow}
        tau_exc * dg_exc/dt = -g_exc : exponential
        tau_inh * dg_inh/dt = -g_inh : exponential
    """
    refractory = params.pop("refractory")
    return ann.Neuron(
        parameters=params, equations=equations, spike="v > v_th", reset="v = v_reset",
        refractory=refractory,
    )  # fmt: skip


if __name__ == "__main__":
    serve(load, ("annarchy", "cython", "numpy"))
