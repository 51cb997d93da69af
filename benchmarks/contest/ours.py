"""neuro, through its public API."""

from __future__ import annotations

import os
from typing import Any

from contest.serve import Stopwatch, peak_mb, serve
from contest.spec import TICK, WARM, Spec
from neuro import Clock, Network, Synapse, sim
from neuro.distributions import Normal
from neuro.neurons import LIF, CobaLIF, CubaLIF, TwoCurrentLIF
from neuro.rules import PairSTDP
from neuro.sources import Poisson
from neuro.synapses import FixedInDegree, FixedTotal, OneToOne

CELLS: dict[str, Any] = {
    "cuba": TwoCurrentLIF, "coba": CobaLIF, "delta": LIF, "psc": CubaLIF,
}  # fmt: skip
LEARNING = ("w_max", "a_plus", "a_minus", "tau_plus", "tau_minus")


def network(spec: Spec) -> Network:
    """The network that a Spec describes."""
    c = spec.constants
    constants = {k: v for k, v in c.items() if k not in LEARNING}
    leak = "e_leak" if spec.cell == "coba" else "v_leak"
    populations: dict[str, Any] = {
        p.name: CELLS[spec.cell](p.size, **constants, **{leak: p.v_leak}) for p in spec.populations
    }
    synapses = []
    for seed, p in enumerate(spec.projections):
        weight: Any = p.weight
        if p.weight_sd:
            bound = {"low": 0.0} if p.weight > 0 else {"high": 0.0}
            weight = Normal(p.weight, p.weight_sd, **bound)
        delay: Any = Normal(p.delay, p.delay_sd, low=TICK) if p.delay_sd else p.delay
        rule: Any = (
            FixedTotal(p.total, weight, seed=seed)
            if p.total
            else FixedInDegree(p.in_degree, weight, seed=seed)
        )
        port = ""
        if spec.cell in ("cuba", "coba"):
            port = "inhibition" if p.pre == "inh" else "excitation"
        stdp = PairSTDP(**{k: c[k] for k in LEARNING}) if p.plastic else None
        synapses.append(Synapse(p.pre, p.post, rule, delay, port, rule=stdp))
    for seed, d in enumerate(spec.drives):
        source = f"{d.post} drive"
        size = populations[d.post].size
        populations[source] = Poisson(size, rate=d.inputs * d.rate, seed=seed)
        synapses.append(Synapse(source, d.post, OneToOne(d.weight)))
    outputs = tuple(p.name for p in spec.populations)
    return Network(populations, synapses, outputs=outputs, clock=Clock(TICK))


def simulation(spec: Spec, threads: int) -> sim.Simulation:
    """Built, in its initial state."""
    s = sim.Simulation(network(spec), dtype="float32", threads=threads)
    for name, v in spec.potentials().items():
        s.set(f"{name}.v", v)
    if spec.cell == "coba":
        for field, g in zip(("g_exc", "g_inh"), spec.conductances(), strict=True):
            for name, (low, high) in spec.offsets().items():
                s.set(f"{name}.{field}", g[low:high])
    return s


class Ours:
    """Each turn runs the same second, from a snapshot after the warm-up."""

    def __init__(self, spec: Spec) -> None:
        threads = int(os.environ["BENCHMARK_THREADS"])
        with Stopwatch() as compiling:  # loads kernels from the cache, or compiles them
            simulation(spec.tiny(), threads).run(2 * TICK)
        with Stopwatch() as building:
            self.simulation = simulation(spec, threads)
        self.compile_s, self.build_s = compiling.seconds, building.seconds
        self.neurons = spec.neurons
        self.simulation.run(WARM)
        self.warm = self.simulation.snapshot()

    def turn(self, seconds: float) -> tuple[float, float]:
        self.simulation.restore(self.warm)
        with Stopwatch() as watch:
            record = self.simulation.run(seconds)
        outputs = self.simulation.network.outputs
        spikes = sum(len(record.events(f"{name}.spikes")[0]) for name in outputs)
        return watch.seconds, spikes / self.neurons / seconds

    def peak_mb(self) -> float:
        return peak_mb()


if __name__ == "__main__":
    serve(Ours)
