"""Gain control at small scale: contexts, frames, and what gains reach."""

from __future__ import annotations

import runpy

import numpy as np
import pytest

from neuro.recipe import find
from neuro.rules import whitening


@pytest.fixture(scope="module")
def run():
    return runpy.run_path(str(find("whitening_gain").folder / "run.py"))


def test_contexts_have_the_variances_and_axes_of_the_demonstration(run) -> None:
    values, axes = np.linalg.eigh(run["CONTEXTS"]["A"])
    np.testing.assert_allclose(values, [5, 20])
    angle = np.rad2deg(np.arctan2(axes[1, 1], axes[0, 1])) % 180
    assert angle == pytest.approx(55)
    assert whitening.whitening_error(run["CONTEXTS"]["B"]) == pytest.approx(11)


def test_the_frame_is_even(run) -> None:
    w = run["even_frame"](np.random.default_rng(0))
    np.testing.assert_allclose(w @ w.T, 1.5 * np.eye(2), atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(w, axis=0), 1)


def test_gains_whiten_a_context_and_then_another(run) -> None:
    random = np.random.default_rng(1)
    w = run["even_frame"](random)
    a = run["context"](random, run["CONTEXTS"]["A"], w, np.ones(3), 2e-3, 8000)
    b = run["context"](random, run["CONTEXTS"]["B"], w, a.gains[-1], 2e-3, 8000)
    for course in (a, b):
        assert course.error[0] > 1
        assert course.error[-1] < 0.2
        np.testing.assert_allclose(course.gains[-2000:].mean(0), course.optimal, atol=0.12)


def test_gains_that_cannot_be_negative_only_reduce_variance(run) -> None:
    random = np.random.default_rng(2)
    w = run["even_frame"](random)
    course = run["context"](random, run["NARROW"], w, np.ones(3), 2e-3, 4000, 0.0)
    assert course.gains.min() == 0
    response = whitening.response_matrix(w, course.gains[-1])
    after = response @ run["NARROW"] @ response.T
    assert np.linalg.eigvalsh(after)[0] <= 0.25 + 1e-9  # the low variance is not raised
    # At rest an interneuron sees variance 1, or less if its gain is at the floor.
    seen, average = np.diag(w.T @ after @ w), course.gains[-1000:].mean(0)
    np.testing.assert_allclose(seen[average > 0.2], 1, atol=0.15)
    assert (seen < 1.15).all()
    assert (average > 0.2).any()
