"""Delays of single connections in NIR: the fewest branches, the same spikes, the same network."""

from __future__ import annotations

import re
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuro import sim
from neuro.clock import Clock
from neuro.distributions import Uniform
from neuro.errors import CorruptFile, InvalidValue, Unsupported
from neuro.events import Events
from neuro.export import from_nir, lowering, nir_delays, read_nir, to_nir, write_nir
from neuro.network import Input, Network, Synapse
from neuro.neurons import IF, LIF
from neuro.synapses import Conv2d, Dense, OneToOne, Sparse
from neuro.units import ms

nir: Any = pytest.importorskip("nir")  # whose own annotations refuse arrays

CLOCK = Clock(1 * ms)
STEP = 1e-4  # seconds of NIR time in one tick


def one(weight: Any, ticks: Any, bias: Any = None, **more: Any) -> Network:
    """in -> out, a matrix of weights and a matrix of delays in ticks."""
    topology = Dense(weight, bias)
    post, pre = topology.weight.shape
    edge = Synapse("in", "out", topology, np.asarray(ticks) * CLOCK.dt, **more)
    return Network({"in": Input(pre), "out": IF(post)}, (edge,), ("out",), CLOCK)


def spikes(network: Network, x: np.ndarray) -> dict[str, np.ndarray]:
    """What all populations emit, by the compiled engine in float64."""
    t, unit = np.nonzero(x)
    shape = network.populations["in"].units
    fed = Events.sorted(t, unit, shape=shape, clock=network.clock, duration=len(x))
    names = [f"{n}.spikes" for n in network.neurons()]
    record = sim.run(
        network, len(x) * network.clock.dt, inputs={"in": fed}, record=names, dtype="float64"
    )
    return {n: record.array(n)[:, 0] for n in names}


def drive(units: int, steps: int = 50, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng([seed, 1]).random((steps, units)) < 0.3).astype(float)


