"""Synaptic operations against hand counts and against PyTorch with all weights set to one."""

from __future__ import annotations

import numpy as np
import pytest

from neuro.build import conv, dense, feedforward
from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.metrics import SynapticOperations, synops
from neuro.network import Input, Network, Synapse
from neuro.neurons import LI, LIF
from neuro.record import Record
from neuro.synapses import Conv2d, Dense
from neuro.units import ms

CLOCK = Clock(1 * ms)


def tiny() -> Network:
    return feedforward(3, dense(bias=True), LIF(4), dense(), LI(2), clock=CLOCK, seed=0)


def test_a_network_small_enough_to_count_by_hand() -> None:
    inputs = np.zeros((5, 2, 3))
    inputs[0, 0, 1] = inputs[3, 0, 1] = inputs[4, 0, 2] = 1  # 3 spikes, each to 4 units
    inputs[2, 1, 0] = 2  # 2 spikes in one tick, each to 4 units
    hidden = np.zeros((5, 2, 4))
    hidden[1, 0, :3] = 1  # 3 spikes, each to 2 units
    counts = synops(tiny(), Record({"in.spikes": inputs, "hid1.spikes": hidden}, CLOCK))
    np.testing.assert_array_equal(counts.synapses["in->hid1"].effective_acs, [12, 8])
    np.testing.assert_array_equal(counts.synapses["hid1->out"].effective_acs, [6, 0])
    np.testing.assert_array_equal(counts.synapses["in->hid1"].dense, [5 * 3 * 4] * 2)
    np.testing.assert_array_equal(counts.total.effective, [18, 8])
    assert counts.total.per_sample == 13
    assert counts.total.dense_per_sample == 5 * (3 * 4 + 4 * 2)
    assert not counts.total.effective_macs.any()


@pytest.mark.parametrize(
    ("stride", "padding", "dilation", "groups"),
    [(1, 0, 1, 1), (2, 0, 1, 1), (2, 1, 1, 1), ((1, 3), (2, 0), (2, 1), 2)],
)
def test_a_convolution_costs_what_torch_sums_over_a_kernel_of_ones(
    stride, padding, dilation, groups: int
) -> None:
    torch = pytest.importorskip("torch")
    weight = np.ones((4, 2 // groups, 3, 3))
    topology = Conv2d(weight, stride=stride, padding=padding, dilation=dilation, groups=groups)
    post = topology.post_shape((2, 9, 11))
    network = Network(
        {"in": Input((2, 9, 11)), "out": LIF(post)}, (Synapse("in", "out", topology),),
        ("out",), CLOCK,
    )  # fmt: skip
    spikes = (np.random.default_rng(0).random((6, 3, 2, 9, 11)) < 0.2).astype(np.float32)

    def reached(x):
        y = torch.nn.functional.conv2d(
            torch.tensor(x).flatten(0, 1), torch.tensor(weight, dtype=torch.float32),
            stride=stride, padding=padding, dilation=dilation, groups=groups,
        )  # fmt: skip
        return y.reshape(6, 3, -1).sum((0, 2)).numpy()

    counts = synops(network, Record({"in.spikes": torch.tensor(spikes)}, CLOCK)).total
    np.testing.assert_array_equal(counts.effective_acs, reached(spikes))
    np.testing.assert_array_equal(counts.dense, reached(np.ones_like(spikes)))


def test_a_graded_population_costs_multiply_accumulates() -> None:
    network = Network(
        {"in": Input(2), "li": LI(3), "out": LIF(5)},
        (Synapse("in", "li", Dense(np.ones((3, 2)))), Synapse("li", "out", Dense(np.ones((5, 3))))),
        ("out",), CLOCK,
    )  # fmt: skip
    v = np.array([0.5, 0.0, -0.25]).reshape(1, 1, 3)
    counts = synops(network, Record({"in.spikes": np.ones((1, 1, 2)), "li.v": v}, CLOCK))
    assert counts.synapses["li->out"].effective_macs == [2 * 5]
    assert counts.total.effective_acs == [2 * 3]
    assert counts.total.effective == [16]


def test_batches_joined_weigh_every_sample_alike() -> None:
    rng = np.random.default_rng(1)
    signals = {"in.spikes": (7, 5, 3), "hid1.spikes": (7, 5, 4)}
    whole = {k: rng.integers(0, 2, s) for k, s in signals.items()}
    parts = [Record({k: v[:, b] for k, v in whole.items()}, CLOCK) for b in (np.s_[:4], np.s_[4:])]
    joined = SynapticOperations.joined([synops(tiny(), part) for part in parts])
    expected = synops(tiny(), Record(whole, CLOCK)).total
    np.testing.assert_array_equal(joined.total.effective, expected.effective)
    assert joined.total.per_sample == expected.per_sample


def test_joining_refuses_batches_of_other_networks() -> None:
    one = synops(
        tiny(), Record({"in.spikes": np.ones((1, 1, 3)), "hid1.spikes": np.ones((1, 1, 4))}, CLOCK)
    )
    other = SynapticOperations({"a->b": one.total})
    with pytest.raises(InvalidValue, match=r"batch 1 has synapses \['a->b'\]"):
        SynapticOperations.joined([one, other])
    with pytest.raises(InvalidValue, match="no batches"):
        SynapticOperations.joined([])


@pytest.mark.parametrize(
    ("signals", "message"),
    [
        ({"in.spikes": np.ones((2, 1, 3))}, r"no signal 'hid1.spikes'.*record=\[...\]"),
        ({"in.spikes": np.ones((2, 1, 4)), "hid1.spikes": np.ones((2, 1, 4))}, r"\[T, B, 3\]"),
        ({"in.spikes": np.ones((2, 1, 3)), "hid1.spikes": np.ones((3, 1, 4))}, "differ in"),
        ({"in.spikes": np.ones((2, 1, 3)) / 2, "hid1.spikes": np.ones((2, 1, 4))}, "whole"),
    ],
)
def test_refuses_a_record_that_does_not_fit(signals, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        synops(tiny(), Record(signals, CLOCK))


def test_refuses_a_network_without_synapses() -> None:
    lonely = Network({"in": Input(2)}, (), ("in",), CLOCK)
    with pytest.raises(InvalidValue, match="no synapses"):
        synops(lonely, Record({}, CLOCK))


def test_the_builders_convolution_counts_borders() -> None:
    # 4x4 plane, 3x3 kernel: a corner is under one placement, a centre pixel under all four
    network = feedforward((1, 4, 4), conv(5, kernel=3), LIF(), clock=CLOCK, seed=0)
    corner, centre = np.zeros((2, 1, 1, 1, 4, 4))
    corner[0, 0, 0, 0, 0], centre[0, 0, 0, 1, 1] = 1, 1
    assert synops(network, Record({"in.spikes": corner}, CLOCK)).total.per_sample == 5
    assert synops(network, Record({"in.spikes": centre}, CLOCK)).total.per_sample == 4 * 5
