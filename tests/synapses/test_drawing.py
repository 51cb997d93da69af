"""Compiled draws against the same lines run by Python: the compiler must not change a result."""

from __future__ import annotations

import numpy as np
import pytest

from neuro.distributions import LogNormal, Normal, Uniform
from neuro.lower.normal import quantiles
from neuro.synapses import drawing

KEY = drawing.key(20261129)
START = np.array([0, 3, 3, 10, 14], np.int64)  # four rows, one of them empty


@pytest.mark.parametrize("skip_self", [False, True])
@pytest.mark.parametrize("name", ["uniform_targets", "distinct_targets"])
@pytest.mark.parametrize("n", [8, 500])
def test_targets_of_given_number_are_drawn_alike(name, n, skip_self):
    draw = getattr(drawing, name)
    out, again = np.zeros((2, START[-1]), np.int32)
    draw(START, 2, n, skip_self, *KEY, out)
    draw.py_func(START, 2, n, skip_self, *KEY, again)
    np.testing.assert_array_equal(out, again)
    assert out.min() >= 0 and out.max() < n


@pytest.mark.parametrize("p", [0.05, 0.9, 1.0])
def test_targets_of_given_probability_are_drawn_alike(p):
    start, again = np.zeros((2, 7), np.int64)
    compiled = drawing.bernoulli_targets(4, 10, 60, p, True, *KEY, start, 4)
    python = drawing.bernoulli_targets.py_func(4, 10, 60, p, True, *KEY, again, 4)
    np.testing.assert_array_equal(start, again)
    np.testing.assert_array_equal(compiled, python)


@pytest.mark.parametrize("kernel", [0, 1, 2])
@pytest.mark.parametrize("side", [0.0, 1.0])
def test_targets_by_distance_are_drawn_alike(kernel, side):
    rng = np.random.default_rng(3)
    here, there = rng.random((5, 2)), rng.random((40, 2))
    start, again = np.zeros((2, 6), np.int64)
    given = (here, there, 0, 0.9, 0.3, kernel, side, True, *KEY)
    compiled = drawing.targets_by_distance(*given, start)
    python = drawing.targets_by_distance.py_func(*given, again)
    np.testing.assert_array_equal(start, again)
    np.testing.assert_array_equal(compiled, python)


@pytest.mark.parametrize("beta", [0.0, 0.3, 1.0])
def test_small_worlds_are_drawn_alike(beta):
    out, again = np.zeros((2, 6 * 4), np.int32)
    drawing.ring_targets(3, 9, 20, 4, beta, *KEY, out)
    drawing.ring_targets.py_func(3, 9, 20, 4, beta, *KEY, again)
    np.testing.assert_array_equal(out, again)


def test_lists_of_sources_are_turned_round_alike():
    sources, posts = np.array([2, 0, 2, 1], np.int32), np.array([0, 2, 2, 4], np.int64)
    start, post = drawing.by_source(sources, posts, 3)
    assert start.tolist() == [0, 1, 2, 4]
    assert post.tolist() == [0, 2, 0, 2]
    for a, b in zip((start, post), drawing.by_source.py_func(sources, posts, 3), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "given",
    [Normal(1.0, 0.4, low=0.8, high=1.3), Uniform(-1.0, 2.0), LogNormal(0.1, 0.5)],
    ids=lambda given: type(given).__name__,
)
def test_values_of_a_distribution_are_drawn_alike(given):
    compiled = drawing.values(given, 7, drawing.WEIGHTS, 5, START)
    out = np.empty(START[-1], np.float32)
    drawing._values.py_func(
        given.kind, *given.numbers, *given.bounds, *drawing.key(7), drawing.WEIGHTS, 5, START,
        *quantiles(), out,
    )  # fmt: skip
    np.testing.assert_array_equal(compiled, out)
