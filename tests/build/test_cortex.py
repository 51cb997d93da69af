"""Vogels & Abbott's networks against a plain NumPy simulation with matrices of its own."""

import numpy as np
import pytest

from neuro import sim
from neuro.build.cortex import vogels_abbott
from neuro.errors import InvalidValue

N, EXC, DT, SECONDS = 4000, 3200, 1e-4, 0.3


def kick(rng, size):
    """Initial conductances, in leak conductances."""
    return rng.normal(4, 1.5, size).clip(0), rng.normal(20, 12, size).clip(0)


def euler_rate(kind: str) -> float:
    """Firing rate by forward Euler, written from Brette et al. (2007) in mV and nS."""
    rng = np.random.default_rng(11)
    reached = [np.flatnonzero(rng.random(N) < 0.02) for _ in range(N)]
    v, hold = rng.uniform(-60, -50, N), np.zeros(N)
    ge, gi, spikes = np.zeros(N), np.zeros(N), 0
    if kind == "coba":  # else no cell would ever reach the threshold
        ge, gi = kick(rng, N)
        ge, gi = ge / 0.6, gi / 6.7  # in synapses
    for _ in range(round(SECONDS / DT)):
        if kind == "coba":
            dv = ((-60 - v) * 10 + ge * 6 * (0 - v) + gi * 67 * (-80 - v)) / 10
        else:
            dv = (-49 - v) + 0.27 * 60 / 10 * ge - 4.5 * 20 / 10 * gi
        v = np.where(hold > 0, v, v + DT / 20e-3 * dv)
        ge, gi, hold = ge * (1 - DT / 5e-3), gi * (1 - DT / 10e-3), hold - 1
        fired = np.flatnonzero(v > -50)
        v[fired], hold[fired] = -60, 50
        spikes += fired.size
        for unit in fired:
            (ge if unit < EXC else gi)[reached[unit]] += 1
    return spikes / N / SECONDS


@pytest.mark.parametrize("kind", ["cuba", "coba"])
def test_rate_is_that_of_a_plain_simulation(kind):
    network = vogels_abbott(kind, seed=5)
    simulation = sim.Simulation(network, threads=1)
    rng = np.random.default_rng(3)
    for name in ("exc", "inh"):
        size = network.populations[name].size
        simulation.set(f"{name}.v", rng.uniform(-60e-3, -50e-3, size))
        if kind == "coba":
            for variable, start in zip(("g_exc", "g_inh"), kick(rng, size), strict=True):
                simulation.set(f"{name}.{variable}", start)
    record = simulation.run(SECONDS)
    rate = sum(len(record.events(f"{n}.spikes")[0]) for n in ("exc", "inh")) / N / SECONDS
    assert rate > 2
    assert rate == pytest.approx(euler_rate(kind), rel=0.15)
    pairs = N * N
    drawn = simulation.synapses
    assert abs(drawn - 0.02 * pairs) < 5 * np.sqrt(0.02 * 0.98 * pairs)


def test_unknown_kind_and_size_are_refused():
    with pytest.raises(InvalidValue, match="kind"):
        vogels_abbott("adex")
    with pytest.raises(InvalidValue, match="neurons"):
        vogels_abbott(neurons=81)
