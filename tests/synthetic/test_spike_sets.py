"""Manifolds, motifs, Poisson classes and Markov sources against what they promise."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from neuro.errors import InvalidValue
from neuro.synthetic import (
    MarkovSource,
    manifold_times,
    markov_spikes,
    poisson_classes,
    randman,
    spike_motifs,
)
from neuro.units import ms, second


def test_every_unit_of_a_manifold_fires_once_and_its_times_fill_the_interval() -> None:
    times = manifold_times(200, classes=3, units=20, seed=1)
    assert times.shape == (3, 200, 20)
    assert (times.min(axis=1) == 0).all() and (times < 1).all()
    assert (times.max(axis=1) > 0.999999).all()
    data = randman(200, classes=3, units=20, seed=1)
    assert (data.counts == 20).all()
    for i in (0, 250, 599):
        events, label = data[i]
        by_unit = np.empty(20, int)
        by_unit[events.unit] = events.t
        np.testing.assert_array_equal(by_unit, (times[label, i % 200] * 100).astype(int))


def test_a_line_has_one_intrinsic_dimension_and_a_plane_two() -> None:
    """Levina and Bickel's estimate from the distances to the nearest neighbours."""

    def dimension(points: np.ndarray) -> float:
        gap = np.sort(np.linalg.norm(points[:, None] - points[None], axis=2), axis=1)[:, 1:11]
        return float(1 / np.log(gap[:, -1:] / gap[:, :-1]).mean())

    for d in (1, 2):
        found = dimension(manifold_times(800, classes=1, units=10, dimension=d, alpha=3, seed=2)[0])
        assert found == pytest.approx(d, rel=0.25)


def test_smooth_manifolds_bend_less() -> None:
    def roughness(alpha: float) -> float:
        points = manifold_times(500, classes=5, units=30, alpha=alpha, seed=3)
        # neighbours on a smooth curve are close: mean distance to the nearest other point
        gaps = [np.linalg.norm(c[:, None] - c[None], axis=2) + 9 * np.eye(500) for c in points]
        return float(np.mean([g.min(axis=1).mean() for g in gaps]))

    assert roughness(1.0) > 2 * roughness(3.0)


def test_a_manifold_does_not_depend_on_those_that_follow() -> None:
    few, many = (manifold_times(10, classes=c, seed=4) for c in (2, 4))
    np.testing.assert_array_equal(few, many[:2])


def test_motifs_are_where_the_truth_says_and_nowhere_else_by_their_rate() -> None:
    found = spike_motifs(2, 30, units=40, involved=20, rate=20.0, duration=20 * second, seed=6)
    events = found.events
    assert len(found.start) == 60 and (np.bincount(found.motif) == 30).all()
    assert (np.diff(found.start) >= 50).all() and found.start[-1] + 50 <= events.duration
    for start, k in zip(found.start, found.motif, strict=True):
        pattern = found.patterns[k]
        members = set(pattern.unit.tolist())
        part = events.slice(int(start), int(start) + 50)
        kept = [i for i, u in enumerate(part.unit) if int(u) in members]
        seen = sorted(zip(part.t[kept].tolist(), part.unit[kept].tolist(), strict=True))
        assert seen == sorted(zip(pattern.t.tolist(), pattern.unit.tolist(), strict=True))
    inside = np.zeros(events.duration, bool)
    for start in found.start:
        inside[start : start + 50] = True
    rates = [(inside[events.t] == k).sum() / (inside == k).sum() for k in (False, True)]
    assert rates[0] / 40 * 1000 == pytest.approx(20, rel=0.05)
    assert rates[1] / rates[0] == pytest.approx(1, abs=0.15)


def test_jitter_and_dropped_spikes_have_the_promised_size() -> None:
    clean, moved = (
        spike_motifs(1, 100, rate=10.0, units=60, jitter=j, dropped=d, seed=7, duration=20 * second)
        for j, d in ((0.0, 0.0), (3 * ms, 0.0))
    )
    pattern = moved.patterns[0]
    single = [u for u in np.unique(pattern.unit) if (pattern.unit == u).sum() == 1]
    away = []
    for start in moved.start:
        for u in single:
            expected = start + pattern.t[pattern.unit == u][0]
            near = moved.events.t[moved.events.unit == u] - expected
            near = near[np.abs(near) <= 9]
            if len(near) == 1:
                away.append(near[0])
    assert len(away) > 500
    assert np.std(away) == pytest.approx(3, rel=0.2)
    assert len(clean.patterns[0]) == len(pattern)
    gone = spike_motifs(1, 100, rate=10.0, units=60, dropped=1.0, seed=7, duration=20 * second)
    lost = len(clean.events) - len(gone.events)
    assert lost == 100 * len(gone.patterns[0])


