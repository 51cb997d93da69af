"""Compiled loops of the event camera and its eye movements."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

Array = NDArray[Any]


@intrinsic
def _fused(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c with a single rounding."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return types.float64(types.float64, types.float64, types.float64), generate


@njit(inline="always")
def fma(a: Any, b: Any, c: Any) -> Any:  # pragma: no cover - compiled
    return _fused(a, b, c)  # type: ignore[call-arg]


@njit(nogil=True, cache=True)
def changing(videos: Array, low: int, high: int, flags: Array) -> bool:
    """Set the flags [B, n] of pixels low to high of videos [B, F, N] that change.

    Whether all intensities are good: finite and above 0.
    """
    bad = np.zeros(high - low, np.bool_)
    for b in range(videos.shape[0]):
        row = flags[b]
        before = videos[b, 0, low:high]
        for f in range(videos.shape[1]):
            now = videos[b, f, low:high]
            for n in range(len(row)):  # one flag a pixel: a loop that runs on vectors
                row[n] |= now[n] != before[n]
                bad[n] |= not ((now[n] > 0) & (now[n] < np.inf))
            before = now
    return not bad.any()


@njit(nogil=True, cache=True)
def gather(videos: Array, first: Array, pixels: Array, out: Array) -> None:
    """The chosen pixels of videos [B, F, N] as columns of out [F, n].

    Those of recording b are pixels[first[b] : first[b + 1]].
    """
    for b in range(videos.shape[0]):
        for f in range(videos.shape[1]):
            frame, row = videos[b, f], out[f]
            for i in range(first[b], first[b + 1]):
                row[i] = frame[pixels[i]]


@njit(nogil=True, cache=True)
def in_order(key: Array, patience: int) -> bool:
    """Sort keys that are nearly sorted, in place, moving each a few places; False if too far.

    Gives up after `patience` moves a key on average; the keys are then in another order, but all
    there.
    """
    left = patience * len(key)
    for i in range(1, len(key)):
        now, k = key[i], i
        while k > 0 and key[k - 1] > now:
            key[k] = key[k - 1]
            k -= 1
        key[k] = now
        left -= i - k
        if left < 0:
            return False
    return True


@njit(nogil=True, cache=True)
def parted(key: Array, duration: int, units: int, t: Array, unit: Array) -> None:
    """Tick and unit of each key (recording * duration + tick) * units + unit."""
    for i in range(len(key)):
        moment = key[i] // units
        t[i] = moment % duration
        unit[i] = key[i] - moment * units


@njit(nogil=True, cache=True)
def crossings(
    log: Array,
    first: Array,
    times: Array,
    off: Array,
    on: Array,
    refractory: float,
    row: Array,
    polarity: Array,
    when: Array,
) -> int:
    """Threshold crossings of piecewise linear signals: by recording, frame, signal and time.

    Args:
        log: the signals at the frame times, [F, n].
        first: those of recording b are first[b] to first[b + 1].
        times: [F] seconds.
        off, on: thresholds [n].
        refractory: seconds.
        row, polarity, when: filled with the number of the signal, 0 or 1, and seconds.

    Returns:
        How many there are; only those that fit the columns were written.
    """
    room = len(when)
    count = 0
    references, held = log[0].copy(), np.full(log.shape[1], -np.inf)
    for r in range(len(first) - 1):
        for k in range(len(times) - 1):
            begin, end = times[k], times[k + 1]
            for i in range(first[r], first[r + 1]):
                a, b, reference, ready = log[k, i], log[k + 1, i], references[i], held[i]
                change = b - reference
                moved = change >= on[i] or -change >= off[i]
                if not ((moved or ready > begin) and ready <= end):
                    continue
                slope = (b - a) / (end - begin)
                while True:
                    start = max(ready, begin)
                    if ready > begin:  # was in reset: starts from the present intensity
                        reference = a + slope * (start - begin)
                    if slope == 0:
                        break
                    level = reference + on[i] if slope > 0 else reference - off[i]
                    time = max(begin + (level - a) / slope, start)
                    if not time <= end:
                        break
                    if count < room:
                        row[count] = i
                        polarity[count] = slope > 0
                        when[count] = time
                    count += 1
                    reference = level
                    if refractory > 0:
                        ready = time + refractory  # when the refractory period ends
                        if ready > end:
                            break
                references[i], held[i] = reference, ready
    return count


@njit(nogil=True, cache=True)
def resample(
    pictures: Array,
    down_first: Array,
    down: Array,
    right_first: Array,
    right: Array,
    dark: float,
    out: Array,
) -> None:
    """Pictures moved and enlarged bilinearly, frame by frame.

    The sums run from the lowest to the highest pixel with fused products, the same on every
    processor and the same as a matrix product gives that fuses them.

    Args:
        pictures: [B, h, w] from 0 to 1.
        down_first, down: first contributing row [F, H], and the weights of it and its followers
            [F, H, K]; weights past the picture's edge are 0.
        right_first, right: the same for columns, [F, W] and [F, W, K].
        dark: intensity of the background.
        out: float32 [B, F, H, W].
    """
    count, height, width = pictures.shape
    frames, rows, columns = out.shape[1:]
    high_taps, wide_taps = down.shape[2], right.shape[2]
    line, moved = np.zeros(width), np.zeros(columns)
    background = np.float32(dark + (1 - dark) * 0.0)
    for b in range(count):
        picture = pictures[b]
        top, bottom, left, end = height, 0, width, 0  # the box that holds all that is lit
        for y in range(height):
            for x in range(width):
                if picture[y, x] != 0:
                    top, bottom = min(top, y), y + 1
                    left, end = min(left, x), max(end, x + 1)
        for f in range(frames):
            begins = right_first[f]
            low, high = columns, 0  # columns of the sensor that the box can light
            for x in range(columns):
                if begins[x] < end and begins[x] + wide_taps > left:
                    low, high = min(low, x), x + 1
            for y in range(rows):
                target = out[b, f, y]
                target[:] = background
                begin = down_first[f, y]
                if begin >= bottom or begin + high_taps <= top:
                    continue
                line[left:end] = 0.0
                for k in range(high_taps):
                    weight, source = down[f, y, k], picture[begin + k]
                    for x in range(left, end):
                        line[x] = fma(weight, source[x], line[x])
                moved[low:high] = 0.0
                for k in range(wide_taps):
                    for x in range(low, high):
                        moved[x] = fma(line[begins[x] + k], right[f, x, k], moved[x])
                for x in range(low, high):
                    target[x] = np.float32(dark + (1 - dark) * moved[x])
        line[left:end] = 0.0
