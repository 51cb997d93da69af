"""Seconds and ticks meet exactly, or are refused."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.units import ms, second, us


def test_a_float_tick_is_read_as_the_decimal_it_was_written_as():
    assert Clock(0.1 * ms).tick == Fraction(1, 10_000)
    assert Clock(3 * 0.1 * ms).tick == Fraction(3, 10_000)  # 0.30000000000000004 in binary
    assert Clock(Fraction(1, 3)).tick == Fraction(1, 3)
    assert Clock(1 * us) == Clock(1e-6) and hash(Clock(1 * us)) == hash(Clock(1e-6))


@settings(deadline=None)
@given(st.integers(-(2**50), 2**50), st.sampled_from([1 * us, 0.1 * ms, 1 * ms, 1 / 30, 0.7]))
def test_ticks_undo_seconds(tick, length):
    clock = Clock(length)
    assert clock.ticks(clock.seconds(tick)) == tick


@settings(deadline=None)
@given(
    st.lists(st.floats(-1e6, 1e6), max_size=20), st.sampled_from([1 * us, 0.1 * ms, 1 * ms, 0.7])
)
def test_a_time_goes_to_its_nearest_tick(times, length):
    clock = Clock(length)
    for time, tick in zip(times, clock.ticks(times), strict=True):
        error = abs(Fraction(time) - int(tick) * clock.tick)
        assert error <= clock.tick / 2 * (1 + Fraction(1, 1000))


def test_exact_refuses_times_off_the_grid_and_names_the_neighbours():
    clock = Clock(1 * ms)
    assert clock.ticks([0.003, 0.1 + 0.2], exact=True).tolist() == [3, 300]
    with pytest.raises(InvalidValue, match=r"delay: 0\.0015 s .* 0\.001 s and 0\.002 s"):
        clock.ticks([0.001, 0.0015], exact=True, what="delay")


@settings(deadline=None)
@given(st.integers(1, 10**6), st.sampled_from([1 * us, 0.1 * ms, 1 / 30]))
def test_per_counts_fine_ticks_in_a_coarse_one(ratio, length):
    fine = Clock(length)
    assert fine.per(Clock(fine.tick * ratio)) == ratio


def test_per_refuses_what_is_not_a_whole_multiple():
    for coarse in (1.5 * ms, 0.5 * ms):
        with pytest.raises(InvalidValue, match="not a whole multiple"):
            Clock(1 * ms).per(Clock(coarse))


@pytest.mark.parametrize("tick", [0, -1e-3, np.nan, np.inf, "1 ms", None])
def test_an_impossible_tick_is_refused(tick):
    with pytest.raises(InvalidValue, match=r"Clock\.tick: got"):
        Clock(tick)


@pytest.mark.parametrize("time", [np.nan, np.inf, 1e300])
def test_an_impossible_time_is_refused_by_name(time):
    with pytest.raises(InvalidValue, match=r"Events\.t: "):
        Clock(1 * ms).ticks([0.0, time], what="Events.t")


@pytest.mark.parametrize(
    ("clock", "text"),
    [
        (Clock(1 * us), "Clock(1 * us)"),
        (Clock(100 * us), "Clock(100 * us)"),
        (Clock(1.5 * ms), "Clock(1.5 * ms)"),
        (Clock(2 * second), "Clock(2 * second)"),
        (Clock(1e-9), "Clock(1e-09)"),
    ],
)
def test_repr_is_code_that_makes_the_same_clock(clock, text):
    assert repr(clock) == text
    assert eval(text, {"Clock": Clock, "us": us, "ms": ms, "second": second}) == clock
