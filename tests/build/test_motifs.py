"""The networks of motif detectors against sums written out in plain Python."""

import numpy as np
import pytest

from neuro import Clock, Events, ms, sim
from neuro.build.motifs import motif_network, motion_network
from neuro.errors import InvalidValue

CLOCK = Clock(1 * ms)


def spikes(network, x: np.ndarray, **options) -> np.ndarray:
    """Spikes of "out" [T, *units] for binary input [T, *units]."""
    seconds = len(x) * 1 * ms
    record = sim.run(network, seconds, inputs=Events.from_dense(x, CLOCK), **options)
    return record.array("out.spikes")[:, 0]


def test_a_synapse_for_each_weight_that_is_not_zero() -> None:
    weight = np.zeros((2, 3, 4))
    weight[0, 2, 3], weight[1, 0, 0], weight[1, 0, 2] = 1.5, -2.0, 0.5
    (synapse,) = motif_network(weight, [0.0, 0.0], CLOCK).synapses
    found = sorted(
        zip(
            synapse.topology.constants()["pre"].tolist(),
            synapse.topology.constants()["post"].tolist(),
            synapse.topology.arrays()["weight"].tolist(),
            (np.asarray(synapse.delay) / ms).round().tolist(),
            strict=True,
        )
    )
    assert found == [(0, 1, -2.0, 0.0), (0, 1, 0.5, 2.0), (2, 0, 1.5, 3.0)]


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_motif_units_fire_where_the_sum_exceeds_the_threshold(engine: str) -> None:
    """Small whole weights, so that sums equal to the threshold are frequent."""
    rng = np.random.default_rng(3)
    weight, bias = rng.integers(-2, 4, (3, 4, 5)), rng.integers(-2, 3, 3)
    x = (rng.random((40, 4)) < 0.2).astype(np.uint8)
    threshold, ties = 2.0, 0
    wanted = np.zeros((40, 3))
    for t in range(40):
        for m in range(3):
            total = bias[m] + sum(
                weight[m, n, d] * x[t - d, n] for n in range(4) for d in range(5) if d <= t
            )
            wanted[t, m] = total > threshold
            ties += total == threshold
    network = motif_network(weight, bias, CLOCK, threshold=threshold)
    np.testing.assert_array_equal(spikes(network, x, engine=engine), wanted)
    assert ties > 5 and 0.05 < wanted.mean() < 0.95


def test_a_unit_whose_bias_is_above_the_threshold_fires_without_input() -> None:
    network = motif_network(np.ones((2, 1, 1)), [0.5, -0.5], CLOCK)
    np.testing.assert_array_equal(spikes(network, np.zeros((5, 1), int)), [[1, 0]] * 5)


def test_a_threshold_between_two_numbers_of_the_simulation_parts_them() -> None:
    """Just below 3, and rounded to 3 in float32: evidence of 3 is still above it."""
    below, above = np.nextafter(3.0, 0), np.nextafter(3.0, 4)
    for threshold, fires in ((below, 1), (3.0, 0), (above, 0)):
        network = motif_network([[[3.0]]], [0.0], CLOCK, threshold=threshold)
        assert spikes(network, np.ones((1, 1), int)).item() == fires


@pytest.mark.parametrize("invariant", [False, True])
def test_motion_units_look_at_their_patch_in_both_polarities(invariant: bool) -> None:
    rng = np.random.default_rng(4)
    weight, bias = rng.integers(-2, 3, (2, 2, 3, 2, 3)), rng.integers(-1, 2, 2)
    x = (rng.random((12, 2, 4, 5)) < 0.25).astype(np.uint8)
    wanted = np.zeros((12, 2, 3, 3))
    for t, c, row, column in np.ndindex(wanted.shape):
        for swapped in (0, 1) if invariant else (0,):
            total = bias[c]
            for p, d, i, j in np.ndindex(2, 3, 2, 3):
                if d <= t:
                    seen = x[t - d, 1 - p if swapped else p, row + i, column + j]
                    total += weight[c, p, d, i, j] * seen
            wanted[t, c, row, column] = max(wanted[t, c, row, column], total > 1)
    network = motion_network(
        weight, bias, CLOCK, (4, 5), polarity_invariant=invariant, threshold=1.0
    )
    np.testing.assert_array_equal(spikes(network, x), wanted)
    assert 0.05 < wanted.mean() < 0.95


def test_what_cannot_be_built_is_refused() -> None:
    one = np.ones((1, 1, 1))
    with pytest.raises(InvalidValue, match="one bias for each"):
        motif_network(one, [0.0, 0.0], CLOCK)
    with pytest.raises(InvalidValue, match="3 axes"):
        motif_network(np.ones((1, 1)), [0.0], CLOCK)
    with pytest.raises(InvalidValue, match="weight: contains NaN"):
        motif_network(one * np.nan, [0.0], CLOCK)
    with pytest.raises(InvalidValue, match="bias: contains NaN"):
        motif_network(one, [np.inf], CLOCK)
    with pytest.raises(InvalidValue, match="all are 0"):
        motif_network(one * 0, [0.0], CLOCK)
    with pytest.raises(InvalidValue, match="threshold"):
        motif_network(one, [0.0], CLOCK, threshold=np.nan)
    with pytest.raises(InvalidValue, match="3 polarities"):
        motion_network(np.ones((1, 3, 1, 1, 1)), [0.0], CLOCK, (3, 3))
    with pytest.raises(InvalidValue, match="no room for the kernel"):
        motion_network(np.ones((1, 2, 1, 3, 3)), [0.0], CLOCK, (3, 2))
