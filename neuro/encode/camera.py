"""A simulated event camera, and the eye movements that make a still picture visible to it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.units import ms, us

Array = NDArray[Any]

MICROSECOND = Clock(1 * us)
OFF, ON = 0, 1  # index of the polarity axis, the same as N-MNIST's polarity bit


@dataclass(frozen=True)
class EventCamera:
    """An event camera: each pixel fires when its log intensity has moved by a threshold.

    A pixel remembers the log intensity L of its last event. When L has risen by the ON threshold
    (fallen by the OFF threshold) it fires an ON (OFF) event, remembers the level that it crossed,
    and is held in reset for the refractory period, after which it starts from the intensity of
    that moment. Between frames L is interpolated linearly, so a pixel may fire several times
    between two frames, each at its own time. (Lichtsteiner, Posch & Delbruck 2008, IEEE J.
    Solid-State Circuits 43:566 for the pixel; Rebecq, Gehrig & Scaramuzza 2018, ESIM, CoRL for the
    interpolation; Hu, Liu & Delbruck 2021, v2e, CVPR workshops for mismatch and noise.)

    Args:
        threshold: contrast threshold in units of log intensity, > 0; 0.25 is a 28 % change.
        mismatch: standard deviation of the threshold from pixel to pixel, in the same units,
            drawn apart for ON and OFF. Thresholds are kept above a tenth of `threshold`.
        refractory: seconds for which a pixel is held in reset after an event.
        noise_rate: background events per pixel in Hz, a Poisson process of either polarity. A
            noise event does not change the pixel's memory, and one that falls within the
            refractory period of another event of its pixel is left out.
        clock: time stamps are rounded to its ticks.

    Raises:
        InvalidValue: a field is not finite or out of range.
    """

    threshold: float = 0.25
    mismatch: float = 0.0
    refractory: float = 1 * ms
    noise_rate: float = 0.0
    clock: Clock = MICROSECOND

    def __post_init__(self) -> None:
        if not (np.isfinite(self.threshold) and self.threshold > 0):
            raise InvalidValue(f"EventCamera.threshold: got {self.threshold!r}, expected > 0")
        for field in ("mismatch", "refractory", "noise_rate"):
            value = getattr(self, field)
            if not (np.isfinite(value) and value >= 0):
                raise InvalidValue(f"EventCamera.{field}: got {value!r}, expected >= 0")

    def thresholds(self, height: int, width: int, *, seed: int = 0) -> NDArray[np.float64]:
        """Thresholds of every pixel, [2, H, W] for OFF and ON; one seed is one sensor."""
        spread = _generator(seed, 0).standard_normal((2, height, width)) * self.mismatch
        return np.maximum(self.threshold + spread, 0.1 * self.threshold)

    def watch(self, video: ArrayLike, times: ArrayLike, *, seed: int = 0) -> Events:
        """Events of one video.

        Args:
            video: intensities > 0 in any linear unit, [F, H, W].
            times: of the frames in seconds, increasing, [F]. The first becomes tick 0.
            seed: of the pixels' thresholds and the noise.

        Returns:
            Events of shape (2, H, W): polarity (0 = OFF, 1 = ON), row, column.

        Raises:
            InvalidValue: wrong shapes, an intensity that is not above 0, or times that do not
                increase.
        """
        frames = np.asarray(video)
        if frames.ndim != 3:
            raise InvalidValue(f"EventCamera.watch: video has shape {frames.shape}, not [F, H, W]")
        return self.watch_batch(frames[None], times, seed=seed)[0]

    def watch_batch(
        self, videos: ArrayLike, times: ArrayLike, *, seed: int = 0, first: int = 0
    ) -> list[Events]:
        """Events of several videos [B, F, H, W] seen by the same sensor; see `watch`.

        Args:
            videos: intensities > 0.
            times: of the frames in seconds, [F].
            seed: of the sensor's thresholds and the noise.
            first: number of the first recording, so that a set seen in parts gets the noise
                that it would get when seen whole.
        """
        frames, times = _checked_videos(videos, times)
        count, _, height, width = frames.shape
        duration = int(self.clock.ticks(times[-1] - times[0], what="EventCamera.times"))
        if duration < 1:
            raise InvalidValue(
                f"EventCamera.times: the video lasts {times[-1] - times[0]:g} s, less than a tick "
                f"of {self.clock.dt:g} s. Use a finer Clock or check the unit (seconds)."
            )
        thresholds = np.tile(self.thresholds(height, width, seed=seed).reshape(2, -1), count)
        log = np.log(np.moveaxis(frames, 1, 0).reshape(len(times), -1).astype(np.float64))
        cell, polarity, when = _crossings(log, times, thresholds, self.refractory)

        size = height * width
        recording, pixel = np.divmod(cell, size)
        unit = polarity * size + pixel
        if self.noise_rate > 0:
            recording, unit, when = self._with_noise(
                recording, unit, when, times, size, [(seed, 1, first + b) for b in range(count)]
            )
        tick = self.clock.ticks(when - times[0])
        tick = np.minimum(tick, duration - 1)  # the last half tick rounds up to the end itself
        order = np.lexsort((unit, tick, recording))
        recording, unit, tick = recording[order], unit[order], tick[order]
        edges = np.searchsorted(recording, np.arange(count + 1))
        return [
            Events(tick[a:b], unit[a:b].astype(np.int32), (2, height, width), duration, self.clock)
            for a, b in pairwise(edges)
        ]

    def _with_noise(
        self,
        recording: Array,
        unit: Array,
        when: Array,
        times: Array,
        size: int,
        seeds: list[tuple[int, int, int]],
    ) -> tuple[Array, Array, Array]:
        columns = [(recording, unit, when, np.zeros(len(when), bool))]
        for b, seed in enumerate(seeds):
            rng = _generator(*seed)
            number = rng.poisson(self.noise_rate * (times[-1] - times[0]) * size)
            columns.append(
                (
                    np.full(number, b),
                    rng.integers(2 * size, size=number),
                    rng.uniform(times[0], times[-1], number),
                    np.ones(number, bool),
                )
            )
        recording, unit, when, noise = (np.concatenate(c) for c in zip(*columns, strict=True))
        order = np.lexsort((when, unit % size, recording))
        recording, unit, when, noise = recording[order], unit[order], when[order], noise[order]
        same = (np.diff(recording) == 0) & (np.diff(unit % size) == 0)
        close = same & (np.diff(when) < self.refractory)
        crowded = np.zeros(len(when), bool)
        crowded[1:] |= close
        crowded[:-1] |= close
        keep = ~(noise & crowded)
        return recording[keep], unit[keep], when[keep]


def saccades(
    images: ArrayLike,
    *,
    sensor: tuple[int, int] = (34, 34),
    scale: float = 1.0,
    amplitude: float = 3.0,
    duration: float = 100 * ms,
    frames: int = 20,
    dark: float = 0.1,
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Video of a still picture during the three saccades of N-MNIST.

    The picture stands in the middle of the sensor and moves along the three sides of an isosceles
    triangle, one side a saccade, back to the start (Orchard, Jayawant, Cohen & Thakor 2015, Front.
    Neurosci. 9:437). Each saccade starts and ends at rest (a raised cosine in position). The
    picture is enlarged and moved in one bilinear resampling, exact for any fraction of a pixel.

    Args:
        images: brightness from 0 (background, also outside the picture) to 1, [..., h, w].
        sensor: rows and columns of the camera.
        scale: sensor pixels per picture pixel, > 0.
        amplitude: base and height of the triangle in sensor pixels.
        duration: seconds of one saccade.
        frames: video frames per saccade.
        dark: intensity of the background where full brightness is 1, in (0, 1).

    Returns:
        The intensities [..., F, H, W] float32 in [dark, 1], and the frame times [F] in seconds,
        F = 3 * frames + 1.

    Raises:
        InvalidValue: an argument is out of range.
    """
    picture = np.asarray(images, dtype=np.float64)
    if picture.ndim < 2 or not ((picture >= 0) & (picture <= 1)).all():
        raise InvalidValue(
            f"saccades.images: got shape {picture.shape}, expected [..., h, w] with brightness "
            "from 0 to 1. Divide by the largest value."
        )
    for name, value, good in (
        ("scale", scale, scale > 0),
        ("amplitude", amplitude, amplitude >= 0),
        ("duration", duration, duration > 0),
        ("frames", frames, frames >= 1),
        ("dark", dark, 0 < dark < 1),
    ):
        if not (good and np.isfinite(value)):
            raise InvalidValue(f"saccades.{name}: got {value!r}, out of range")
    rows, columns = sensor
    height, width = picture.shape[-2:]

    corners = amplitude * np.array([(0.5, -0.5), (-0.5, 0.0), (0.5, 0.5), (0.5, -0.5)])  # (y, x)
    progress = 0.5 - 0.5 * np.cos(np.pi * np.arange(frames) / frames)
    sides = corners[:-1, None] + progress[:, None] * np.diff(corners, axis=0)[:, None]
    path = np.vstack([sides.reshape(-1, 2), corners[-1:]])
    down = _bilinear(rows, height, scale, path[:, 0])  # [F, H, h]
    right = _bilinear(columns, width, scale, path[:, 1])  # [F, W, w]
    moved = down @ picture[..., None, :, :] @ right.swapaxes(-1, -2)
    times = np.arange(3 * frames + 1, dtype=np.float64) * (duration / frames)
    return (dark + (1 - dark) * moved).astype(np.float32), times


