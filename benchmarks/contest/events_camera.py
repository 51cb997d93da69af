"""An event camera as a plain loop over pictures and frames in NumPy, to compare neuro's with."""

from __future__ import annotations

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


def loop_camera(
    video: NDArray[np.float64], times: NDArray[np.float64], threshold: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Seconds and flat units (polarity, y, x) of one video [F, H, W], unordered within a frame."""
    log = np.log(video.reshape(len(video), -1).astype(np.float64))
    level, size = log[0].copy(), log.shape[1]
    seconds, units = [np.zeros(0)], [np.zeros(0, np.int64)]
    for k in range(len(times) - 1):
        a, b = log[k], log[k + 1]
        while True:
            up, down = b - level >= threshold, level - b >= threshold
            pixel = np.flatnonzero(up | down)
            if not pixel.size:
                break
            level[pixel] += np.where(up[pixel], threshold, -threshold)
            share = (level[pixel] - a[pixel]) / (b[pixel] - a[pixel])
            seconds.append(times[k] + share * (times[k + 1] - times[k]))
            units.append(up[pixel] * size + pixel)
    return np.concatenate(seconds), np.concatenate(units)
