"""Correlations, synchrony, correlograms and branching of processes built to have them."""

from __future__ import annotations

import numpy as np
import pytest

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.metrics import (
    branching_ratio,
    correlogram,
    count_correlations,
    cross_correlogram,
    spike_counts,
    synchrony_chi,
    synchrony_index,
)
from neuro.units import ms

CLOCK = Clock(1 * ms)


def common_input(share: float, *, units: int, bins: int, seed: int) -> Events:
    """Poisson counts with a correlation of `share`, the part of the rate common to all."""
    rng = np.random.default_rng(seed)
    shared = rng.poisson(0.5 * share, (bins, 1))
    return Events.from_dense(rng.poisson(0.5 * (1 - share), (bins, units)) + shared, CLOCK)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.8])
def test_the_correlation_is_the_share_of_common_input(share: float) -> None:
    events = common_input(share, units=12, bins=40_000, seed=1)
    found = count_correlations(events)
    assert found.pairs.shape == (66,)
    assert found.pairs.mean() == pytest.approx(share, abs=0.01)
    counts = spike_counts(events, bin_width=2 * ms)
    np.testing.assert_allclose(found.matrix[2, 7], np.corrcoef(counts[:, 2], counts[:, 7])[0, 1])


def test_silent_units_are_never_drawn_and_the_draw_follows_its_seed() -> None:
    rng = np.random.default_rng(2)
    counts = rng.poisson(0.1, (2000, 50))
    counts[:, ::5] = 0
    events = Events.from_dense(counts, CLOCK)
    found = count_correlations(events, units=20)
    assert len(found.units) == 20 and found.silent == 10
    assert not (found.units % 5 == 0).any() and (np.diff(found.units) > 0).all()
    np.testing.assert_array_equal(found.units, count_correlations(events, units=20).units)
    assert (found.units != count_correlations(events, units=20, seed=1).units).any()
    assert len(count_correlations(events).units) == 40  # all there are
    assert count_correlations(events, units=[7, 3]).units.tolist() == [7, 3]


@pytest.mark.parametrize(
    ("units", "message"),
    [
        ([1, 5], "unit 5 has the same count in every bin"),
        ([1], "at least two"),
        ([1, 60], "0 <= unit < 50"),
        (1, "at least 2"),
    ],
)
def test_units_without_a_correlation_are_refused(units, message: str) -> None:
    counts = np.random.default_rng(3).poisson(0.1, (400, 50))
    counts[:, ::5] = 0
    with pytest.raises(InvalidValue, match=message):
        count_correlations(Events.from_dense(counts, CLOCK), units=units)
    with pytest.raises(InvalidValue, match="0 units fired"):
        count_correlations(Events.from_dense(0 * counts, CLOCK))


def test_chi_is_one_in_synchrony_and_the_root_of_one_over_n_without() -> None:
    rng = np.random.default_rng(4)
    wave = np.sin(np.arange(1000) / 10)
    assert synchrony_chi(np.tile(wave[:, None], 40)) == pytest.approx(1)
    assert synchrony_chi(rng.normal(size=(20_000, 10, 10))) == pytest.approx(0.1, rel=0.03)
    # equal shares of common and private variance: chi^2 = 1/2 + 1/(2 N)
    mixed = rng.normal(size=(50_000, 1)) + rng.normal(size=(50_000, 25))
    assert synchrony_chi(mixed) == pytest.approx(np.sqrt(0.5 + 0.5 / 25), rel=0.01)
    events = common_input(0.5, units=25, bins=50_000, seed=5)
    assert synchrony_chi(events) == pytest.approx(np.sqrt(0.5 + 0.5 / 25), rel=0.02)
    counts = spike_counts(events, bin_width=3 * ms)
    assert synchrony_chi(events, bin_width=3 * ms) == pytest.approx(synchrony_chi(counts))
    for steady in (np.ones((50, 3)), Events.from_dense(np.ones((50, 3)), CLOCK)):
        with pytest.raises(InvalidValue, match="no unit varies"):
            synchrony_chi(steady)
    with pytest.raises(InvalidValue, match="finite"):
        synchrony_chi([[np.nan, 1.0]])


def test_the_synchrony_index_counts_the_common_input_once_a_unit() -> None:
    # variance of the sum of N counts with correlation c, over its mean: 1 + (N - 1) c
    events = common_input(0.2, units=30, bins=60_000, seed=6)
    assert synchrony_index(events) == pytest.approx(1 + 29 * 0.2, rel=0.03)
    with pytest.raises(InvalidValue, match="silent"):
        synchrony_index(Events.from_dense(np.zeros((30, 2)), CLOCK))


