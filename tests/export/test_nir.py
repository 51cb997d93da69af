"""NIR files: what is written means the same spikes, and is read back as the same network."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from neuro.build import conv, dense, feedforward
from neuro.clock import Clock
from neuro.export import from_nir, read_nir, to_nir, write_nir
from neuro.network import Input, Network, Synapse
from neuro.neurons import IF, LI, LIF
from neuro.synapses import Conv2d, Dense
from neuro.train import Module
from neuro.units import ms, us

nir: Any = pytest.importorskip("nir")  # whose own annotations refuse arrays

STEP = 1e-4  # seconds: the step that NIR's readers assume


def euler(graph: Any, inputs: np.ndarray) -> dict[str, np.ndarray]:
    """What every node of a NIR graph puts out [T, ...], by forward Euler on NIR's equations.

    Written from NIR's definition alone, in float64. An edge from a neuron to itself without a
    Delay carries the value of the step before.
    """
    before = {n: [a for a, b in graph.edges if b == n] for n in graph.nodes}
    looping = {
        n for n in graph.nodes for a in before[n] if n in before[a] and "_to_" in n
    }  # weight nodes of an edge from a population to itself
    v: dict[str, Any] = {}
    past = {
        n: np.zeros(tuple(node.output_type["output"]))
        for n, node in graph.nodes.items()
        if isinstance(node, nir.LIF | nir.LI | nir.IF)
    }
    queues: dict[str, deque[np.ndarray]] = {n: deque() for n in graph.nodes}
    record: dict[str, list[np.ndarray]] = {n: [] for n in graph.nodes}
    for x in inputs.astype(np.float64):
        now: dict[str, np.ndarray] = {}

        def value(name: str, x: np.ndarray = x, now: dict[str, np.ndarray] = now) -> np.ndarray:
            if name in now:
                return now[name]
            node = graph.nodes[name]
            if isinstance(node, nir.Input):
                now[name] = x
            elif isinstance(node, nir.Delay):
                ago = np.rint(node.delay / STEP).astype(int)
                line = queues[name]  # line[0] is the step before this one
                zero = np.zeros(node.delay.shape)
                current = value(before[name][0]) if (ago == 0).any() else zero
                stack = [current, *(line[k] if k < len(line) else zero for k in range(ago.max()))]
                now[name] = np.take_along_axis(np.stack(stack), ago[None], axis=0)[0]
            else:
                sources = [past[a] if name in looping else value(a) for a in before[name]]
                total = sum(sources) if sources else 0.0
                now[name] = apply(node, total, v, name)
            return now[name]

        for name in graph.nodes:
            value(name)
        for name, node in graph.nodes.items():
            if isinstance(node, nir.Delay):
                queues[name].appendleft(value(before[name][0]))
            if name in past:
                past[name] = now[name]
            record[name].append(now[name])
    return {name: np.stack(values) for name, values in record.items()}


def apply(node: Any, x: Any, v: dict[str, Any], name: str) -> np.ndarray:
    match node:
        case nir.Linear():
            return node.weight.astype(np.float64) @ x
        case nir.Affine():
            return node.weight.astype(np.float64) @ x + node.bias
        case nir.Flatten():
            assert node.start_dim == 0  # NIR has no batch axis
            return np.reshape(x, -1)
        case nir.SumPool2d():
            pool = torch.nn.functional.avg_pool2d
            size = tuple(int(k) for k in node.kernel_size)
            stride, padding = (tuple(map(int, p)) for p in (node.stride, node.padding))
            return (
                pool(torch.tensor(x)[None], size, stride, padding)[0] * float(np.prod(size))
            ).numpy()
        case nir.Conv2d():
            stride, padding, dilation = (
                tuple(int(k) for k in p) for p in (node.stride, node.padding, node.dilation)
            )
            arrays = (torch.tensor(np.asarray(a, np.float64)) for a in (x, node.weight, node.bias))
            signal, weight, bias = arrays
            return torch.nn.functional.conv2d(
                signal[None], weight, bias, stride, padding, dilation, int(node.groups)
            )[0].numpy()
        case nir.IF():
            v[name] = v.get(name, 0.0) + STEP * node.r * x
        case nir.LI() | nir.LIF():
            u = v.get(name, node.v_leak)
            v[name] = u + STEP / node.tau * (node.v_leak - u + node.r * x)
        case nir.Output():
            return x
    if isinstance(node, nir.LI):
        return v[name]
    spikes = v[name] > node.v_threshold
    v[name] = np.where(spikes, node.v_reset, v[name])
    return spikes.astype(np.float64)


def run(network: Network, x: np.ndarray) -> dict[str, np.ndarray]:
    """What every population emits [T, ...], by neuro in float64."""
    signals = {n: p.emits for n, p in network.populations.items()}
    module = Module(network).double()
    with torch.no_grad():
        wanted = [f"{n}.{s}" for n, s in signals.items()]
        record, _ = module(torch.tensor(x)[:, None].double(), record=wanted)
    return {n: record.array(f"{n}.{s}")[:, 0] for n, s in signals.items()}


def spikes_in(shape: tuple[int, ...], steps: int = 40, rate: float = 0.4) -> np.ndarray:
    return (np.random.default_rng(1).random((steps, *shape)) < rate).astype(np.float64)


def assert_same_spikes(network: Network, other: dict[str, np.ndarray], x: np.ndarray) -> None:
    mine = run(network, x)
    for name, population in network.populations.items():
        if population.emits == "spikes":
            np.testing.assert_array_equal(mine[name], other[name], err_msg=name)
        else:
            np.testing.assert_allclose(mine[name], other[name], rtol=1e-9, atol=1e-9)
    assert sum(float(mine[n].sum()) for n, p in network.neurons().items() if p.spiking()) > 0


def rich_network() -> Network:
    """Every parameter away from its default, every kind of node, both kinds of recurrence."""
    rng = np.random.default_rng(3)

    def weights(*shape: int) -> np.ndarray:
        return rng.normal(0.2, 0.6, shape)

    populations = {
        "eye": Input((2, 7, 9)),
        "v1": LIF((4, 5, 3), tau_mem=rng.uniform(5 * ms, 30 * ms, (4, 1, 1)), v_th=0.7,
                  v_leak=0.1, v_reset=-0.2),
        "v2": LIF(12, tau_mem=13 * ms, v_th=rng.uniform(0.5, 2, 12), v_reset=0.05),
        "count": IF(6, v_th=1.5, v_reset=0.25),
        "out": LI(3, tau_mem=rng.uniform(5 * ms, 30 * ms, 3), v_leak=-0.3),
    }  # fmt: skip
    synapses = (
        Synapse("eye", "v1", Conv2d(weights(4, 2, 3, 5), [0.1, 0, 0, -0.1], stride=(1, 2),
                                    padding=(0, 0), dilation=(1, 1)), name="retina"),
        Synapse("v1", "v2", Dense(weights(12, 60)), delay=3 * ms),
        Synapse("v1", "v2", Dense(0.3 * weights(12, 60)), delay=5 * ms, name="slow"),
        Synapse("v2", "v2", Dense(0.2 * weights(12, 12)), delay=1 * ms),
        Synapse("v2", "v2", Dense(0.1 * weights(12, 12)), delay=4 * ms, name="echo"),
        Synapse("v2", "count", Dense(weights(6, 12), rng.normal(0, 0.2, 6)),
                delay=0.001 * np.arange(12.0)),
        Synapse("count", "v2", Dense(0.2 * weights(12, 6)), delay=1 * ms),
        Synapse("count", "out", Dense(weights(3, 6))),
    )  # fmt: skip
    return Network(populations, synapses, ("out", "count"), Clock(1 * ms))


def test_a_rich_network_comes_back_equal(tmp_path: Path) -> None:
    network = rich_network()
    write_nir(network, tmp_path / "net.nir")
    again = read_nir(tmp_path / "net.nir")
    assert network.diff(again) == []
    assert again.fingerprint == network.fingerprint
    assert list(again.populations) == list(network.populations)
    assert again.outputs == network.outputs


def test_the_graph_means_the_same_spikes() -> None:
    network, x = rich_network(), spikes_in((2, 7, 9))
    assert_same_spikes(network, euler(to_nir(network), x), x)


def test_the_fields_alone_give_the_same_spikes(tmp_path: Path) -> None:
    network, x = rich_network(), spikes_in((2, 7, 9))
    write_nir(network, tmp_path / "net.nir")
    graph = nir.read(tmp_path / "net.nir", type_check=False)
    graph.metadata.clear()
    bare = from_nir(graph, clock=Clock(1 * ms))
    assert_same_spikes(bare, run(network, x), x)
    for name, population in network.neurons().items():
        for key, value in population.values().items():
            np.testing.assert_allclose(getattr(bare.populations[name], key) - value, 0, atol=1e-14)


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Small networks in a row, with delays and a recurrent population."""
    clock = Clock(draw(st.sampled_from([1 * ms, 5 * ms, 250 * us])))
    seed = draw(st.integers(0, 2**32 - 1))
    seconds = st.floats(1e-4, 10, allow_subnormal=False)
    volts = st.floats(-2, 2, allow_subnormal=False)

    def neuron(kind: type, shape: int | tuple[int, ...] = ()) -> Any:
        fields: dict[str, Any] = {}
        if kind is not IF:
            fields |= {"tau_mem": draw(seconds), "v_leak": draw(volts)}
        if kind is not LI:
            fields |= {"v_th": draw(volts), "v_reset": draw(volts)}
            # a membrane that rests on its threshold fires or not by the last bit
            for other in ("v_leak", "v_reset"):
                assume(abs(fields["v_th"] - fields.get(other, 0.0)) > 1e-3)
        return kind(shape, **fields)

    layers: list[Any] = []
    if draw(st.booleans()):
        kernel, stride, padding = (draw(st.integers(1, 2)) for _ in range(3))
        link = conv(3, kernel=kernel, stride=stride, padding=padding, bias=draw(st.booleans()))
        layers += [link, neuron(draw(st.sampled_from([LIF, IF])))]
    delay = draw(st.integers(0, 3)) * clock.dt
    layers += [dense(delay=delay, bias=draw(st.booleans())), neuron(LIF, 5), neuron(LI, 2)]
    network = feedforward((2, 4, 3), *layers, clock=clock, seed=seed)
    name = list(network.populations)[-2]
    ticks = draw(st.integers(0, 3))
    if ticks:
        weight = np.random.default_rng(seed).normal(0, 0.3, (5, 5))
        loop = Synapse(name, name, Dense(weight), delay=ticks * clock.dt, name=f"{name} loop")
        network = network.replace(synapses=(*network.synapses, loop))
    return network


