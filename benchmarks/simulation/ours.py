"""neuro through its public interface: a Network in a Simulation."""

import time
from typing import Any

from simulation.serve import serve


def load() -> Any:
    import numpy as np

    from neuro import sim
    from simulation.networks import CASES, bare

    class Simulator:
        compile_s = None  # found by comparing with a start from an empty cache

        def __init__(self, job: dict[str, Any]) -> None:
            case = next(c for c in CASES if c.name == job["case"])
            self.network = case.build(job["quick"])
            if job["bare"]:
                self.network = bare(self.network)
            self.simulation = sim.Simulation(
                self.network, threads=job["threads"], dtype=job["dtype"]
            )
            with np.load(job["state"]) as state:
                for name in state.files:
                    self.simulation.set(name, state[name])

        def run(self, seconds: float) -> tuple[float, dict[str, int]]:
            start = time.perf_counter()
            record = self.simulation.run(seconds)
            taken = time.perf_counter() - start
            names = self.network.outputs
            return taken, {n: len(record.events(f"{n}.spikes")[0]) for n in names}

    return Simulator


if __name__ == "__main__":
    serve(load, ("neuro", "numba", "numpy"))
