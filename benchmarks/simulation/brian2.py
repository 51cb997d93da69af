"""Brian2: one group of neurons, subgroups as sources, C++ standalone or Cython at run time.

Built as its examples CUBA, COBA and Brunel 2000 are: external Poisson input is a `PoissonInput`,
traces of STDP are event-driven. Synapses lie sorted by presynaptic neuron, its quicker order.
"""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from simulation.serve import WARM_UP, Refused, serve

LEAK = "dv/dt = (drive + v_leak - v) / tau_mem : 1 (unless refractory)"
EQUATIONS = {
    "LIF": (LEAK.replace("drive + ", ""), "exact"),
    "TwoCurrentLIF": (
        LEAK.replace("drive", "i_exc + i_inh")
        + "\ndi_exc/dt = -i_exc / tau_exc : 1\ndi_inh/dt = -i_inh / tau_inh : 1",
        "exact",
    ),
    "CubaLIF": (LEAK.replace("drive", "r * i") + "\ndi/dt = -i / tau_syn : 1", "exact"),
    "CobaLIF": (
        "dv/dt = (g_exc * (e_exc - v) + g_inh * (e_inh - v) + e_leak - v) / tau_mem : 1"
        " (unless refractory)"
        "\ndg_exc/dt = -g_exc / tau_exc : 1\ndg_inh/dt = -g_inh / tau_inh : 1",
        "exponential_euler",
    ),
}
TARGET = {  # the variable that a port moves
    ("LIF", ""): "v", ("CubaLIF", ""): "i",
    ("TwoCurrentLIF", "excitation"): "i_exc", ("TwoCurrentLIF", "inhibition"): "i_inh",
    ("CobaLIF", "excitation"): "g_exc", ("CobaLIF", "inhibition"): "g_inh",
}  # fmt: skip
BYTES = 40  # of memory per synapse with its own weight and delay: indices, values, lists by neuron
DRIVES = 1000  # trains that a PoissonInput adds up