def matrices(graph: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """Delay in steps [pre] and weights [post, pre] of every way from "in" to "out"."""
    return [(delay, weight) for _, _, delay, weight, _ in ways(graph)]


def ways(graph: Any) -> list[tuple[str, str, np.ndarray, np.ndarray, Any]]:
    """From, to, delay in steps [pre], weights [post, pre] and bias of every matrix."""
    found = []
    for name, node in graph.nodes.items():
        if isinstance(node, nir.Linear | nir.Affine):
            post = next(b for a, b in graph.edges if a == name)
            pre, delay = name, np.zeros(node.weight.shape[1], int)
            while pre == name or not isinstance(graph.nodes[pre], nir.Input | nir.IF | nir.LIF):
                (pre,) = (a for a, b in graph.edges if b == pre)
                if isinstance(graph.nodes[pre], nir.Delay):
                    delay = np.rint(graph.nodes[pre].delay.ravel() / STEP).astype(int)
            if pre == post and not delay.any():
                delay = delay + 1  # the step that an edge onto itself takes
            found.append((pre, post, delay, node.weight, getattr(node, "bias", 0.0)))
    return found


def meant(graph: Any, x: np.ndarray) -> dict[str, np.ndarray]:
    """Spikes [T, units] of the IF nodes "hid" and "out" of a graph, from NIR's definition."""
    cells = [n for n in ("hid", "out") if n in graph.nodes]
    sent = {"in": x} | {n: np.zeros((len(x), len(graph.nodes[n].r))) for n in cells}
    v = {n: np.zeros(len(graph.nodes[n].r)) for n in cells}
    for t in range(len(x)):
        for name in cells:
            for pre, post, delay, weight, bias in ways(graph):
                if post == name:
                    came = [sent[pre][t - d, j] if t >= d else 0.0 for j, d in enumerate(delay)]
                    v[name] += STEP * graph.nodes[name].r * (weight @ np.array(came) + bias)
            fires = v[name] > graph.nodes[name].v_threshold
            v[name][fires] = 0.0
            sent[name][t] = fires
    return {f"{n}.spikes": sent[n] for n in cells}


def test_branches_hold_every_connection_once_with_its_delay() -> None:
    rng = np.random.default_rng(4)
    weight = rng.choice([0.0, 0.5, -1.0, 2.0], (5, 7))
    ticks = rng.integers(0, 6, (5, 7))
    for i, j in product(range(5), range(7)):
        ways = [(w[i, j], d[j]) for d, w in matrices(to_nir(one(weight, ticks))) if w[i, j]]
        assert ways == ([(weight[i, j], ticks[i, j])] if weight[i, j] else [])


@pytest.mark.parametrize(
    ("ticks", "weight", "count"),
    [
        ([[3, 3], [3, 3]], [[1, 1], [1, 1]], 1),
        ([[3, 5], [3, 5]], [[1, 1], [1, 1]], 1),  # one delay a unit: a single Delay of two channels
        ([[3, 3], [5, 5]], [[1, 1], [1, 1]], 2),
        ([[3, 7], [5, 9]], [[1, 1], [1, 1]], 2),  # four delays, but two a unit
        ([[3, 7], [5, 9]], [[1, 1], [0, 1]], 2),
        ([[3, 7], [5, 9]], [[1, 1], [0, 0]], 1),  # what carries nothing costs nothing
        ([[3, 7], [5, 9]], [[0, 0], [0, 0]], 1),
        (np.arange(12).reshape(4, 3), np.ones((4, 3)), 4),
    ],
)  # fmt: skip
def test_there_are_as_many_branches_as_delays_at_the_unit_with_most(
    ticks: Any, weight: Any, count: int
) -> None:
    network = one(weight, ticks)
    assert len(matrices(to_nir(network))) == count
    (entry,) = lowering(network).synapses
    values = np.asarray(ticks)[np.asarray(weight) != 0]
    assert (entry.branches, entry.connections) == (count, len(values))
    assert entry.different == len(set(values.tolist()))
    assert entry.stored == count * np.size(weight)


def test_branches_delay_all_channels_alike_where_that_costs_none() -> None:
    graph = to_nir(one(np.ones((2, 3)), [[2, 5, 2], [5, 2, 2]]))
    assert sorted(d.tolist() for d, _ in matrices(graph)) == [[2, 2, 2], [5, 5, 5]]


def test_the_bias_comes_once_and_at_once(tmp_path: Path) -> None:
    network = one(np.ones((2, 2)), [[1, 4], [4, 1]], bias=[0.25, 0.5])
    graph: Any = to_nir(network)
    assert [type(n).__name__ for n in graph.nodes.values()].count("Affine") == 1
    write_nir(network, tmp_path / "net.nir")
    assert read_nir(tmp_path / "net.nir") == network
    graph.metadata.clear()
    x = drive(2)
    got, expected = spikes(from_nir(graph, clock=CLOCK), x), spikes(network, x)
    np.testing.assert_array_equal(got["out.spikes"], expected["out.spikes"])


def test_weights_of_zero_keep_their_sign(tmp_path: Path) -> None:
    network = one([[-0.0, 1.0], [1.0, -0.0]], [[1, 2], [2, 3]])
    write_nir(network, tmp_path / "net.nir")
    assert read_nir(tmp_path / "net.nir").fingerprint == network.fingerprint


def loop(ticks: Any) -> Network:
    """A population that sends to itself with a delay for each connection."""
    weight = np.array([[0.5, -0.25, 1.0], [0.0, 0.5, 0.25], [1.0, 0.0, 0.5]])
    synapses = (
        Synapse("in", "out", Dense(np.eye(3))),
        Synapse("out", "out", Dense(weight), np.asarray(ticks) * CLOCK.dt),
    )
    cells = LIF(3, v_th=0.75, tau_mem=10 * ms)
    return Network({"in": Input(3), "out": cells}, synapses, ("out",), CLOCK)


@pytest.mark.parametrize(
    ("ticks", "waits"),
    [
        (np.ones((3, 3)), []),  # the step that an edge onto itself takes anyway
        ([[1, 3, 1], [1, 1, 1], [1, 3, 1]], [[3, 3, 3]]),
        ([[1, 3, 1], [9, 4, 1], [2, 9, 1]], [[1, 3, 1], [2, 4, 2]]),  # no channel goes without
        ([[1, 3, 1], [1, 3, 3], [3, 3, 3]], [[3, 3, 3]]),  # the branch of 1 needs no node
        ([[2, 3, 2], [2, 3, 2], [2, 3, 2]], [[2, 3, 2]]),
    ],
)
def test_loops_keep_their_step(tmp_path: Path, ticks: Any, waits: list[list[int]]) -> None:
    network = loop(ticks)
    graph: Any = to_nir(network)
    found = [np.rint(n.delay / STEP) for n in graph.nodes.values() if isinstance(n, nir.Delay)]
    np.testing.assert_array_equal(np.reshape(found, (-1, 3)), np.reshape(waits, (-1, 3)))
    write_nir(network, tmp_path / "net.nir")
    assert read_nir(tmp_path / "net.nir") == network
    graph.metadata.clear()
    x = drive(3)
    got, expected = spikes(from_nir(graph, clock=CLOCK), x), spikes(network, x)
    assert expected["out.spikes"].sum() > 10
    np.testing.assert_array_equal(got["out.spikes"], expected["out.spikes"])


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """in -> hid -> out with delays for each connection, some of it recurrent.

    Weights are small multiples of 1/4 and nothing leaks, so that every sum is exact.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    clock = Clock(draw(st.sampled_from([1 * ms, 0.1 * ms, 5 * ms])))
    many, pre, hid = draw(st.integers(1, 9)), draw(st.integers(1, 6)), draw(st.integers(1, 6))

    def edge(a: str, b: str, post: int, sent: int, least: int, name: str = "") -> Synapse:
        weight = rng.integers(-2, 5, (post, sent)) / 4
        bias = rng.integers(0, 2, post) / 4 if rng.random() < 0.3 else None
        ticks = rng.integers(least, least + many, (post, sent))
        if bias is None and rng.random() < 0.3:
            to, of = np.nonzero(weight)
            some = Sparse(of, to, weight[to, of])
            return Synapse(a, b, some, clock.seconds(ticks[to, of]), name=name)
        return Synapse(a, b, Dense(weight, bias), clock.seconds(ticks), name=name)

    synapses = [edge("in", "hid", hid, pre, 0), edge("hid", "out", 3, hid, draw(st.integers(0, 1)))]
    if draw(st.booleans()):
        synapses.append(edge("hid", "hid", hid, hid, 1))
    if draw(st.booleans()):
        synapses.append(edge("out", "hid", hid, 3, 1, "back"))
    shape = (pre,) if draw(st.booleans()) else (1, pre)
    populations = {"in": Input(shape), "hid": IF(hid, v_th=0.625), "out": IF(3, v_th=0.625)}
    return Network(populations, tuple(synapses), ("out",), clock)


@given(network=networks())
@settings(max_examples=15, deadline=None)
def test_any_network_comes_back_equal_and_its_fields_alone_spike_alike(
    tmp_path_factory: pytest.TempPathFactory, network: Network
) -> None:
    path = tmp_path_factory.mktemp("nir") / "net.nir"
    write_nir(network, path)
    assert read_nir(path).fingerprint == network.fingerprint
    graph = nir.read(path, type_check=False)
    graph.metadata.clear()
    bare = from_nir(graph, clock=network.clock)
    x = drive(network.populations["in"].size)
    got, expected = spikes(bare, x), spikes(network, x)
    for name in expected:
        np.testing.assert_array_equal(got[name], expected[name], err_msg=name)
    for name, wanted in meant(graph, x).items():
        np.testing.assert_array_equal(wanted, expected[name], err_msg=name)


def test_drawn_delays_of_a_matrix_are_written_as_drawn(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    edge = Synapse("in", "out", Dense(rng.integers(1, 4, (4, 5)) / 4), Uniform(1 * ms, 6 * ms))
    network = Network({"in": Input(5), "out": IF(4)}, (edge,), ("out",), CLOCK)
    write_nir(network, tmp_path / "net.nir")
    assert read_nir(tmp_path / "net.nir") == network
    graph: Any = to_nir(network)
    graph.metadata.clear()
    x = drive(5)
    got, expected = spikes(from_nir(graph, clock=CLOCK), x), spikes(network, x)
    assert expected["out.spikes"].sum() > 10
    np.testing.assert_array_equal(got["out.spikes"], expected["out.spikes"])


def test_too_many_branches_are_refused_with_numbers_and_a_tick_that_works() -> None:
    network = one(np.ones((40, 2)), np.stack([np.arange(40), np.zeros(40)], axis=1))
    with pytest.raises(Unsupported) as error:
        to_nir(network)
    text = str(error.value)
    for words in ("'in->out'", "80 connections", "40 different", "40 branches", "40 x 2",
                  "max_branches=32", "on_grid", "with 0.002 s instead of 0.001 s it is 21",
                  "max_branches=40"):  # fmt: skip
        assert words in text, text
    assert len(matrices(to_nir(network, max_branches=40))) == 40


def test_a_cap_below_one_is_refused() -> None:
    with pytest.raises(InvalidValue, match="max_branches: got 0"):
        to_nir(loop(np.ones((3, 3))), max_branches=0)


def test_a_file_beyond_the_default_cap_is_read(tmp_path: Path) -> None:
    network = one(np.ones((40, 1)), np.arange(40)[:, None])
    with pytest.raises(Unsupported, match="max_branches"):
        write_nir(network, tmp_path / "net.nir")
    assert not (tmp_path / "net.nir").exists()
    write_nir(network, tmp_path / "net.nir", max_branches=64)
    assert read_nir(tmp_path / "net.nir") == network


def test_the_report_adds_up() -> None:
    network = loop([[1, 3, 1], [1, 1, 1], [1, 3, 1]])
    report = lowering(network)
    assert [s.name for s in report.synapses] == ["out->out"]
    # 7 connections; the unit in the middle has delays 3 and 1
    assert (report.branches, report.inflation) == (2, 18 / 7)
    assert "7 connections with 2 different delays take 2 branches, which store 18" in str(report)
    empty = lowering(Network({"in": Input(2)}, (), ("in",), CLOCK))
    assert (empty.branches, empty.inflation) == (0, 1.0)
    assert "no connection" in str(empty)


def listed(pre: Any, post: Any, weight: Any, ticks: Any, shape: Any = 3) -> Network:
    edge = Synapse("in", "out", Sparse(pre, post, weight), np.asarray(ticks) * CLOCK.dt)
    return Network({"in": Input(4), "out": IF(shape)}, (edge,), ("out",), CLOCK)


@pytest.mark.parametrize("ticks", [[1, 2, 4, 2, 0, 3], [1, 2, 4, 2], 3, 0])
def test_a_list_of_synapses_becomes_matrices(tmp_path: Path, ticks: Any) -> None:
    # from one unit to another twice, but later; a weight of 0 too
    pre, post, weight = [3, 0, 3, 1, 0, 2], [1, 2, 1, 0, 2, 2], [0.5, 0.25, 1, 0.75, 0.5, 0]
    network = listed(pre, post, weight, ticks)
    if np.size(ticks) < 6:  # both pairs would have one delay
        with pytest.raises(Unsupported, match="2 synapses have the units and the delay of another"):
            to_nir(network)
        network = listed(pre[1:4], post[1:4], weight[1:4], ticks)
    write_nir(network, tmp_path / "net.nir")
    assert read_nir(tmp_path / "net.nir").fingerprint == network.fingerprint
    graph: Any = nir.read(tmp_path / "net.nir", type_check=False)
    assert graph.metadata["neuro"]["format"] == "neuro.nir/2"
    graph.metadata.clear()
    x = drive(4)
    got, expected = spikes(from_nir(graph, clock=CLOCK), x), spikes(network, x)
    assert expected["out.spikes"].sum() > 5
    np.testing.assert_array_equal(got["out.spikes"], expected["out.spikes"])


def test_an_empty_list_is_a_matrix_of_zeros(tmp_path: Path) -> None:
    network = listed([], [], [], np.zeros(0))
    write_nir(network, tmp_path / "net.nir")
    assert read_nir(tmp_path / "net.nir").fingerprint == network.fingerprint


def test_a_changed_matrix_of_a_list_is_noticed() -> None:
    graph: Any = to_nir(listed([0, 1], [1, 2], [0.5, 1.0], [1, 2]))
    node = graph.nodes["in_to_out"]
    node.weight = node.weight + np.float32(3)
    with pytest.raises(InvalidValue, match=r"in_to_out\.weight\[0, 0\]: the graph says 3"):
        from_nir(graph)


def test_a_list_that_would_not_fit_is_refused_with_its_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = listed([0, 0], [1, 2], [0.5, 1.0], [1, 2])
    monkeypatch.setattr(nir_delays, "LARGEST", 23)
    with pytest.raises(Unsupported, match="2 synapses as matrices take 24 weights, 12 for each"):
        to_nir(network)
    monkeypatch.setattr(nir_delays, "LARGEST", 24)
    assert len(matrices(to_nir(network))) == 2
    with pytest.raises(Unsupported, match=r"shape \(3, 1\); NIR cannot unflatten"):
        to_nir(listed([0, 0], [1, 2], [0.5, 1.0], [1, 2], (3, 1)))


def test_rules_of_connection_are_still_refused() -> None:
    network = Network(
        {"in": Input(2), "out": IF(2)}, (Synapse("in", "out", OneToOne(1.0)),), ("out",), CLOCK
    )
    with pytest.raises(Unsupported, match="no node for OneToOne"):
        to_nir(network)


def test_the_metadata_say_when_there_are_branches() -> None:
    plain, branched = (to_nir(loop(t)).metadata["neuro"] for t in (np.ones((3, 3)), 1 + np.eye(3)))
    assert (plain["format"], branched["format"]) == ("neuro.nir/1", "neuro.nir/2")
    graph = to_nir(loop(1 + np.eye(3)))
    graph.metadata["neuro"]["format"] = "neuro.nir/3"
    with pytest.raises(InvalidValue, match=re.escape("'neuro.nir/3'")):
        from_nir(graph)


def test_a_changed_branch_is_noticed(tmp_path: Path) -> None:
    graph: Any = to_nir(one(np.ones((2, 2)), [[1, 2], [2, 1]]))
    node = graph.nodes["in_to_out_branch2"]
    node.weight = node.weight + np.float32(1)
    nir.write(tmp_path / "net.nir", graph)
    with pytest.raises(CorruptFile, match=r"branch2\.weight\[0, 0\]"):
        read_nir(tmp_path / "net.nir")
    node.weight = np.ones((2, 3), np.float32)
    with pytest.raises(InvalidValue, match="shapes"):
        from_nir(graph)
    del graph.nodes["in_to_out_branch2"]
    with pytest.raises(InvalidValue, match=r"branch2\.weight"):
        from_nir(graph)


# -- a Delay behind the weights, which other writers may use ---------------------------------------


def chain(*parts: Any, pre: int, post: int) -> Any:
    names = [f"n{k}" for k in range(len(parts))]
    nodes = {"input": nir.Input(np.array([pre])), **dict(zip(names, parts, strict=True))}
    nodes["lif"] = nir.IF(r=np.full(post, 1e4), v_threshold=np.full(post, 0.625))
    nodes["output"] = nir.Output(np.array([post]))
    return nir.NIRGraph(nodes, list(pairwise(nodes)), type_check=False)


def test_a_delay_behind_a_matrix_is_one_for_each_connection() -> None:
    weight = np.array([[0.5, 1.0], [0.25, -0.5], [1.0, 0.5]], np.float32)
    before, behind = np.array([1, 4]), np.array([0, 2, 5])
    graph = chain(
        nir.Delay(before * STEP), nir.Linear(weight), nir.Delay(behind * STEP),
        nir.Delay(np.full(3, 2 * STEP)), nir.Delay(behind * STEP), pre=2, post=3,
    )  # fmt: skip
    (edge,) = from_nir(graph, clock=CLOCK).synapses
    expected = (before[None] + 2 * behind[:, None] + 2) * CLOCK.dt
    np.testing.assert_allclose(edge.delay, expected)  # type: ignore[arg-type]


def test_what_a_delay_behind_weights_cannot_mean_is_refused() -> None:
    weight, wait = np.ones((2, 2), np.float32), nir.Delay(np.array([1, 2]) * STEP)
    even = nir.Delay(np.full(2, STEP))
    for late in (wait, even):
        graph = chain(nir.Affine(weight, np.ones(2, np.float32)), late, pre=2, post=2)
        with pytest.raises(Unsupported, match="delays what a bias adds"):
            from_nir(graph, clock=CLOCK)
        none = chain(nir.Affine(weight, np.zeros(2, np.float32)), late, pre=2, post=2)
        assert np.max(from_nir(none, clock=CLOCK).synapses[0].delay) > 0  # type: ignore[arg-type]
    kernel = nir.Conv2d((2, 2), np.ones((1, 1, 1, 1), np.float32), 1, 0, 1, 1, np.zeros(1))
    graph = chain(kernel, nir.Delay(np.arange(4.0).reshape(1, 2, 2) * STEP), pre=2, post=2)
    graph.nodes["input"] = nir.Input(np.array([1, 2, 2]))
    with pytest.raises(Unsupported, match="per postsynaptic unit"):
        from_nir(graph, clock=CLOCK)


def test_a_convolution_keeps_its_single_delay() -> None:
    topology = Conv2d(np.ones((1, 1, 2, 2)))
    edge = Synapse("in", "out", topology, 3 * ms)
    network = Network({"in": Input((1, 3, 3)), "out": IF((1, 2, 2))}, (edge,), ("out",), CLOCK)
    assert lowering(network).synapses == ()
    assert from_nir(to_nir(network)) == network
