"""NIR files of other writers: read exactly by their fields, or refused with the reason."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from neuro.clock import Clock
from neuro.errors import CorruptFile, InvalidValue, Unsupported
from neuro.export import from_nir, read_nir
from neuro.network import Network
from neuro.neurons import IF, LI, LIF
from neuro.synapses import Conv2d, Dense
from neuro.train import Module
from neuro.units import ms

nir: Any = pytest.importorskip("nir")  # whose own annotations refuse arrays

CLOCK = Clock(1 * ms)


def real(name: str) -> Path:
    default = Path(__file__).parents[3] / "shared" / "data"
    path = Path(os.environ.get("NEURO_SHARED_DATA", default)) / "nir" / name
    if not path.exists():
        pytest.skip(f"{name} is not in the folder of shared data")
    return path


def run(network: Network, x: np.ndarray, name: str) -> np.ndarray:
    """What a population emits [T, ...] for the input x [T, ...]."""
    module = Module(network).double()
    signal = f"{name}.{network.populations[name].emits}"
    with torch.no_grad():
        record, _ = module(torch.tensor(x)[:, None].double(), record=[signal])
    return record.array(signal)[:, 0]


def chain(*nodes: Any, shape: Any = 2, **named: Any) -> Any:
    """input -> nodes in a row -> output; names are n0, n1, ..."""
    shape = (shape,) if isinstance(shape, int) else shape
    names = {f"n{i}": node for i, node in enumerate(nodes)}
    stops = ["input", *names, "output"]
    graph = {"input": nir.Input(np.array(shape)), **names, "output": nir.Output(np.array([2]))}
    return nir.NIRGraph(graph, list(pairwise(stops)), type_check=False)


def lif(size: int = 2, **fields: float) -> Any:
    values = {"tau": 0.02, "r": 200.0, "v_leak": 0.0, "v_threshold": 1.0, "v_reset": 0.0} | fields
    return nir.LIF(**{key: np.full(size, v) for key, v in values.items()})


def eye(size: int = 2) -> Any:
    return nir.Linear(np.eye(size, dtype=np.float32))


# -- real files ---------------------------------------------------------------------------------


def test_norse_lif_follows_the_equation_of_its_file() -> None:
    network = read_nir(real("lif_norse.nir"), dt=1 * ms)
    assert network.clock == CLOCK
    x = np.random.default_rng(0).random((200, 1))
    v, expected = 0.0, []
    for current in x[:, 0]:  # the exact solution of tau dv/dt = -v + r I over a step
        v = v * np.exp(-1e-3 / np.float64(np.float32(0.0025)))
        v += (1 - np.exp(-1e-3 / np.float64(np.float32(0.0025)))) * current
        expected.append(v > np.float64(np.float32(0.1)))
        v = 0.0 if expected[-1] else v
    assert 10 < sum(expected) < 200
    np.testing.assert_array_equal(run(network, x, network.outputs[0])[:, 0], expected)


def test_norse_lif_is_refused_where_its_gain_is_not_one() -> None:
    with pytest.raises(Unsupported, match=r"'1'\.r.*0\.04.*pass dt="):
        read_nir(real("lif_norse.nir"), clock=CLOCK)


def test_two_lif_neurons_follow_the_equations_of_their_file() -> None:
    network = read_nir(real("two_lif_neurons.nir"), dt=1e-4)
    steps, alpha = 3000, np.exp(-1e-4 / 0.01)
    v1, v2, expected = 1.2, 0.0, []  # a unit starts at v_leak
    first = 0
    for _ in range(steps):
        v1 = 1.2 + (v1 - 1.2) * alpha
        z1 = v1 > 1.0
        first += z1
        v1 = 0.0 if z1 else v1
        v2 = v2 * alpha + (1 - alpha) * z1
        expected.append(v2 > 20.0)
    assert first > 10
    np.testing.assert_array_equal(run(network, np.zeros((steps, 1)), "lif2")[:, 0], expected)
    assert run(network, np.zeros((steps, 1)), "lif1").sum() == first


def test_sinabs_cnn_with_sum_pooling_gives_the_spikes_of_its_layers() -> None:
    network = read_nir(real("cnn_sinabs.nir"), clock=CLOCK, dt=1.0)
    nodes: Any = nir.read(real("cnn_sinabs.nir")).nodes
    rng = np.random.default_rng(0)
    x = (rng.random((6, 2, 34, 34)) < 0.2).astype(np.float64)
    expected = []
    v: dict[str, Any] = {}
    for signal in torch.tensor(x):
        for name in sorted((n for n in nodes if n.isdigit()), key=int):
            node = nodes[name]
            match node:
                case nir.Conv2d():
                    weight, bias = (
                        torch.tensor(node.weight).double(),
                        torch.tensor(node.bias).double(),
                    )
                    stride, padding = tuple(map(int, node.stride)), tuple(map(int, node.padding))
                    signal = torch.nn.functional.conv2d(signal, weight, bias, stride, padding)
                case nir.SumPool2d():
                    signal = torch.nn.functional.avg_pool2d(signal, 2) * 4
                case nir.Flatten():
                    signal = signal.flatten()
                case nir.Affine():
                    weight, bias = (
                        torch.tensor(node.weight).double(),
                        torch.tensor(node.bias).double(),
                    )
                    signal = weight @ signal + bias
                case nir.IF():
                    v[name] = v.get(name, 0.0) + signal
                    signal = (v[name] > torch.tensor(node.v_threshold)).double()
                    v[name] = torch.where(signal > 0, torch.tensor(node.v_reset).double(), v[name])
                    if name in ("6", "12"):
                        expected.append((name, signal.numpy()))
    for name in ("6", "12"):
        spikes = run(network, x, name)
        np.testing.assert_array_equal(spikes, [s for n, s in expected if n == name])
    assert run(network, x, "6").sum() > 50


@pytest.mark.parametrize(
    "name", ["braille_noDelay_bias_zero.nir", "braille_noDelay_noBias_subtract.nir"]
)
def test_braille_files_are_refused_for_their_synaptic_neurons(name: str) -> None:
    with pytest.raises(Unsupported, match=r"'lif1_lif'\.type: CubaLIF") as error:
        read_nir(real(name), clock=CLOCK)
    assert any(name in note for note in error.value.__notes__)


# -- readings -----------------------------------------------------------------------------------


def test_the_portable_reading_is_one_euler_step_of_a_tenth_of_a_millisecond() -> None:
    network = from_nir(chain(eye(), lif(tau=1e-3, r=10.0)), clock=CLOCK)
    neuron = network.populations["n1"]
    assert isinstance(neuron, LIF)
    assert np.exp(-1 * ms / neuron.tau_mem) == pytest.approx(0.9, rel=1e-14)


def test_single_precision_files_are_read_as_exactly_as_they_are_written() -> None:
    tau = np.float32(1e-4 / (1 - 0.93))
    values = {"tau": tau, "r": tau / np.float32(1e-4), "v_leak": 0, "v_threshold": 1}
    fields = {key: np.full(2, v, np.float32) for key, v in values.items()}
    network = from_nir(chain(eye(), nir.LIF(**fields)), clock=CLOCK)
    tau_mem: Any = network.populations["n1"].tau_mem  # type: ignore[union-attr]
    assert np.exp(-1 * ms / tau_mem) == pytest.approx(0.93, abs=1e-8)
    fields["r"] = fields["r"] * np.float32(1.001)
    with pytest.raises(Unsupported, match=r"1\.001 times"):
        from_nir(chain(eye(), nir.LIF(**fields)), clock=CLOCK)


def test_dt_moves_the_gain_into_the_unit_of_v_of_a_spiking_population() -> None:
    neuron = lif(tau=5e-3, r=2.0, v_threshold=0.3, v_leak=0.1, v_reset=-0.1)
    network = from_nir(chain(eye(), neuron), dt=1e-3)
    gain = 2 * (1 - np.exp(-0.2))
    read: Any = network.populations["n1"]
    assert (read.tau_mem, network.clock) == (5e-3, Clock(1e-3))
    given = (read.v_th, read.v_leak, read.v_reset)
    np.testing.assert_allclose(given, np.array([0.3, 0.1, -0.1]) / gain, rtol=1e-14)


def test_dt_with_a_clock_reads_time_constants_in_steps() -> None:
    network = from_nir(chain(eye(), lif(tau=10.0, r=1.0)), dt=1.0, clock=CLOCK)
    assert network.populations["n1"].tau_mem == pytest.approx(10 * ms)  # type: ignore[union-attr]


def test_dt_moves_the_gain_of_an_li_into_its_weights_if_that_is_exact() -> None:
    def readout(r: float) -> Any:
        return nir.LI(tau=np.full(2, 5e-3), r=np.full(2, r), v_leak=np.zeros(2))

    r = 0.25 / -np.expm1(-0.2)  # gain 1/4: a power of two
    network = from_nir(chain(eye(), readout(r)), dt=1e-3)
    np.testing.assert_array_equal(network.synapses[0].topology.arrays()["weight"], np.eye(2) / 4)
    with pytest.raises(Unsupported, match="rounded"):
        from_nir(chain(eye(), readout(1.0)), dt=1e-3)


def test_an_if_that_ignores_time_is_read_with_dt_one() -> None:
    neuron = nir.IF(r=np.ones(2), v_threshold=np.full(2, 1.5))
    with pytest.raises(Unsupported, match="dt=1 where"):
        from_nir(chain(eye(), neuron), clock=CLOCK)
    network = from_nir(chain(eye(), neuron), clock=CLOCK, dt=1.0)
    assert network.populations["n1"].v_th == 1.5  # type: ignore[union-attr]


# -- structures ---------------------------------------------------------------------------------


def test_an_edge_without_weights_is_an_identity() -> None:
    network = from_nir(chain(lif(), lif()), clock=CLOCK)
    for synapse in network.synapses:
        np.testing.assert_array_equal(synapse.topology.arrays()["weight"], np.eye(2))


def test_delays_add_up_and_a_uniform_one_may_follow_the_weights() -> None:
    parts = (nir.Delay(np.array([1e-4, 3e-4])), eye(), nir.Delay(np.full(2, 2e-4)), lif())
    network = from_nir(chain(*parts), clock=CLOCK)
    np.testing.assert_allclose(network.synapses[0].delay, [3 * ms, 5 * ms])


def test_a_nested_graph_is_flattened() -> None:
    inner = chain(eye(), lif())
    outer = chain(inner, eye(), lif())
    network = from_nir(outer, clock=CLOCK)
    assert set(network.populations) == {"input", "n0_n1", "n2"}
    assert {(s.pre, s.post) for s in network.synapses} == {("input", "n0_n1"), ("n0_n1", "n2")}


def test_a_self_loop_without_delay_takes_one_tick() -> None:
    graph = chain(eye(), lif())
    graph.nodes["w.rec"] = eye()
    graph.edges += [("n1", "w.rec"), ("w.rec", "n1")]
    network = from_nir(graph, clock=CLOCK)
    loop = next(s for s in network.synapses if s.pre == s.post)
    assert loop.delay == 1 * ms


@pytest.mark.parametrize(("padding", "expected"), [("valid", (0, 0)), ("same", (1, 2))])
def test_padding_by_word(padding: str, expected: tuple[int, int]) -> None:
    graph = chain(
        nir.Conv2d((5, 6), np.ones((1, 1, 3, 5), np.float32), 1, padding, 1, 1, np.zeros(1)),
        nir.IF(r=np.full((1, *np.array([5, 6]) + 2 * np.array(expected) - (2, 4)), 1e4),
               v_threshold=np.ones((1, *np.array([5, 6]) + 2 * np.array(expected) - (2, 4)))),
        shape=(1, 5, 6),
    )  # fmt: skip
    topology = from_nir(graph, clock=CLOCK).synapses[0].topology
    assert isinstance(topology, Conv2d) and topology.padding == expected


@pytest.mark.parametrize("after", ["conv", "dense", "neuron"])
def test_sum_pooling_is_merged_into_what_follows(after: str) -> None:
    rng = np.random.default_rng(0)
    pool = nir.SumPool2d(np.array([2, 3]), np.array([2, 3]), np.array([0, 0]))
    signal = rng.integers(0, 2, (2, 4, 6)).astype(np.float64)
    pooled = signal.reshape(2, 2, 2, 2, 3).sum((2, 4))

    def counter(shape: tuple[int, ...]) -> Any:
        tau = np.full(shape, 1e-3)
        return nir.LI(tau=tau, r=tau / 1e-4, v_leak=np.zeros(shape))

    if after == "conv":
        weight = rng.integers(-3, 4, (3, 2, 2, 1)).astype(np.float32)
        nodes = [nir.Conv2d((2, 2), weight, (1, 1), (1, 0), (1, 1), 1, np.zeros(3))]
        expected = torch.nn.functional.conv2d(
            torch.tensor(pooled), torch.tensor(weight).double(), padding=(1, 0)
        ).numpy()
    elif after == "dense":
        weight = rng.integers(-3, 4, (5, 8)).astype(np.float32)
        nodes = [nir.Flatten({"input": np.array([2, 2, 2])}, 0, -1), nir.Linear(weight)]
        expected = weight @ pooled.ravel()
    else:
        nodes, expected = [], pooled
    graph = chain(pool, *nodes, counter(expected.shape), shape=(2, 4, 6))
    network = from_nir(graph, clock=CLOCK)
    np.testing.assert_array_equal(run(network, signal[None], network.outputs[0])[0], expected)


# -- refusals -----------------------------------------------------------------------------------


def conv(**changes: Any) -> Any:
    fields: dict[str, Any] = {
        "input_shape": (4, 4), "weight": np.ones((1, 1, 2, 2), np.float32), "stride": (1, 1),
        "padding": (0, 0), "dilation": (1, 1), "groups": 1, "bias": np.zeros(1, np.float32),
    }  # fmt: skip
    return nir.Conv2d(**(fields | changes))


def pool(kernel: int, stride: int, padding: int = 0) -> Any:
    return nir.SumPool2d(*(np.array([n, n]) for n in (kernel, stride, padding)))


GRID = (1, 4, 4)


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        (chain(nir.Scale(np.ones(2)), lif()), ["'n0'", "Scale"]),
        (chain(nir.Threshold(np.ones(2))), ["'n0'", "Threshold"]),
        (chain(eye(), nir.I(np.ones(2))), ["'n1'", "I has no"]),
        (chain(eye(), eye(), lif()), ["'n1'", "other weights"]),
        (chain(eye(), lif(tau=1e-4, r=1.0)), ["'n1'", "tau", "pass dt="]),
        (chain(eye(), lif(tau=-1.0)), ["'n1'", "tau", "above 0"]),
        (chain(eye(), lif(r=100.0)), ["'n1'", "r", "0.5 times"]),
        (chain(nir.Linear(np.full((2, 2), 0.1)), lif()), ["'n0' weight", "float32"]),
        (chain(nir.Delay(np.full(2, 1.5e-4)), eye(), lif()), ["'n0'", "0.00015", "whole number"]),
        (chain(nir.Delay(np.full(2, -1e-4)), eye(), lif()), ["'n0'", "negative"]),
        (chain(nir.Affine(np.eye(2, dtype=np.float32), np.ones(2, np.float32)),
               nir.Delay(np.array([0, 1e-4])), lif()), ["'n1'", "bias"]),
        (chain(eye()), ["'output'", "n0", "end in a neuron"]),
        (chain(nir.Linear(np.eye(3, dtype=np.float32)), lif(3)), ["'n0'", "(3, 3)", "2 units"]),
        (chain(nir.Linear(np.ones((2, 16), np.float32)), lif(), shape=GRID), ["Flatten"]),
        (chain(nir.Flatten({"input": np.array(GRID)}, 1, -1), eye(), lif(), shape=GRID),
         ["'n0'", "axes 1 to -1", "start_dim=0"]),
        (chain(conv(input_shape=(5, 5)), lif(), shape=GRID), ["'n0'", "input_shape (5, 5)"]),
        (chain(conv(padding="same"), lif(), shape=GRID), ["'n0'", "'same'", "two numbers"]),
        (chain(pool(2, 1), conv(input_shape=(3, 3)), lif(), shape=GRID), ["'n1'", "tiles"]),
        (chain(pool(3, 3), conv(input_shape=(1, 1)), lif(), shape=GRID), ["'n1'", "tiles"]),
        (chain(pool(2, 2), pool(2, 2), lif(), shape=GRID), ["'n1'", "pool"]),
        (chain(pool(2, 2), conv(input_shape=(2, 2), dilation=(1, 2)), lif(), shape=GRID),
         ["'n1'", "dilated"]),
    ],
)  # fmt: skip
def test_reading_refuses_by_name(graph: Any, words: list[str]) -> None:
    with pytest.raises(Unsupported) as error:
        from_nir(graph, clock=CLOCK)
    for word in words:
        assert word in str(error.value)


def test_a_negative_gain_is_refused() -> None:
    with pytest.raises(Unsupported, match="positive"):
        from_nir(chain(eye(), lif(r=-1.0)), dt=1e-3)


def test_a_loop_of_two_populations_without_delay_is_refused() -> None:
    graph = chain(lif(), lif())
    graph.edges.append(("n1", "n0"))
    with pytest.raises(Unsupported, match=r"NIR loop .*n0 -> n1|NIR loop .*n1 -> n0"):
        from_nir(graph, clock=CLOCK)
    graph.nodes["wait"] = nir.Delay(np.full(2, 1e-4))
    graph.edges[-1:] = [("n1", "wait"), ("wait", "n0")]
    back = next(s for s in from_nir(graph, clock=CLOCK).synapses if s.pre == "n1")
    assert back.delay == 1 * ms


def test_edges_summed_before_the_weights_are_refused() -> None:
    graph = chain(eye(), lif(), eye(), lif())
    graph.edges.append(("n1", "n0"))
    with pytest.raises(Unsupported, match=r"'n0'.*receives 2 edges"):
        from_nir(graph, clock=CLOCK)


def test_a_loop_of_weights_is_refused() -> None:
    graph = chain(lif())
    graph.nodes |= {"a": eye(), "b": eye()}
    graph.edges += [("a", "b"), ("b", "a"), ("a", "n0")]
    with pytest.raises(Unsupported, match="without any neuron"):
        from_nir(graph, clock=CLOCK)


def test_a_nested_graph_with_two_inputs_is_refused() -> None:
    inner = chain(eye(), lif())
    inner.nodes["second"] = nir.Input(np.array([2]))
    with pytest.raises(Unsupported, match=r"'n0'.*2 Input nodes"):
        from_nir(chain(inner), clock=CLOCK)


def test_names_that_become_the_same_are_refused() -> None:
    graph = chain(lif())
    graph.nodes |= {"a.b": lif(), "a_b": lif()}
    with pytest.raises(Unsupported, match="'a_b' too"):
        from_nir(graph, clock=CLOCK)


def test_single_numbers_instead_of_vectors_are_refused() -> None:
    neuron = nir.LI(tau=np.array(1e-3), r=np.array(10.0), v_leak=np.array(0.0))
    with pytest.raises(Unsupported, match="one value per unit"):
        from_nir(chain(eye(), neuron), clock=CLOCK)


def test_values_out_of_bounds_are_corrupt(tmp_path: Path) -> None:
    graph = chain(eye(), lif(v_threshold=float("nan")))
    with pytest.raises(InvalidValue, match="NaN"):
        from_nir(graph, clock=CLOCK)
    nir.write(tmp_path / "nan.nir", graph)
    with pytest.raises(CorruptFile, match=r"nan\.nir.*NaN"):
        read_nir(tmp_path / "nan.nir", clock=CLOCK)
    graph.edges.append(("n0", "nowhere"))
    with pytest.raises(InvalidValue, match="nowhere"):
        from_nir(graph, clock=CLOCK)


def test_the_graph_is_not_changed_by_reading() -> None:
    graph = chain(nir.Delay(np.full(2, 1e-4)), eye(), lif(), eye(), lif())
    before = (
        list(graph.edges),
        {n: {k: repr(v) for k, v in vars(x).items()} for n, x in graph.nodes.items()},
    )
    from_nir(graph, dt=1e-4)
    after = (
        list(graph.edges),
        {n: {k: repr(v) for k, v in vars(x).items()} for n, x in graph.nodes.items()},
    )
    assert before == after


def test_kinds_of_neurons_are_kept() -> None:
    li = nir.LI(tau=np.full(2, 1e-3), r=np.full(2, 10.0), v_leak=np.full(2, 0.5))
    counter = nir.IF(r=np.full(2, 1e4), v_threshold=np.ones(2), v_reset=np.full(2, 0.1))
    network = from_nir(chain(eye(), counter, eye(), lif(), eye(), li), clock=CLOCK)
    assert [type(network.populations[n]) for n in ("n1", "n3", "n5")] == [IF, LIF, LI]
    assert all(isinstance(s.topology, Dense) for s in network.synapses)