def load() -> Any:
    import brian2 as b
    import numpy as np

    class Simulator:
        def __init__(self, job: dict[str, Any]) -> None:
            self.standalone = sys.argv[1] == "cpp"
            self.compile_s: float | None = None
            b.prefs.core.default_float_dtype = np.dtype(job["dtype"]).type
            if self.standalone:
                _room(job["network"])
                threads = job["threads"]
                b.prefs.devices.cpp_standalone.openmp_threads = threads if threads > 1 else 0
                b.set_device("cpp_standalone", build_on_run=False)
            else:
                b.prefs.codegen.target = "cython"
                b.prefs.codegen.runtime.cython.cache_dir = job["cache"]
            self.folder = Path(job["folder"])
            b.defaultclock.dt = job["network"]["dt"] * b.second
            self.net = self._build(job["network"], job["state"])
            if self.standalone:
                self.net.run(WARM_UP * b.second)
                self.net.run(job["seconds"] * b.second)
                b.device.build(directory=str(self.folder), compile=True, run=False)
                self.compile_s = b.device.timers["compile"]["make"]
            else:
                self.net.run(0 * b.second)

        def _build(self, network: dict[str, Any], state: str) -> Any:
            cells = network["cells"]
            bounds = np.cumsum([0, *(c["size"] for c in cells)])
            self.bounds = dict(zip((c["name"] for c in cells), bounds, strict=False))
            self.sizes = {c["name"]: c["size"] for c in cells}
            model, params = cells[0]["model"], dict(cells[0]["params"])
            equations, method = EQUATIONS[model]
            varied = {k for k in params if len({c["params"][k] for c in cells}) > 1}
            equations += "".join(f"\n{name} : 1 (constant)" for name in sorted(varied))
            space = {
                k: v * b.second if k.startswith("tau") else v
                for k, v in params.items()
                if k not in varied
            }
            group = b.NeuronGroup(
                int(bounds[-1]), equations, threshold="v > v_th", reset="v = v_reset",
                refractory=params["refractory"] * b.second, method=method, namespace=space,
            )  # fmt: skip
            for name in varied:
                values = [np.full(c["size"], c["params"][name]) for c in cells]
                setattr(group, name, np.concatenate(values))
            with np.load(state) as given:
                variables = {n.partition(".")[2] for n in given.files}
                for variable in variables:
                    values = [given[f"{c['name']}.{variable}"] for c in cells]
                    setattr(group, variable, np.concatenate(values))
            objects = [group]
            for number, p in enumerate(network["projections"]):
                objects.append(self._connect(group, p, TARGET[model, p["port"]], number))
            for drive in network["drives"]:
                objects.append(
                    b.PoissonInput(
                        self._part(group, drive["post"]),
                        TARGET[model, ""],
                        DRIVES,
                        drive["rate"] / DRIVES * b.Hz,
                        drive["weight"],
                    )  # fmt: skip
                )
            self.monitor = b.SpikeMonitor(group)
            return b.Network(*objects, self.monitor)

        def _part(self, group: Any, name: str | None) -> Any:
            if name is None:
                return group
            low = int(self.bounds[name])
            return group[low : low + self.sizes[name]]

        def _connect(self, group: Any, p: dict[str, Any], target: str, number: int) -> Any:
            pre, post = self._part(group, p["pre"]), self._part(group, p["post"])
            (mean, sd), (delay, delay_sd) = p["weight"], p["delay"]
            model, on_pre, on_post, space = "", f"{target}_post += {mean!r}", None, {}
            if p["stdp"]:
                learn = p["stdp"]
                model = (
                    "w : 1\ndx/dt = -x / tau_plus : 1 (event-driven)"
                    "\ndy/dt = -y / tau_minus : 1 (event-driven)"
                )
                on_pre = f"{target}_post += w; x += 1; w = clip(w - a_minus * y, w_min, w_max)"
                on_post = "y += 1; w = clip(w + a_plus * x, w_min, w_max)"
                space = {k: v * b.second if "tau" in k else v for k, v in learn.items()}
            elif sd:
                model, on_pre = "w : 1 (constant)", f"{target}_post += w"
            synapses = b.Synapses(
                pre, post, model, on_pre=on_pre, on_post=on_post, namespace=space,
                delay=None if delay_sd else delay * b.second,
            )  # fmt: skip
            if p["rule"] == "in_degree":
                i, j = _in_degree(p["number"], len(pre), len(post), number)
                synapses.connect(i=i, j=j)
            else:  # it has no rule for a total; independent pairs with the same mean
                synapses.connect(p=p["number"] / (len(pre) * len(post)))
            if p["stdp"]:
                synapses.w = mean
            elif sd:
                bound = "clip({}, 0, inf)" if mean > 0 else "clip({}, -inf, 0)"
                synapses.w = bound.format(f"{mean!r} + {sd!r} * randn()")
            if delay_sd:
                drawn = f"clip({delay!r} + {delay_sd!r} * randn(), 1e-4, 1.0) * second"
                synapses.delay = drawn
            return synapses

        def run(self, seconds: float) -> tuple[float, dict[str, int]]:
            if not self.standalone:
                before = self.monitor.num_spikes
                start = time.perf_counter()
                self.net.run(seconds * b.second)
                taken = time.perf_counter() - start
                return taken, self._count(np.asarray(self.monitor.i)[before:])
            if seconds == WARM_UP:  # part of the program, which starts afresh every time
                return 0.0, {}
            with open(os.devnull, "w") as nowhere:
                start = time.perf_counter()
                process = subprocess.Popen(["./main"], cwd=self.folder, stdout=nowhere)
                _, status, used = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                raise RuntimeError(f"the program ended with {process.returncode}")
            self.whole_s = time.perf_counter() - start
            self.peak_mb = used.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
            results = self.folder / "results"
            taken = float((results / "last_run_info.txt").read_text().split()[0])
            i = np.fromfile(next(results.glob("_dynamic_array_spikemonitor_i_*")), np.int32)
            path = next(results.glob("_dynamic_array_spikemonitor_t_*"))
            t = np.fromfile(path, f"f{path.stat().st_size // len(i)}" if len(i) else "f8")
            return taken, self._count(i[t > WARM_UP - 1e-6])

        def _count(self, i: Any) -> dict[str, int]:
            return {
                name: int(((i >= low) & (i < low + self.sizes[name])).sum())
                for name, low in self.bounds.items()
            }

    def _in_degree(k: int, pre: int, post: int, seed: int) -> tuple[Any, Any]:
        """k sources of each target, sorted by source."""
        random = np.random.default_rng(seed)
        source = random.integers(0, pre, k * post, dtype=np.int32)
        order = np.argsort(source, kind="stable")
        return source[order], (order // k).astype(np.int32)

    return Simulator


def _room(network: dict[str, Any]) -> None:
    """Refuse a network that this machine cannot hold."""
    sizes = {c["name"]: c["size"] for c in network["cells"]}
    synapses = sum(
        p["number"] * (1 if p["rule"] == "total" else sizes.get(p["post"], sum(sizes.values())))
        for p in network["projections"]
    )
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    if synapses * BYTES > there:
        raise Refused(
            f"{synapses:,} synapses need about {synapses * BYTES / 1e9:.0f} GB, "
            f"{there / 1e9:.0f} GB are free"
        )


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    serve(load, ("brian2", "cython", "numpy"))
