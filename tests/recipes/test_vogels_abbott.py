"""What the recipes of the balanced networks, cuba and coba, measure."""

from __future__ import annotations

import runpy

import numpy as np
import pytest

from neuro import Clock, Events, ms
from neuro.recipe import find


@pytest.fixture(scope="module", params=["cuba", "coba"])
def run(request):
    return runpy.run_path(str(find(request.param).folder / "run.py"))


def poisson(random: np.random.Generator, units: int, rate: float, seconds: float) -> Events:
    clock = Clock(0.1 * ms)
    ticks = int(clock.ticks(seconds))
    k, unit = np.nonzero(random.random((ticks, units)) < rate * 0.1 * ms)
    return Events.sorted(k, unit, shape=units, clock=clock, duration=ticks)


def test_poisson_spikes_have_the_statistics_of_poisson_spikes(run) -> None:
    random = np.random.default_rng(0)
    spikes = {"exc": poisson(random, 80, 20.0, 4.0), "inh": poisson(random, 40, 20.0, 4.0)}
    found = run["measure"](spikes, 0)
    assert found["rate"] == pytest.approx(20, abs=4 * np.sqrt(20 / 120))
    assert found["cv_exc"] == pytest.approx(1, abs=0.06)
    assert abs(found["correlation_inh"]) < 0.01
    assert found["last_spike"] == pytest.approx(4, abs=0.05)


def test_a_network_that_fell_silent_has_no_statistics(run) -> None:
    random = np.random.default_rng(1)
    early = poisson(random, 50, 20.0, 0.5)
    spikes = {
        name: Events.sorted(early.t, early.unit, shape=50, clock=early.clock, duration=20_000)
        for name in ("exc", "inh")
    }
    found = run["measure"](spikes, 0)
    assert found["last_spike"] <= 0.5
    assert found["rate"] == pytest.approx(10, abs=4 * np.sqrt(10 / 50))
    assert "cv_exc" not in found


def test_the_first_second_alone_counts_for_the_rate(run) -> None:
    clock = Clock(0.1 * ms)
    t = np.concatenate([np.arange(0, 10_000, 1000), np.arange(10_000, 20_000, 100)])
    events = Events.sorted(
        np.repeat(t, 2), np.tile([0, 1], len(t)), shape=2, clock=clock, duration=20_000
    )
    found = run["measure"]({"exc": events, "inh": events}, 0)
    assert found["rate"] == pytest.approx(10)
