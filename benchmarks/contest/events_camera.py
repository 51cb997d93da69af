"""An event camera as plain loops over pictures and frames in NumPy, to compare neuro's with.

`numpy_camera` gives the very events of neuro's camera, which it was once. `loop_camera` is the
least that can be called one: no refractory period, no mismatch between pixels.
"""

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


def numpy_camera(
    picture: NDArray[np.float64], weights: tuple[Any, Any, Any], threshold: float, refractory: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """As `loop_camera`, with a refractory period, bit by bit as neuro's camera sees it."""
    down, across, times = weights
    video = (0.1 + (1 - 0.1) * (down @ picture @ across)).astype(np.float32)
    log = np.log(video.reshape(len(video), -1).astype(np.float64))
    size, ticks = log.shape[1], round(1e6 * times[-1])
    cell, polarity, when = _crossings(log, times, np.full((2, size), threshold), refractory)
    t = np.minimum(np.rint(when * 1e6).astype(np.int64), ticks - 1)
    unit = polarity * size + cell
    order = np.lexsort((unit, t))
    return t[order], unit[order]


def _crossings(
    log: NDArray[np.float64], times: NDArray[np.float64], thresholds: Any, refractory: float
) -> tuple[Any, Any, Any]:
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
    found: list[tuple[Any, Any, Any]] = []
    for k in range(len(times) - 1):
        begin, end, a, b = times[k], times[k + 1], log[k], log[k + 1]
        change = b - reference
        moved = (change >= thresholds[1]) | (-change >= thresholds[0])
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