@given(network=networks())
@settings(max_examples=20, deadline=None)
def test_any_network_comes_back_equal_and_means_the_same(
    tmp_path_factory: pytest.TempPathFactory, network: Network
) -> None:
    path = tmp_path_factory.mktemp("nir") / "net.nir"
    write_nir(network, path)
    assert network.diff(read_nir(path)) == []
    x = spikes_in((2, 4, 3), steps=12)
    mine, theirs = run(network, x), euler(to_nir(network), x)
    for name in network.neurons():
        np.testing.assert_allclose(mine[name], theirs[name], rtol=1e-9, atol=1e-9, err_msg=name)


def test_metadata_state_version_tick_and_recipe(tmp_path: Path) -> None:
    write_nir(rich_network(), tmp_path / "net.nir")
    own = nir.read(tmp_path / "net.nir", type_check=False).metadata["neuro"]
    assert own["tick_seconds"] == 1e-3
    assert own["nir_seconds_per_tick"] == 1e-4
    assert "Euler" in own["recipe"]
    assert own["version"]
    assert '"tau_mem": 0.013' in own["network"]


def test_the_type_check_of_nir_passes_on_square_kernels(tmp_path: Path) -> None:
    network = feedforward(
        (2, 8, 8), conv(3, stride=2), LIF(), dense(delay=2 * ms), LIF(6), LI(2),
        clock=Clock(1 * ms), seed=0,
    )  # fmt: skip
    write_nir(network, tmp_path / "net.nir")
    graph = nir.read(tmp_path / "net.nir", type_check=True)
    assert len(graph.nodes) == len(to_nir(network).nodes)  # none was added


