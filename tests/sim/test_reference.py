"""The compiled engine against the definition on networks of rules, lists and sources."""

import numpy as np
import pytest

from neuro import Clock, Network, Synapse, ms, sim
from neuro.distributions import Normal, Uniform
from neuro.errors import Unsupported
from neuro.neurons import LIF, CobaLIF, TwoCurrentLIF
from neuro.rules import PairSTDP
from neuro.sources import OrnsteinUhlenbeck, Poisson, SpikeGenerator, StepCurrent, WhiteNoise
from neuro.synapses import (
    AllToAll,
    Dense,
    FixedInDegree,
    FixedOutDegree,
    FixedProbability,
    FixedTotal,
    OneToOne,
    Sparse,
)

rng = np.random.default_rng(2)


def network() -> Network:
    """Every kind of connection and source, with weights whose sums are exact."""
    times = np.sort(rng.integers(0, 400, 60)) * 0.1 * ms
    return Network(
        {
            "poisson": Poisson((5, 16), rate=300.0, seed=1),
            "each": Poisson(80, rate=np.linspace(0, 900, 80), seed=2),
            "given": SpikeGenerator(20, times, rng.integers(0, 20, 60)),
            "exc": TwoCurrentLIF(80, v_th=0.5, refractory=0.5 * ms, tau_mem=8 * ms),
            "inh": LIF(33, refractory=0.3 * ms, v_leak=0.25),
        },
        [
            Synapse("poisson", "exc", OneToOne(0.25), port="excitation"),
            Synapse("each", "exc", OneToOne(np.full(80, 0.125)), 0.7 * ms, "excitation"),
            Synapse("given", "exc", FixedOutDegree(9, 0.5, seed=4), 0.2 * ms, "excitation"),
            Synapse("exc", "inh", FixedProbability(0.3, 0.125, seed=5),
                    Uniform(0.1 * ms, 2 * ms)),
            Synapse("inh", "exc", FixedInDegree(7, -0.25, seed=6), 0.4 * ms, "inhibition"),
            Synapse("inh", "inh", FixedTotal(200, -0.0625, seed=7, autapses=False),
                    Normal(1.0 * ms, 0.5 * ms, low=0.1 * ms)),
            Synapse("exc", "exc", Sparse([0, 3, 3, 79, 3], [1, 2, 2, 0, 9], [1, 2, -1, 0.5, 1]),
                    np.array([0.1, 0.2, 0.3, 0.2, 1.1]) * ms, "excitation"),
            Synapse("given", "inh", AllToAll(0.03125)),
        ],
        ("exc", "inh"), Clock(0.1 * ms),
    )  # fmt: skip


@pytest.mark.parametrize("threads", [1, 2])
def test_engines_agree_to_the_bit(threads: int) -> None:
    net = network()
    record = ["exc.v", "inh.v", "poisson.spikes", "given.spikes"]
    expected = sim.run(net, 40 * ms, record=record, engine="reference", seed=3, dtype="float64")
    got = sim.run(net, 40 * ms, record=record, dtype="float64", threads=threads, seed=3)
    for name in ("exc", "inh", "poisson", "given"):
        spikes = got.events(f"{name}.spikes")[0]
        assert len(spikes) > 20
        assert spikes == expected.events(f"{name}.spikes")[0], name
    for name in ("exc.v", "inh.v"):
        np.testing.assert_array_equal(got.array(name), expected.array(name))


def test_currents_from_sources_agree() -> None:
    cells = 70
    net = Network(
        {
            "step": StepCurrent(cells, amplitude=[0.0, 0.25], times=[0.0, 5 * ms]),
            "white": WhiteNoise(cells, sigma=1e-3, seed=1),
            "ou": OrnsteinUhlenbeck(cells, mean=0.02, sd=0.05, tau=2 * ms, seed=2),
            "n": LIF(cells),
        },
        [Synapse(name, "n", OneToOne(1.0)) for name in ("step", "white", "ou")],
        ("n",), Clock(0.1 * ms),
    )  # fmt: skip
    expected = sim.run(
        net, 20 * ms, record=["n.v"], engine="reference", seed=1, dtype="float64"
    ).array("n.v")
    for threads in (1, 2):
        s = sim.Simulation(net, dtype="float64", threads=threads, seed=1)
        pieces = [s.run(t, record=["n.v"]).array("n.v") for t in (7 * ms, 13 * ms)]
        np.testing.assert_allclose(np.concatenate(pieces), expected, rtol=1e-12, atol=1e-14)


def test_conductances_agree() -> None:
    net = Network(
        {"in": Poisson(100, rate=80.0, seed=1), "n": CobaLIF(40, refractory=2 * ms)},
        [Synapse("in", "n", FixedProbability(0.2, 0.25, seed=1), 0.3 * ms, "excitation"),
         Synapse("n", "n", FixedProbability(0.1, 0.5, seed=2), 0.3 * ms, "inhibition")],
        ("n",), Clock(0.1 * ms),
    )  # fmt: skip
    expected = sim.run(net, 60 * ms, record=["n.v"], engine="reference", dtype="float64")
    got = sim.run(net, 60 * ms, record=["n.v"], dtype="float64", threads=2)
    assert len(got.events("n.spikes")[0]) > 50
    np.testing.assert_array_equal(got.array("n.v"), expected.array("n.v"))


def test_what_the_reference_lacks_is_refused() -> None:
    net = Network(
        {"in": Poisson(4), "n": LIF(3)},
        [Synapse("in", "n", Dense(np.full((3, 4), 0.5)), 1 * ms, rule=PairSTDP(w_max=1.0))],
        ("n",), Clock(1 * ms),
    )  # fmt: skip
    with pytest.raises(Unsupported, match="has no plasticity"):
        sim.run(net, 10 * ms, engine="reference")
    with pytest.raises(Unsupported, match="slice the result"):
        sim.run(network(), 1 * ms, engine="reference", record=[sim.Probe("exc.v", units=[1])])
