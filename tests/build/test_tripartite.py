"""Tripartite synapses and Dale's law."""

import numpy as np
import pytest

from neuro import Clock, Network, Synapse, ms, sim
from neuro.build import check_dale, tripartite
from neuro.errors import InvalidValue
from neuro.neurons import LI, LIF, CobaLIF
from neuro.synapses import Dense, FixedProbability

SIZES = (200, 100, 50)


@pytest.mark.parametrize(("pool", "size"), [("random", 1), ("random", 7), ("block", 1)])
def test_each_connection_has_an_astrocyte_of_its_neurons_pool(pool: str, size: int) -> None:
    primary, up, down = tripartite(
        "n", "m", "a", SIZES, p=0.2, p_astrocyte=0.5, pool_size=size, pool=pool, seed=3
    )
    assert len(primary.topology.pre) == pytest.approx(200 * 100 * 0.2, rel=0.1)
    assert len(up.topology.pre) == pytest.approx(0.5 * len(primary.topology.pre), rel=0.1)
    np.testing.assert_array_equal(up.topology.post, down.topology.pre)  # the same astrocytes
    pairs = set(zip(primary.topology.pre.tolist(), primary.topology.post.tolist(), strict=True))
    beside = set(zip(up.topology.pre.tolist(), down.topology.post.tolist(), strict=True))
    assert beside < pairs
    for post in range(100):
        pool_used = np.unique(down.topology.pre[down.topology.post == post])
        assert len(pool_used) <= size
        if pool == "block":
            assert list(pool_used) == [post // 2]


def test_blocks_of_several_astrocytes_are_disjoint() -> None:
    _, _, down = tripartite("n", "m", "a", (20, 10, 30), p=1.0, pool_size=3, pool="block")
    np.testing.assert_array_equal(down.topology.pre // 3, down.topology.post)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pool_size": 51}, "50 astrocytes"),
        ({"pool_size": 2, "pool": "block"}, "need 200 astrocytes"),
        ({"pool": "near"}, "'near'"),
        ({"p_astrocyte": 1.5}, "p_astrocyte"),
        ({"p": -0.1}, r"FixedProbability\.p"),
    ],
)
def test_impossible_pools_are_named(settings: dict, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        tripartite("n", "m", "a", SIZES, **{"p": 0.1, **settings})


def test_a_tripartite_network_runs() -> None:
    synapses = tripartite(
        "n", "m", "a", SIZES, p=0.1, seed=1, weight=0.0, to_astrocyte=0.125, from_astrocyte=0.25
    )
    net = Network(
        {"n": LIF(200, v_leak=1.5), "m": LIF(100, v_th=1e9), "a": LI(50)}, synapses, ("m",),
        Clock(1 * ms),
    )  # fmt: skip
    record = sim.run(net, 0.1, record=["m.v", "a.v"])
    assert record.array("a.v").max() > 0
    assert record.array("m.v").max() > 0  # through the astrocytes alone


def signs(*synapses: Synapse) -> Network:
    return Network({"e": LIF(40), "i": LIF(10), "c": CobaLIF(30)}, synapses, ("c",), Clock(1 * ms))


def test_dales_law_is_checked_by_neuron() -> None:
    rule = FixedProbability(0.5, 1.0, seed=1)
    check_dale(signs(
        Synapse("e", "i", rule), Synapse("i", "e", FixedProbability(0.5, -1.0), 1 * ms),
        Synapse("e", "c", rule, port="excitation"),
        Synapse("i", "c", rule, port="inhibition"),
    ))  # fmt: skip
    mixed = np.ones((10, 40))
    mixed[3, 7] = -2.0
    with pytest.raises(InvalidValue, match=r"unit 7 of 'e' inhibits.*-2.*excites"):
        check_dale(signs(Synapse("e", "i", Dense(mixed))))
    with pytest.raises(InvalidValue, match=r"'e' inhibits through 'e->c\.inhibition'"):
        check_dale(signs(
            Synapse("e", "i", Dense(np.ones((10, 40)))),
            Synapse("e", "c", Dense(np.ones((30, 40))), port="inhibition"),
        ))  # fmt: skip


def test_negative_conductances_are_refused() -> None:
    net = signs(Synapse("e", "c", FixedProbability(0.5, -1.0), port="inhibition"))
    with pytest.raises(InvalidValue, match=r"weight -1.*'inhibition' takes conductances"):
        sim.Simulation(net)