def test_grouped_dilated_convolution_survives(tmp_path: Path) -> None:
    weight = np.random.default_rng(0).normal(0.3, 1, (4, 1, 3, 2))
    topology = Conv2d(weight, stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2)
    shape = topology.post_shape((2, 6, 7))
    network = Network(
        {"in": Input((2, 6, 7)), "out": IF(shape)},
        (Synapse("in", "out", topology),), ("out",), Clock(1 * ms),
    )  # fmt: skip
    write_nir(network, tmp_path / "net.nir")
    assert read_nir(tmp_path / "net.nir") == network
    x = spikes_in((2, 6, 7))
    assert_same_spikes(network, euler(to_nir(network), x), x)


def test_only_a_loop_of_one_population_and_one_tick_goes_without_a_delay_node() -> None:
    graph: Any = to_nir(rich_network())
    edges = set(graph.edges)
    assert {("v2", "v2_to_v2"), ("v2_to_v2", "v2")} <= edges
    assert np.allclose(graph.nodes["v2_to_v2_2_delay"].delay, 4e-4)
    assert np.allclose(graph.nodes["count_to_v2_delay"].delay, 1e-4)


def test_an_input_may_be_an_output(tmp_path: Path) -> None:
    network = feedforward(3, LIF(2), clock=Clock(1 * ms), seed=0).replace(outputs=("in", "out"))
    write_nir(network, tmp_path / "net.nir")
    assert read_nir(tmp_path / "net.nir") == network


