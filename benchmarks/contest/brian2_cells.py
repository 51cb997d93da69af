"""Brian2: C++ standalone, or Cython at run time, in float32."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import brian2 as b2
import numpy as np
from numpy.typing import NDArray

from contest.serve import Stopwatch, peak_mb, serve
from contest.spec import TICK, WARM, Projection, Spec

EQUATIONS = {
    "cuba": """dv/dt = (ge + gi - (v - v_leak)) / tau_mem : 1 (unless refractory)
               dge/dt = -ge / tau_exc : 1
               dgi/dt = -gi / tau_inh : 1""",
    "coba": """dv/dt = (ge*(e_exc-v) + gi*(e_inh-v) + v_leak - v)/tau_mem : 1 (unless refractory)
               dge/dt = -ge / tau_exc : 1
               dgi/dt = -gi / tau_inh : 1""",
    "delta": "dv/dt = -(v - v_leak) / tau_mem : 1 (unless refractory)",
    "psc": """dv/dt = (v_leak - v + r*i_syn) / tau_mem : 1 (unless refractory)
              di_syn/dt = -i_syn / tau_syn : 1
              v_leak : 1 (constant)""",
}  # fmt: skip
METHOD = {"cuba": "exact", "coba": "exponential_euler", "delta": "exact", "psc": "exact"}
STDP = """w : 1
          dx/dt = -x / tau_plus : 1 (event-driven)
          dy/dt = -y / tau_minus : 1 (event-driven)"""
TIMES = ("tau_mem", "tau_exc", "tau_inh", "tau_syn", "tau_plus", "tau_minus", "refractory")


def pairs(p: Projection, spec: Spec, random: np.random.Generator) -> tuple[NDArray[Any], ...]:
    """Pre- and postsynaptic units among all, by presynaptic unit."""
    at = spec.offsets()
    (a, b), (c, d) = at[p.pre], at[p.post]
    n = p.total or p.in_degree * (d - c)
    pre = random.integers(a, b, n, dtype=np.int32)
    post = (
        random.integers(c, d, n, dtype=np.int32)
        if p.total
        else np.repeat(np.arange(c, d, dtype=np.int32), p.in_degree)
    )
    order = np.argsort(pre, kind="stable")
    return pre[order], post[order]


def network(spec: Spec) -> tuple[Any, Any]:
    """All populations in one group, which is Brian2's fastest way; and the monitor."""
    c = {k: v * b2.second if k in TIMES else v for k, v in spec.constants.items()}
    if spec.cell != "psc":
        c["v_leak"] = spec.populations[0].v_leak
    group = b2.NeuronGroup(
        spec.neurons, EQUATIONS[spec.cell], threshold="v > v_th", reset="v = v_reset",
        refractory=c["refractory"], method=METHOD[spec.cell], namespace=c, name="cells",
    )  # fmt: skip
    group.v = np.concatenate(list(spec.potentials().values()))
    if spec.cell == "coba":
        group.ge, group.gi = spec.conductances()
    if spec.cell == "psc":
        group.v_leak = np.repeat(
            [p.v_leak for p in spec.populations], [p.size for p in spec.populations]
        )
    random = np.random.default_rng(1)
    parts: list[Any] = [group]
    if spec.cell == "psc":
        parts.append(_drawn(spec, group, random))
    else:
        for kind in ("exc", "inh"):
            for plastic in (False, True):
                chosen = [p for p in spec.projections if p.pre == kind and p.plastic == plastic]
                if chosen:
                    parts.append(_equal(spec, group, chosen, c, random))
    at = spec.offsets()
    for d in spec.drives:
        low, high = at[d.post]
        target = "i_syn" if spec.cell == "psc" else "v"
        parts.append(b2.PoissonInput(group[low:high], target, d.inputs, d.rate * b2.Hz, d.weight))
    monitor = b2.SpikeMonitor(group, name="monitor")
    return b2.Network(*parts, monitor), monitor


def _equal(spec: Spec, group: Any, chosen: list[Projection], c: dict[str, Any], random: Any) -> Any:
    """Projections from the same population, whose weights are one number or plastic."""
    first = chosen[0]
    port = "v" if spec.cell == "delta" else "ge" if first.pre == "exc" else "gi"
    namespace = {**c, "weight": first.weight}
    if first.plastic:
        synapses = b2.Synapses(
            group, group, STDP, namespace=namespace, method="exact",
            on_pre=f"{port}_post += w; x += 1; w = clip(w - a_minus * y, 0, w_max)",
            on_post="y += 1; w = clip(w + a_plus * x, 0, w_max)",
        )  # fmt: skip
    else:
        synapses = b2.Synapses(group, group, on_pre=f"{port}_post += weight", namespace=namespace)
    drawn = [pairs(p, spec, random) for p in chosen]
    pre, post = (np.concatenate(x) for x in zip(*drawn, strict=True))
    synapses.connect(i=pre, j=post)
    if first.plastic:
        synapses.w = first.weight
    if first.delay > TICK:
        synapses.delay = first.delay * b2.second
    return synapses


