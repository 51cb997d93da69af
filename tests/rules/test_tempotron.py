"""The tempotron against sums of its kernel, one pair of spikes at a time."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from neuro import Clock, ms
from neuro.errors import InvalidValue
from neuro.rules import tempotron
from neuro.rules.tempotron import Kernel, answer, change, observe, psp, traces

CLOCK = Clock(0.5 * ms)
STEPS = 120


def trains(*times: list[float]) -> NDArray[np.float64]:
    """One trial [T, 1, N] with spikes at these times in ms."""
    spikes = np.zeros((STEPS, 1, len(times)))
    for synapse, listed in enumerate(times):
        for time in listed:
            spikes[round(time / 0.5), 0, synapse] += 1
    return spikes


def potential(weight: list[float], times: list[list[float]], until: float = 1e9) -> NDArray:
    """The sum of the definition at every step, of input spikes up to `until` ms."""
    now = 0.5e-3 * np.arange(STEPS)[:, None]
    return sum(
        w * psp(now - 1e-3 * np.array([t for t in listed if t <= until]), Kernel()).sum(1)
        for w, listed in zip(weight, times, strict=True)
    )  # type: ignore[return-value]


@pytest.mark.parametrize("kernel", [Kernel(), Kernel(10 * ms, 1 * ms)])
def test_a_psp_peaks_at_one_at_the_analytic_time(kernel: Kernel) -> None:
    peak = np.log(kernel.tau / kernel.tau_s) / (1 / kernel.tau_s - 1 / kernel.tau)
    assert psp(peak, kernel) == pytest.approx(1, abs=1e-12)
    ages = np.linspace(0, 0.1, 20001)
    assert ages[psp(ages, kernel).argmax()] == pytest.approx(peak, abs=1e-5)
    assert psp(0.0, kernel) == 0
    assert psp(-1 * ms, kernel) == 0


def test_the_potential_is_the_sum_of_psps() -> None:
    times = [[3.0, 20.0, 21.5], [10.0], []]
    slow, fast = traces(trains(*times), CLOCK)
    weight = [0.3, -0.2, 5.0]
    np.testing.assert_allclose((slow - fast)[:, 0] @ weight, potential(weight, times), atol=1e-12)


def test_a_silent_tempotron_reports_its_maximum() -> None:
    times = [[5.0], [30.0]]
    slow, fast = traces(trains(*times), CLOCK)
    got = answer([[0.5, 0.4], [0.4, 0.5]], slow, fast, CLOCK)
    assert got.fired.tolist() == [[False, False]]
    for unit, weight in enumerate(([0.5, 0.4], [0.4, 0.5])):
        v = potential(weight, times)
        assert got.peak_step[0, unit] == v.argmax()
        assert got.peak[0, unit] == pytest.approx(v.max())


def test_a_miss_raises_each_weight_by_its_psp_at_the_peak() -> None:
    times = [[5.0], [8.0], [50.0]]  # the last one comes after the peak
    slow, fast = traces(trains(*times), CLOCK)
    got = answer([[0.5, 0.3, 0.1]], slow, fast, CLOCK)
    peak = got.peak_step[0, 0] * 0.5e-3
    assert 8e-3 < peak < 50e-3
    expected = [psp(peak - 1e-3 * t[0]) for t in times]
    moved = change([[True]], got, slow, fast, CLOCK)
    np.testing.assert_allclose(moved[0], np.array(expected, float), atol=1e-12)
    assert moved[0, 2] == 0


def test_a_false_alarm_lowers_them_and_later_input_is_shunted() -> None:
    times = [[5.0, 6.0], [30.0]]
    weight = [1.0, 9.0]  # the first synapse alone crosses the threshold
    slow, fast = traces(trains(*times), CLOCK)
    got = answer([weight], slow, fast, CLOCK)
    v = potential(weight, times, until=6.0)  # without the shunted spike at 30 ms
    assert got.fired[0, 0]
    assert got.peak_step[0, 0] == v.argmax()
    assert got.peak[0, 0] == pytest.approx(v.max())
    moved = change([[False]], got, slow, fast, CLOCK)
    peak = v.argmax() * 0.5e-3
    expected = -psp(peak - 5e-3) - psp(peak - 6e-3)
    np.testing.assert_allclose(moved, [[expected, 0.0]], atol=1e-12)


def test_input_after_the_crossing_does_not_count_even_before_the_peak() -> None:
    times = [[5.0], [8.0]]
    weight = [1.5, 1.5]  # crosses about 2 ms after the first spike, before its psp has peaked
    slow, fast = traces(trains(*times), CLOCK)
    got = answer([weight], slow, fast, CLOCK)
    v = potential(weight, times, until=5.0)
    assert got.peak[0, 0] == pytest.approx(v.max())
    assert got.last_input[0, 0] < 16  # step of the second spike
    moved = change([[False]], got, slow, fast, CLOCK)
    np.testing.assert_allclose(moved, [[-psp(v.argmax() * 0.5e-3 - 5e-3), 0.0]], atol=1e-12)


def test_right_answers_change_nothing() -> None:
    slow, fast = traces(trains([5.0], [8.0]), CLOCK)
    got = answer([[0.1, 0.1], [3.0, 3.0]], slow, fast, CLOCK)
    assert not change([[False, True]], got, slow, fast, CLOCK).any()


def test_learns_to_tell_patterns_apart_by_time_alone() -> None:
    random = np.random.default_rng(0)
    patterns = np.zeros((100, 20, 30))
    step = random.integers(0, 100, (20, 30))  # every synapse fires once in every pattern
    np.put_along_axis(patterns, step[None], 1, axis=0)
    wanted = (np.arange(20) % 2 == 0)[:, None]
    clock = Clock(1 * ms)
    slow, fast = traces(patterns, clock)
    weight = random.normal(0, 0.1, (1, 30))
    for _ in range(400):
        got = answer(weight, slow, fast, clock)
        weight = weight + 0.01 * change(wanted, got, slow, fast, clock)
    assert (answer(weight, slow, fast, clock).fired == wanted).all()


def test_any_neuron_is_taught_at_its_first_spike_or_its_largest_potential() -> None:
    spikes, v = np.zeros((STEPS, 1, 2)), np.zeros((STEPS, 1, 2))
    spikes[[40, 70], 0, 0] = 1  # the first unit fires twice
    v[90, 0, 0] = 0.9
    v[60, 0, 1] = 0.7  # the second stays silent
    seen = observe(spikes, v)
    assert seen.fired.tolist() == [[True, False]]
    slow, fast = traces(trains([10.0], [25.0]), CLOCK)
    moved = change([[False, True]], seen, slow, fast, CLOCK)
    expected = [[-psp(10e-3), 0], [psp(20e-3), psp(5e-3)]]
    np.testing.assert_allclose(moved, np.array(expected, float), atol=1e-12)
    with pytest.raises(InvalidValue, match=r"expected both \[T, B, M\]"):
        observe(spikes, v[:, 0])


def test_refuses_what_does_not_fit() -> None:
    with pytest.raises(InvalidValue, match=r"expected \[T, B, N\]"):
        traces(np.zeros((5, 3)), CLOCK)
    with pytest.raises(InvalidValue, match="0 < tau_s < tau"):
        traces(np.zeros((5, 1, 3)), CLOCK, Kernel(5 * ms, 5 * ms))
    slow, fast = traces(trains([5.0]), CLOCK)
    got = answer([[1.0]], slow, fast, CLOCK)
    with pytest.raises(InvalidValue, match=r"\[B, M\] = \(1, 1\)"):
        tempotron.change([True], got, slow, fast, CLOCK)
