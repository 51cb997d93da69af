"""The cortical microcircuit of Potjans and Diesmann: 1 mm^2 of cortex in four layers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.distributions import Normal
from neuro.errors import InvalidValue
from neuro.network import Network, Synapse
from neuro.neurons import CubaLIF, Neuron
from neuro.sources import Poisson, Source
from neuro.synapses import FixedTotal, OneToOne
from neuro.units import ms

POPULATIONS = ("L2/3E", "L2/3I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I")
NEURONS = (20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948)
EXTERNAL = (1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100)  # synapses from outside, per neuron
BACKGROUND = 8.0  # Hz of each of them
# Probability that a neuron of the population of the row hears one of that of the column.
PROBABILITY = np.array([
    [0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0, 0.0076, 0.0],
    [0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0, 0.0042, 0.0],
    [0.0077, 0.0059, 0.0497, 0.1350, 0.0067, 0.0003, 0.0453, 0.0],
    [0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0, 0.1057, 0.0],
    [0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0],
    [0.0548, 0.0269, 0.0257, 0.0022, 0.0600, 0.3158, 0.0086, 0.0],
    [0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252],
    [0.0364, 0.0010, 0.0034, 0.0005, 0.0277, 0.0080, 0.0658, 0.1443],
])  # fmt: skip
# Mean rates (Hz) of the full network, as NEST's own example of the model has them.
RATES = (0.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829)
# Mean and standard deviation (V) of the potentials with which the network starts near its rates.
START = (
    (-68.28e-3, -63.16e-3, -63.33e-3, -63.45e-3, -63.11e-3, -61.66e-3, -66.72e-3, -61.43e-3),
    (5.36e-3, 4.57e-3, 4.74e-3, 4.94e-3, 4.94e-3, 4.55e-3, 5.46e-3, 4.48e-3),
)
WEIGHT = 87.8e-12  # A; raises the membrane by 0.15 mV
INHIBITION = -4.0  # times WEIGHT
SPREAD = 0.1  # standard deviation of weights over their mean
C_MEM, TAU_MEM, TAU_SYN = 250e-12, 10 * ms, 0.5 * ms
DELAYS = {"E": 1.5 * ms, "I": 0.75 * ms}  # standard deviation: half of it


def potjans_diesmann(scale: float = 1.0, *, in_degree: float | None = None,
                     seed: int = 0) -> Network:  # fmt: skip
    """The microcircuit, of 77,169 neurons and 299 million synapses at scale 1.

    Below 1, populations shrink by `scale` and in-degrees by `in_degree`. Weights grow by
    1 / sqrt(in_degree), which keeps the variance of the input, and a constant current keeps its
    mean, so that rates stay; correlations do not.

    Populations are named as in the paper, but for the dot and slash that names cannot have: "L23E"
    to "L6I". Each has a `Poisson` source of its own, "L23E drive" and so on. Potentials start at
    rest; see `start`.

    Args:
        scale: above 0, at most 1.
        in_degree: by default `scale`.
        seed: of connections, weights and delays, and of the sources.

    Raises:
        InvalidValue: a scale is out of range.

    Source: Potjans & Diesmann, Cerebral Cortex 24 (2014), tables 4 and 5; scaling: van Albada,
    Helias & Diesmann, PLOS Computational Biology 11 (2015), eqs. 6 to 8.
    """
    thinned = scale if in_degree is None else in_degree
    for name, value in (("scale", scale), ("in_degree", thinned)):
        if not 0 < value <= 1:
            raise InvalidValue(f"potjans_diesmann.{name}: got {value!r}, expected 0 < x <= 1")
    full = np.array(NEURONS)
    sizes = np.maximum(1, np.rint(full * scale)).astype(int)
    total = np.log1p(-PROBABILITY) / np.log1p(-1 / np.outer(full, full))
    sign = np.where(np.arange(8) % 2, INHIBITION, 1.0)
    weight = np.broadcast_to(WEIGHT * sign, (8, 8)).copy()
    weight[0, 2] *= 2  # from L4E to L2/3E
    # what thinning takes from the mean input, as a current
    missing = (weight * total / full[:, None]) @ np.array(RATES)
    missing += WEIGHT * np.array(EXTERNAL) * BACKGROUND
    current = TAU_SYN * missing * (1 - np.sqrt(thinned))
    grown = 1 / np.sqrt(thinned)
    names = [p.replace("/", "") for p in POPULATIONS]
    resistance = TAU_MEM / C_MEM
    populations: dict[str, Neuron | Source] = {}
    synapses: list[Synapse] = []
    for i, name in enumerate(names):
        populations[name] = CubaLIF(
            int(sizes[i]), tau_mem=TAU_MEM, tau_syn=TAU_SYN, r=resistance, v_th=-50e-3,
            v_leak=-65e-3 + resistance * float(current[i]), v_reset=-65e-3, refractory=2 * ms,
        )  # fmt: skip
    for i, name in enumerate(names):
        rate = BACKGROUND * EXTERNAL[i] * thinned
        populations[f"{name} drive"] = Poisson(int(sizes[i]), rate=rate, seed=100 * seed + i)
        synapses.append(Synapse(f"{name} drive", name, OneToOne(WEIGHT * grown)))
    for j, pre in enumerate(names):
        for i, post in enumerate(names):
            count = int(np.rint(total[i, j] * scale * thinned))
            if not count:
                continue
            mean = float(weight[i, j]) * grown
            bound = {"low": 0.0} if mean > 0 else {"high": 0.0}
            delay = DELAYS[pre[-1]]
            rule = FixedTotal(
                count, Normal(mean, SPREAD * abs(mean), **bound), seed=1000 * seed + 8 * j + i
            )
            synapses.append(Synapse(pre, post, rule, Normal(delay, delay / 2, low=0.1 * ms)))
    return Network(populations, tuple(synapses), tuple(names), Clock(0.1 * ms))


def start(network: Network, seed: int = 0) -> dict[str, NDArray[Any]]:
    """Potentials for `Simulation.set(f"{name}.v", ...)` that spare the network its first burst.

    Source: the optimised initial state of NEST's example of the model, drawn per population; values
    at or above the threshold are put just below it.
    """
    random = np.random.default_rng(seed)
    found: dict[str, NDArray[Any]] = {}
    for name, mean, sd in zip(network.outputs, *START, strict=True):
        size = network.populations[name].size
        found[name] = np.minimum(random.normal(mean, sd, size), -50.01e-3)
    return found
