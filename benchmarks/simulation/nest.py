"""NEST: its own neurons and connection rules, spikes to memory."""

import time
from typing import Any

from simulation.serve import serve

LEAK = 10.0  # nS, of conductance-based cells
MEMBRANE = 200.0  # pF, of cells whose currents are given as potentials


def load() -> Any:
    import nest
    import numpy as np

    class Simulator:
        compile_s = None  # nothing is compiled

        def __init__(self, job: dict[str, Any]) -> None:
            network = job["network"]
            nest.set_verbosity("M_ERROR")
            nest.ResetKernel()
            nest.local_num_threads = job["threads"]
            nest.resolution = network["dt"] * 1e3
            self.cells = {}
            for c in network["cells"]:
                name, params, self.weight = neuron(c["model"], c["params"])
                self.cells[c["name"]] = nest.Create(name, c["size"], params)
            self.model = network["cells"][0]["model"]
            self.everyone = sum(list(self.cells.values())[1:], next(iter(self.cells.values())))
            with np.load(job["state"]) as state:
                for full in state.files:
                    owner, _, variable = full.rpartition(".")
                    field, factor = STATE[variable]
                    nest.SetStatus(self.cells[owner], field, state[full] * factor)
            for p in network["projections"]:
                self._connect(p)
            for drive in network["drives"]:
                source = nest.Create("poisson_generator", params={"rate": drive["rate"]})
                nest.Connect(
                    source, self.cells[drive["post"]],
                    syn_spec={"weight": drive["weight"] * self.weight[""], "delay": 0.1},
                )  # fmt: skip
            self.recorder = nest.Create("spike_recorder")
            nest.Connect(self.everyone, self.recorder)
            nest.Prepare()

        def _connect(self, p: dict[str, Any]) -> None:
            factor = self.weight[p["port"]]
            mean, sd = (x * factor for x in p["weight"])
            delay, delay_sd = (x * 1e3 for x in p["delay"])
            how: dict[str, Any] = {"weight": mean, "delay": delay}
            if sd:
                drawn = nest.random.normal(mean, abs(sd))
                bounds = {"min": 0.0} if mean > 0 else {"max": 0.0}
                how["weight"] = nest.math.redraw(drawn, **{"min": -np.inf, "max": np.inf, **bounds})
            if delay_sd:
                step = nest.resolution
                how["delay"] = nest.math.redraw(
                    nest.random.normal(delay, delay_sd), min=step - 0.5 * step, max=np.inf
                )
            post = self.everyone if p["post"] is None else self.cells[p["post"]]
            if p["stdp"]:
                s = p["stdp"]
                top = s["w_max"] * factor
                how |= {
                    "synapse_model": "stdp_synapse", "Wmax": top, "mu_plus": 0.0, "mu_minus": 0.0,
                    "lambda": s["a_plus"] / s["w_max"], "alpha": s["a_minus"] / s["a_plus"],
                    "tau_plus": s["tau_plus"] * 1e3,
                }  # fmt: skip
                nest.SetStatus(post, "tau_minus", s["tau_minus"] * 1e3)
            rule = (
                {"rule": "fixed_indegree", "indegree": p["number"]}
                if p["rule"] == "in_degree"
                else {"rule": "fixed_total_number", "N": p["number"]}
            )
            nest.Connect(self.cells[p["pre"]], post, rule, how)

        def run(self, seconds: float) -> tuple[float, dict[str, int]]:
            start = time.perf_counter()
            nest.Run(seconds * 1e3)
            taken = time.perf_counter() - start
            senders = np.asarray(self.recorder.events["senders"])
            self.recorder.n_events = 0
            return taken, {
                name: int(((senders >= c[0].global_id) & (senders <= c[-1].global_id)).sum())
                for name, c in self.cells.items()
            }

    return Simulator


STATE = {  # NEST's name and unit of a state variable
    "v": ("V_m", 1e3), "g_exc": ("g_ex", LEAK), "g_inh": ("g_in", LEAK),
}  # fmt: skip


def neuron(model: str, p: dict[str, float]) -> tuple[str, dict[str, float], dict[str, float]]:
    """NEST's model, its parameters, and by port the factor that weights are multiplied by."""
    tau = p["tau_mem"] * 1e3
    common = {"V_th": p["v_th"] * 1e3, "V_reset": p["v_reset"] * 1e3,
              "t_ref": p["refractory"] * 1e3}  # fmt: skip
    if model == "CobaLIF":
        params = {
            "C_m": tau * LEAK, "g_L": LEAK, "E_L": p["e_leak"] * 1e3, "E_ex": p["e_exc"] * 1e3,
            "E_in": p["e_inh"] * 1e3, "tau_syn_ex": p["tau_exc"] * 1e3,
            "tau_syn_in": p["tau_inh"] * 1e3,
        }  # fmt: skip
        return "iaf_cond_exp", common | params, {"excitation": LEAK, "inhibition": -LEAK}
    common |= {"tau_m": tau, "E_L": p["v_leak"] * 1e3}
    if model == "LIF":
        return "iaf_psc_delta", common, {"": 1e3}
    if model == "TwoCurrentLIF":
        params = {"C_m": MEMBRANE, "tau_syn_ex": p["tau_exc"] * 1e3,
                  "tau_syn_in": p["tau_inh"] * 1e3}  # fmt: skip
        factor = 1e3 * MEMBRANE / tau  # V to mV to pA
        return "iaf_psc_exp", common | params, {"excitation": factor, "inhibition": factor}
    assert model == "CubaLIF", f"{model} has no counterpart here"
    syn = p["tau_syn"] * 1e3
    params = {"C_m": p["tau_mem"] / p["r"] * 1e12, "tau_syn_ex": syn, "tau_syn_in": syn}
    return "iaf_psc_exp", common | params, {"": 1e12}


if __name__ == "__main__":
    serve(load, ("nest-simulator", "numpy"))
