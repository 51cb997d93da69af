"""Moving patterns: spectra where they should peak, events that move where their label says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neuro.data import EventDataset
from neuro.encode import EventCamera
from neuro.errors import InvalidValue
from neuro.synthetic import (
    cloud_envelope,
    drifting_gratings,
    motion_cloud,
    motion_clouds,
    moving_bars,
)
from neuro.units import ms

CLOUD = {"velocity": (0.5, 0.0), "frequency": 0.125, "speed_bandwidth": 0.1,
         "frequency_bandwidth": 0.05, "orientation_bandwidth": 0.2}  # fmt: skip


def drift(data: EventDataset, i: int) -> tuple[float, float]:
    """(x, y) by which ON events move, from the slope of their mean place over time."""
    events, _ = data[i]
    polarity, y, x = events.coordinates
    on = polarity == 1
    return tuple(float(np.polyfit(events.seconds[on], c[on], 1)[0]) for c in (x, y))


def test_the_spectrum_peaks_at_the_closed_form_s_place() -> None:
    envelope = cloud_envelope(64, 64, 64, **CLOUD)
    t, y, x = np.unravel_index(envelope.argmax(), envelope.shape)
    ft, fy, fx = (np.fft.fftfreq(64)[i] for i in (t, y, x))
    assert envelope.max() == 1 and envelope[0, 0, 0] == 0
    mode = 0.125 * math.exp(-(math.log(1 + 0.05 / 0.125) ** 2))
    assert abs(abs(fx) - mode) <= 1 / 64
    assert fy == 0
    assert abs(ft + 0.5 * fx) <= 1 / 128  # on the plane of the speed


def test_the_envelope_is_the_product_of_its_three_parts() -> None:
    found = cloud_envelope(8, 16, 16, **CLOUD)

    def value(t: int, y: int, x: int) -> float:
        ft, fy, fx = t / 8, y / 16, x / 16
        r = math.hypot(fx, fy)
        speed = math.exp(-((ft + 0.5 * fx) ** 2) / (2 * (0.1 * r) ** 2))
        radial = math.exp(-(math.log(r / 0.125) ** 2) / (2 * math.log(1.4) ** 2)) / r
        return speed * radial * math.exp(math.cos(2 * math.atan2(fy, fx)) / (4 * 0.04))

    for a, b in (((0, 1, 2), (1, 0, 3)), ((1, 2, 1), (0, 0, 2)), ((-1, -3, 2), (-1, 1, 2))):
        assert found[a] / found[b] == pytest.approx(value(*a) / value(*b))


def test_a_cloud_has_the_amplitudes_of_the_envelope_and_moves_with_its_speed() -> None:
    cloud = motion_cloud(64, 32, 32, **CLOUD, seed=1)
    assert cloud.mean() == pytest.approx(0, abs=1e-12) and cloud.std() == pytest.approx(1)
    power = np.abs(np.fft.fftn(cloud)) ** 2
    frequency = np.fft.fftfreq(64)[:, None, None], np.fft.fftfreq(32)[None, None, :]
    # the least-squares plane through the power: v_x = -sum P ft fx / sum P fx^2
    speed = -(power * frequency[0] * frequency[1]).sum() / (power * frequency[1] ** 2).sum()
    assert speed == pytest.approx(0.5, abs=0.03)
    envelope = cloud_envelope(64, 32, 32, **CLOUD)
    inside = np.s_[33:, 1:16, 1:16]
    # a real video has the mean of the envelope at f and at -f
    both = (envelope + np.roll(envelope[::-1, ::-1, ::-1], 1, axis=(0, 1, 2)))[inside]
    strong = both > 1e-3
    assert strong.sum() > 20
    ratio = np.sqrt(power[inside][strong]) / both[strong]
    np.testing.assert_allclose(ratio, np.median(ratio), rtol=1e-6)


def test_clouds_repeat_with_their_seed_only() -> None:
    one, same, other = (motion_cloud(8, 8, 8, seed=s) for s in (3, 3, 4))
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)


def test_bars_move_in_the_direction_of_their_label() -> None:
    # slow enough to cross once: the ON edge's mean place moves with the bar
    data = moving_bars(8, directions=4, speed=60.0, duration=100 * ms, seed=5)
    assert len(data) == 32 and data.shape == (2, 24, 24)
    assert data.classes == ("0 deg", "90 deg", "180 deg", "270 deg")
    for k, (dx, dy) in enumerate(((1, 0), (0, 1), (-1, 0), (0, -1))):
        mine = [i for i in np.flatnonzero(data.labels == k) if data.counts[i] > 500]
        assert len(mine) >= 3
        speeds = np.array([drift(data, i) for i in mine])
        along, across = speeds @ (dx, dy), speeds @ (dy, dx)
        assert np.median(along) == pytest.approx(60, rel=0.15)
        assert np.abs(across).max() < 6


def test_a_grating_fires_at_its_temporal_frequency() -> None:
    still = EventCamera(threshold=0.1, refractory=0)
    data = drifting_gratings(
        1, orientations=2, speeds=(40.0, -80.0), size=(8, 8), wavelength=8.0, contrast=0.5,
        duration=500 * ms, frame=1 * ms, camera=still,
    )  # fmt: skip
    assert data.classes == (
        "0 deg, 40 px/s",
        "0 deg, -80 px/s",
        "90 deg, 40 px/s",
        "90 deg, -80 px/s",
    )
    assert data.labels.tolist() == [0, 1, 2, 3]
    # swing of 1 in log intensity at threshold 0.1: 10 ON events per pixel and cycle, give or take
    for i, frequency in enumerate((5, 10, 5, 10)):
        on = int((data[i][0].coordinates[0] == 1).sum())
        assert on / 64 / 0.5 / frequency == pytest.approx(10, rel=0.12)


def test_gratings_of_either_orientation_are_each_other_turned() -> None:
    data = drifting_gratings(1, orientations=2, speeds=(30.0,), size=(12, 12), duration=100 * ms)
    rows = [np.bincount(data[i][0].coordinates[1], minlength=12) for i in (0, 1)]
    assert np.ptp(rows[0]) == 0  # upright stripes: every row alike
    assert np.ptp(rows[1]) > 0


def test_cloud_recordings_move_as_labelled() -> None:
    data = motion_clouds(2, directions=2, size=(16, 16), duration=128 * ms, speed=100.0)
    assert len(data) == 4 and data.labels.tolist() == [0, 0, 1, 1]
    for i in range(4):
        events, label = data[i]
        polarity, _, x = events.coordinates
        count = np.zeros((128, 16))
        np.add.at(count, (events.t // 1000, x), np.where(polarity == 1, 1, -1))
        lagged = [(count[:-10] * np.roll(count[10:], -s, axis=1)).sum() for s in (1, -1)]
        assert (lagged[0] > lagged[1]) == (label == 0)  # 1 pixel in 10 ms to the right


def test_sets_repeat_with_their_seed() -> None:
    for make in (moving_bars, drifting_gratings, motion_clouds):
        one, same, other = (make(1, duration=50 * ms, seed=s) for s in (0, 0, 1))
        assert one == same
        assert one != other


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: moving_bars(0), "samples"),
        (lambda: moving_bars(directions=1), "directions"),
        (lambda: moving_bars(speed=0.0), "speed"),
        (lambda: moving_bars(duration=3 * ms), "whole number of frames"),
        (lambda: drifting_gratings(speeds=()), "at least one"),
        (lambda: drifting_gratings(speeds=(5000.0,)), "half a wavelength"),
        (lambda: drifting_gratings(wavelength=1.0), "wavelength"),
        (lambda: motion_clouds(size=(0, 4)), "size"),
        (lambda: motion_cloud(4, 8, 8, frequency=0.7), "frequency"),
        (lambda: motion_cloud(4, 8, 8, speed_bandwidth=0.0), "speed_bandwidth"),
        (lambda: motion_cloud(4, 8, 8, seed=-1), "seed"),
    ],
)
def test_refuses_what_cannot_be_shown(call, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        call()
