"""Network: what it refuses, what it compares, and the builder and topologies it rests on."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from neuro.build import conv, dense, feedforward
from neuro.clock import Clock
from neuro.errors import InvalidValue, UnknownName
from neuro.network import Input, Network, Synapse
from neuro.neurons import ALIF, IF, LI, LIF
from neuro.synapses import Conv2d, Dense
from neuro.units import ms

CLOCK = Clock(1 * ms)


def small(**changes: Any) -> Network:
    """in (4) -> hid (3), recurrent -> out (2)."""
    rng = np.random.default_rng(0)
    populations = {"in": Input(4), "hid": LIF(3), "out": LI(2)}
    synapses = (
        Synapse("in", "hid", Dense(rng.normal(size=(3, 4)))),
        Synapse("hid", "hid", Dense(rng.normal(size=(3, 3))), delay=1 * ms),
        Synapse("hid", "out", Dense(rng.normal(size=(2, 3)), np.zeros(2))),
    )
    network = Network(populations, synapses, ("out",), CLOCK)
    return network.replace(**changes) if changes else network


def with_synapse(**fields: Any) -> Network:
    """`small` with its last synapse changed."""
    *others, last = small().synapses
    return small(synapses=(*others, dataclasses.replace(last, **fields)))


# -- refusals -----------------------------------------------------------------------------------


def test_shapes_that_do_not_fit_name_both_populations() -> None:
    with pytest.raises(InvalidValue, match=r"'hid->out'.*5 columns.*\(3,\) has 3 units"):
        with_synapse(topology=Dense(np.ones((2, 5))))
    with pytest.raises(InvalidValue, match=r"maps \(3,\) to \(7,\), but .* has shape \(2,\)"):
        with_synapse(topology=Dense(np.ones((7, 3))))
    with pytest.raises(InvalidValue, match=r"'hid->out'.*1 input channels"):
        with_synapse(topology=Conv2d(np.ones((2, 1, 1, 1))))


def test_unknown_names_suggest_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"'hid->out'.*\.post.*'outt'.*Did you mean 'out'\?"):
        with_synapse(post="outt")
    with pytest.raises(UnknownName, match=r"\.pre.*'hidd'.*Did you mean 'hid'\?"):
        with_synapse(pre="hidd")
    with pytest.raises(UnknownName, match=r"Network\.outputs.*Did you mean 'out'\?"):
        small(outputs=("ouut",))
    with pytest.raises(UnknownName, match=r"port.*'curent'.*Did you mean 'current'\?"):
        with_synapse(port="curent")


def test_a_loop_without_delay_is_named() -> None:
    back = Synapse("out", "hid", Dense(np.ones((3, 2))))
    with pytest.raises(InvalidValue) as error:
        small(synapses=(*small().synapses, back))
    assert "hid -> out -> hid" in str(error.value) or "out -> hid -> out" in str(error.value)
    assert "delay of at least one tick (0.001 s)" in str(error.value)
    with pytest.raises(InvalidValue, match="hid -> hid has no delay"):
        small(synapses=(Synapse("hid", "hid", Dense(np.eye(3))),))
    partly = Synapse("hid", "hid", Dense(np.eye(3)), delay=np.array([1, 0, 1]) * ms)
    with pytest.raises(InvalidValue, match="has no delay"):
        small(synapses=(partly,))


@pytest.mark.parametrize("name", ["", "a.b", "a/b", "a->b"])
def test_population_names_that_would_be_ambiguous_are_refused(name: str) -> None:
    with pytest.raises(InvalidValue, match=r"Network\.populations: name"):
        Network({name: Input(2)}, (), (), CLOCK)


def test_what_is_not_a_population_topology_or_clock_is_refused() -> None:
    wrong: Any = "LIF"
    with pytest.raises(InvalidValue, match=r"Network\['x'\].*expected an Input, Source or neuron"):
        Network({"x": wrong}, (), (), CLOCK)
    with pytest.raises(InvalidValue, match=r"topology: got.*expected Dense"):
        with_synapse(topology=np.ones((2, 3)))
    with pytest.raises(InvalidValue, match=r"clock: got 0\.001"):
        small(clock=0.001)
    with pytest.raises(InvalidValue, match="shape is empty"):
        small(populations={"in": Input(4), "hid": LIF(3), "out": LI()})


def test_synapses_are_refused_where_they_lead_or_are_named_twice() -> None:
    with pytest.raises(InvalidValue, match="'in' is an Input and receives nothing"):
        with_synapse(post="in")
    with pytest.raises(InvalidValue, match="used twice"):
        small(synapses=(*small().synapses, small().synapses[0]))
    with pytest.raises(InvalidValue, match="a population has the same name"):
        with_synapse(name="hid")
    with pytest.raises(InvalidValue, match="no dot"):
        Synapse("a.b", "c", Dense(np.eye(2)))


@pytest.mark.parametrize("delay", [-1 * ms, np.nan, np.inf, [1 * ms, -1 * ms, 0]])
def test_impossible_delays_are_refused(delay: Any) -> None:
    with pytest.raises(InvalidValue, match=r"'hid->out'.*delay"):
        with_synapse(delay=delay)


def test_delays_lie_on_the_clock_and_fit_the_presynaptic_population() -> None:
    with pytest.raises(InvalidValue, match=r"delay: 0\.0015 s is not a whole number of 0\.001 s"):
        with_synapse(delay=1.5 * ms)
    with pytest.raises(InvalidValue, match=r"does not broadcast to 'hid' \(3,\)"):
        with_synapse(delay=np.array([1, 2]) * ms)
    network = with_synapse(delay=np.array([1, 2, 30]) * ms)
    assert network.delay_ticks(network.synapses[-1]).tolist() == [1, 2, 30]


@pytest.mark.parametrize("shape", [0, (), (2, -1), 2.5, (1.5,)])
def test_inputs_without_units_are_refused(shape: Any) -> None:
    with pytest.raises((InvalidValue, TypeError)):
        Input(shape)


# -- identity -----------------------------------------------------------------------------------


def variants() -> dict[str, Network]:
    """One change each, to every field there is."""
    *others, last = small().synapses
    first = small().synapses[0]
    weight = np.array(first.topology.arrays()["weight"])
    weight[0, 0] = np.nextafter(weight[0, 0], np.float32(9))

    def hid(neuron: Any) -> Network:
        return small(populations={**small().populations, "hid": neuron})

    return {
        "tau_mem": hid(LIF(3, tau_mem=21 * ms)),
        "tau_mem array": hid(LIF(3, tau_mem=np.full(3, 20 * ms))),
        "v_th": hid(LIF(3, v_th=1.1)),
        "v_leak": hid(LIF(3, v_leak=0.1)),
        "v_reset": hid(LIF(3, v_reset=-0.1)),
        "refractory": hid(LIF(3, refractory=2 * ms)),
        "reset": hid(LIF(3, reset="subtract")),
        "neuron": hid(ALIF(3)),
        "clock": small(clock=Clock(0.5 * ms)),
        "outputs": small(outputs=("out", "hid")),
        "population": small(populations={**small().populations, "more": LI(1)}),
        "name": with_synapse(name="readout"),
        "delay": with_synapse(delay=1 * ms),
        "delay array": with_synapse(delay=np.array([0, 0, 1]) * ms),
        "port": with_synapse(port="current"),
        "weight": small(synapses=(Synapse("in", "hid", Dense(weight)), *others[1:], last)),
        "no bias": with_synapse(topology=Dense(last.topology.arrays()["weight"])),
        "bias": with_synapse(topology=Dense(last.topology.arrays()["weight"], [0, 1])),
        "fewer": small(synapses=others),
    }


def test_every_field_changes_the_fingerprint_and_shows_in_the_diff() -> None:
    all_networks = {"same": small(), **variants()}
    prints = {name: n.fingerprint for name, n in all_networks.items()}
    assert len(set(prints.values())) == len(prints)
    assert small() == small() and hash(small()) == hash(small())
    assert small().diff(small()) == []
    for name, network in variants().items():
        assert network != small(), name
        assert network.diff(small()), name


def test_options_of_a_convolution_change_the_fingerprint() -> None:
    weight = np.ones((2, 1, 1, 1))
    options: list[dict[str, Any]] = [{}, {"stride": 2}, {"padding": 1}, {"dilation": 2}]
    prints = set()
    for option in options:
        topology = Conv2d(weight, **option)
        shape = topology.post_shape((1, 5, 5))
        edge = Synapse("in", "out", topology)
        network = Network({"in": Input((1, 5, 5)), "out": IF(shape)}, (edge,), ("out",), CLOCK)
        prints.add(network.fingerprint)
    assert len(prints) == len(options)


def test_the_diff_speaks_of_names_and_sizes() -> None:
    changes = variants()
    assert small().diff(changes["tau_mem"]) == ["hid.tau_mem: 0.02 -> 0.021"]
    assert small().diff(changes["reset"]) == ["hid.reset: zero -> subtract"]
    (line,) = small().diff(changes["weight"])
    assert line.startswith("in->hid.weight: 1 of 12 values, by up to ")
    assert small().diff(changes["population"]) == ["more: absent -> present"]
    assert "hid->out: present -> absent" in small().diff(changes["fewer"])


def test_equality_with_other_things_is_false() -> None:
    assert small() != "a network"


def test_plain_data_give_the_network_back() -> None:
    for network in [small(), *variants().values()]:
        assert Network.from_plain(*network.plain()) == network


def test_plain_data_that_lack_something_are_refused_by_name() -> None:
    structure, arrays = small().plain()
    structure["populations"]["hid"]["type"] = "LIFF"
    with pytest.raises(UnknownName, match=r"'hid'.*Did you mean 'LIF'\?"):
        Network.from_plain(structure, arrays)
    structure, arrays = small().plain()
    structure["synapses"][0]["type"] = "Densse"
    with pytest.raises(UnknownName, match="'in->hid'"):
        Network.from_plain(structure, arrays)
    structure, arrays = small().plain()
    del arrays["in->hid.weight"]
    with pytest.raises(InvalidValue, match=r"missing.*in->hid\.weight"):
        Network.from_plain(structure, arrays)
    structure, arrays = small().plain()
    structure["populations"]["hid"]["parameters"]["tau"] = 1.0
    with pytest.raises(InvalidValue, match="'tau'"):
        Network.from_plain(structure, arrays)


def test_copies_and_pickles_are_equal() -> None:
    network = with_synapse(delay=np.array([1, 2, 3]) * ms)
    assert copy.deepcopy(network) == network
    assert pickle.loads(pickle.dumps(network)) == network


def test_nothing_in_a_network_can_be_changed() -> None:
    network: Any = small()
    fingerprint = network.fingerprint
    topology = network.synapses[0].topology
    with pytest.raises(dataclasses.FrozenInstanceError):
        network.clock = Clock(2 * ms)
    with pytest.raises(TypeError):
        network.populations["hid"] = LIF(4)
    with pytest.raises(dataclasses.FrozenInstanceError):
        network.synapses[0].delay = 1.0
    with pytest.raises(AttributeError, match=r"Dense\.weight is read-only.*with_arrays"):
        topology.weight = np.zeros((3, 4))
    with pytest.raises(ValueError, match="read-only"):
        topology.weight[0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        LIF(2, tau_mem=np.array([1, 2]) * ms).tau_mem[0] = 1  # type: ignore[index]
    assert network.fingerprint == fingerprint


def test_a_network_keeps_no_hold_of_what_it_was_made_from() -> None:
    weight, delay = np.ones((3, 4), np.float32), np.full(4, 1 * ms)
    populations: dict[str, Any] = {"in": Input(4), "hid": LIF(3)}
    network = Network(
        populations, (Synapse("in", "hid", Dense(weight), delay=delay),), ("hid",), CLOCK
    )
    fingerprint = network.fingerprint
    weight[:], delay[:] = 7, 0
    populations["hid"] = LIF(3, v_th=9)
    assert network.fingerprint == fingerprint


def test_the_repr_shows_what_is_there() -> None:
    shown = repr(with_synapse(delay=np.array([1, 2, 3]) * ms))
    assert shown.splitlines()[0] == "Network on Clock(1 * ms), outputs out"
    for words in ("hid  LIF(3)", "out  LI(2)", "hid->hid: Dense(3 -> 3), delay 1 ms", "1..3 ms"):
        assert words in shown


def test_the_order_of_a_tick_follows_edges_without_delay() -> None:
    order = small().order
    assert order.index("in") < order.index("hid") < order.index("out")
    assert small().inputs == ("in",)
    assert list(small().neurons()) == ["hid", "out"]


# -- the feedforward builder --------------------------------------------------------------------


def test_feedforward_names_and_shapes() -> None:
    network = feedforward(
        (2, 34, 34), conv(12, kernel=5, stride=2, bias=True), LIF(), dense(delay=2 * ms), IF(20),
        LI(10), clock=CLOCK, seed=0,
    )  # fmt: skip
    shapes = {name: p.units for name, p in network.populations.items()}
    assert shapes == {"in": (2, 34, 34), "hid1": (12, 15, 15), "hid2": (20,), "out": (10,)}
    assert network.outputs == ("out",)
    assert [s.name for s in network.synapses] == ["in->hid1", "hid1->hid2", "hid2->out"]
    assert network.synapses[1].delay == 2 * ms
    assert list(network.synapses[0].topology.arrays()) == ["weight", "bias"]


def test_a_seed_decides_the_weights() -> None:
    def build(seed: int) -> Network:
        return feedforward(50, LIF(40), LI(5), clock=CLOCK, seed=seed)

    assert build(1) == build(1)
    assert build(1) != build(2)


def test_weights_have_the_promised_spread() -> None:
    network = feedforward(400, dense(gain=3), LIF(300), clock=CLOCK, seed=0)
    weight = network.synapses[0].topology.arrays()["weight"]
    # standard error of a standard deviation over n normal values: sigma / sqrt(2 n)
    assert weight.std() == pytest.approx(3 / 20, rel=4 / np.sqrt(2 * weight.size))
    assert weight.mean() == pytest.approx(0, abs=4 * (3 / 20) / np.sqrt(weight.size))


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ((), "last layer must be a neuron"),
        ((LIF(3), dense()), "last layer must be a neuron"),
        ((dense(), dense(), LIF(3)), "layer 1 is dense"),
        ((7, LIF(3)), "layer 0 is 7"),
        ((LIF(), LI(2)), "without a shape"),
        ((conv(3), LIF()), "needs \\(channel, y, x\\)"),
    ],
)
def test_feedforward_says_what_is_wrong_with_the_layers(layers: Any, words: str) -> None:
    with pytest.raises(InvalidValue, match=words):
        feedforward(5, *layers, clock=CLOCK, seed=0)


def test_a_kernel_larger_than_the_population_is_refused() -> None:
    with pytest.raises(InvalidValue, match="does not fit"):
        feedforward((1, 3, 3), conv(2, kernel=5), LIF(), clock=CLOCK, seed=0)


# -- topologies against PyTorch -------------------------------------------------------------------


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[Conv2d, tuple[int, int, int]]:
    def pair(low: int, high: int) -> tuple[int, int]:
        return draw(st.tuples(st.integers(low, high), st.integers(low, high)))

    groups = draw(st.integers(1, 3))
    shape = (draw(st.integers(1, 2)) * groups, *pair(1, 9))
    kernel = pair(1, 4)
    size = (draw(st.integers(1, 2)) * groups, shape[0] // groups, *kernel)
    topology = Conv2d(
        np.ones(size), stride=pair(1, 3), padding=pair(0, 3), dilation=pair(1, 2), groups=groups
    )
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, topology.dilation, strict=True)]
    fits = (n + 2 * p >= s for n, p, s in zip(shape[1:], topology.padding, spans, strict=True))
    assume(all(fits))
    return topology, shape


@given(convolutions())
@settings(max_examples=60, deadline=None)
def test_shape_and_fan_out_of_a_convolution_are_those_of_pytorch(
    given: tuple[Conv2d, tuple[int, int, int]],
) -> None:
    topology, shape = given
    spikes = torch.zeros(1, *shape, requires_grad=True)
    current = torch.nn.functional.conv2d(
        spikes, torch.tensor(topology.weight), None, topology.stride, topology.padding,
        topology.dilation, topology.groups,
    )  # fmt: skip
    assert topology.post_shape(shape) == tuple(current.shape[1:])
    # with all weights one, the gradient of the sum counts the synapses of each unit
    (count,) = torch.autograd.grad(current.sum(), spikes)
    np.testing.assert_array_equal(topology.fan_out(shape), count[0].numpy())


def test_fan_out_of_dense_counts_its_rows() -> None:
    assert Dense(np.ones((7, 6))).fan_out((2, 3)).tolist() == [[7] * 3] * 2


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Dense([[np.nan]]), r"Dense\.weight: contains NaN"),
        (lambda: Dense([1, 2]), r"Dense\.weight: got shape \(2,\)"),
        (lambda: Dense(np.ones((0, 2))), "non-empty"),
        (lambda: Dense(np.ones((2, 2)), [1, 2, 3]), r"Dense\.bias: has 3 values, expected 2"),
        (lambda: Dense(np.ones((4, 2)), post=(3, 1)), r"Dense\.post: \(3, 1\) has 3 units"),
        (lambda: Conv2d(np.ones((2, 2))), r"Conv2d\.weight: got shape"),
        (lambda: Conv2d(np.ones((3, 1, 1, 1)), groups=2), "divisor of 3"),
        (lambda: Conv2d(np.ones((3, 1, 1, 1)), groups=1.5), "divisor of 3"),  # type: ignore[arg-type]
        (lambda: Conv2d(np.ones((3, 1, 1, 1)), stride=0), r"Conv2d\.stride: got 0"),
        (lambda: Conv2d(np.ones((3, 1, 1, 1)), padding=(1, -1)), r"Conv2d\.padding"),
        (lambda: Conv2d(np.ones((3, 1, 1, 1)), dilation=(1, 1, 1)), r"Conv2d\.dilation"),  # type: ignore[arg-type]
    ],
)
def test_topologies_name_the_field_that_is_wrong(make: Any, words: str) -> None:
    with pytest.raises(InvalidValue, match=words):
        make()
