"""Distances of spike trains against their definitions, carried out the slow way."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.integrate import quad

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.metrics import _edit_kernels, distances, van_rossum, victor_purpura
from neuro.units import ms

CLOCK = Clock(1 * ms)


def trains(*ticks: list[int]) -> Events:
    t = [tick for unit in ticks for tick in unit]
    unit = [i for i, some in enumerate(ticks) for _ in some]
    return Events.sorted(t, unit, shape=len(ticks), clock=CLOCK, duration=200)


TRAINS = ([], [10], [12, 40], [12, 40, 41, 90, 90], [5, 11, 38, 95, 120, 121])


@pytest.mark.parametrize("tau", [3 * ms, 20 * ms])
def test_van_rossum_is_the_integral_of_its_definition(tau: float) -> None:
    found = van_rossum(trains(*TRAINS), tau=tau)

    def filtered(ticks: list[int], t: float) -> float:
        return sum(np.exp(-(t - s * 1e-3) / tau) for s in ticks if s * 1e-3 <= t)

    for i, a in enumerate(TRAINS):
        for j, b in enumerate(TRAINS):
            edges = [e * 1e-3 for e in sorted({0, *a, *b})]
            parts = [
                quad(lambda t, a=a, b=b: (filtered(a, t) - filtered(b, t)) ** 2, low, high)[0]
                for low, high in zip(edges, [*edges[1:], 0.12 + 40 * tau], strict=True)
            ]
            # quad sees a jump at the upper edge, one point without weight
            assert found[i, j] == pytest.approx(np.sqrt(sum(parts) / tau), rel=1e-5, abs=1e-6)


def test_van_rossum_of_one_spike_and_of_two_far_apart() -> None:
    found = van_rossum(trains([], [0], [190]), tau=1 * ms)
    np.testing.assert_allclose(found[0], [0, np.sqrt(0.5), np.sqrt(0.5)])
    assert found[1, 2] == pytest.approx(1)


def slow_victor_purpura(a: tuple[int, ...], b: tuple[int, ...], cost: float) -> float:
    @cache
    def least(i: int, j: int) -> float:
        if not i or not j:
            return i + j
        move = least(i - 1, j - 1) + cost * abs(a[i - 1] - b[j - 1]) * 1e-3
        return min(least(i - 1, j) + 1, least(i, j - 1) + 1, move)

    return least(len(a), len(b))


@pytest.mark.parametrize("cost", [0.0, 20.0, 150.0, 1e6])
def test_victor_purpura_is_the_least_cost_of_editing(cost: float) -> None:
    found = victor_purpura(trains(*TRAINS), cost=cost)
    expected = [[slow_victor_purpura(tuple(a), tuple(b), cost) for b in TRAINS] for a in TRAINS]
    np.testing.assert_allclose(found, expected)


def test_the_compiled_edit_cost_is_the_same_as_the_plain_one() -> None:
    random = np.random.default_rng(0)
    both = [
        Events.sorted(
            random.integers(0, 2000, n), random.integers(0, units, n), shape=units, clock=CLOCK,
            duration=2000,
        )
        for n, units in ((500, 7), (400, 9))
    ]  # fmt: skip
    assert len(both[0]) * len(both[1]) > distances._FEW
    for cost in (0.0, 30.0, 500.0):
        found = victor_purpura(*both, cost=cost)
        rows, columns = (distances._trains(events) for events in both)
        plain = [[distances._edit_cost(a, b, cost) for b in columns] for a in rows]
        np.testing.assert_allclose(found, plain)


@pytest.mark.parametrize("cost", [0.0, 20.0, 150.0])
def test_the_kernel_is_the_least_cost_of_editing_uncompiled(cost: float) -> None:
    columns = distances._columns(trains(*TRAINS))
    found = np.empty((len(TRAINS), len(TRAINS)))
    _edit_kernels.edit_costs.py_func(*columns, *columns, cost, found)
    expected = [[slow_victor_purpura(tuple(a), tuple(b), cost) for b in TRAINS] for a in TRAINS]
    np.testing.assert_allclose(found, expected)


def test_two_recordings_are_compared_unit_by_unit_on_the_diagonal() -> None:
    first, second = trains([10], [20, 50], []), trains([11], [20, 50])
    for found in (victor_purpura(first, second, cost=100), van_rossum(first, second, tau=10 * ms)):
        assert found.shape == (3, 2)
        assert found[1, 1] == 0 and found[0, 0] > 0
    assert victor_purpura(first, second, cost=100)[0, 0] == pytest.approx(0.1)
    np.testing.assert_allclose(
        van_rossum(first, second, tau=10 * ms)[0, 0], np.sqrt(1 - np.exp(-0.1))
    )


def test_distances_refuse_what_has_no_distance() -> None:
    events = trains([1], [2])
    other = Events.sorted([1], [0], shape=2, clock=Clock(2 * ms))
    with pytest.raises(InvalidValue, match="clocks differ"):
        van_rossum(events, other, tau=1 * ms)
    with pytest.raises(InvalidValue, match="tau"):
        van_rossum(events, tau=0)
    with pytest.raises(InvalidValue, match="cost"):
        victor_purpura(events, cost=-1)
