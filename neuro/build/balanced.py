"""Random networks of excitation and inhibition: Vogels and Abbott's, and Brunel's."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.network import Network, Synapse
from neuro.neurons import LIF, CobaLIF, Neuron, TwoCurrentLIF
from neuro.sources import Poisson
from neuro.synapses import FixedInDegree, FixedProbability, OneToOne, Topology
from neuro.units import ms

Kind = Literal["cuba", "coba"]
EXCITATORY = 0.8  # share of the neurons, and of the synapses each receives
CONNECTED = 0.02  # chance that a pair is, in the network of Vogels and Abbott
V_LOW, V_TH = -60e-3, -50e-3  # V; between these the benchmark's potentials begin
# By how much a spike moves its current (V) or conductance (leak conductances).
WEIGHTS = {"cuba": (1.62e-3, -9e-3), "coba": (0.6, 6.7)}


def vogels_abbott(
    kind: Kind = "cuba", neurons: int = 4000, in_degree: int | None = None, seed: int = 0
) -> Network:
    """A network that keeps itself going without any input: populations "exc" (80 %) and "inh".

    Start it from scattered potentials, `balanced_start`: from rest nothing happens ("coba") or all
    neurons fire together ("cuba", whose leak lies above the threshold).

    Args:
        kind: "cuba" has synaptic currents, 1.62 mV and -9 mV in units of the potential they would
            hold; "coba" conductances, 6 nS and 67 nS over a leak of 10 nS.
        neurons: in all, a multiple of 5. Weights do not depend on it, so that with the default
            connections a network much larger than 4000 gets stronger input.
        in_degree: synapses of each neuron, a multiple of 5, of which 80 % are excitatory; by
            default every pair is connected with probability 0.02, which makes 80 on average.
        seed: of the connections.

    Raises:
        InvalidValue: another kind, or numbers that cannot be split 4 to 1.

    Source: Vogels & Abbott, J. Neurosci. 25 (2005), as set up in Brette et al., J. Comput.
    Neurosci. 23 (2007), benchmarks 1 ("coba") and 2 ("cuba"), with the size of 4000, spikes on a
    grid of 0.1 ms, and a delay of one tick.
    """
    if kind not in WEIGHTS:
        raise InvalidValue(f"vogels_abbott.kind: got {kind!r}, expected 'cuba' or 'coba'")
    sizes = _split("vogels_abbott.neurons", neurons)
    cells: dict[str, Neuron] = {}
    for name, size in zip(("exc", "inh"), sizes, strict=True):
        if kind == "cuba":
            cells[name] = TwoCurrentLIF(
                size, tau_mem=20 * ms, tau_exc=5 * ms, tau_inh=10 * ms, v_leak=-49e-3, v_th=V_TH,
                v_reset=V_LOW, refractory=5 * ms,
            )  # fmt: skip
        else:
            cells[name] = CobaLIF(
                size, tau_mem=20 * ms, tau_exc=5 * ms, tau_inh=10 * ms, e_leak=V_LOW, e_exc=0.0,
                e_inh=-80e-3, v_th=V_TH, v_reset=V_LOW, refractory=5 * ms,
            )  # fmt: skip
    degrees = None if in_degree is None else _split("vogels_abbott.in_degree", in_degree)
    synapses: list[Synapse] = []
    for i, (pre, port) in enumerate((("exc", "excitation"), ("inh", "inhibition"))):
        for j, post in enumerate(("exc", "inh")):
            weight, own = WEIGHTS[kind][i], 4 * seed + 2 * i + j
            rule: Topology = (
                FixedProbability(CONNECTED, weight, seed=own, autapses=False)
                if degrees is None
                else FixedInDegree(degrees[i], weight, seed=own, autapses=False)
            )
            synapses.append(Synapse(pre, post, rule, 0.1 * ms, port))
    return Network(cells, tuple(synapses), ("exc", "inh"), Clock(0.1 * ms))


def balanced_start(network: Network, seed: int = 0) -> dict[str, NDArray[np.float64]]:
    """State for `Simulation.set(name, value)` by name, e.g. "exc.v", that sets activity going.

    Currents ("cuba"): potentials uniform between reset and threshold. Conductances ("coba"), whose
    leak lies below the threshold: potentials normal, -65 mV +- 5 mV; conductances normal and cut
    off at 0, excitatory 4 +- 1.5 and inhibitory 20 +- 12 times the leak's.

    Args:
        network: of `vogels_abbott`.
        seed: of the draws.

    Source: the start of Brian's program for benchmark 1 (COBA) and benchmark 2 (CUBA).
    """
    random = np.random.default_rng(seed)
    found: dict[str, NDArray[np.float64]] = {}
    for name in network.outputs:
        size = network.populations[name].size
        if isinstance(network.populations[name], CobaLIF):
            found[f"{name}.v"] = random.normal(-65e-3, 5e-3, size)
            found[f"{name}.g_exc"] = random.normal(4.0, 1.5, size).clip(0)
            found[f"{name}.g_inh"] = random.normal(20.0, 12.0, size).clip(0)
        else:
            found[f"{name}.v"] = random.uniform(V_LOW, V_TH, size)
    return found


def brunel(
    g: float = 5.0, eta: float = 2.0, neurons: int = 12_500, *, j: float = 0.1e-3,
    delay: float = 1.5 * ms, epsilon: float = 0.1, dt: float = 0.1 * ms, seed: int = 0,
) -> Network:  # fmt: skip
    """Brunel's sparse network (model A): LIF with delta synapses, populations "exc" and "inh".

    Each neuron receives `epsilon` of both populations (1000 + 250 at the default size), and as
    many excitatory spikes from outside, here one Poisson unit of "exc drive" or "inh drive" each,
    as fire at `eta` times the rate that would by itself bring the mean potential to the threshold.

    Args:
        g: strength of inhibition relative to excitation.
        eta: rate of the drive relative to the threshold rate, v_th / (j K_exc tau_mem).
        neurons: in all, a multiple of 5.
        j: volts by which an excitatory spike moves the membrane. In a network smaller by a factor,
            with fewer synapses, one divided by that factor leaves the mean input as it is.
        delay: seconds, of all recurrent synapses.
        epsilon: share of each population that reaches a neuron.
        dt: tick in seconds; the delay and the refractory period of 2 ms are whole ticks.
        seed: of connections and drive.

    Raises:
        InvalidValue: numbers that cannot be split 4 to 1, a share outside 0 to 1, or eta, g, j
            below 0.

    Source: Brunel, J. Comput. Neurosci. 8 (2000), section 2 (g and eta as in figure 2).
    """
    sizes = _split("brunel.neurons", neurons)
    for field, value in (("g", g), ("eta", eta)):
        if not 0 <= value < np.inf:
            raise InvalidValue(f"brunel.{field}: got {value!r}, expected a finite number >= 0")
    if not 0 < j < np.inf:
        raise InvalidValue(f"brunel.j: got {j!r} V, expected above 0 V")
    if not 0 < epsilon <= 1:
        raise InvalidValue(f"brunel.epsilon: got {epsilon!r}, expected 0 < epsilon <= 1")
    degrees = [round(epsilon * size) for size in sizes]
    if min(degrees) < 1:
        raise InvalidValue(f"brunel: {neurons} neurons and epsilon={epsilon} leave no synapses")
    cell = LIF(
        sizes[0], tau_mem=20 * ms, v_th=20e-3, v_leak=0.0, v_reset=10e-3, refractory=2 * ms
    )  # fmt: skip
    rate = eta * 20e-3 / (j * 20 * ms)  # of all K_exc inputs together: K_exc cancels
    synapses: list[Synapse] = []
    for i, post in enumerate(("exc", "inh")):
        synapses.append(Synapse(f"{post} drive", post, OneToOne(j)))
        for k, (pre, weight) in enumerate((("exc", j), ("inh", -g * j))):
            rule = FixedInDegree(degrees[k], weight, seed=4 * seed + 2 * i + k, autapses=False)
            synapses.append(Synapse(pre, post, rule, delay))
    return Network(
        {
            "exc": cell, "inh": cell.replace(shape=sizes[1]),
            "exc drive": Poisson(sizes[0], rate=rate, seed=2 * seed),
            "inh drive": Poisson(sizes[1], rate=rate, seed=2 * seed + 1),
        },
        tuple(synapses), ("exc", "inh"), Clock(dt),
    )  # fmt: skip


def _split(where: str, total: int) -> tuple[int, int]:
    """4 to 1."""
    if isinstance(total, bool) or not isinstance(total, int | np.integer) or total < 5 or total % 5:
        raise InvalidValue(f"{where}: got {total!r}, expected a positive multiple of 5")
    return round(EXCITATORY * total), round((1 - EXCITATORY) * total)
