"""The event camera against closed forms of what its pixels must do."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuro.clock import Clock
from neuro.encode import EventCamera, saccades
from neuro.errors import InvalidValue
from neuro.units import ms, us

QUIET = EventCamera(threshold=0.25, mismatch=0.0, refractory=0.0)


def ramp(change, frames=2, seconds=0.1):
    """One pixel whose log intensity rises linearly by `change`."""
    times = np.linspace(0.0, seconds, frames)
    return np.exp(change * times / seconds).reshape(-1, 1, 1), times


@settings(max_examples=50, deadline=None)
@given(
    n=st.integers(0, 12),
    threshold=st.floats(0.05, 0.6),
    frames=st.integers(2, 9),
    sign=st.sampled_from([-1, 1]),
)
def test_a_ramp_by_n_thresholds_gives_n_events_at_the_computed_times(n, threshold, frames, sign):
    change = (n + 0.5) * threshold
    video, times = ramp(sign * change, frames)
    events = EventCamera(threshold=threshold, refractory=0.0).watch(video, times)
    expected = np.arange(1, n + 1) * threshold / change * 0.1  # seconds
    assert len(events) == n
    assert np.abs(events.seconds - expected).max(initial=0) <= 0.5e-6 + 1e-9
    assert (events.unit == (1 if sign > 0 else 0)).all()


def test_the_refractory_period_holds_the_pixel_in_reset():
    video, times = ramp(10.0, frames=7)  # 100 thresholds of 0.1 in 100 ms: one a millisecond
    events = EventCamera(threshold=0.1, refractory=3 * ms).watch(video, times)
    # after an event: 3 ms in reset, then 1 ms to move by a threshold again
    assert np.array_equal(events.t, np.arange(1000, 100_000, 4000))


def test_a_static_picture_gives_no_events():
    video = np.full((50, 6, 7), 0.3)
    assert len(EventCamera(mismatch=0.1).watch(video, np.arange(50) * ms)) == 0


def test_inverting_the_contrast_swaps_on_and_off():
    rng = np.random.default_rng(4)
    log = rng.normal(size=(20, 5, 6)).cumsum(axis=0) * 0.3
    times = np.arange(20) * ms
    camera = EventCamera(threshold=0.2, refractory=0.3 * ms)
    bright, dark = camera.watch(np.exp(log), times), camera.watch(np.exp(-log), times)
    p, y, x = bright.coordinates
    q, v, u = dark.coordinates
    columns = sorted(zip(bright.t, 1 - p, y, x, strict=True))
    assert columns == sorted(zip(dark.t, q, v, u, strict=True))
    assert len(columns) > 100


def test_events_track_the_log_intensity_to_within_one_threshold():
    rng = np.random.default_rng(5)
    log = rng.normal(size=(30, 4, 4)).cumsum(axis=0) * 0.4
    events = QUIET.watch(np.exp(log), np.arange(30) * ms)
    polarity, y, x = events.coordinates
    rebuilt = np.zeros((4, 4))
    np.add.at(rebuilt, (y, x), np.where(polarity == 1, 0.25, -0.25))
    assert np.abs(rebuilt - (log[-1] - log[0])).max() < 0.25 + 1e-9


@pytest.mark.parametrize("noise_rate", [0.0, 200.0])
def test_no_pixel_fires_within_its_refractory_period(noise_rate):
    rng = np.random.default_rng(6)
    log = rng.normal(size=(40, 4, 4)).cumsum(axis=0)
    camera = EventCamera(threshold=0.2, mismatch=0.05, refractory=2 * ms, noise_rate=noise_rate)
    events = camera.watch(np.exp(log), np.arange(40) * 5 * ms, seed=1)
    pixel = events.unit % 16
    gaps = np.concatenate([np.diff(events.t[pixel == i]) for i in range(16)])
    assert gaps.min() >= 2000 - 1  # both stamps are rounded


def test_noise_comes_at_the_stated_rate_from_every_pixel_and_both_polarities():
    camera = EventCamera(noise_rate=20.0, refractory=0.0)
    events = camera.watch(np.ones((2, 30, 40)), [0.0, 1.0], seed=3)
    expected = 20.0 * 1200
    assert abs(len(events) - expected) < 5 * np.sqrt(expected)
    on = (events.unit >= 1200).sum()
    assert abs(on - expected / 2) < 5 * np.sqrt(expected / 4)
    assert len(np.unique(events.unit % 1200)) == 1200


def test_mismatch_spreads_the_thresholds_as_stated_and_belongs_to_the_sensor():
    thresholds = EventCamera(threshold=0.3, mismatch=0.03).thresholds(100, 100, seed=1)
    assert thresholds.mean() == pytest.approx(0.3, abs=0.001)
    assert thresholds.std() == pytest.approx(0.03, rel=0.03)
    assert abs(np.corrcoef(thresholds[0].ravel(), thresholds[1].ravel())[0, 1]) < 0.05
    assert (EventCamera(threshold=0.3, mismatch=3.0).thresholds(20, 20) >= 0.03).all()


def test_a_batch_equals_its_videos_seen_one_by_one_and_a_seed_fixes_everything():
    rng = np.random.default_rng(7)
    videos = rng.uniform(0.1, 1.0, size=(3, 10, 5, 4))
    times = 2.0 + np.arange(10) * ms  # a late start makes no difference
    camera = EventCamera(mismatch=0.05, noise_rate=100.0)
    batch = camera.watch_batch(videos, times, seed=9)
    parts = [camera.watch_batch(videos[i : i + 1], times, seed=9, first=i)[0] for i in range(3)]
    assert batch == parts
    assert batch == camera.watch_batch(videos, times - 2.0, seed=9)
    assert batch != camera.watch_batch(videos, times, seed=10)


def test_time_stamps_follow_the_camera_clock():
    video, times = ramp(1.0)
    coarse = EventCamera(threshold=0.25, refractory=0.0, clock=Clock(1 * ms)).watch(video, times)
    assert coarse.duration == 100
    assert coarse.t.tolist() == [25, 50, 75, 99]  # the end itself belongs to the last tick


def test_saccades_move_the_picture_along_a_closed_triangle():
    rng = np.random.default_rng(8)
    picture = np.zeros((15, 15))
    picture[4:11, 4:11] = rng.uniform(size=(7, 7))
    video, times = saccades(picture, sensor=(31, 31), amplitude=6.0, frames=10, dark=0.2)
    assert video.shape == (31, 31, 31)
    assert times[0] == 0 and times[-1] == pytest.approx(0.3)
    assert np.array_equal(video[0], video[-1])
    light = (video - 0.2) / 0.8
    rows, columns = np.mgrid[:31, :31]
    mass = light.sum((1, 2))
    assert np.allclose(mass, picture.sum(), rtol=1e-5)  # nothing leaves the sensor
    centre = (
        np.stack([(light * rows).sum((1, 2)), (light * columns).sum((1, 2))], 1) / mass[:, None]
    )
    corners = centre[[0, 10, 20]] - centre[0]
    assert np.allclose(corners, [[0, 0], [-6, 3], [0, 6]], atol=1e-4)
    leg = centre[10:21]
    assert np.allclose(np.diff(leg[:, 0]) * 0.5, np.diff(leg[:, 1]), atol=1e-4)  # a straight line


def test_a_shift_by_whole_pixels_is_exact():
    picture = np.random.default_rng(9).uniform(size=(9, 9))
    video, _ = saccades(picture, sensor=(21, 21), amplitude=4.0, frames=3, dark=0.5)
    glyph = (0.5 + 0.5 * picture).astype(np.float32)
    # corners at (y, x) = (2, -2), (-2, 0), (2, 2) about the middle
    assert np.array_equal(video[0][8:17, 4:13], glyph)
    assert np.array_equal(video[3][4:13, 6:15], glyph)
    assert np.array_equal(video[6][8:17, 8:17], glyph)


@pytest.mark.parametrize(
    ("video", "times", "words"),
    [
        (np.ones((2, 3)), [0, 1], r"shape \(2, 3\)"),
        (np.ones((2, 3, 3)), [0, 1, 2], "one time for each of the 2 frames"),
        (np.ones((1, 3, 3)), [0], "F >= 2"),
        (np.ones((2, 3, 3)), [1, 0], "increase"),
        (np.ones((2, 3, 3)), [0, np.nan], "finite"),
        (np.ones((2, 3, 3)), [0, 1e-9], "less than a tick"),
        (np.zeros((2, 3, 3)), [0, 1], "dark level"),
        (np.full((2, 3, 3), np.nan), [0, 1], r"nan at \[b, f, y, x\] = \[0, 0, 0, 0\]"),
    ],
)
def test_an_unusable_video_is_refused(video, times, words):
    with pytest.raises(InvalidValue, match=words):
        EventCamera().watch(video, times)


@pytest.mark.parametrize(
    ("field", "value"),
    [("threshold", 0.0), ("threshold", np.nan), ("mismatch", -0.1), ("refractory", -us)],
)
def test_an_impossible_camera_is_refused(field, value):
    with pytest.raises(InvalidValue, match=f"EventCamera.{field}"):
        EventCamera(**{field: value})


def test_bad_arguments_of_saccades_and_seeds_are_refused():
    with pytest.raises(InvalidValue, match="Divide by the largest"):
        saccades(np.full((8, 8), 16.0))
    with pytest.raises(InvalidValue, match=r"saccades\.dark"):
        saccades(np.zeros((8, 8)), dark=0.0)
    with pytest.raises(InvalidValue, match=r"saccades\.frames"):
        saccades(np.zeros((8, 8)), frames=0)
    with pytest.raises(InvalidValue, match="seed: got -1"):
        QUIET.watch(np.ones((2, 3, 3)), [0, 1], seed=-1)


# -- the compiled loops against plain Python ----------------------------------------------------


def plain_events(video, times, thresholds, refractory):
    """Crossings of one pixel after another by the rules of the docstring, in plain Python."""
    found = []
    frames, height, width = video.shape
    for y in range(height):
        for x in range(width):
            log = [float(v) for v in np.log(video[:, y, x].astype(float))]
            memory, ready = log[0], -np.inf
            for k in range(frames - 1):
                now, end = times[k], times[k + 1]
                slope = (log[k + 1] - log[k]) / (end - now)
                while ready <= end and slope != 0:
                    if ready > now:
                        now = ready
                        memory = log[k] + slope * (now - times[k])
                    on = slope > 0
                    level = memory + thresholds[1, y, x] if on else memory - thresholds[0, y, x]
                    moment = max(times[k] + (level - log[k]) / slope, now)
                    if moment > end:
                        break
                    found.append((round(moment * 1e6), int(on), y, x))
                    memory = level
                    if refractory > 0:
                        ready = moment + refractory
    return sorted(found)


@pytest.mark.parametrize("refractory", [0.0, 0.7 * ms])
@pytest.mark.parametrize("threads", [1, 3])
def test_every_event_is_one_that_plain_python_finds(refractory, threads):
    log = np.random.default_rng(11).normal(size=(12, 6, 5)).cumsum(axis=0) * 0.5
    log[:, 2, 2] = 0.0  # a pixel that never changes
    times = np.arange(12) * ms
    camera = EventCamera(threshold=0.3, mismatch=0.03, refractory=refractory)
    events = camera.watch_batch(np.exp(log)[None], times, seed=5, threads=threads)[0]
    expected = plain_events(np.exp(log), times, camera.thresholds(6, 5, seed=5), refractory)
    last = events.duration - 1
    got = sorted(zip(events.t.tolist(), *(c.tolist() for c in events.coordinates), strict=True))
    assert got == sorted((min(t, last), p, y, x) for t, p, y, x in expected)
    assert len(got) > 100


def test_threads_and_the_size_of_the_sensor_change_nothing():
    rng = np.random.default_rng(12)
    video = np.exp(rng.normal(size=(6, 100, 130)).cumsum(axis=0) * 0.3)  # several pieces of work
    times = np.arange(6) * ms
    camera = EventCamera(threshold=0.3, noise_rate=50.0, mismatch=0.02)
    one, four = (camera.watch_batch(video[None], times, seed=1, threads=n)[0] for n in (1, 4))
    assert one == four
    quiet = EventCamera(threshold=0.3)
    whole, part = quiet.watch(video, times), quiet.watch(video[:, 90:], times)
    p, y, x = whole.coordinates
    q, v, u = part.coordinates
    assert np.array_equal(
        np.stack([whole.t, p, y, x])[:, y >= 90], np.stack([part.t, q, v + 90, u])
    )


def test_pictures_are_moved_as_matrix_products_move_them():
    picture = np.random.default_rng(13).uniform(size=(3, 8, 6))
    video, _ = saccades(picture, sensor=(19, 17), scale=1.7, amplitude=3.3, frames=4)
    corners = 3.3 * np.array([(0.5, -0.5), (-0.5, 0.0), (0.5, 0.5), (0.5, -0.5)])
    progress = 0.5 - 0.5 * np.cos(np.pi * np.arange(4) / 4)
    path = [a + p * (b - a) for a, b in pairwise(corners) for p in progress]
    for f, shift in enumerate([*path, corners[-1]]):
        weights = []
        for pixels, samples, moved in zip((19, 17), (8, 6), shift, strict=True):
            at = (np.arange(pixels) - (pixels - 1) / 2 - moved) / 1.7 + (samples - 1) / 2
            weights.append(np.maximum(0, 1 - np.abs(at[:, None] - np.arange(samples))))
        expected = 0.1 + 0.9 * (weights[0] @ picture @ weights[1].T)
        assert np.allclose(video[:, f], expected, rtol=1e-6)
    shrunk, _ = saccades(picture, sensor=(9, 9), scale=0.4, amplitude=0.0, frames=1)
    assert shrunk.max() > 1 - 0.9  # several samples a pixel


def test_the_compiled_loops_do_what_their_python_does():
    kernels = pytest.importorskip("neuro.encode._camera_kernels")
    rng = np.random.default_rng(14)
    video = np.exp(rng.normal(size=(5, 12)))
    video[:, 3] = 1.0
    both = np.stack([video, np.where(np.arange(12) == 5, video, 1.0)])
    flags = [np.zeros((2, 7), bool) for _ in range(2)]
    assert kernels.changing(both, 2, 9, flags[0])
    assert kernels.changing.py_func(both, 2, 9, flags[1])
    assert np.array_equal(*flags)
    assert flags[0].tolist() == [[n != 3 for n in range(2, 9)], [n == 5 for n in range(2, 9)]]
    bad = both.copy()
    bad[1, 3, 4] = np.nan
    assert not kernels.changing(bad, 2, 9, flags[0])
    assert not kernels.changing.py_func(bad, 2, 9, flags[1])
    pixels, first = np.array([1, 4, 7, 5]), np.array([0, 3, 4])
    outs = [np.empty((5, 4)) for _ in range(2)]
    kernels.gather(both, first, pixels, outs[0])
    kernels.gather.py_func(both, first, pixels, outs[1])
    assert np.array_equal(outs[0], outs[1])
    assert np.array_equal(outs[0], video[:, pixels])
    log, times, theta = np.log(outs[0]), np.arange(5) * ms, np.full(4, 0.2)
    for refractory in (0.0, 0.4 * ms):
        columns = [(np.zeros(200, int), np.zeros(200, int), np.zeros(200)) for _ in range(2)]
        given = (log, first, times, theta, theta, refractory)
        count = kernels.crossings(*given, *columns[0])
        assert count == kernels.crossings.py_func(*given, *columns[1])
        assert all(np.array_equal(a, b) for a, b in zip(*columns, strict=True)) and count > 5
    for run in (kernels.in_order, kernels.in_order.py_func):
        key = np.array([3, 1, 2, 9, 8])
        assert run(key, 2) and key.tolist() == [1, 2, 3, 8, 9]
        key = np.arange(100)[::-1].copy()
        assert not run(key, 2) and sorted(key) == list(range(100))
    for run in (kernels.parted, kernels.parted.py_func):
        t, unit = np.zeros(2, int), np.zeros(2, np.int32)
        run(np.array([(0 * 50 + 7) * 12 + 3, (4 * 50 + 49) * 12 + 11]), 50, 12, t, unit)
        assert t.tolist() == [7, 49] and unit.tolist() == [3, 11]
    picture, first = rng.uniform(size=(1, 4, 4)), np.array([[0, 1, 2], [1, 2, 2]])
    weights = rng.uniform(size=(2, 3, 2))
    videos = [np.zeros((1, 2, 3, 3), np.float32) for _ in range(2)]
    for run, out in zip((kernels.resample, kernels.resample.py_func), videos, strict=True):
        run(picture, first, weights, first, weights, 0.1, out)
    assert np.array_equal(*videos) and videos[0].max() > 0.1


def test_a_product_is_fused_to_one_rounding():
    kernels = pytest.importorskip("neuro.encode._camera_kernels")
    tiny = 2.0**-30
    assert kernels.fma(1 + tiny, 1 + tiny, -1 - 2 * tiny) == tiny**2  # lost with two roundings


def test_long_recordings_are_ordered_without_a_common_key():
    video, times = ramp(3.0)
    fine = EventCamera(threshold=0.25, refractory=0.0, clock=Clock(1e-12))
    events = fine.watch(np.tile(video, (1, 30, 40)), times * 4e6)  # 4e17 ticks times 2400 units
    assert len(events) == 11 * 1200 or len(events) == 12 * 1200
    assert (np.diff(events.t) >= 0).all()


# -- leak and shot noise ------------------------------------------------------------------------


def test_a_leak_fires_on_events_at_its_rate_in_a_still_picture():
    camera = EventCamera(threshold=0.2, mismatch=0.02, refractory=0.0, leak_rate=2.0)
    events = camera.watch(np.ones((2, 3, 4)), [0.0, 10.25])
    assert (events.unit >= 12).all()  # ON only
    assert np.bincount(events.unit - 12).tolist() == [20] * 12
    assert np.abs(np.diff(events.t[events.unit == 12]) - 500_000).max() <= 1


def test_shot_noise_falls_with_brightness():
    video = np.ones((2, 10, 20))
    video[:, :, 10:] = 0.001
    camera = EventCamera(noise_rate=100.0, noise_falloff=0.75, refractory=0.0)
    x = camera.watch(video, [0.0, 1.0], seed=2).coordinates[2]
    bright, dark = (x < 10).sum(), (x >= 10).sum()
    assert abs(dark - 10_000) < 5 * 100 + 10
    assert abs(bright - 2500) < 5 * 50


def test_a_share_of_noise_above_one_is_refused():
    with pytest.raises(InvalidValue, match="noise_falloff"):
        EventCamera(noise_falloff=1.5)
    with pytest.raises(InvalidValue, match="threads"):
        QUIET.watch_batch(np.ones((1, 2, 3, 3)), [0, 1], threads=0)