def _drawn(spec: Spec, group: Any, random: Any) -> Any:
    """All projections, each synapse with its weight and delay."""
    columns: list[list[Any]] = [[], [], [], []]
    for p in spec.projections:
        pre, post = pairs(p, spec, random)
        weight = random.normal(p.weight, p.weight_sd, len(pre))
        weight = np.maximum(weight, 0) if p.weight > 0 else np.minimum(weight, 0)
        delay = np.maximum(random.normal(p.delay, p.delay_sd, len(pre)), TICK)
        for column, values in zip(columns, (pre, post, weight, delay), strict=True):
            column.append(values)
    pre, post, weight, delay = (np.concatenate(x) for x in columns)
    synapses = b2.Synapses(group, group, "w : 1 (constant)", on_pre="i_syn_post += w")
    synapses.connect(i=pre, j=post)
    synapses.w, synapses.delay = weight, delay * b2.second
    return synapses


class Cython:
    """Run-time mode; each turn runs the same second, from the state after the warm-up."""

    def __init__(self, spec: Spec) -> None:
        with Stopwatch() as compiling:
            b2.Network.run(network(spec.tiny())[0], 2 * TICK * b2.second)
        with Stopwatch() as building:
            self.network, self.monitor = network(spec)
        self.compile_s, self.build_s, self.neurons = (
            compiling.seconds,
            building.seconds,
            spec.neurons,
        )
        self.network.run(WARM * b2.second)
        self.network.store()

    def turn(self, seconds: float) -> tuple[float, float]:
        self.network.restore()
        before = self.monitor.num_spikes
        with Stopwatch() as watch:
            self.network.run(seconds * b2.second)
        return watch.seconds, (self.monitor.num_spikes - before) / self.neurons / seconds

    def peak_mb(self) -> float:
        return peak_mb()


class Standalone:
    """C++ program of its own, run anew each turn; its own clock times the second, not its start."""

    def __init__(self, spec: Spec) -> None:
        self.neurons, self.peak, self.compiled = spec.neurons, 0.0, 0.0
        self.folder = Path(tempfile.mkdtemp(prefix="brian2-"))
        with Stopwatch() as building:
            self.network, self.monitor = network(spec)
        self.arrays_s = building.seconds
        self.built_for: float | None = None
        self._build(1.0)
        self.build_s = self.arrays_s + self._run()[1]

    def _build(self, seconds: float) -> None:
        with Stopwatch() as compiling:
            self.network.run(WARM * b2.second)
            self.network.run(seconds * b2.second)
            b2.device.build(directory=str(self.folder), compile=True, run=False, debug=False)
        self.compile_s, self.built_for = compiling.seconds, seconds

    def _run(self) -> tuple[float, float]:
        """Seconds of the timed stretch by the program's clock, and of everything before it."""
        with Stopwatch() as whole, Watched() as watched:
            b2.device.run(directory=str(self.folder), results_directory="results")
        self.peak = max(self.peak, watched.peak)
        return b2.device._last_run_time, max(0.0, whole.seconds - b2.device._last_run_time)

    def turn(self, seconds: float) -> tuple[float, float]:
        if seconds != self.built_for:
            raise ValueError(f"built for turns of {self.built_for} s, asked for {seconds} s")
        run_s, _ = self._run()
        counted = int((np.asarray(self.monitor.t / b2.second) >= WARM - TICK / 2).sum())
        return run_s, counted / self.neurons / seconds

    def peak_mb(self) -> float:
        return self.peak

    def __del__(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


class Watched(threading.Thread):
    """Largest memory of the child process that runs meanwhile."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak, self.on = 0.0, True

    def run(self) -> None:
        own = os.getpid()
        while self.on:
            for children in Path(f"/proc/{own}/task").glob("*/children"):
                try:
                    for pid in children.read_text().split():
                        if Path(f"/proc/{pid}/comm").read_text().strip() == "main":
                            self.peak = max(self.peak, peak_mb(pid))
                except (FileNotFoundError, ProcessLookupError):
                    continue  # it ended between two looks
            time.sleep(0.02)

    def __enter__(self) -> Watched:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.on = False
        self.join()


if __name__ == "__main__":
    b2.prefs.core.default_float_dtype = np.float32
    b2.defaultclock.dt = TICK * b2.second
    mode = sys.argv[1]
    if mode == "cython":
        b2.prefs.codegen.target = "cython"
        serve(Cython)
    else:
        threads = int(os.environ["BENCHMARK_THREADS"])
        b2.set_device("cpp_standalone", build_on_run=False)
        b2.prefs.devices.cpp_standalone.openmp_threads = threads if threads > 1 else 0
        serve(Standalone)