def _bilinear(pixels: int, samples: int, scale: float, shift: Array) -> NDArray[np.float64]:
    """Weights [F, pixels, samples] that resample one axis, centred and moved by `shift` pixels."""
    centre = (np.arange(pixels) - (pixels - 1) / 2 - shift[:, None]) / scale + (samples - 1) / 2
    return np.maximum(0.0, 1.0 - np.abs(centre[..., None] - np.arange(samples)))


def _checked_videos(videos: ArrayLike, times: ArrayLike) -> tuple[Array, NDArray[np.float64]]:
    frames, when = np.asarray(videos), np.asarray(times, dtype=np.float64)
    if frames.ndim != 4 or frames.shape[1] < 2 or 0 in frames.shape:
        raise InvalidValue(
            f"EventCamera.videos: got shape {frames.shape}, expected [B, F, H, W] with F >= 2"
        )
    if when.shape != frames.shape[1:2]:
        raise InvalidValue(
            f"EventCamera.times: got shape {when.shape}, expected one time for each of the "
            f"{frames.shape[1]} frames"
        )
    if not np.isfinite(when).all() or (np.diff(when) <= 0).any():
        raise InvalidValue("EventCamera.times: expected finite seconds that increase")
    bad = ~(np.isfinite(frames) & (frames > 0))
    if bad.any():
        at = tuple(int(i) for i in np.argwhere(bad)[0])
        raise InvalidValue(
            f"EventCamera.videos: intensity {frames[at]} at [b, f, y, x] = {list(at)}, expected "
            "finite and > 0 (the logarithm is taken). Add the scene's dark level."
        )
    return frames, when


