"""Actors of sources: what the units of one part emit in a tick, as `Source.emission` defines it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import cfunc, njit
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.errors import Unsupported
from neuro.lower.normal import quantiles, standard_normal
from neuro.sim.native import ACTOR, carray, pointer
from neuro.sources import (
    OrnsteinUhlenbeck,
    Poisson,
    Recorded,
    Source,
    StepCurrent,
    WhiteNoise,
)
from neuro.sources._words import BLOCK, fill, keys, poisson_thresholds

# Fields of the arguments: own units, output; segments of time; key, words; what a kind needs.
(N, LOW, OUT, SEGMENTS, AT, K0, K1, WORDS, A, B, C, D, INNER, TAIL, FIELDS) = range(15)
LAST = 1 - 2.0**-33  # of a cumulated probability


class SourceStep(NamedTuple):
    """The actor of a source for a part: address, arguments, and what a snapshot keeps."""

    address: int
    args: NDArray[np.int64]
    state: dict[str, NDArray[Any]]
    kept: list[Any]


def step(
    source: Source, clock: Clock, seed: int, dtype: Any, low: int, high: int, out: NDArray[Any]
) -> SourceStep:
    """The actor for units low to high, which writes into `out` [high - low].

    Args:
        seed: of the run.
        low: a multiple of 64.

    Raises:
        Unsupported: the engine does not know this kind of source.
    """
    n = high - low
    words = np.zeros(-(-n // BLOCK) * BLOCK, np.uint32)
    kept: list[Any] = [words, out]
    state: dict[str, NDArray[Any]] = {}
    a = np.zeros(FIELDS, np.int64)
    a[[N, LOW, OUT, WORDS]] = n, low, out.ctypes.data, words.ctypes.data

    def put(field: int, array: NDArray[Any]) -> None:
        kept.append(np.ascontiguousarray(array))
        a[field] = kept[-1].ctypes.data

    def own(value: Any) -> NDArray[np.float64]:
        return np.broadcast_to(np.asarray(value, np.float64), source.units).ravel()[low:high]

    if isinstance(source, (Poisson, WhiteNoise, OrnsteinUhlenbeck)):
        a[[K0, K1]] = keys(source.seed, seed)
    match source:
        case Poisson():
            at, means = source.means(clock)
            put(AT, at)
            a[SEGMENTS] = len(at)
            if means.ndim == 1:
                kind = "poisson"
                tables = [poisson_thresholds(float(m)) for m in means]
                a[B] = max(map(len, tables))
                whole = np.zeros((len(tables), int(a[B])), np.uint32)
                for row, t in zip(whole, tables, strict=True):
                    row[: len(t)] = t
                put(A, whole)
                put(C, np.array([len(t) for t in tables], np.int64))
            else:
                kind = "poisson_each"
                put(A, means[:, low:high])
                put(C, np.exp(-means[:, low:high]))
        case StepCurrent():
            kind = "steps"
            at = clock.ticks(source.times)
            put(AT, at)
            levels = np.asarray(source.amplitude).reshape(len(at), -1)
            put(A, np.broadcast_to(levels, (len(at), source.size))[:, low:high])
            a[SEGMENTS] = len(at)
        case Recorded():
            kind = "recorded"
            put(A, source.samples.reshape(len(source.samples), -1)[:, low:high])
            a[[B, C]] = len(source.samples), source.ratio(clock)
        case WhiteNoise():
            kind = "white_noise"
            put(A, own(source.mean))
            put(B, own(np.asarray(source.sigma) / np.sqrt(clock.dt)))
        case OrnsteinUhlenbeck():
            kind = "ornstein_uhlenbeck"
            keep = np.exp(-clock.dt / source.tau)
            state["x"] = np.zeros(n)
            kept.append(state["x"])
            a[D] = state["x"].ctypes.data
            put(A, own(source.mean))
            put(B, own(source.sd))
            put(C, np.array([keep, np.sqrt(1 - keep * keep)]))
        case _:
            raise Unsupported(
                source.name, "engine='compiled'", "it has no actor for this kind of source",
                "feed what it emits into an Input",
            )  # fmt: skip
    if kind in ("white_noise", "ornstein_uhlenbeck"):
        inner, tail = quantiles()
        put(INNER, inner)
        put(TAIL, tail)
    function = _ACTORS[kind, str(np.dtype(dtype))]
    return SourceStep(function.address, a, state, kept)


@njit(error_model="numpy")
def _segment(a, tick):
    at = carray(pointer(a[AT]), a[SEGMENTS], np.int64)
    s = a[SEGMENTS] - 1
    while at[s] > tick:
        s -= 1
    return s


@njit(error_model="numpy")
def _own_words(a, tick):
    n = a[N]
    blocks = -(-n // BLOCK)
    words = carray(pointer(a[WORDS]), blocks * BLOCK, np.uint32)
    fill(a[LOW] // BLOCK, blocks, tick, np.uint32(a[K0]), np.uint32(a[K1]), words)
    return words


@njit(error_model="numpy")
def _poisson(args, tick, f):
    """The number of thresholds that a word reaches, by blocks that stay in the cache."""
    a = carray(pointer(args), FIELDS, np.int64)
    n = a[N]
    out = carray(pointer(a[OUT]), n, f)
    s = _segment(a, tick)
    count = carray(pointer(a[C]), a[SEGMENTS], np.int64)[s]
    thresholds = carray(pointer(a[A] + 4 * s * a[B]), count, np.uint32)
    words = _own_words(a, tick)
    for begin in range(0, n, 1024):
        part = words[begin : min(begin + 1024, n)]
        to = out[begin : min(begin + 1024, n)]
        to[:] = f(0.0)
        for k in range(count):
            least = thresholds[k]
            for i in range(len(to)):
                to[i] += f(1.0) if part[i] >= least else f(0.0)


@njit(error_model="numpy")
def _poisson_each(args, tick, f):
    a = carray(pointer(args), FIELDS, np.int64)
    n = a[N]
    out = carray(pointer(a[OUT]), n, f)
    s = _segment(a, tick)
    mean = carray(pointer(a[A] + 8 * s * n), n, np.float64)
    none = carray(pointer(a[C] + 8 * s * n), n, np.float64)
    words = _own_words(a, tick)
    for i in range(n):
        p = none[i]
        total, k = p, 0
        while total < LAST and words[i] >= np.uint32(total * 2.0**32):
            k += 1
            p *= mean[i] / k
            total += p
        out[i] = k


@njit(error_model="numpy")
def _steps(args, tick, f):
    a = carray(pointer(args), FIELDS, np.int64)
    n = a[N]
    out = carray(pointer(a[OUT]), n, f)
    level = carray(pointer(a[A] + 8 * n * _segment(a, tick)), n, np.float64)
    for i in range(n):
        out[i] = level[i]


@njit(error_model="numpy")
def _recorded(args, tick, f):
    a = carray(pointer(args), FIELDS, np.int64)
    n = a[N]
    out = carray(pointer(a[OUT]), n, f)
    row = (tick // a[C]) % a[B]
    sample = carray(pointer(a[A] + 8 * n * row), n, np.float64)
    for i in range(n):
        out[i] = sample[i]


@njit(error_model="numpy")
def _white_noise(args, tick, f):
    a = carray(pointer(args), FIELDS, np.int64)
    n = a[N]
    out = carray(pointer(a[OUT]), n, f)
    mean, size = carray(pointer(a[A]), n, np.float64), carray(pointer(a[B]), n, np.float64)
    inner = carray(pointer(a[INNER]), 1 << 16, np.float32)
    tail = carray(pointer(a[TAIL]), 1 << 16, np.float32)
    words = _own_words(a, tick)
    for i in range(n):
        out[i] = mean[i] + size[i] * np.float64(standard_normal(words[i], inner, tail))


@njit(error_model="numpy")
def _ornstein_uhlenbeck(args, tick, f):
    a = carray(pointer(args), FIELDS, np.int64)
    n = a[N]
    out = carray(pointer(a[OUT]), n, f)
    mean, sd = carray(pointer(a[A]), n, np.float64), carray(pointer(a[B]), n, np.float64)
    keep = carray(pointer(a[C]), 2, np.float64)
    x = carray(pointer(a[D]), n, np.float64)
    inner = carray(pointer(a[INNER]), 1 << 16, np.float32)
    tail = carray(pointer(a[TAIL]), 1 << 16, np.float32)
    words = _own_words(a, tick)
    for i in range(n):
        draw = np.float64(standard_normal(words[i], inner, tail))
        x[i] = draw if tick == 0 else keep[0] * x[i] + keep[1] * draw
        out[i] = mean[i] + sd[i] * x[i]


@cfunc(ACTOR, cache=True, error_model="numpy")
def poisson_float32(args, tick, k):
    _poisson(args, tick, np.float32)


@cfunc(ACTOR, cache=True, error_model="numpy")
def poisson_float64(args, tick, k):
    _poisson(args, tick, np.float64)


@cfunc(ACTOR, cache=True, error_model="numpy")
def poisson_each_float32(args, tick, k):
    _poisson_each(args, tick, np.float32)


@cfunc(ACTOR, cache=True, error_model="numpy")
def poisson_each_float64(args, tick, k):
    _poisson_each(args, tick, np.float64)


@cfunc(ACTOR, cache=True, error_model="numpy")
def steps_float32(args, tick, k):
    _steps(args, tick, np.float32)


@cfunc(ACTOR, cache=True, error_model="numpy")
def steps_float64(args, tick, k):
    _steps(args, tick, np.float64)


@cfunc(ACTOR, cache=True, error_model="numpy")
def recorded_float32(args, tick, k):
    _recorded(args, tick, np.float32)


@cfunc(ACTOR, cache=True, error_model="numpy")
def recorded_float64(args, tick, k):
    _recorded(args, tick, np.float64)


@cfunc(ACTOR, cache=True, error_model="numpy")
def white_noise_float32(args, tick, k):
    _white_noise(args, tick, np.float32)


@cfunc(ACTOR, cache=True, error_model="numpy")
def white_noise_float64(args, tick, k):
    _white_noise(args, tick, np.float64)


@cfunc(ACTOR, cache=True, error_model="numpy")
def ornstein_uhlenbeck_float32(args, tick, k):
    _ornstein_uhlenbeck(args, tick, np.float32)


@cfunc(ACTOR, cache=True, error_model="numpy")
def ornstein_uhlenbeck_float64(args, tick, k):
    _ornstein_uhlenbeck(args, tick, np.float64)


_ACTORS: dict[tuple[str, str], Any] = {
    ("poisson", "float32"): poisson_float32,
    ("poisson", "float64"): poisson_float64,
    ("poisson_each", "float32"): poisson_each_float32,
    ("poisson_each", "float64"): poisson_each_float64,
    ("steps", "float32"): steps_float32,
    ("steps", "float64"): steps_float64,
    ("recorded", "float32"): recorded_float32,
    ("recorded", "float64"): recorded_float64,
    ("white_noise", "float32"): white_noise_float32,
    ("white_noise", "float64"): white_noise_float64,
    ("ornstein_uhlenbeck", "float32"): ornstein_uhlenbeck_float32,
    ("ornstein_uhlenbeck", "float64"): ornstein_uhlenbeck_float64,
}
