"""The worm's body obeys the physics of drag, and its circuits compute what they say."""

import runpy
from typing import Any

import numpy as np
import pytest

from neuro.data import synthetic_connectome
from neuro.errors import InvalidValue
from neuro.recipe import find

FOLDER = find("worm").folder


def part(name: str) -> dict[str, Any]:
    return runpy.run_path(str(FOLDER / f"{name}.py"))


def bent(body: dict[str, Any], seed: int) -> Any:
    random = np.random.default_rng(seed)
    return body["Body"](
        random.normal(size=(3, 2)), random.uniform(-3, 3, 3), random.uniform(-0.6, 0.6, (3, 5))
    )


def test_the_fluid_pulls_and_turns_the_body_as_a_whole_not_at_all() -> None:
    """Force and moment of the drag on 600 points, whose velocities are differences in time."""
    body, h = part("swimmer"), 1e-6
    start, torque = bent(body, 0), np.random.default_rng(1).uniform(-1, 1, (3, 5))
    rate = body["motion"](start, torque)
    points, tangents = [], []
    for sign in (-1, 1):
        moved = body["Body"](*(s + sign * h * r for s, r in zip(start, rate, strict=True)))
        centre, angle = body["links"](moved)
        t = np.stack([np.cos(angle), np.sin(angle)], -1)
        along = ((np.arange(100) + 0.5) / 100 - 0.5) / 6
        points.append(centre[:, :, None] + along[:, None] * t[:, :, None])
        tangents.append(t[:, :, None])
    velocity = (points[1] - points[0]) / (2 * h)
    where, t = (points[0] + points[1]) / 2, (tangents[0] + tangents[1]) / 2
    parallel = (velocity * t).sum(-1, keepdims=True) * t
    force = -(parallel + 2 * (velocity - parallel)) / 600
    moment = where[..., 0] * force[..., 1] - where[..., 1] * force[..., 0]
    size = np.abs(force).sum()
    assert np.abs(force.sum((1, 2))).max() < 1e-6 * size
    assert np.abs(moment.sum((1, 2))).max() < 1e-4 * size  # 100 points a link


def test_links_join_end_to_end_and_bends_are_the_angles_between_them() -> None:
    body = part("swimmer")
    state = bent(body, 2)
    centre, angle = body["links"](state)
    half = np.stack([np.cos(angle), np.sin(angle)], -1) / 12
    np.testing.assert_allclose(centre[:, :-1] - half[:, :-1], centre[:, 1:] + half[:, 1:])
    np.testing.assert_allclose(np.diff(angle, axis=1), state.bend)


def test_a_wave_swims_reciprocal_bending_does_not() -> None:
    """The scallop theorem: Purcell, American Journal of Physics 45 (1977)."""
    run = part("run")
    phase = np.arange(5) / 5

    def wave(q: np.ndarray, step: int) -> np.ndarray:
        return np.sin(2 * np.pi * (step / 60 - phase))[None]

    def same(q: np.ndarray, step: int) -> np.ndarray:
        return np.sin(2 * np.pi * np.full((1, 5), step / 60))

    travelled = run["displacement"](run["swim"](wave))[0]
    assert travelled > 0.15
    assert run["displacement"](run["swim"](same))[0] < 0.03 * travelled


def test_ncap_follows_its_equations() -> None:
    """Torques of a body whose second joint bends half dorsally, by hand."""
    ncap = part("ncap")
    q = np.array([[0.0, 0.5, -1.0, 0.0, 0.0]])
    first_half = ncap["graded"](q, 0, ncap["Weights"]())
    np.testing.assert_allclose(first_half, [[1, 0, 0.5, -1, 0]])
    second_half = ncap["graded"](q, 30, ncap["Weights"]())
    np.testing.assert_allclose(second_half, [[-1, 0, 0.5, -1, 0]])
    np.testing.assert_allclose(ncap["graded"](q, 0, ncap["Weights"](contra=1.0)), 0.0)
    assert ncap["MLP"].random(3, 0).parameters == 192


def test_spiking_units_are_graded_units_with_noise() -> None:
    """Steady torques of the populations against clip(w x): within a tenth."""
    spiking = part("spiking")
    drive = np.array([[0.0, 0.0], [0.25, 0.0], [0.0, 0.5], [1.0, 0.0], [0.75, 0.25]])
    swim = spiking["Swim"](1.0, -1.0, seed=0, dt=0.03)
    torque = np.mean([swim.torque(drive) for _ in range(60)][20:], axis=0)
    np.testing.assert_allclose(torque, [0, 0.25, -0.5, 1, 0.5], atol=0.1)


def test_touch_recruits_nobody_without_synapses_and_all_but_few_with_strong_ones() -> None:
    touch, worm = part("touch"), synthetic_connectome(0)
    sensed = worm.index("ALM", "AVM")
    silent = touch["rates"](worm, "anterior", 0.0, [0])
    assert (silent[sensed] > 50).all()
    assert np.delete(silent, sensed).max() == 0
    strong = touch["rates"](worm, "anterior", 0.16, [0])
    assert (strong > 5).mean() > 0.9


def test_a_folder_without_connectomes_is_refused(tmp_path: Any) -> None:
    with pytest.raises(InvalidValue, match=r"herm_full_edgelist\.csv"):
        part("run")["connectomes"](tmp_path, 0)