def _crossings(
    log: NDArray[np.float64], times: NDArray[np.float64], thresholds: Array, refractory: float
) -> tuple[Array, Array, Array]:
    """Threshold crossings of piecewise linear signals.

    Args:
        log: the signals at the frame times, [F, N].
        times: [F] seconds.
        thresholds: OFF and ON, [2, N].
        refractory: seconds.

    Returns:
        Signal number, polarity and time in seconds of every crossing.
    """
    reference = log[0].copy()
    ready = np.full(log.shape[1], -np.inf)  # when the refractory period ends
    found: list[tuple[Array, Array, Array]] = []
    for k in range(len(times) - 1):
        begin, end, a, b = times[k], times[k + 1], log[k], log[k + 1]
        change = b - reference
        moved = (change >= thresholds[ON]) | (-change >= thresholds[OFF])
        held = ready > begin
        cell = np.flatnonzero((moved | held) & (ready <= end))
        while cell.size:
            slope = (b[cell] - a[cell]) / (end - begin)
            start = np.maximum(ready[cell], begin)
            released = ready[cell] > begin  # was in reset: starts from the present intensity
            level = np.where(released, a[cell] + slope * (start - begin), reference[cell])
            reference[cell] = level
            polarity = (slope > 0).astype(np.intp)
            level = level + np.where(polarity, 1.0, -1.0) * thresholds[polarity, cell]
            with np.errstate(divide="ignore", invalid="ignore"):
                when = np.maximum(begin + (level - a[cell]) / slope, start)
            fired = (slope != 0) & (when <= end)
            cell, when, polarity = cell[fired], when[fired], polarity[fired]
            found.append((cell, polarity, when))
            reference[cell] = level[fired]
            if refractory > 0:
                ready[cell] = when + refractory
                cell = cell[ready[cell] <= end]
    if not found:
        empty = np.zeros(0, dtype=np.intp)
        return empty, empty, np.zeros(0)
    cell, polarity, when = (np.concatenate(column) for column in zip(*found, strict=True))
    return cell, polarity, when


def _generator(*key: int) -> np.random.Generator:
    if any(int(k) != k or k < 0 for k in key):
        raise InvalidValue(f"EventCamera.seed: got {key[0]!r}, expected a whole number >= 0")
    return np.random.default_rng([int(k) for k in key])