def test_awkward_names_do_not_collide(tmp_path: Path) -> None:
    populations = {"in": Input(2), "output": LIF(2), "in_to_output": LIF(2), "Größe 1": LI(2)}
    eye = Dense(np.eye(2))
    synapses = (
        Synapse("in", "output", eye), Synapse("in", "in_to_output", eye, delay=1 * ms),
        Synapse("output", "Größe 1", eye), Synapse("in_to_output", "output", eye),
    )  # fmt: skip
    network = Network(populations, synapses, ("output", "Größe 1"), Clock(1 * ms))
    write_nir(network, tmp_path / "net.nir")
    assert read_nir(tmp_path / "net.nir") == network


def test_snntorch_gives_the_same_spikes(tmp_path: Path) -> None:
    """snnTorch's own reading of LIF: Leaky with beta = 1 - 1e-4 / tau, reset to zero at once."""
    snn = pytest.importorskip("snntorch")
    network = feedforward(
        20, dense(gain=3), LIF(30, tau_mem=10 * ms, v_th=0.7), dense(gain=2), LIF(5, v_th=1.3),
        clock=Clock(1 * ms), seed=0,
    )  # fmt: skip
    write_nir(network, tmp_path / "net.nir")
    graph = nir.read(tmp_path / "net.nir")
    x = torch.tensor(spikes_in((20,), steps=60), dtype=torch.float32)
    layers = []
    for name in ("hid1", "out"):
        lif: Any = graph.nodes[name]
        assert np.allclose(lif.r * STEP / lif.tau, 1)  # inputs add directly: nothing to rescale
        beta, threshold = float((1 - STEP / lif.tau)[0]), float(lif.v_threshold[0])
        layers.append(snn.Leaky(beta, threshold, reset_mechanism="zero", reset_delay=False))
    weights = [torch.tensor(graph.nodes[n].weight) for n in ("in_to_hid1", "hid1_to_out")]  # type: ignore[union-attr]
    states = [layer.reset_mem() for layer in layers]
    spikes = []
    for step in x:
        for i, (weight, layer) in enumerate(zip(weights, layers, strict=True)):
            step, states[i] = layer(weight @ step, states[i])
        spikes.append(step)
    record, _ = Module(network)(x[:, None])
    assert torch.stack(spikes).sum() > 20
    np.testing.assert_array_equal(torch.stack(spikes), record.array("out.spikes")[:, 0])


def test_snntorch_imports_the_file_with_the_same_spikes(tmp_path: Path) -> None:
    pytest.importorskip("nirtorch", reason="snnTorch's importer needs nirtorch")
    from snntorch.import_nir import import_from_nir

    network = feedforward(
        20, dense(gain=3), LIF(30, tau_mem=10 * ms, v_th=0.7), dense(gain=2, bias=False),
        LIF(5, v_th=1.3), clock=Clock(1 * ms), seed=0,
    )  # fmt: skip
    write_nir(network, tmp_path / "net.nir")
    module: Any = import_from_nir(nir.read(tmp_path / "net.nir"))
    x = torch.tensor(spikes_in((20,), steps=60), dtype=torch.float32)[:, None]
    state, spikes = None, []
    with torch.no_grad():
        for step in x:
            out, state = module(step, state)
            spikes.append(out)
        record, _ = Module(network)(x)
    np.testing.assert_array_equal(torch.stack(spikes), record.array("out.spikes"))
