"""The networks as plain data, which every contestant builds in its own way. SI units."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

TICK = 1e-4  # s
WARM = 0.1  # s before the second that is timed
MV, MS = 1e-3, 1e-3


@dataclass(frozen=True)
class Population:
    """Equal neurons. `start`: of potentials, "uniform" (low, high) or "normal" (mean, sd)."""

    name: str
    size: int
    start: tuple[str, float, float]
    v_leak: float


@dataclass(frozen=True)
class Projection:
    """Synapses drawn at random: `in_degree` for each neuron or, if that is 0, `total`."""

    pre: str
    post: str
    weight: float  # V, A or leak conductances, by the cell
    in_degree: int = 0
    total: int = 0
    weight_sd: float = 0.0  # of a normal distribution that keeps its sign
    delay: float = TICK
    delay_sd: float = 0.0
    plastic: bool = False


@dataclass(frozen=True)
class Drive:
    """Poisson spikes for each neuron of a population: `inputs` trains of `rate` Hz."""

    post: str
    inputs: int
    rate: float
    weight: float


@dataclass(frozen=True)
class Spec:
    """A network.

    `cell`: "cuba" (two currents in V), "coba" (two conductances), "delta" (inputs move the
    membrane), "psc" (one current in A). `constants`: of the cell.
    """

    name: str
    cell: str
    constants: dict[str, float]
    populations: tuple[Population, ...]
    projections: tuple[Projection, ...]
    drives: tuple[Drive, ...] = ()

    @property
    def neurons(self) -> int:
        return sum(p.size for p in self.populations)

    @property
    def synapses(self) -> int:
        size = {p.name: p.size for p in self.populations}
        return sum(p.total or p.in_degree * size[p.post] for p in self.projections)

    def offsets(self) -> dict[str, tuple[int, int]]:
        """First and last + 1 unit of each population if all are put in one row."""
        ends = np.cumsum([p.size for p in self.populations]).tolist()
        return {p.name: (e - p.size, e) for p, e in zip(self.populations, ends, strict=True)}

    def potentials(self, seed: int = 0) -> dict[str, NDArray[np.float64]]:
        """Where the membranes start, below the threshold."""
        random, top = np.random.default_rng(seed), self.constants["v_th"] - 1e-5
        return {
            p.name: np.minimum(getattr(random, p.start[0])(*p.start[1:], p.size), top)
            for p in self.populations
        }

    def conductances(self, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """With which the coba network starts (Brette et al. 2007)."""
        random = np.random.default_rng(seed + 1)
        excitation, inhibition = (
            random.normal(m, s, self.neurons) for m, s in ((4, 1.5), (20, 12))
        )
        return np.maximum(excitation, 0), np.maximum(inhibition, 0)

    def tiny(self) -> Spec:
        """The same laws on a few neurons: to compile before the clock starts, and for tests."""
        size = {p.name: min(p.size, max(20, p.size // 200)) for p in self.populations}
        return replace(
            self,
            populations=tuple(replace(p, size=size[p.name]) for p in self.populations),
            projections=tuple(
                replace(p, in_degree=min(p.in_degree, 5), total=min(p.total, 5 * size[p.post]))
                for p in self.projections
            ),
        )

    def plain(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_plain(cls, d: dict[str, Any]) -> Spec:
        return cls(
            d["name"], d["cell"], d["constants"],
            tuple(Population(**{**p, "start": tuple(p["start"])}) for p in d["populations"]),
            tuple(Projection(**p) for p in d["projections"]),
            tuple(Drive(**p) for p in d["drives"]),
        )  # fmt: skip


def _balanced(
    name: str, neurons: int, cell: str, weights: tuple[float, float],
    in_degrees: tuple[int, int], constants: dict[str, float], start: tuple[str, float, float],
    v_leak: float, *, delay: float = TICK, plastic: bool = False, drive: float = 0.0,
) -> Spec:  # fmt: skip
    """Four parts excitation, one part inhibition."""
    exc = neurons * 4 // 5
    populations = tuple(
        Population(n, size, start, v_leak) for n, size in (("exc", exc), ("inh", neurons - exc))
    )
    projections = tuple(
        Projection(pre, post, weights[k], in_degrees[k], delay=delay,
                   plastic=plastic and pre == post == "exc")
        for k, pre in enumerate(("exc", "inh")) for post in ("exc", "inh")
    )  # fmt: skip
    drives = tuple(
        Drive(p.name, in_degrees[0], drive / in_degrees[0], weights[0])
        for p in populations
        if drive
    )
    return Spec(name, cell, constants, populations, projections, drives)


def cuba(neurons: int, *, plastic: bool = False) -> Spec:
    """Vogels & Abbott 2005 with currents; 64 + 16 synapses a neuron whatever the size.

    Plastic: additive pair STDP from exc to exc (Song, Miller & Abbott 2000), all pairs.
    """
    constants = {
        "tau_mem": 20 * MS, "tau_exc": 5 * MS, "tau_inh": 10 * MS, "v_th": -50 * MV,
        "v_reset": -60 * MV, "refractory": 5 * MS,
    }  # fmt: skip
    if plastic:
        w_max = 2 * 1.62 * MV
        constants |= {
            "w_max": w_max, "a_plus": 0.005 * w_max, "a_minus": 0.00525 * w_max,
            "tau_plus": 20 * MS, "tau_minus": 20 * MS,
        }  # fmt: skip
    return _balanced(
        f"stdp_{neurons}" if plastic else f"cuba_{neurons}", neurons, "cuba",
        (1.62 * MV, -9 * MV), (64, 16), constants, ("uniform", -60 * MV, -50 * MV), -49 * MV,
        plastic=plastic,
    )  # fmt: skip


def coba(neurons: int) -> Spec:
    """Vogels & Abbott 2005 with conductances, in units of the leak's (10 nS).

    The leak's potential is that of their network with currents: with their -60 mV, 3 of 8
    realisations of 4,000 neurons fell silent within the second, in every simulator.
    """
    constants = {
        "tau_mem": 20 * MS, "tau_exc": 5 * MS, "tau_inh": 10 * MS, "e_exc": 0.0,
        "e_inh": -80 * MV, "v_th": -50 * MV, "v_reset": -60 * MV, "refractory": 5 * MS,
    }  # fmt: skip
    start = ("normal", -65 * MV, 5 * MV)
    return _balanced(
        f"coba_{neurons}", neurons, "coba", (0.6, 6.7), (64, 16), constants, start, -49 * MV
    )


def brunel(neurons: int) -> Spec:
    """Brunel 2000, slow and irregular (g = 4.5, external rate 0.9 of the threshold's)."""
    c_exc, j, g, eta = neurons * 8 // 100, 0.1 * MV, 4.5, 0.9
    constants = {"tau_mem": 20 * MS, "v_th": 20 * MV, "v_reset": 10 * MV, "refractory": 2 * MS}
    threshold = 20 * MV / (j * 20 * MS)  # spikes a second that keep the membrane at threshold
    return _balanced(
        f"brunel_{neurons}", neurons, "delta", (j, -g * j), (c_exc, c_exc // 4), constants,
        ("uniform", 0.0, 20 * MV), 0.0, delay=1.5 * MS, drive=eta * threshold,
    )  # fmt: skip


def microcircuit(scale: float) -> Spec:
    """Potjans & Diesmann 2014, thinned as in van Albada et al. 2015: neuro's own description."""
    from neuro.build import potjans_diesmann
    from neuro.build.microcircuit import BACKGROUND, EXTERNAL, START

    network = potjans_diesmann(scale)
    cells = [network.populations[name] for name in network.outputs]
    first: Any = cells[0]
    constants = {
        k: float(getattr(first, k))
        for k in ("tau_mem", "tau_syn", "r", "v_th", "v_reset", "refractory")
    }
    populations, projections, drives = [], [], []
    for name, cell, mean, sd in zip(network.outputs, cells, *START, strict=True):
        leak = float(cell.v_leak)  # type: ignore[attr-defined]
        populations.append(Population(name, cell.size, ("normal", mean, sd), leak))
    outside = dict(zip(network.outputs, EXTERNAL, strict=True))
    for s in network.synapses:
        rule: Any = s.topology
        if s.pre.endswith("drive"):
            source: Any = network.populations[s.pre]
            inputs = round(outside[s.post] * scale)
            assert math.isclose(float(source.rate), BACKGROUND * outside[s.post] * scale)
            drives.append(
                Drive(s.post, inputs, float(source.rate) / inputs, float(np.ravel(rule.weight)[0]))
            )
            continue
        delay: Any = s.delay
        projections.append(Projection(
            s.pre, s.post, rule.weight.mean, total=rule.n, weight_sd=rule.weight.sd,
            delay=delay.mean, delay_sd=delay.sd,
        ))  # fmt: skip
    return Spec(
        f"microcircuit_{scale}", "psc", constants, tuple(populations), tuple(projections),
        tuple(drives),
    )  # fmt: skip


NETWORKS = {
    "cuba_4000": lambda: cuba(4000),
    "cuba_16000": lambda: cuba(16000),
    "cuba_64000": lambda: cuba(64000),
    "coba_4000": lambda: coba(4000),
    "brunel_12500": lambda: brunel(12500),
    "stdp_4000": lambda: cuba(4000, plastic=True),
    "microcircuit_0.1": lambda: microcircuit(0.1),
    "microcircuit_1.0": lambda: microcircuit(1.0),
}
