"""An event camera as a plain loop over pictures and frames in NumPy, to compare neuro's with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def pictures(count: int, seed: int = 0) -> NDArray[np.float64]:
    """Pictures like handwritten digits: one bright stroke on black, 28 x 28, from 0 to 1."""
    rng = np.random.default_rng([seed, 5])
    corners = rng.uniform(5, 22, (count, 4, 2))
    y, x = np.mgrid[:28, :28]
    made = np.zeros((count, 28, 28))
    for k in range(3):
        a, b = corners[:, k, :, None, None], corners[:, k + 1, :, None, None]
        along = b - a
        length = (along**2).sum(axis=1) + 1e-9
        share = np.clip(((y - a[:, 0]) * along[:, 0] + (x - a[:, 1]) * along[:, 1]) / length, 0, 1)
        away = np.hypot(y - a[:, 0] - share * along[:, 0], x - a[:, 1] - share * along[:, 1])
        made = np.maximum(made, np.clip(2.2 - away, 0, 1))
    return made


def eye(sensor: int = 34, samples: int = 28, frames: int = 20) -> tuple[Any, Any, Any]:
    """Bilinear weights [F, sensor, samples] down and across for three saccades, and the times."""
    corners = 3.0 * np.array([(0.5, -0.5), (-0.5, 0.0), (0.5, 0.5), (0.5, -0.5)])
    progress = 0.5 - 0.5 * np.cos(np.pi * np.arange(frames) / frames)
    sides = corners[:-1, None] + progress[:, None] * np.diff(corners, axis=0)[:, None]
    path = np.vstack([sides.reshape(-1, 2), corners[-1:]])
    centre = np.arange(sensor) - (sensor - 1) / 2 + (samples - 1) / 2
    down, across = (
        np.maximum(0, 1 - np.abs((centre - shift[:, None])[..., None] - np.arange(samples)))
        for shift in path.T
    )
    return down, across.swapaxes(1, 2), np.arange(3 * frames + 1) * (0.1 / frames)


def loop_camera(
    picture: NDArray[np.float64], weights: tuple[Any, Any, Any], threshold: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Microseconds and flat units (polarity, y, x) of one picture, ordered."""
    down, across, times = weights
    video = 0.1 + 0.9 * (down @ picture @ across)
    log = np.log(video.reshape(len(video), -1))
    level, size = log[0].copy(), log.shape[1]
    seconds, units = [np.zeros(0)], [np.zeros(0, np.int64)]
    for k in range(len(times) - 1):
        a, b = log[k], log[k + 1]
        while True:
            up, down_ = b - level >= threshold, level - b >= threshold
            pixel = np.flatnonzero(up | down_)
            if not pixel.size:
                break
            level[pixel] += np.where(up[pixel], threshold, -threshold)
            share = (level[pixel] - a[pixel]) / (b[pixel] - a[pixel])
            seconds.append(times[k] + share * (times[k + 1] - times[k]))
            units.append(up[pixel] * size + pixel)
    t = np.rint(1e6 * np.concatenate(seconds)).astype(np.int64)
    unit = np.concatenate(units)
    order = np.lexsort((unit, t))
    return t[order], unit[order]
