"""Rates, intervals, counts and spectra of processes for which they are known in closed form."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy import ndimage, signal, stats

from neuro.clock import Clock
from neuro.errors import InvalidValue, MissingExtra
from neuro.events import Events
from neuro.metrics import (
    cv,
    cv2,
    fano_factor,
    firing_rates,
    interspike_intervals,
    lv,
    population_rate,
    power_spectrum,
    spike_counts,
)
from neuro.units import ms

FINE = Clock(1e-9)  # so that no two spikes fall into one tick
CLOCK = Clock(1 * ms)


def renewal(shape: float, *, rate: float, units: int, seconds: float, seed: int) -> Events:
    """Gamma processes; shape 1 is Poisson."""
    rng = np.random.default_rng(seed)
    n = int(2 * rate * seconds) + 50
    times = rng.gamma(shape, 1 / (rate * shape), (units, n)).cumsum(axis=1)
    unit, _ = np.nonzero(times < seconds)
    return Events.from_seconds(
        times[times < seconds], unit, shape=units, clock=FINE, duration=int(seconds / FINE.dt) + 1
    )


def train(*ticks: int, clock: Clock = CLOCK, duration: int = 100) -> Events:
    """One unit that fires at these ticks, among two silent ones."""
    return Events.sorted(ticks, [1] * len(ticks), shape=3, clock=clock, duration=duration)


@pytest.mark.parametrize("shape", [1.0, 4.0, 0.5])
def test_irregularity_of_gamma_processes(shape: float) -> None:
    events = renewal(shape, rate=50, units=20, seconds=100, seed=1)  # 100,000 intervals
    assert cv(events).mean() == pytest.approx(1 / np.sqrt(shape), rel=0.01)
    assert lv(events).mean() == pytest.approx(3 / (2 * shape + 1), rel=0.01)
    # the ratio of one interval to the sum of both has the distribution Beta(shape, shape)
    expected = 2 * stats.beta(shape, shape).expect(lambda x: abs(2 * x - 1))
    assert cv2(events).mean() == pytest.approx(expected, rel=0.01)
    # over long windows the Fano factor of a renewal process is the square of its CV
    assert fano_factor(events, window=2.0).mean() == pytest.approx(1 / shape, rel=0.2)


def test_intervals_are_those_of_each_unit_by_itself() -> None:
    events = Events.sorted(
        [0, 3, 5, 9, 14], [2, 0, 2, 0, 2], shape=4, clock=Clock(2 * ms), duration=20
    )
    seconds, unit = interspike_intervals(events)
    np.testing.assert_allclose(seconds, [0.012, 0.010, 0.018])
    assert unit.tolist() == [0, 2, 2]
    sd_over_mean = stats.variation([10, 18])
    np.testing.assert_allclose(cv(events), [np.nan, np.nan, sd_over_mean, np.nan])
    assert np.isnan(cv(events, min_intervals=3)).all()


def test_a_clock_has_no_variation_and_the_refractory_time_counts_by_its_formula() -> None:
    assert cv(train(*range(0, 100, 10)))[1] == pytest.approx(0)
    assert cv2(train(*range(0, 100, 10)))[1] == 0
    events = train(0, 10, 40)  # intervals of 10 and 30 ms
    assert cv2(events)[1] == pytest.approx(2 * 20 / 40)
    assert lv(events)[1] == pytest.approx(3 * (20 / 40) ** 2)
    assert lv(events, refractory=5 * ms)[1] == pytest.approx(3 * (1 - 1200 / 1600) * 1.5)


@pytest.mark.parametrize("measure", [cv, cv2, lv])
def test_silent_units_have_no_irregularity_and_shapes_are_kept(measure) -> None:
    events = Events.sorted([0, 2, 5, 9], [3] * 4, shape=(2, 3), clock=CLOCK, duration=10)
    result = measure(events)
    assert result.shape == (2, 3)
    assert np.flatnonzero(np.isfinite(result)).tolist() == [3]
    with pytest.raises(InvalidValue, match="at least 2"):
        measure(events, min_intervals=1)


def test_what_one_tick_cannot_resolve_is_refused() -> None:
    same = train(4, 4, 4, 9)
    for measure in (cv2, lv):
        with pytest.raises(InvalidValue, match="unit 1 fires three times in one tick"):
            measure(same)
    assert np.isnan(cv(train(4, 4, 4))[1])  # mean interval 0
    with pytest.raises(InvalidValue, match="refractory"):
        lv(same, refractory=-1 * ms)


def test_counts_are_numpy_histograms_of_whole_bins() -> None:
    events = renewal(1.0, rate=30, units=6, seconds=2.0, seed=3)
    counts = spike_counts(events, bin_width=30 * ms)
    assert counts.shape == (66, 6)  # 20 ms are left over
    for unit in range(6):
        times = events.t[events.unit == unit]
        expected, _ = np.histogram(times, np.arange(67) * 30_000_000 - 0.5)
        np.testing.assert_array_equal(counts[:, unit], expected)
    chosen = spike_counts(events, bin_width=30 * ms, units=[4, 1])
    np.testing.assert_array_equal(chosen, counts[:, [4, 1]])
    grid = Events.sorted([1], [5], shape=(2, 3), clock=CLOCK, duration=4)
    assert spike_counts(grid, bin_width=2 * ms)[0, 1, 2] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bin_width": 1.5 * ms}, "whole multiple"),
        ({"bin_width": 0}, "whole multiple"),
        ({"bin_width": 0.2}, "longer than the recording"),
        ({"bin_width": 1 * ms, "units": [3]}, "0 <= unit < 3"),
        ({"bin_width": 1 * ms, "units": [1, 1]}, "listed twice"),
        ({"bin_width": 1 * ms, "units": []}, "list of flat unit indices"),
    ],
)
def test_counts_refuse_what_does_not_fit(arguments, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        spike_counts(train(5), **arguments)


def test_fano_factor_over_trials_is_that_of_the_counts() -> None:
    rng = np.random.default_rng(5)
    trials = [Events.from_dense(rng.poisson(0.3, (50, 4)), CLOCK) for _ in range(9)]
    counts = np.array([np.bincount(t.unit, minlength=4) for t in trials])
    np.testing.assert_allclose(
        fano_factor(trials, window=50 * ms), counts.var(axis=0) / counts.mean(axis=0)
    )
    assert np.isnan(fano_factor(train(3, 7), window=10 * ms)).tolist() == [True, False, True]
    with pytest.raises(InvalidValue, match="at least two windows"):
        fano_factor(train(3), window=60 * ms)
    with pytest.raises(InvalidValue, match="at least one trial"):
        fano_factor([])


def test_rates_of_events_are_those_of_their_counts() -> None:
    rng = np.random.default_rng(6)
    counts = rng.poisson(0.1, (80, 3, 2, 5))
    trials = [Events.from_dense(counts[:, b], CLOCK) for b in range(3)]
    np.testing.assert_allclose(firing_rates(trials), firing_rates(counts, CLOCK))
    np.testing.assert_allclose(firing_rates(trials[0]), counts[:, 0].sum(0) / 0.08)
    with pytest.raises(InvalidValue, match="pass clock="):
        firing_rates(counts)
    with pytest.raises(InvalidValue, match="differ in shape"):
        firing_rates([trials[0], train(3)])


def test_the_population_rate_is_per_second_and_unit() -> None:
    time, rate = population_rate(train(0, 1, 7), bin_width=2 * ms)
    np.testing.assert_allclose(time[:4], [0.001, 0.003, 0.005, 0.007])
    np.testing.assert_allclose(rate[:4], np.array([2, 0, 0, 1]) / (3 * 0.002))
    assert rate.mean() == pytest.approx(firing_rates(train(0, 1, 7)).mean())


def test_smoothing_keeps_a_steady_rate_and_spreads_a_spike_as_a_gaussian() -> None:
    steady = Events.from_dense(np.ones((200, 3)), CLOCK)
    np.testing.assert_allclose(population_rate(steady, sigma=10 * ms).rate, 1000)
    _, rate = population_rate(train(50), sigma=5 * ms)
    impulse = np.zeros(100)
    impulse[50] = 1000 / 3
    np.testing.assert_allclose(rate, ndimage.gaussian_filter1d(impulse, 5.0), atol=1e-9)
    with pytest.raises(InvalidValue, match="sigma"):
        population_rate(steady, sigma=0)


def test_poisson_processes_have_a_flat_spectrum() -> None:
    events = renewal(1.0, rate=20, units=10, seconds=200, seed=7)
    frequency, power = power_spectrum(events, bin_width=2 * ms)
    assert (frequency[1], frequency[-1]) == (pytest.approx(1.0), pytest.approx(250.0))
    assert power[2:].mean() == pytest.approx(2 * 20 / 10, rel=0.02)
    assert power[2:].std() < 0.1 * power[2:].mean()  # 400 half overlapping segments


def test_the_power_of_a_sinusoid_is_half_its_amplitude_squared() -> None:
    t = np.arange(20_000) * CLOCK.dt
    drive = 1 + np.sin(2 * np.pi * 40 * t)
    spikes = np.diff(np.floor(np.cumsum(100 * drive)), prepend=0.0)  # about 100 a tick
    events = Events.from_dense(spikes[:, None], CLOCK)
    frequency, power = power_spectrum(events, segment=1.0)
    assert frequency[power.argmax()] == pytest.approx(40)
    peak = np.abs(frequency - 40) < 5
    # a rate of 100,000 Hz times (1 + sin)
    assert power[peak].sum() * (frequency[1] - frequency[0]) == pytest.approx(1e10 / 2, rel=0.01)
    expected = signal.welch(1000 * spikes, 1000, nperseg=1000)[1]
    np.testing.assert_allclose(power, expected, rtol=1e-6, atol=1e-3)


def test_a_silent_population_has_no_power_and_segments_must_fit() -> None:
    silent = Events([], [], (4,), 500, CLOCK)  # type: ignore[arg-type]
    assert not power_spectrum(silent).power.any()
    with pytest.raises(InvalidValue, match="whole recording"):
        power_spectrum(silent, segment=0.6)
    with pytest.raises(InvalidValue, match="two bins"):
        power_spectrum(silent, segment=1 * ms)


def test_without_scipy_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.signal", None)
    with pytest.raises(MissingExtra, match=r"neuro\[sim\]"):
        power_spectrum(train(5))