def brute_force(events: Events, a: int, b: int, half: int, width: int) -> np.ndarray:
    lags = [
        int(t2 - t1)
        for i, (t1, u1) in enumerate(zip(events.t, events.unit, strict=True))
        for j, (t2, u2) in enumerate(zip(events.t, events.unit, strict=True))
        if u1 == a and u2 == b and i != j
    ]
    counts = np.zeros(2 * half + 1)
    for lag in lags:
        for k in range(-half, half + 1):
            off = abs(lag - k * width)
            counts[k + half] += 1.0 if 2 * off < width else 0.5 if 2 * off == width else 0.0
    return counts


@pytest.mark.parametrize(("a", "b", "width"), [(0, 1, 1), (0, 1, 4), (1, 0, 3), (1, 1, 2)])
@pytest.mark.parametrize("pairs", [1 << 20, 50])
def test_correlograms_count_every_pair_once(
    a: int, b: int, width: int, pairs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(correlogram, "_PAIRS", pairs)  # in one go, and in many
    events = Events.from_dense(np.random.default_rng(7).poisson(0.2, (300, 2)), CLOCK)
    lag, rate = cross_correlogram(events, a, b, window=5 * width * ms, bin_width=width * ms)
    np.testing.assert_allclose(lag, np.arange(-5, 6) * width * 1e-3)
    overlap = 1 - np.abs(lag) / 0.3
    counts = rate * overlap * (events.unit == a).sum() * width * 1e-3
    np.testing.assert_allclose(counts, brute_force(events, a, b, 5, width), atol=1e-9)


def test_independent_units_have_the_targets_rate_at_every_lag() -> None:
    events = Events.from_dense(np.random.default_rng(8).poisson(0.02, (100_000, 20)), CLOCK)
    _, rate = cross_correlogram(events, range(10), range(10, 20), window=20 * ms)
    np.testing.assert_allclose(rate, 20, rtol=0.04)


def test_a_unit_that_follows_another_shows_at_its_delay() -> None:
    rng = np.random.default_rng(9)
    leader = rng.random(20_000) < 0.01
    events = Events.from_dense(np.stack([leader, np.roll(leader, 6)], 1), CLOCK)
    lag, rate = cross_correlogram(events, 0, 1, window=10 * ms)
    assert lag[rate.argmax()] == pytest.approx(6 * ms)
    assert rate.max() == pytest.approx(1000, rel=0.02)  # one spike each in a bin of 1 ms
    mirrored = cross_correlogram(events, 1, 0, window=10 * ms).rate
    assert mirrored.argmax() == 20 - rate.argmax()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reference": 2}, "never fires"),
        ({"target": 3}, "0 <= unit < 3"),
        ({"window": 0.1}, "less than the recording"),
        ({"window": 0.1 * ms}, "from one bin"),
        ({"bin_width": 0.5 * ms}, "whole multiple"),
    ],
)
def test_correlograms_refuse_what_does_not_fit(change, message: str) -> None:
    events = Events.sorted([0, 50], [0, 1], shape=3, clock=CLOCK, duration=100)
    with pytest.raises(InvalidValue, match=message):
        cross_correlogram(events, **({"reference": 0, "target": 1} | change))


def branching_process(m: float, *, bins: int, seen: float, seed: int) -> Events:
    """Every spike causes Poisson(m) spikes in the next bin; each is seen with a probability."""
    rng = np.random.default_rng(seed)
    activity, rows = 0, np.zeros(bins, np.int64)
    for i in range(bins):
        activity = rng.poisson(m * activity + 100 * (1 - m))
        rows[i] = rng.binomial(activity, seen)
    return Events.from_dense(rows[:, None], CLOCK)


@pytest.mark.parametrize(("m", "lags"), [(0.6, 6), (0.9, 20), (0.97, 60)])
@pytest.mark.parametrize("seen", [1.0, 0.1])
def test_the_branching_ratio_survives_that_few_units_are_seen(m, lags, seen) -> None:
    events = branching_process(m, bins=60_000, seen=seen, seed=10)
    error = 0.015 if seen == 1.0 else 0.04  # fewer spikes, wider scatter
    assert branching_ratio(events, bin_width=1 * ms, lags=lags) == pytest.approx(m, abs=error)
    plain = branching_ratio(events, bin_width=1 * ms, lags=1)
    if seen == 1.0:
        assert plain == pytest.approx(m, abs=0.015)
    else:
        assert plain < m - 0.1


def test_activity_without_descendants_has_no_ratio() -> None:
    events = branching_process(0.0, bins=5_000, seen=1.0, seed=11)
    assert branching_ratio(events, bin_width=1 * ms, lags=1) == pytest.approx(0, abs=0.05)
    with pytest.raises(InvalidValue, match="no more than chance"):
        branching_ratio(events, bin_width=1 * ms)
    with pytest.raises(InvalidValue, match="expected at least 200"):
        branching_ratio(events.slice(0, 199), bin_width=1 * ms)
    with pytest.raises(InvalidValue, match="never changes"):
        branching_ratio(Events.from_dense(np.ones((500, 2)), CLOCK), bin_width=1 * ms)
    with pytest.raises(InvalidValue, match="lags"):
        branching_ratio(events, lags=0)
