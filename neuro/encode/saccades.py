"""The eye movements of N-MNIST, which make a still picture visible to an event camera."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.encode._threads import parallel
from neuro.errors import InvalidValue, require
from neuro.units import ms

Array = NDArray[Any]
_PIXELS = 1 << 15  # of the sensor times pictures that one thread works on at a time


def saccades(
    images: ArrayLike,
    *,
    sensor: tuple[int, int] = (34, 34),
    scale: float = 1.0,
    amplitude: float = 3.0,
    duration: float = 100 * ms,
    frames: int = 20,
    dark: float = 0.1,
    threads: int | None = None,
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
        threads: at most so many at once, by default one for each processor; the video does not
            depend on it.

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

    require("numba", "events")
    from neuro.encode import _camera_kernels as kernels

    corners = amplitude * np.array([(0.5, -0.5), (-0.5, 0.0), (0.5, 0.5), (0.5, -0.5)])  # (y, x)
    progress = 0.5 - 0.5 * np.cos(np.pi * np.arange(frames) / frames)
    sides = corners[:-1, None] + progress[:, None] * np.diff(corners, axis=0)[:, None]
    path = np.vstack([sides.reshape(-1, 2), corners[-1:]])
    down = _taps(_bilinear(rows, height, scale, path[:, 0]))
    right = _taps(_bilinear(columns, width, scale, path[:, 1]))
    stack = np.ascontiguousarray(picture).reshape(-1, height, width)
    video = np.empty((len(stack), len(path), rows, columns), np.float32)
    group = max(1, _PIXELS // (rows * columns))

    def show(low: int) -> None:
        part = np.s_[low : low + group]
        kernels.resample(stack[part], *down, *right, float(dark), video[part])

    parallel(show, range(0, len(stack), group), threads, "saccades")
    times = np.arange(3 * frames + 1, dtype=np.float64) * (duration / frames)
    return video.reshape(*picture.shape[:-2], *video.shape[1:]), times


def _bilinear(pixels: int, samples: int, scale: float, shift: Array) -> NDArray[np.float64]:
    """Weights [F, pixels, samples] that resample one axis, centred and moved by `shift` pixels."""
    centre = (np.arange(pixels) - (pixels - 1) / 2 - shift[:, None]) / scale + (samples - 1) / 2
    return np.maximum(0.0, 1.0 - np.abs(centre[..., None] - np.arange(samples)))


def _taps(weights: NDArray[np.float64]) -> tuple[Array, NDArray[np.float64]]:
    """The run of weights of each output that is not 0: its first sample [F, H], and [F, H, K]."""
    samples = weights.shape[-1]
    present = weights != 0
    width = max(1, int(present.sum(axis=-1).max()))
    first = np.minimum(present.argmax(axis=-1), samples - width)
    return first, np.take_along_axis(weights, first[..., None] + np.arange(width), axis=-1)
