"""Random smooth manifolds: points on them become spike times, labelled by manifold."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.data.dataset import EventDataset
from neuro.events import Events
from neuro.synthetic._checks import above, generator, length, whole
from neuro.units import ms

STEP = Clock(1 * ms)
_PRECISION = 1e-3  # relative size of the first harmonic that is left out
_MOST = 1000  # harmonics


def manifold_times(
    samples: int = 100,
    *,
    classes: int = 10,
    units: int = 50,
    dimension: int = 1,
    alpha: float = 2.0,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Points on random smooth manifolds as spike times, [classes, samples, units] in [0, 1).

    Coordinate u of a manifold is a product of random Fourier series, one of each of its own
    coordinates x_1 ... x_D, which are uniform in [0, 1):

        f_u(x) = prod_d sum_{k=0}^{K-1} a_k / (k + 1)^alpha sin(2 pi (k b_k x_d + c_k))

    with a, b, c uniform in [0, 1), a_0 = 0, and K the first harmonic below 1/1000 of the first
    (at most 1000). Each unit's times are then stretched to fill [0, 1) over the samples of a
    class, the last one ending just below 1.

    Args:
        samples: points of each manifold, at least 2.
        classes: manifolds.
        units: dimension of the space that the manifolds lie in.
        dimension: D of the manifolds; the task gets harder with it.
        alpha: smoothness, > 0; the task gets harder towards 1 and below.
        seed: of the manifolds and the points. Manifolds do not depend on how many follow.

    Raises:
        InvalidValue: an argument is out of range.

    Source: Zenke & Vogels, Neural Computation 33 (2021), and their program.
    """
    where = "manifold_times"
    count, kinds = whole(f"{where}.samples", samples, 2), whole(f"{where}.classes", classes)
    size, dims = whole(f"{where}.units", units), whole(f"{where}.dimension", dimension)
    harmonics = _harmonics(above(f"{where}.alpha", alpha))
    k = np.arange(harmonics)
    times = np.empty((kinds, count, size))
    for c in range(kinds):
        random = generator(where, seed, c)
        a, b, shift = random.uniform(size=(3, size, dims, harmonics))
        a[..., 0] = 0
        x = random.uniform(size=(count, dims))
        weight = a * (k + 1.0) ** -alpha
        for u in range(size):
            wave = np.sin(2 * math.pi * (x[:, :, None] * (k * b[u]) + shift[u]))
            times[c, :, u] = (wave * weight[u]).sum(axis=-1).prod(axis=-1)
    low, high = times.min(axis=1, keepdims=True), times.max(axis=1, keepdims=True)
    return np.minimum((times - low) / (high - low), np.nextafter(1, 0))


def randman(
    samples: int = 100,
    *,
    classes: int = 10,
    units: int = 50,
    dimension: int = 1,
    alpha: float = 2.0,
    duration: float = 100 * ms,
    clock: Clock = STEP,
    seed: int = 0,
) -> EventDataset:
    """The manifolds of `manifold_times` as recordings: each unit fires once, at its time.

    Nothing but spike times tells the classes apart. A time in [0, 1) becomes the tick
    floor(time * duration).

    Args:
        samples, classes, units, dimension, alpha, seed: as in `manifold_times`.
        duration: seconds that [0, 1) is stretched to, whole ticks.
        clock: of the events.

    Returns:
        `samples * classes` recordings of shape (units,), ordered by label; shuffle before use.

    Raises:
        InvalidValue: an argument is out of range.
    """
    ticks = length("randman.duration", duration, clock)
    times = manifold_times(
        samples, classes=classes, units=units, dimension=dimension, alpha=alpha, seed=seed
    )
    everyone = np.arange(times.shape[2])
    recordings = [
        Events.sorted(
            np.floor(point * ticks).astype(np.int64), everyone, shape=times.shape[2], clock=clock,
            duration=ticks,
        )
        for point in times.reshape(-1, times.shape[2])
    ]  # fmt: skip
    return EventDataset.from_events(
        recordings, np.repeat(np.arange(len(times)), times.shape[1]),
        classes=[f"manifold {c}" for c in range(len(times))], name="randman",
        source="made by neuro.synthetic after Zenke & Vogels 2021",
        attributes={"seed": int(seed), "dimension": int(dimension), "alpha": float(alpha)},
    )  # fmt: skip


def _harmonics(alpha: float) -> int:
    return min(_MOST, math.ceil(_PRECISION ** (-1 / alpha))) if alpha > 0.5 else _MOST
