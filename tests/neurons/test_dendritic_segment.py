"""Dendritic segments: counting, plateaus of fixed length, wiring to somas, and recognition."""

import numpy as np
import pytest
import torch

from neuro.build.segments import subsample_segments
from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.metrics.sdr import false_match, false_negative
from neuro.network import Input, Network, Synapse
from neuro.neurons import LIF
from neuro.neurons.dendritic_segment import DendriticSegment
from neuro.nn import Population
from neuro.synapses import Dense
from neuro.train import Module
from neuro.units import ms

CLOCK = Clock(1 * ms)


def test_a_plateau_needs_theta_coincident_spikes_and_lasts_its_duration() -> None:
    x = torch.zeros(20, 1, 3)
    x[2, 0] = torch.tensor([11.0, 12.0, 13.0])
    plateau, _ = Population(DendriticSegment(3, theta=12, duration=6 * ms), CLOCK)(x)
    expected = np.zeros((20, 3))
    expected[2:8, 1:] = 1
    np.testing.assert_array_equal(plateau[:, 0], expected)


def test_spikes_coincide_within_the_time_constant() -> None:
    """Two volleys of 8, n ticks apart, leave 8 (1 + e^(-n/5)): above 11.5 for n <= 4."""
    x = torch.zeros(30, 1, 8)
    for n in range(8):
        x[0, 0, n] += 8
        x[n, 0, n] += 8 if n else 0
    plateau, _ = Population(DendriticSegment(8, tau=5 * ms, theta=12), CLOCK)(x)
    reached = [n > 0 and 8 * (1 + np.exp(-n / 5)) > 11.5 for n in range(8)]
    assert (plateau.sum(0)[0] > 0).tolist() == reached
    assert sum(reached) == 4


def test_input_during_a_plateau_neither_prolongs_it_nor_is_kept() -> None:
    x = torch.full((23, 1, 1), 5.0)
    x[11:] = 0
    neuron = DendriticSegment(1, theta=5, duration=10 * ms)
    layer = Population(neuron, CLOCK)
    plateau, state, traces = layer.trace(layer.ports({"current": x}), record=("d",))
    assert plateau.ravel().tolist() == [1] * 20 + [0] * 3  # the second one starts at tick 10
    assert (traces["d"] == 0).all() and state.hold == 0


def test_the_plateau_carries_the_surrogate_gradient_of_its_start() -> None:
    x = torch.zeros(10, 1, 2)
    x[3, 0] = torch.tensor([4.6, 4.4])  # just above and just below 4.5
    x.requires_grad_()
    plateau, _ = Population(DendriticSegment(2, theta=5, duration=4 * ms), CLOCK)(x)
    plateau.sum().backward()
    started = 4 / (1 + 25 * 0.1) ** 2  # through every tick of the plateau
    # Without a plateau the trace decays on, and every tick is a near miss of its own.
    left = np.exp(-np.arange(7) / 5)
    missed = (left / (1 + 25 * abs(4.4 * left - 4.5)) ** 2).sum()
    assert x.grad is not None
    np.testing.assert_allclose(x.grad[3, 0], [started, missed], rtol=1e-5)


