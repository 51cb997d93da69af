"""Closed forms for segments: published figures, exact fractions, and Monte Carlo."""

import sys
from fractions import Fraction
from math import comb

import numpy as np
import pytest

from neuro.build.segments import subsample_segments
from neuro.errors import InvalidValue, MissingExtra
from neuro.metrics.sdr import false_match, false_negative, optimal_theta

# n, a, s, theta and the digits printed by Ahmad & Hawkins and their published notebooks
PRINTED = [
    (10_000, 64, 24, 12, "4.04e-21"),
    (10_000, 300, 24, 12, "8.38e-13"),
    (300, 64, 24, 12, "1.09e-03"),
    (500, 64, 24, 12, "5.70e-06"),
    (700, 64, 24, 12, "1.41e-07"),
    (10_000, 300, 4, 2, "5.17e-03"),
    (10_000, 300, 8, 4, "5.05e-05"),
    (10_000, 300, 12, 6, "5.50e-07"),
    (10_000, 300, 16, 8, "6.24e-09"),
]


def exact_match(n, a, s, theta):
    """The sum of the paper in whole numbers."""
    ways = sum(comb(s, b) * comb(n - s, a - b) for b in range(theta, min(a, s) + 1))
    return float(Fraction(ways, comb(n, a)))


def exact_miss(a, s, theta, lost):
    ways = sum(comb(s, b) * comb(a - s, lost - b) for b in range(s - theta + 1, min(s, lost) + 1))
    return float(Fraction(ways, comb(a, lost)))


@pytest.mark.parametrize(("n", "a", "s", "theta", "digits"), PRINTED)
def test_false_matches_are_the_published_ones(n, a, s, theta, digits) -> None:
    got = false_match(n, a, s, theta)
    assert f"{got:.2e}" == digits
    assert got == pytest.approx(exact_match(n, a, s, theta), rel=1e-6)


@pytest.mark.parametrize("n", [200, 1000, 20_000])
def test_half_of_the_cells_active_is_never_selective(n: int) -> None:
    got = false_match(n, n // 2, 24, 12)
    assert got == pytest.approx(0.58, abs=0.006)
    assert got == pytest.approx(exact_match(n, n // 2, 24, 12), rel=1e-6)


def test_false_negatives_are_the_published_ones() -> None:
    got = false_negative(128, 30, 12, 64)
    assert f"{got:.4f}" == "0.0717"
    assert got == pytest.approx(exact_miss(128, 30, 12, 64), rel=1e-6)
    assert false_negative(40, 20, 10, 10) == 0  # at most 10 of 20 synapses fall silent
    assert false_negative(40, 20, 10, 40) == 1


@pytest.mark.parametrize(("stored", "printed"), [(5, 0.0529), (10, 0.6860), (15, 0.9736)])
def test_patterns_that_share_a_segment(stored: int, printed: float) -> None:
    assert false_match(1000, 60, 20, 10, stored=stored) == pytest.approx(printed, abs=6e-5)
    rng = np.random.default_rng(stored)
    trials = 4000
    hits = 0
    for trial in range(trials // 100):
        parts = rng.permuted(np.arange(1000) < 60 * np.ones((stored, 1)), axis=1)
        segment = subsample_segments(parts, 20, seed=trial).max(axis=0)
        shown = rng.permuted(np.arange(1000) < 60 * np.ones((100, 1)), axis=1)
        hits += int((shown @ segment >= 10).sum())
    # expected counts are an approximation, and the 40 segments differ in size
    assert hits / trials == pytest.approx(printed, abs=0.03)


@pytest.mark.parametrize("case", [(400, 40, 20, 6), (500, 250, 24, 12)])
def test_random_patterns_match_as_often_as_predicted(case) -> None:
    n, a, s, theta = case
    expected = false_match(n, a, s, theta)
    assert expected == pytest.approx({400: 0.00924, 500: 0.5826}[n], rel=1e-3)
    rng, trials = np.random.default_rng(0), 6000
    shown = rng.permuted(np.arange(n) < a * np.ones((trials, 1)), axis=1)
    found = (shown[:, :s].sum(axis=1) >= theta).mean()  # any fixed s cells
    assert abs(found - expected) < 3 * np.sqrt(expected * (1 - expected) / trials)


def test_patterns_shown_together_match_as_often_as_predicted() -> None:
    n, a, s, theta, joined, trials = 600, 30, 20, 6, 4, 4000
    expected = false_match(n, a, s, theta, joined=joined)
    rng = np.random.default_rng(1)
    shown = np.zeros((trials, n), dtype=bool)
    for _ in range(joined):
        shown |= rng.permuted(np.arange(n) < a * np.ones((trials, 1)), axis=1)
    found = (shown[:, :s].sum(axis=1) >= theta).mean()
    # a union varies in size about the expected one, which widens the tail a little
    assert found == pytest.approx(expected, rel=0.15)


def test_a_cell_with_many_segments_and_the_published_classification_bound() -> None:
    single = false_match(100, 7, 7, 5)
    assert 500 * single == pytest.approx(0.002826, rel=1e-3)
    assert false_match(100, 7, 7, 5, segments=500) == pytest.approx(1 - (1 - single) ** 500)
    tiny = false_match(10_000, 64, 24, 12)
    assert false_match(10_000, 64, 24, 12, segments=1000) == pytest.approx(1000 * tiny)


def test_the_optimal_threshold_is_the_first_selective_one() -> None:
    theta = optimal_theta(10_000, 300, 24, below=1e-9)
    assert exact_match(10_000, 300, 24, theta) < 1e-9 <= exact_match(10_000, 300, 24, theta - 1)
    sparse = [optimal_theta(n, n // 50, s) for n in (2000, 20_000) for s in (20, 35, 50)]
    assert min(sparse) >= 7 and max(sparse) <= 20  # the range of measured NMDA thresholds
    with pytest.raises(InvalidValue, match="even theta=4 matches falsely"):
        optimal_theta(1000, 500, 4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: false_match(100, 101, 5, 3), "got n=100, a=101, s=5, theta=3"),
        (lambda: false_match(100, 10, 5, 6), "theta <= s"),
        (lambda: false_match(100, 10, 5, 0), r"false_match.theta: got 0"),
        (lambda: false_match(100, 10, 5, 3, stored=0), r"false_match.stored: got 0"),
        (lambda: false_negative(20, 30, 5, 3), "expected s <= a"),
        (lambda: false_negative(20, 10, 5, 21), "lost=21"),
    ],
)
def test_counts_that_do_not_fit_are_named(make, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        make()


def test_missing_scipy_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.stats", None)
    with pytest.raises(MissingExtra, match=r"neuro\[data\]"):
        false_match(100, 10, 5, 3)
