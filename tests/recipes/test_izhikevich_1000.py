"""The recipe's network against the paper's program written out in NumPy, and its measurements."""

from __future__ import annotations

import runpy

import numpy as np
import pytest

from neuro import Clock, Events, ms
from neuro.metrics import PowerSpectrum
from neuro.recipe import find


@pytest.fixture(scope="module")
def run():
    return runpy.run_path(str(find("izhikevich_1000").folder / "run.py"))


def program(network, random: np.random.Generator, steps: int) -> np.ndarray:
    """Spikes of the excitatory cells per step [steps], by the program printed in the paper."""
    exc, inh = network.populations["exc"], network.populations["inh"]
    join = {k: np.concatenate([np.broadcast_to(getattr(p, k), p.size) for p in (exc, inh)])
            for k in "abcd"}  # fmt: skip
    weight = np.zeros((1000, 1000))
    place = {"exc": slice(0, 800), "inh": slice(800, 1000)}
    for s in network.synapses:
        if s.pre in place:
            weight[place[s.post], place[s.pre]] = s.topology.weight
    v = np.full(1000, -65.0)
    u = join["b"] * v
    counts = np.zeros(steps, int)
    for t in range(steps):
        fired = v >= 30
        counts[t] = fired[:800].sum()
        v[fired] = join["c"][fired]
        u[fired] += join["d"][fired]
        current = random.standard_normal(1000) * np.repeat([5.0, 2.0], [800, 200])
        current += weight[:, fired].sum(1)
        for _ in range(2):
            v += 0.5 * (0.04 * v**2 + 5 * v + 140 - u + current)
        u += join["a"] * (join["b"] * v - u)
    return counts


def test_network_fires_like_the_program_of_the_paper(run) -> None:
    network = run["build"](3)
    counts = program(network, np.random.default_rng(3), 3500)[500:]
    events = run["simulate"](network, 3, 3.0)["exc"]
    ours = np.bincount(events.t, minlength=3000)
    assert ours.mean() == pytest.approx(counts.mean(), rel=0.05)
    # Synchrony: independent cells would give a variance equal to the mean.
    assert counts.var() > 1.5 * counts.mean()
    assert ours.var() == pytest.approx(counts.var(), rel=0.35)


def test_rhythms_come_from_the_connections(run) -> None:
    found = [run["measure"](run["simulate"](run["build"](4, c), 4, 4.0)) for c in (False, True)]
    assert found[0]["alpha_over_poisson"] < 3 < 15 < found[1]["alpha_over_poisson"]
    assert found[0]["gamma_over_poisson"] < 3 < 8 < found[1]["gamma_over_poisson"]


def test_peaks_are_looked_for_within_their_band(run) -> None:
    spectrum = PowerSpectrum(np.arange(0.0, 100.0), np.arange(0.0, 100.0) % 37)
    assert run["peak"](spectrum, 5.0, 15.0) == (15.0, 15.0)
    assert run["peak"](spectrum, 20.0, 80.0) == (36.0, 36.0)


def test_a_rhythm_of_known_frequency_is_found(run) -> None:
    random, clock = np.random.default_rng(0), Clock(1 * ms)
    t = np.arange(8000)
    chance = 0.008 * (1 + np.cos(2 * np.pi * 0.010 * t) / 2 + np.cos(2 * np.pi * 0.040 * t) / 2)
    k, unit = np.nonzero(random.random((8000, 400)) < chance[:, None])
    events = Events.sorted(k, unit, shape=400, clock=clock, duration=8000)
    found = run["measure"]({"exc": events, "inh": events})
    assert found["alpha_hz"] == pytest.approx(10)
    assert found["gamma_hz"] == pytest.approx(40)
    assert found["rate"] == pytest.approx(8, rel=0.05)
