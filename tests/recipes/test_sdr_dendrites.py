"""The recipe on sparse codes: its patterns, its exact union, and its spiking cell."""

from __future__ import annotations

import runpy
from itertools import product
from math import comb

import numpy as np
import pytest

from neuro.build.segments import subsample_segments
from neuro.metrics import false_match
from neuro.recipe import find


@pytest.fixture(scope="module")
def run():
    return runpy.run_path(str(find("sdr_dendrites").folder / "run.py"))


def test_noise_exchanges_a_share_of_the_active_cells(run) -> None:
    random = np.random.default_rng(0)
    stored = run["patterns"](random, 50, 100, 20)
    changed = run["noisy"](random, stored, 0.3)
    assert (stored.sum(1) == 20).all()
    assert (changed.sum(1) == 20).all()
    assert ((stored & changed).sum(1) == 14).all()


def test_the_union_is_averaged_over_its_sizes(run) -> None:
    """Against every way to draw two segments of two synapses among five cells."""
    n, a, s, theta = 5, 2, 2, 2
    sets = [c for c in range(2**n) if c.bit_count() == s]
    sizes = [(first | second).bit_count() for first, second in product(sets, sets)]
    chance = [comb(size, 2) / comb(n, a) for size in sizes]  # both active cells in the union
    mean, variance = run["exact_match"](n, a, s, theta, 2)
    assert mean == pytest.approx(np.mean(chance))
    assert variance == pytest.approx(np.var(chance))
    assert run["exact_match"](400, 40, 20, 6, 1)[0] == pytest.approx(false_match(400, 40, 20, 6))


@pytest.mark.parametrize(("n", "a", "s", "theta"), [(400, 40, 20, 6), (500, 250, 24, 12)])
def test_counted_matches_are_the_closed_form_within_three_errors(run, n, a, s, theta) -> None:
    found = run["matches"](np.random.default_rng(1), n, a, s, theta, 1, 400, 1000)
    p = false_match(n, a, s, theta)
    assert found / 400_000 == pytest.approx(p, abs=3 * np.sqrt(p * (1 - p) / 400_000))


def test_a_sparse_code_is_told_apart_and_a_dense_one_is_not(run) -> None:
    sparse, counted_alike = run["experiment"](np.random.default_rng(2), 2000, 40)
    assert counted_alike
    assert sparse == (0, 0)
    dense, counted_alike = run["experiment"](np.random.default_rng(2), 2000, 1000)
    assert counted_alike
    assert dense == (400, 0)


def test_spikes_that_do_not_coincide_are_not_recognised(run) -> None:
    random = np.random.default_rng(3)
    stored = run["patterns"](random, 20, 500, 20)
    network = run["cell"](subsample_segments(stored, 20, seed=0))
    assert run["answers"](network, stored, random).all()
    assert not run["answers"](network, stored, random, jitter=30).any()