def test_poisson_classes_have_the_counts_of_their_rates() -> None:
    data, rates = poisson_classes(200, classes=3, units=10, seed=8)
    assert rates.shape == (3, 10) and (rates >= 5).all() and (rates <= 50).all()
    for k in range(3):
        mine = [np.bincount(e.unit, minlength=10) for e, label in data if label == k]
        counts = np.array(mine)
        z = (counts.mean(axis=0) - rates[k] * 0.2) / np.sqrt(rates[k] * 0.2 / 200)
        assert np.abs(z).max() < 4.5
        assert (counts.var(axis=0) / counts.mean(axis=0)).mean() == pytest.approx(1, abs=0.1)
    times = np.concatenate([e.t for e, _ in data])
    assert stats.chisquare(np.bincount(times, minlength=200)).pvalue > 1e-4
    fewer, _ = poisson_classes(5, classes=2, units=10, seed=8)
    assert fewer[0][0] == data[0][0]
    assert fewer[5][0] == data[200][0]


def test_the_entropy_rate_of_a_chain_is_that_of_its_blocks() -> None:
    """H(5) - H(4) over all words, by brute force: exact for a chain of order 1."""
    source = MarkovSource([[0.7, 0.2, 0.1], [0.0, 0.5, 0.5], [0.3, 0.3, 0.4]])

    def block(n: int) -> float:
        bits = 0.0
        for word in itertools.product(range(3), repeat=n):
            p = source.stationary[word[0]] * math.prod(
                source.transition[a, b] for a, b in itertools.pairwise(word)
            )
            bits -= p * math.log2(p) if p else 0
        return bits

    assert source.entropy_rate == pytest.approx(block(5) - block(4))
    assert markov_spikes(0.5, 0.5).entropy_rate == pytest.approx(1)
    assert MarkovSource([[0, 1], [1, 0]]).entropy_rate == 0
    np.testing.assert_allclose(markov_spikes(0.1, 0.4).stationary, [6 / 7, 1 / 7])


def test_samples_of_a_chain_follow_its_transitions() -> None:
    table = np.array([[0.7, 0.2, 0.1], [0.0, 0.5, 0.5], [0.3, 0.3, 0.4]])
    source = MarkovSource(table)
    symbols = source.sample(40_001, 3, seed=9)
    assert symbols.shape == (40_001, 3) and symbols.dtype == np.uint8
    pairs = np.zeros((3, 3))
    np.add.at(pairs, (symbols[:-1].ravel(), symbols[1:].ravel()), 1)
    assert pairs[1, 0] == 0
    share = pairs / pairs.sum(axis=1, keepdims=True)
    assert (
        np.abs(share - table) < 4.5 * np.sqrt(table * (1 - table) / pairs.sum(1)[:, None]) + 1e-12
    ).all()
    first = source.sample(1, 20_000, seed=1)[0]
    np.testing.assert_allclose(np.bincount(first) / 20_000, source.stationary, atol=0.015)
    np.testing.assert_array_equal(source.sample(50, seed=2), source.sample(50, seed=2))
    assert source.sample(0).shape == (0, 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: manifold_times(1), "samples"),
        (lambda: manifold_times(alpha=0.0), "alpha"),
        (lambda: randman(duration=0.5 * ms), "whole number"),
        (lambda: spike_motifs(2, 200), "do not fit"),
        (lambda: spike_motifs(involved=101), "involved"),
        (lambda: spike_motifs(dropped=1.5), "dropped"),
        (lambda: poisson_classes(rates=(9.0, 3.0)), "lowest"),
        (lambda: poisson_classes(seed=-1), "seed"),
        (lambda: MarkovSource([[0.5, 0.6], [0.5, 0.5]]), "sum 1"),
        (lambda: MarkovSource([[1.0, 0.0], [0.5, 0.5]]), "cannot be reached"),
        (lambda: MarkovSource([0.5, 0.5]), "shape"),
        (lambda: markov_spikes(0.0, 0.5), "for ever"),
    ],
)
def test_refuses_what_cannot_be_made(call, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        call()
