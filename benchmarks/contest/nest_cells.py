"""NEST, on the threads of BENCHMARK_THREADS, in float64 (it has no other)."""

from __future__ import annotations

import os
from typing import Any

import nest
import numpy as np

from contest.serve import Stopwatch, peak_mb, serve
from contest.spec import WARM, Population, Spec

MODELS = {
    "cuba": "iaf_psc_exp", "coba": "iaf_cond_exp", "delta": "iaf_psc_delta", "psc": "iaf_psc_exp",
}  # fmt: skip
C_MEM = 250.0  # pF
G_LEAK = 10.0  # nS


def cell(spec: Spec, p: Population) -> dict[str, float]:
    """Parameters in NEST's units (ms, mV, pF, nS)."""
    c = spec.constants
    common = {
        "V_th": c["v_th"] * 1e3,
        "V_reset": c["v_reset"] * 1e3,
        "t_ref": c["refractory"] * 1e3,
    }
    common |= {"E_L": p.v_leak * 1e3, "C_m": C_MEM}
    tau_mem = c["tau_mem"] * 1e3
    if spec.cell == "coba":
        return common | {
            "C_m": G_LEAK * tau_mem, "g_L": G_LEAK, "E_ex": c["e_exc"] * 1e3,
            "E_in": c["e_inh"] * 1e3, "tau_syn_ex": c["tau_exc"] * 1e3,
            "tau_syn_in": c["tau_inh"] * 1e3,
        }  # fmt: skip
    if spec.cell == "delta":
        return common | {"tau_m": tau_mem}
    tau_exc, tau_inh = (c.get(k, c.get("tau_syn", 0.0)) * 1e3 for k in ("tau_exc", "tau_inh"))
    more = {"tau_minus": c["tau_minus"] * 1e3} if "tau_minus" in c else {}
    return common | {"tau_m": tau_mem, "tau_syn_ex": tau_exc, "tau_syn_in": tau_inh} | more


def scale(spec: Spec) -> float:
    """From a weight of the Spec to NEST's."""
    if spec.cell == "cuba":  # V to pA
        return 1e3 * C_MEM / (spec.constants["tau_mem"] * 1e3)
    return {"coba": G_LEAK, "delta": 1e3, "psc": 1e12}[spec.cell]


class Nest:
    """Turns go on in time: NEST cannot go back."""

    def __init__(self, spec: Spec) -> None:
        threads = int(os.environ["BENCHMARK_THREADS"])
        nest.ResetKernel()
        nest.set_verbosity("M_ERROR")
        nest.set(resolution=0.1, local_num_threads=threads, print_time=False)
        self.spec, self.compile_s = spec, 0.0
        with Stopwatch() as building:
            self.recorder = self._build()
            nest.Prepare()
        self.build_s = building.seconds
        nest.Run(WARM * 1e3)

    def _build(self) -> Any:
        spec, unit, c = self.spec, scale(self.spec), self.spec.constants
        populations: dict[str, Any] = {}
        recorder = nest.Create("spike_recorder", params={"record_to": "memory"})
        conductances, at = spec.conductances(), spec.offsets()
        for p in spec.populations:
            made = nest.Create(MODELS[spec.cell], p.size, cell(spec, p))
            populations[p.name] = made
            made.V_m = (spec.potentials()[p.name] * 1e3).tolist()
            if spec.cell == "coba":
                low, high = at[p.name]
                for field, g in zip(("g_ex", "g_in"), conductances, strict=True):
                    made.set({field: (g[low:high] * G_LEAK).tolist()})
            nest.Connect(made, recorder)
        if any(p.plastic for p in spec.projections):
            w_max = c["w_max"]
            nest.CopyModel("stdp_synapse", "plastic", {
                "tau_plus": c["tau_plus"] * 1e3, "lambda": c["a_plus"] / w_max, "mu_plus": 0.0,
                "alpha": c["a_minus"] / c["a_plus"], "mu_minus": 0.0, "Wmax": w_max * unit,
            })  # fmt: skip
        for p in spec.projections:
            low, high = (0.0, np.inf) if p.weight > 0 else (-np.inf, 0.0)
            weight: Any = p.weight * unit
            # iaf_cond_exp takes a negative weight for inhibition
            if spec.cell == "coba" and p.pre.startswith("inh"):
                weight = -weight
            delay: Any = p.delay * 1e3
            if p.weight_sd:
                normal = nest.random.normal(weight, p.weight_sd * unit)
                weight = nest.math.redraw(normal, min=low, max=high)
            if p.delay_sd:
                normal = nest.random.normal(delay, p.delay_sd * 1e3)
                delay = nest.math.redraw(normal, min=0.1, max=np.inf)
            rule = (
                {"rule": "fixed_total_number", "N": p.total}
                if p.total
                else {"rule": "fixed_indegree", "indegree": p.in_degree}
            )
            model = "plastic" if p.plastic else "static_synapse"
            synapse = {"synapse_model": model, "weight": weight, "delay": delay}
            nest.Connect(populations[p.pre], populations[p.post], rule, synapse)
        for d in spec.drives:
            source = nest.Create("poisson_generator", params={"rate": d.inputs * d.rate})
            nest.Connect(
                source, populations[d.post], syn_spec={"weight": d.weight * unit, "delay": 0.1}
            )
        return recorder

    def turn(self, seconds: float) -> tuple[float, float]:
        before = self.recorder.n_events
        with Stopwatch() as watch:
            nest.Run(seconds * 1e3)
        return watch.seconds, (self.recorder.n_events - before) / self.spec.neurons / seconds

    def peak_mb(self) -> float:
        return peak_mb()


if __name__ == "__main__":
    serve(Nest)
