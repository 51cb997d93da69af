"""The clips of the recipe move as their labels say, and its comparison counts what differs."""

import runpy
from typing import Any

import numpy as np
import pytest
import torch

from neuro.nn.motion import MotionDetector
from neuro.recipe import find


@pytest.fixture(scope="module")
def recipe() -> dict[str, Any]:
    return runpy.run_path(str(find("motion_delays").folder / "run.py"))


@pytest.fixture(scope="module")
def clips(recipe: dict[str, Any]) -> Any:
    return recipe["clips"](3, 7, 0)


def test_the_classes_are_two_rings_of_directions(recipe: dict[str, Any]) -> None:
    velocities = np.array([recipe["velocity"](k) for k in range(24)])
    speed = np.hypot(*velocities.T)
    np.testing.assert_allclose(speed, [0.5] * 12 + [1.26] * 12)
    angle = np.degrees(np.arctan2(velocities[:, 1], velocities[:, 0])) % 360
    np.testing.assert_allclose(np.sort(angle), np.arange(24) * 15, atol=1e-9)


def test_events_are_binary_and_differ_between_parts(recipe: dict[str, Any], clips: Any) -> None:
    assert clips.x.shape == (36, 72, 2, 20, 20) and set(clips.x.unique().tolist()) == {0, 1}
    assert torch.equal(clips.label, torch.arange(24).repeat_interleave(3))
    assert 0.1 < clips.density < 0.25
    other = recipe["clips"](1, 7, 1)
    assert not torch.equal(other.x[:, 0], clips.x[:, 0])
    assert torch.equal(recipe["clips"](1, 7, 1).x, other.x)


def test_textures_move_as_their_labels_say(clips: Any) -> None:
    """The place of the largest correlation between frames four ticks apart, of all three clips."""
    signed = (clips.x[:, :, 1] - clips.x[:, :, 0]).double()
    errors = []
    for label in range(24):
        own = signed[:, clips.label == label]
        first, later = own[:-4, ..., 6:14, 6:14], own[4:]
        score = np.array(
            [
                [
                    float((first * later[..., 6 + dy : 14 + dy, 6 + dx : 14 + dx]).mean())
                    for dx in range(-6, 7)
                ]
                for dy in range(-6, 7)
            ]
        )
        dy, dx = np.unravel_index(score.argmax(), score.shape)
        ring, k = divmod(label, 12)
        angle, way = np.pi / 6 * (k + ring / 2), 4 * (0.5, 1.26)[ring]
        errors.append(np.hypot(dx - 6 - way * np.cos(angle), dy - 6 - way * np.sin(angle)))
    assert max(errors) < 1.2 and np.mean(errors) < 0.7


def test_no_spike_of_the_network_differs_and_one_would_be_counted(
    recipe: dict[str, Any], clips: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = MotionDetector(3, 4, (5, 5), cone=False)
    random = torch.Generator().manual_seed(1)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(layer.weight.shape, generator=random))
    x = clips.x[:, 5:7, :, :8, :8]
    found = recipe["differing"](layer, x)
    assert found["differing"] == 0 and found["compared"] == 2 * 36 * 3 * 16
    assert 0 < found["spikes"] <= 0.02 * found["compared"]
    assert found["synapses"] == 2 * 3 * 16 * (2 * 4 * 25) + 2 * 3 * 16

    real = MotionDetector.network

    def deaf(self: MotionDetector, *given: Any, **options: Any) -> Any:
        return real(self.shortened(3), *given, **options)

    monkeypatch.setattr(MotionDetector, "network", deaf)
    assert recipe["differing"](layer, x)["differing"] > 0


def test_standard_errors_are_those_of_the_mean(recipe: dict[str, Any]) -> None:
    average, error = recipe["mean"]([1.0, 2.0, 4.0])
    assert average == pytest.approx(7 / 3) and error == pytest.approx(np.sqrt(7 / 3 / 3))
    assert recipe["mean"]([0.5]) == (0.5, None)