def test_segments_of_a_cell_reach_its_soma_through_a_block_weight() -> None:
    """The documented wiring: np.kron(np.eye(cells), np.full(segments, strength))."""
    cells, segments, n = 3, 4, 50
    rng = np.random.default_rng(0)
    patterns = rng.permuted(np.arange(n) < 10 * np.ones((cells * segments, 1)), axis=1)
    to_segments = subsample_segments(patterns.reshape(cells, segments, n), 8, seed=1)
    to_somas = np.kron(np.eye(cells), np.full(segments, 0.3))
    network = Network(
        {
            "in": Input(n),
            "dend": DendriticSegment((cells, segments), theta=8, duration=30 * ms),
            "soma": LIF(cells, tau_mem=10 * ms),
        },
        (
            Synapse("in", "dend", Dense(to_segments, post=(cells, segments))),
            Synapse("dend", "soma", Dense(to_somas)),
        ),
        ("soma",),
        CLOCK,
    )
    x = torch.zeros(40, 12, n)
    x[5] = torch.tensor(patterns, dtype=torch.float32)  # sample k shows pattern k once
    record, _ = Module(network)(x, record=["dend.plateau", "soma.spikes"])
    plateau, spikes = record["dend.plateau"], record["soma.spikes"]
    assert plateau.shape == (40, 12, cells, segments)
    for k in range(12):
        assert plateau[5, k, k // segments, k % segments] == 1
        driven = plateau[:, k].sum((0, 2)) > 0  # cells with any plateau
        assert driven[k // segments]
        assert ((spikes[:, k].sum(0) > 0) == driven).all()


def test_sparse_codes_are_told_apart_and_dense_ones_are_not() -> None:
    """400 segments, 400 random patterns, 30 % of the cells of learned patterns lost."""
    rng = np.random.default_rng(0)

    def matches(shown, stored):
        weight = subsample_segments(stored, 20, seed=0)
        x = torch.tensor(shown @ weight.T, dtype=torch.float32)[None]
        return Population(DendriticSegment(400, theta=10), CLOCK)(x)[0][0].numpy()

    def draw(n, active):
        return rng.permuted(np.arange(n) < active * np.ones((400, 1)), axis=1)

    stored, others = draw(2000, 40), draw(2000, 40)
    assert matches(others, stored).any(axis=1).sum() == 0
    noisy = stored.copy()
    for row in noisy:
        row[rng.choice(np.flatnonzero(row), 12, replace=False)] = False
    recognised = np.diag(matches(noisy, stored))
    assert (recognised == 0).sum() <= 2  # expected 400 * 0.0006
    assert false_negative(40, 20, 10, 12) == pytest.approx(0.0006, abs=1e-4)

    stored, others = draw(2000, 1000), draw(2000, 1000)
    assert matches(others, stored).any(axis=1).all()

    stored, others = draw(200, 40), draw(200, 40)
    found = matches(others, stored).mean()
    theory = false_match(200, 40, 20, 10)
    assert found == pytest.approx(theory, abs=4 * np.sqrt(theory / 160_000))


def test_segments_sample_their_pattern_without_replacement() -> None:
    rng = np.random.default_rng(0)
    patterns = rng.random((5, 30, 60)) < 0.4
    weight = subsample_segments(patterns, 7, seed=3)
    assert weight.shape == (150, 60) and weight.dtype == np.float32
    rows = patterns.reshape(150, 60)
    assert (weight.sum(axis=1) == 7).all() and set(np.unique(weight)) == {0, 1}
    assert (weight <= rows).all()
    np.testing.assert_array_equal(weight, subsample_segments(patterns, 7, seed=3))
    assert (weight != subsample_segments(patterns, 7, seed=4)).any()
    often = [subsample_segments(np.ones((1, 6)), 2, seed=k)[0] for k in range(3000)]
    np.testing.assert_allclose(np.mean(often, axis=0), 2 / 6, atol=4 * np.sqrt(2 / 9 / 3000))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: subsample_segments(np.eye(3), 2, seed=0), r"got 2, expected 1 to 1"),
        (lambda: subsample_segments(np.eye(3), 0, seed=0), r"got 0, expected at least 1"),
        (lambda: subsample_segments(np.ones(3), 1, seed=0), r"got shape \(3,\)"),
        (
            lambda: Population(DendriticSegment(2, duration=0.5 * ms), CLOCK),
            r"duration: 0.0005 s is not a whole number",
        ),
        (lambda: DendriticSegment(2, duration=0), r"duration: got 0 s, expected a value above"),
    ],
)
def test_bad_arguments_are_named(make, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        make()
