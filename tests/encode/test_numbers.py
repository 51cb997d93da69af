"""Encoders of numbers against the formulas that define them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuro.clock import Clock
from neuro.encode import (
    bernoulli,
    decode_delta,
    decode_levels,
    decode_phase,
    delta,
    latency,
    level_crossing,
    phase,
    poisson,
    population,
    regular,
    tuning,
)
from neuro.errors import InvalidValue, UnknownName
from neuro.units import ms, us

MS = Clock(1 * ms)
US = Clock(1 * us)


# -- rates ----------------------------------------------------------------------------------------


def test_poisson_counts_have_the_mean_and_the_variance_of_the_law():
    rates = np.repeat([5.0, 40.0, 300.0], 3000)
    events = poisson(rates, duration=0.5, clock=US, seed=1)
    counts = np.bincount(events.unit, minlength=9000).reshape(3, 3000)
    expected = np.array([2.5, 20.0, 150.0])
    assert np.abs(counts.mean(1) - expected).max() < 5 * np.sqrt(expected.max() / 3000)
    assert np.allclose(counts.var(1) / expected, 1, atol=5 * np.sqrt(2 / 3000) + 0.03)


def test_poisson_intervals_are_exponential():
    events = poisson([200.0], duration=100.0, clock=US, seed=2)
    gaps = np.diff(events.seconds)
    # Kolmogorov-Smirnov distance from 1 - exp(-200 t); 1.95 / sqrt(n) is passed once in a thousand
    x = np.sort(gaps)
    law = 1 - np.exp(-200 * x)
    rank = np.arange(1, len(x) + 1) / len(x)
    assert np.abs(law - rank).max() < 1.95 / np.sqrt(len(x))


@pytest.mark.parametrize("encode", [poisson, bernoulli, regular])
def test_changing_rates_put_the_events_where_they_belong(encode):
    rates = np.array([[0.0, 100.0], [400.0, 0.0], [200.0, 50.0]])
    events = encode(rates, step=Clock(1.0), clock=Clock(0.1 * ms), seed=3)
    assert events.shape == (2,) and events.duration == 30_000
    counts = np.zeros((3, 2))
    np.add.at(counts, (events.t // 10_000, events.unit), 1)
    spread = 0 if encode is regular else 5
    assert (np.abs(counts - rates) <= 1 + spread * np.sqrt(rates)).all()


def test_bernoulli_fires_at_most_once_a_tick_and_at_the_stated_rate():
    rates = np.array([10.0, 300.0, 900.0, 1000.0, 0.0])
    events = bernoulli(np.repeat(rates, 400), duration=0.1, clock=MS, seed=4)
    grid = events.dense()
    assert grid.max() == 1
    share = grid.reshape(100, 5, 400).mean(axis=(0, 2))
    assert np.abs(share - rates / 1000).max() < 5 * np.sqrt(0.25 / 40_000)
    assert share[3] == 1 and share[4] == 0
    # every tick alike
    assert np.abs(grid.reshape(100, 5, 400)[:, 1].mean(1) - 0.3).max() < 5 * np.sqrt(0.21 / 400)


def test_bernoulli_counts_are_binomial():
    events = bernoulli(np.full(4000, 700.0), duration=0.02, clock=MS, seed=5)
    counts = np.bincount(events.unit, minlength=4000)
    assert counts.mean() == pytest.approx(14, abs=0.16)
    assert counts.var() == pytest.approx(20 * 0.7 * 0.3, rel=0.12)


def test_regular_events_are_evenly_spaced_and_counted_exactly():
    events = regular([40.0, 0.0, 3.0], duration=1.0, clock=US)
    assert np.bincount(events.unit, minlength=3).tolist() == [40, 0, 3]
    assert set(np.diff(events.t[events.unit == 0])) <= {25_000}
    assert events.t[events.unit == 0][0] == 12_500
    seeded = regular(np.full(500, 2.5), duration=1.0, clock=US, seed=1)
    counts = np.bincount(seeded.unit, minlength=500)
    assert set(counts) == {2, 3} and counts.mean() == pytest.approx(2.5, abs=0.12)


@pytest.mark.parametrize("encode", [poisson, bernoulli, regular])
def test_one_seed_gives_one_result(encode):
    rates = np.full((3, 4), 50.0)
    first = encode(rates, duration=1.0, clock=MS, seed=7)
    assert first == encode(rates, duration=1.0, clock=MS, seed=7)
    assert first != encode(rates, duration=1.0, clock=MS, seed=8)
    assert first.shape == (3, 4)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"rates": [-1.0], "duration": 1.0}, "rates: got -1.0 at \\[0\\]"),
        ({"rates": [np.nan], "duration": 1.0}, "finite"),
        ({"rates": [1.0]}, "expected one of them"),
        ({"rates": [1.0], "duration": 1.0, "step": MS}, "expected one of them"),
        ({"rates": [1.0], "step": MS}, r"\[T, N...\]"),
        ({"rates": [1.0], "duration": 0.00025}, "whole number"),
        ({"rates": [1e12], "duration": 1.0}, "Are the rates in Hz"),
        ({"rates": ["a"], "duration": 1.0}, "expected numbers"),
        ({"rates": [1.0], "duration": 1.0, "seed": -1}, "seed"),
    ],
)
def test_impossible_rates_are_refused(given, words):
    with pytest.raises(InvalidValue, match=words):
        poisson(**({"clock": MS, "seed": 0} | given))


def test_bernoulli_refuses_more_than_one_event_a_tick():
    with pytest.raises(InvalidValue, match="finer Clock"):
        bernoulli([1001.0], duration=1.0, clock=MS, seed=0)


# -- latency --------------------------------------------------------------------------------------


def test_latency_follows_its_formula_and_is_silent_at_the_threshold():
    x = np.array([1.0, 0.8, 0.5, 0.2, 0.1, 0.0])
    events = latency(x, duration=10 * ms, clock=US, threshold=0.2)
    assert events.unit.tolist() == [0, 1, 2]
    assert events.t.tolist() == [0, 2500, 6250]
    log = latency(x, duration=10 * ms, clock=US, law="log", threshold=0.2)
    assert log.t.tolist() == [
        0,
        round(1e4 * np.log(1.25) / np.log(5)),
        round(1e4 * np.log(2) / np.log(5)),
    ]


def test_the_stronger_value_is_never_later_and_nothing_is_lost():
    x = np.random.default_rng(0).uniform(size=(20, 30))
    events = latency(x, duration=100 * ms, clock=MS)
    assert sorted(events.unit) == list(range(600))
    assert (np.diff(x.ravel()[np.argsort(-x.ravel())]) <= 0).all()
    t = np.empty(600, int)
    t[events.unit] = events.t
    assert (np.diff(t[np.argsort(-x.ravel())]) >= 0).all()


def test_impossible_latencies_are_refused():
    with pytest.raises(UnknownName, match="linear"):
        latency([0.5], duration=1.0, clock=MS, law="liner")  # type: ignore[arg-type]
    with pytest.raises(InvalidValue, match="0 < threshold"):
        latency([0.5], duration=1.0, clock=MS, law="log")
    with pytest.raises(InvalidValue, match=r"1\.5"):
        latency([1.5], duration=1.0, clock=MS)


# -- delta ----------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 1000), threshold=st.floats(0.01, 3.0), units=st.integers(1, 4),
    steps=st.integers(1, 60),
)  # fmt: skip
def test_delta_is_read_back_to_within_one_threshold(seed, threshold, units, steps):
    signal = np.random.default_rng(seed).normal(size=(steps, units)).cumsum(axis=0)
    events = delta(signal, threshold=threshold, clock=MS)
    again = decode_delta(events, threshold=threshold, start=signal[0])
    assert again.shape == signal.shape
    assert np.abs(again - signal).max() < threshold * (1 + 1e-9)


def test_delta_counts_every_threshold_of_a_jump():
    events = delta([[0.0], [0.0], [3.5], [0.5], [0.5]], threshold=1.0, clock=MS)
    assert events.t.tolist() == [2, 2, 2, 3, 3]
    assert events.unit.tolist() == [1, 1, 1, 0, 0]


def test_impossible_deltas_are_refused():
    with pytest.raises(InvalidValue, match="threshold"):
        delta([[0.0], [1.0]], threshold=0.0, clock=MS)
    with pytest.raises(InvalidValue, match="too small"):
        delta([[0.0], [1.0]], threshold=1e-12, clock=MS)
    with pytest.raises(InvalidValue, match=r"\(2, N...\)"):
        decode_delta(poisson([1.0], duration=1.0, clock=MS, seed=0), threshold=1.0)


# -- population -----------------------------------------------------------------------------------


def test_tuning_curves_are_bohtes():
    responses = tuning([0.3], fields=5, low=-1.0, high=2.0)
    centres, width = np.array([-1.5, -0.5, 0.5, 1.5, 2.5]), 1.0 / 1.5
    assert np.allclose(responses[0], np.exp(-((0.3 - centres) ** 2) / (2 * width**2)))


def test_the_unit_whose_centre_is_nearest_fires_first():
    values = np.linspace(0.02, 0.98, 25)
    events = population(values, duration=10 * ms, clock=US, fields=7)
    centres = (2 * np.arange(1, 8) - 3) / 10
    for n, value in enumerate(values):
        mine = events.unit // 7 == n
        first = events.unit[mine][events.t[mine].argmin()] % 7
        assert abs(centres[first] - value) == pytest.approx(np.abs(centres - value).min())


def test_impossible_tuning_is_refused():
    with pytest.raises(InvalidValue, match="fields"):
        tuning([0.5], fields=2)
    with pytest.raises(InvalidValue, match="low < high"):
        tuning([0.5], low=1.0, high=1.0)


# -- phase ----------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 1000), bits=st.integers(1, 20), periods=st.integers(1, 3))
def test_phase_is_read_back_to_within_its_last_digit(seed, bits, periods):
    x = np.random.default_rng(seed).uniform(size=(4, 3))
    events = phase(x, bits=bits, periods=periods, clock=MS)
    assert events.duration == bits * periods
    error = x - decode_phase(events, bits=bits)
    assert (error >= 0).all() and (error < 2.0**-bits).all()


def test_phase_sends_the_binary_digits_from_the_heaviest():
    events = phase([0.625, 1.0, 0.0], bits=4, clock=MS)
    assert events.dense()[:, 0].tolist() == [1, 0, 1, 0]
    assert events.dense()[:, 1].tolist() == [1, 1, 1, 1]
    assert events.dense()[:, 2].tolist() == [0, 0, 0, 0]


def test_impossible_phases_are_refused():
    with pytest.raises(InvalidValue, match="at most 52"):
        phase([0.5], bits=53, clock=MS)
    with pytest.raises(InvalidValue, match="whole periods"):
        decode_phase(phase([0.5], bits=8, clock=MS), bits=7)


# -- level crossing -------------------------------------------------------------------------------


def test_the_crossings_of_a_sine_are_where_the_arc_sine_says():
    rate, frequency = 20_000.0, 5.0
    t = np.arange(4001) / rate  # one period of 5 Hz
    levels = np.array([-0.5, 0.25, 0.75])
    events = level_crossing(
        np.sin(2 * np.pi * frequency * t)[:, None], rate=rate, levels=levels, clock=US
    )
    direction, level, _ = events.coordinates
    up = np.arcsin(levels) / (2 * np.pi * frequency)
    down = 0.5 / frequency - up
    for i in range(3):
        rises = events.seconds[(level == i) & (direction == 1)]
        falls = events.seconds[(level == i) & (direction == 0)]
        assert np.allclose(rises, up[i] % (1 / frequency), atol=2e-6)
        assert np.allclose(falls, down[i] % (1 / frequency), atol=2e-6)
    assert len(events) == 6


def test_crossings_of_a_ramp_are_exact_and_read_back():
    x = np.array([0.0, 4.0, 4.0, 0.0])
    levels = np.array([0.5, 1.0, 3.0, 4.0])
    events = level_crossing(x[:, None], rate=1.0, levels=levels, clock=MS)
    direction, level, _ = events.coordinates
    assert events.t.tolist() == [125, 250, 750, 1000, 2000, 2250, 2750, 2875]
    assert level.tolist() == [0, 1, 2, 3, 3, 2, 1, 0]
    assert direction.tolist() == [1, 1, 1, 1, 0, 0, 0, 0]
    moments = np.array([0.125, 0.5, 1.5, 2.5])
    assert np.allclose(
        decode_levels(events, levels=levels, seconds=moments)[:, 0], [0.5, 2.0, 4.0, 2.0]
    )


def test_directions_of_a_level_alternate():
    signal = np.random.default_rng(1).normal(size=(500, 2)).cumsum(axis=0)
    events = level_crossing(signal, rate=100.0, levels=np.arange(-20, 20, 0.7), clock=US)
    direction, level, unit = events.coordinates
    for cell in range(2 * 58):
        mine = direction[(level == cell // 2) & (unit == cell % 2)]
        assert (np.diff(mine) != 0).all()


def test_impossible_levels_are_refused():
    with pytest.raises(InvalidValue, match="increasing"):
        level_crossing([[0.0], [1.0]], rate=1.0, levels=[1.0, 0.5], clock=MS)
    with pytest.raises(InvalidValue, match="less than a tick"):
        level_crossing([[0.0], [1.0]], rate=1e6, levels=[0.5], clock=MS)
    with pytest.raises(InvalidValue, match="decode_levels"):
        decode_levels(phase([0.5], clock=MS), levels=[0.5], seconds=[0.0])
