"""Connection rules: counts, degrees, independence of chunks, and bad input."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse, stats

from neuro import Clock, Network, Synapse, ms
from neuro.distributions import Normal, Uniform
from neuro.errors import InvalidValue
from neuro.neurons import LIF
from neuro.synapses import (
    AllToAll,
    Conv2d,
    Dense,
    DistanceDependent,
    FixedInDegree,
    FixedOutDegree,
    FixedProbability,
    FixedTotal,
    OneToOne,
    Part,
    SmallWorld,
    Sparse,
    Topology,
)

rng = np.random.default_rng(3)


def network(topology: Topology, pre: object = 300, post: object = 200, delay: object = 0.0):
    return Network(
        {"a": LIF(pre), "b": LIF(post)}, [Synapse("a", "b", topology, delay)], ("b",), Clock(1 * ms)
    )


def matrix(topology: Topology, pre: object = 300, post: object = 200) -> np.ndarray:
    """Number of synapses of every pair, [pre, post]."""
    net = network(topology, pre, post)
    rows = net.rows(net.synapses[0], 0, net.populations["a"].size)
    counts = np.zeros((net.populations["a"].size, net.populations["b"].size), int)
    units = np.repeat(np.arange(len(counts)), np.diff(rows.start))
    np.add.at(counts, (units, rows.post), 1)
    assert len(rows.post) <= net.synapse_count(net.synapses[0])
    return counts


EVERY = [
    AllToAll(Normal(1, 0.1)), AllToAll(autapses=False), OneToOne(0.5),
    FixedProbability(0.1, Uniform(0, 1), seed=1), FixedProbability(1.0), FixedProbability(0.0),
    FixedInDegree(20, seed=2), FixedInDegree(20, seed=2, multapses=False, autapses=False),
    FixedOutDegree(20, seed=3), FixedOutDegree(150, seed=3, multapses=False),
    FixedTotal(5000, Normal(0, 1), seed=4), SmallWorld(6, 0.2, seed=5),
    DistanceDependent(0.8, 0.1, seed=6), DistanceDependent(0.9, 0.2, "disc", periodic=1.0),
    Dense(rng.random((200, 200)) * (rng.random((200, 200)) < 0.1)),
    Sparse(rng.integers(0, 200, 999), rng.integers(0, 200, 999), rng.random(999)),
    Part(FixedProbability(0.5, Normal(0, 1), seed=7), pre=slice(50, 77), post=(180, 200)),
]  # fmt: skip


@pytest.mark.parametrize("topology", EVERY, ids=lambda t: repr(t)[:40])
@settings(max_examples=8, deadline=None)
@given(cut=st.lists(st.integers(0, 200), max_size=4))
def test_rows_are_the_same_in_any_chunks(topology: Topology, cut: list[int]) -> None:
    net = network(topology, 200, 200, delay=Uniform(1 * ms, 9 * ms))
    synapse = net.synapses[0]
    whole = net.rows(synapse, 0, 200)
    edges = sorted({0, 200, *cut})
    pieces = [net.rows(synapse, a, b) for a, b in pairwise(edges)]
    np.testing.assert_array_equal(whole.post, np.concatenate([p.post for p in pieces]))
    np.testing.assert_array_equal(whole.delay, np.concatenate([p.delay for p in pieces]))
    lengths = np.concatenate([np.diff(p.start) for p in pieces])
    np.testing.assert_array_equal(np.diff(whole.start), lengths)
    weights = [np.broadcast_to(p.weight, p.post.shape) for p in pieces]
    np.testing.assert_array_equal(
        np.broadcast_to(whole.weight, whole.post.shape), np.concatenate(weights)
    )


@pytest.mark.parametrize("topology", EVERY, ids=lambda t: repr(t)[:40])
def test_networks_of_rules_are_plain_data(topology: Topology) -> None:
    net = network(topology, 200, 200, delay=Normal(3 * ms, 1 * ms, low=1 * ms))
    back = Network.from_plain(*net.plain())
    assert back == net
    rows = [n.rows(n.synapses[0], 0, 200) for n in (net, back)]
    for mine, theirs in zip(*rows, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_probability_gives_binomial_counts_and_independent_pairs() -> None:
    counts = matrix(FixedProbability(0.1, seed=11))
    assert counts.max() == 1
    out, into = counts.sum(1), counts.sum(0)
    assert stats.kstest(out, stats.binom(200, 0.1).cdf).statistic < 0.12
    assert stats.binomtest(int(counts.sum()), 60_000, 0.1).pvalue > 1e-3
    # variance of the in-degree: that of independent pairs
    assert into.var() == pytest.approx(300 * 0.1 * 0.9, rel=0.35)


@pytest.mark.parametrize(("multapses", "k"), [(True, 40), (False, 40), (False, 180)])
def test_degrees_are_exact(multapses: bool, k: int) -> None:
    out = matrix(FixedOutDegree(k, seed=1, multapses=multapses))
    into = matrix(FixedInDegree(k, seed=1, multapses=multapses))
    assert (out.sum(1) == k).all()
    assert (into.sum(0) == k).all()
    for counts in (out, into):
        assert (counts.max() > 1) == multapses
        axis = 0 if counts is out else 1
        # every target is as likely: chi-square of the free degrees
        expected = np.full(counts.shape[1 - axis], counts.sum() / counts.shape[1 - axis])
        assert stats.chisquare(counts.sum(axis), expected).pvalue > 1e-4


def test_total_is_exact_and_pairs_are_poisson() -> None:
    counts = matrix(FixedTotal(30_000, seed=2))
    assert counts.sum() == 30_000
    share = [(counts == n).mean() for n in range(3)]
    np.testing.assert_allclose(share, stats.poisson(0.5).pmf(range(3)), atol=0.01)


def test_no_autapses_where_none_are_wanted() -> None:
    for topology in (
        FixedProbability(0.5, autapses=False), FixedTotal(5000, autapses=False),
        FixedOutDegree(30, autapses=False), FixedOutDegree(90, autapses=False, multapses=False),
        FixedInDegree(30, autapses=False), AllToAll(autapses=False), SmallWorld(8, 0.5),
    ):  # fmt: skip
        counts = matrix(topology, 100, 100)
        assert counts.sum() > 700
        assert not np.diag(counts).any(), topology


def test_a_small_world_lies_between_ring_and_random_graph() -> None:
    ring = matrix(SmallWorld(6, 0.0), 100, 100)
    steps = (np.arange(100)[None] - np.arange(100)[:, None]) % 100
    np.testing.assert_array_equal(ring, np.isin(steps, [1, 2, 3, 97, 98, 99]))
    moved = [1 - (matrix(SmallWorld(6, b, seed=1), 100, 100) * ring).sum() / 600 for b in (0.2, 1)]
    assert moved[0] == pytest.approx(0.2 * 93 / 99, abs=0.05)
    assert moved[1] > 0.85
    assert (matrix(SmallWorld(6, 0.7, seed=1), 100, 100).sum(1) == 6).all()


@pytest.mark.parametrize("kernel", ["gaussian", "exponential", "disc"])
def test_probability_falls_with_distance_as_the_kernel_says(kernel: str) -> None:
    shape = (30, 30)
    counts = matrix(DistanceDependent(0.6, 0.15, kernel, seed=4), shape, shape)
    y, x = (np.indices(shape).reshape(2, -1) + 0.5) / 30
    d = np.hypot(y[:, None] - y, x[:, None] - x)
    p = {
        "gaussian": 0.6 * np.exp(-(d**2) / (2 * 0.15**2)),
        "exponential": 0.6 * np.exp(-d / 0.15),
        "disc": 0.6 * (d <= 0.15),
    }[kernel]
    for low in np.arange(0, 0.5, 0.1):
        ring = (d >= low) & (d < low + 0.1)
        spread = np.sqrt((p[ring] * (1 - p[ring])).sum())
        assert abs(counts[ring].sum() - p[ring].sum()) < 4 * spread + 1


def test_positions_in_three_dimensions_and_a_closed_space() -> None:
    a, b = rng.random((50, 3)), rng.random((40, 3))
    counts = matrix(DistanceDependent(1.0, 0.4, "disc", a, b, periodic=1.0), 50, 40)
    gap = np.abs(a[:, None] - b)
    d = np.sqrt((np.minimum(gap, 1 - gap) ** 2).sum(2))
    np.testing.assert_array_equal(counts, d <= 0.4)


def test_convolution_rows_are_those_of_pytorch() -> None:
    import torch

    weight = rng.normal(size=(6, 2, 3, 2)).astype(np.float32)
    topology = Conv2d(weight, stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2)
    pre = (4, 7, 9)
    net = network(topology, pre, topology.post_shape(pre))
    rows = net.rows(net.synapses[0], 0, 252)
    x = torch.eye(252).reshape(252, *pre)
    expected = torch.nn.functional.conv2d(
        x, torch.tensor(weight), stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2
    ).reshape(252, -1)
    got = np.zeros(expected.shape, np.float32)
    np.add.at(got, (np.repeat(np.arange(252), np.diff(rows.start)), rows.post), rows.weight)
    np.testing.assert_allclose(got, expected.numpy(), atol=1e-6)


def test_lists_from_scipy_and_from_tables() -> None:
    dense = rng.random((40, 60)) * (rng.random((40, 60)) < 0.1)
    whole = Sparse.from_scipy(sparse.csr_matrix(dense))
    net = network(whole, 60, 40)
    rows = net.rows(net.synapses[0], 0, 60)
    got = np.zeros((60, 40), np.float32)
    got[np.repeat(np.arange(60), np.diff(rows.start)), rows.post] = rows.weight
    np.testing.assert_allclose(got.T, dense, rtol=1e-6)
    table = {"from": np.array([3, 1]), "to": np.array([0, 2]), "g": np.array([0.5, 1.0])}
    listed = Sparse.from_frame(table, pre="from", post="to", weight="g")
    assert list(listed.pre) == [3, 1] and list(listed.weight) == [0.5, 1.0]
    with pytest.raises(InvalidValue, match="no column 'pre'"):
        Sparse.from_frame(table)


def test_explicit_delays_stay_with_their_synapses() -> None:
    pre, post = rng.integers(0, 30, 200), rng.integers(0, 30, 200)
    delay = rng.integers(1, 20, 200)
    net = network(Sparse(pre, post, np.arange(200.0)), 30, 30, delay=delay * ms)
    rows = net.rows(net.synapses[0], 0, 30)
    np.testing.assert_array_equal(rows.delay, delay[rows.weight.astype(int)])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: network(FixedProbability(1.5)), r"FixedProbability\.p"),
        (lambda: network(FixedProbability(0.1, np.nan)), r"weight.*nan"),
        (lambda: network(FixedProbability(0.1, seed=-1)), "seed"),
        (lambda: network(FixedOutDegree(201, multapses=False)), "only 200 postsynaptic"),
        (lambda: network(FixedInDegree(301, multapses=False)), "only 300 presynaptic"),
        (lambda: network(FixedTotal(-1)), r"FixedTotal\.n"),
        (lambda: network(OneToOne()), "300 presynaptic but 200"),
        (lambda: network(SmallWorld(4, 0.1)), "one population"),
        (lambda: network(SmallWorld(5, 0.1)), "even"),
        (lambda: network(Sparse([0, 300], [0, 1])), r"Sparse\.pre: entry 1 is 300, expected below"),
        (lambda: network(Sparse([0], [-1])), r"Sparse\.post.*-1"),
        (lambda: network(Sparse([0, 1], [1])), "2 entries, but post has 1"),
        (lambda: network(Sparse([0], [1], np.nan)), "NaN"),
        (lambda: network(Part(OneToOne(), pre=(0, 10), post=(195, 205))), r"Part\.post.*only 200"),
        (lambda: network(Part(OneToOne(), pre=slice(0, 10, 2))), "slice"),
        (lambda: network(DistanceDependent(0.5, 0.0)), "scale"),
        (lambda: network(DistanceDependent(0.5, 1.0, pre=np.zeros((7, 2)))), "7 positions for 300"),
        (lambda: network(DistanceDependent(0.5, 1.0, "linear")), "kernel"),
    ],
)
def test_bad_rules_are_named(make: object, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        make()
