"""A simulated event camera: videos to events, with mismatch, noise and leak."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.clock import Clock
from neuro.encode._threads import parallel
from neuro.errors import InvalidValue, require
from neuro.events import Events
from neuro.units import ms, us

Array = NDArray[Any]

MICROSECOND = Clock(1 * us)
OFF, ON = 0, 1  # index of the polarity axis, the same as N-MNIST's polarity bit
Fired = tuple[Array, Array, Array]  # recording, unit and time in seconds of some events
_PIXELS = 1 << 13  # that one thread works on at a time
_FAR = 40  # places that events are moved one by one to their order, on average


class Seen(NamedTuple):
    """Recordings of one camera in common columns, each sorted by tick, then unit.

    Recording i owns the rows offsets[i] to offsets[i + 1] of t (int64) and unit (int32); all
    last `duration` ticks and have the shape (2, H, W).
    """

    t: Array
    unit: Array
    offsets: Array
    shape: tuple[int, ...]
    duration: int


@dataclass(frozen=True)
class EventCamera:
    """An event camera: each pixel fires when its log intensity has moved by a threshold.

    A pixel remembers the log intensity L of its last event. When L has risen by the ON threshold
    (fallen by the OFF threshold) it fires an ON (OFF) event, remembers the level that it crossed,
    and is held in reset for the refractory period, after which it starts from the intensity of
    that moment. Between frames L is interpolated linearly, so a pixel may fire several times
    between two frames, each at its own time. (Lichtsteiner, Posch & Delbruck 2008, IEEE J.
    Solid-State Circuits 43:566 for the pixel; Rebecq, Gehrig & Scaramuzza 2018, ESIM, CoRL for the
    interpolation; Hu, Liu & Delbruck 2021, v2e, CVPR workshops for mismatch, noise and leak.)

    Args:
        threshold: contrast threshold in units of log intensity, > 0; 0.25 is a 28 % change.
        mismatch: standard deviation of the threshold from pixel to pixel, in the same units,
            drawn apart for ON and OFF. Thresholds are kept above a tenth of `threshold`.
        refractory: seconds for which a pixel is held in reset after an event.
        noise_rate: background events per pixel in Hz, a Poisson process of either polarity. A
            noise event does not change the pixel's memory, and one that falls within the
            refractory period of another event of its pixel is left out.
        noise_falloff: share of the noise that is gone at the video's largest intensity, falling
            linearly with the intensity (shot noise is loudest in the dark); v2e uses 0.75.
        leak_rate: ON events per pixel in Hz of a picture that does not change: the junction leak
            of the pixel's memory, a drift of `leak_rate` ON thresholds a second (v2e: 0.1).
        clock: time stamps are rounded to its ticks.

    Raises:
        InvalidValue: a field is not finite or out of range.
    """

    threshold: float = 0.25
    mismatch: float = 0.0
    refractory: float = 1 * ms
    noise_rate: float = 0.0
    clock: Clock = MICROSECOND
    noise_falloff: float = 0.0
    leak_rate: float = 0.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.threshold) and self.threshold > 0):
            raise InvalidValue(f"EventCamera.threshold: got {self.threshold!r}, expected > 0")
        for field in ("mismatch", "refractory", "noise_rate", "leak_rate", "noise_falloff"):
            value = getattr(self, field)
            if not (np.isfinite(value) and value >= 0):
                raise InvalidValue(f"EventCamera.{field}: got {value!r}, expected >= 0")
        if self.noise_falloff > 1:
            raise InvalidValue(
                f"EventCamera.noise_falloff: got {self.noise_falloff!r}, expected 0 to 1"
            )

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
        self,
        videos: ArrayLike,
        times: ArrayLike,
        *,
        seed: int = 0,
        first: int = 0,
        threads: int | None = None,
    ) -> list[Events]:
        """Events of several videos [B, F, H, W] seen by the same sensor; see `watch`.

        Args:
            videos: intensities > 0.
            times: of the frames in seconds, [F].
            seed: of the sensor's thresholds and the noise.
            first: number of the first recording, so that a set seen in parts gets the noise
                that it would get when seen whole.
            threads: at most so many at once, by default one for each processor; the events do
                not depend on it.
        """
        seen = self.columns(videos, times, seed=seed, first=first, threads=threads)
        return [
            Events(seen.t[a:b], seen.unit[a:b], seen.shape, seen.duration, self.clock)
            for a, b in pairwise(seen.offsets)
        ]

    def columns(
        self,
        videos: ArrayLike,
        times: ArrayLike,
        *,
        seed: int = 0,
        first: int = 0,
        threads: int | None = None,
    ) -> Seen:
        """The same as `watch_batch`, all recordings in common columns (for large sets)."""
        frames, times = _checked_videos(videos, times)
        count, _, height, width = frames.shape
        duration = int(self.clock.ticks(times[-1] - times[0], what="EventCamera.times"))
        if duration < 1:
            raise InvalidValue(
                f"EventCamera.times: the video lasts {times[-1] - times[0]:g} s, less than a tick "
                f"of {self.clock.dt:g} s. Use a finer Clock or check the unit (seconds)."
            )
        _generator(seed, first)  # refuses what is no seed before the work begins
        require("numba", "events")
        size = height * width
        flat = frames.reshape(count, len(times), size)
        thresholds = self.thresholds(height, width, seed=seed).reshape(2, -1)
        group = max(1, _PIXELS // size)  # small videos are seen several at a time
        spans = [(low, min(low + group, count)) for low in range(0, count, group)]
        strips = [(start, min(start + _PIXELS, size)) for start in range(0, size, _PIXELS)]

        def look(piece: tuple[int, int, int, int]) -> Fired | None:
            low, high, start, stop = piece
            return self._crossed(flat[low:high], times, thresholds, start, stop)

        pieces = [(*span, *strip) for span in spans for strip in strips]
        parts = parallel(look, pieces, threads, "EventCamera")

        def finish(number: int) -> tuple[Array, Array, Array]:
            low, high = spans[number]
            fired = [f for f in parts[number * len(strips) :][: len(strips)] if f is not None]
            if len(fired) < len(strips):
                raise _refusal(frames)
            recording, unit, when = (np.concatenate(c) for c in zip(*fired, strict=True))
            if self.noise_rate > 0:
                noisy = []
                for b in range(low, high):
                    mine = recording == b - low
                    key = (seed, 1, first + b)
                    both = self._with_noise(unit[mine], when[mine], times, size, key, flat[b])
                    noisy.append((np.full(len(both[0]), b - low), *both))
                recording, unit, when = (np.concatenate(c) for c in zip(*noisy, strict=True))
            tick = self.clock.ticks(when - times[0])
            tick = np.minimum(tick, duration - 1)  # the last half tick rounds up to the end itself
            t, unit = _ordered(recording, tick, unit, high - low, duration, 2 * size)
            return t, unit, np.bincount(recording, minlength=high - low)

        done = parallel(finish, range(len(spans)), threads, "EventCamera")
        t, unit, lengths = (np.concatenate(c) for c in zip(*done, strict=True))
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        return Seen(t, unit, offsets, (2, height, width), duration)

    def _crossed(
        self, videos: Array, times: Array, thresholds: Array, start: int, stop: int
    ) -> Fired | None:
        """Recording, unit and seconds of the events of some pixels of videos [B, F, N].

        None if an intensity is bad.
        """
        from neuro.encode import _camera_kernels as kernels

        changes = np.zeros((len(videos), stop - start), np.bool_)
        if not kernels.changing(videos, start, stop, changes):
            return None
        if self.leak_rate > 0:
            changes[:] = True
        recording, pixels = np.nonzero(changes)
        pixels += start
        first = np.searchsorted(recording, np.arange(len(videos) + 1))
        signal = np.empty((len(times), len(pixels)))
        kernels.gather(videos, first, pixels, signal)
        np.log(signal, out=signal)
        off, on = thresholds[OFF, pixels], thresholds[ON, pixels]
        if self.leak_rate > 0:  # a memory that falls is a signal that rises
            signal += (times - times[0])[:, None] * (self.leak_rate * on)
        room = signal.size // 3 + 64
        while True:
            row, polarity = np.empty(room, np.int64), np.empty(room, np.int64)
            when = np.empty(room)
            count = kernels.crossings(
                signal, first, times, off, on, float(self.refractory), row, polarity, when
            )
            if count <= room:
                break
            room = count
        row = row[:count]
        return recording[row], polarity[:count] * videos.shape[2] + pixels[row], when[:count]

    def _with_noise(
        self,
        unit: Array,
        when: Array,
        times: Array,
        size: int,
        key: tuple[int, ...],
        video: Array,
    ) -> tuple[Array, Array]:
        rng = _generator(*key)
        number = rng.poisson(self.noise_rate * (times[-1] - times[0]) * size)
        where, moment = (
            rng.integers(2 * size, size=number),
            rng.uniform(times[0], times[-1], number),
        )
        if self.noise_falloff > 0:
            frame = np.searchsorted(times, moment, side="right") - 1
            light = video[frame, where % size] / video.max()
            quiet = rng.uniform(size=number) < self.noise_falloff * light
            where, moment = where[~quiet], moment[~quiet]
        noise = np.zeros(len(when) + len(moment), bool)
        noise[len(when) :] = True
        unit, when = np.concatenate([unit, where]), np.concatenate([when, moment])
        order = np.lexsort((when, unit % size))
        unit, when, noise = unit[order], when[order], noise[order]
        close = (np.diff(unit % size) == 0) & (np.diff(when) < self.refractory)
        crowded = np.zeros(len(when), bool)
        crowded[1:] |= close
        crowded[:-1] |= close
        keep = ~(noise & crowded)
        return unit[keep], when[keep]


def _ordered(
    recording: Array, tick: Array, unit: Array, count: int, duration: int, units: int
) -> tuple[Array, NDArray[np.int32]]:
    """Ticks and units by recording, then tick, then unit."""
    if count * duration * units >= 1 << 63:
        order = np.lexsort((unit, tick, recording))
        return tick[order], unit[order].astype(np.int32)
    from neuro.encode import _camera_kernels as kernels

    key = (recording * duration + tick) * units + unit  # much faster than three columns
    if not kernels.in_order(key, _FAR):  # they come frame by frame, so most are near their place
        key.sort()
    t, ordered = np.empty(len(key), np.int64), np.empty(len(key), np.int32)
    kernels.parted(key, duration, units, t, ordered)
    return t, ordered


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
    if frames.dtype not in (np.float32, np.float64):
        frames = frames.astype(np.float64)
    return frames, when


def _refusal(frames: Array) -> InvalidValue:
    bad = ~(np.isfinite(frames) & (frames > 0))
    at = tuple(int(i) for i in np.argwhere(bad)[0])
    return InvalidValue(
        f"EventCamera.videos: intensity {frames[at]} at [b, f, y, x] = {list(at)}, expected "
        "finite and > 0 (the logarithm is taken). Add the scene's dark level."
    )


def _generator(*key: int) -> np.random.Generator:
    if any(int(k) != k or k < 0 for k in key):
        raise InvalidValue(f"EventCamera.seed: got {key[0]!r}, expected a whole number >= 0")
    return np.random.default_rng([int(k) for k in key])
