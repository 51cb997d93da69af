"""Compiled loops of the inner ear: filter, hair cells and bushy cell, channel by channel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]


@njit(nogil=True, cache=True)
def basilar(sound: Array, poles: Array, gains: Array, out: Array) -> None:
    """Motion of the basilar membrane: a cascade of four complex poles for each channel.

    Args:
        sound: samples [T].
        poles: complex [C].
        gains: [C].
        out: [C, T], the real part.
    """
    for c in range(len(poles)):
        pr, pi = poles[c].real, poles[c].imag
        gain = gains[c]
        ar = ai = br = bi = cr = ci = dr = di = 0.0
        for i in range(len(sound)):
            ar, ai = gain * sound[i] + pr * ar - pi * ai, pr * ai + pi * ar
            br, bi = ar + pr * br - pi * bi, ai + pr * bi + pi * br
            cr, ci = br + pr * cr - pi * ci, bi + pr * ci + pi * cr
            dr, di = cr + pr * dr - pi * di, ci + pr * di + pi * dr
            out[c, i] = dr


@njit(nogil=True, cache=True)
def hair_cell(motion: Array, dt: float, law: Array, out: Array) -> None:
    """Firing rate of the fibres of each channel, [C, T] in Hz (Meddis 1986).

    Args:
        motion: of the membrane [C, T], rms 1 is 30 dB SPL.
        dt: seconds of a sample.
        law: A, B, g, y, l, r, x, h; the amount M of transmitter is 1.
        out: [C, T].
    """
    a, b, g, y, loss, back, x, h = law
    quiet = g * a / (a + b)
    for c in range(motion.shape[0]):
        cleft = y * quiet / (loss * quiet + y * (loss + back))  # at rest in silence
        free = cleft * (loss + back) / quiet
        store = cleft * back / x
        for i in range(motion.shape[1]):
            push = motion[c, i] + a
            k = g * push / (push + b) if push > 0 else 0.0
            free = (free + dt * (y + x * store)) / (1 + dt * (y + k))
            cleft = (cleft + dt * k * free) / (1 + dt * (loss + back))
            store = (store + dt * back * cleft) / (1 + dt * x)
            out[c, i] = h * cleft


@njit(nogil=True, cache=True)
def uniform(key: np.uint64, number: np.uint64) -> float:
    """Number `number` of the sequence that `key` begins, in [0, 1) (splitmix64)."""
    z = key + (number + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(11)) * 2.0**-53


@njit(nogil=True, cache=True)
def bushy(
    rates: Array,
    dt: float,
    fibres: int,
    decay: float,
    threshold: float,
    refractory: int,
    keys: Array,
    channel: Array,
    sample: Array,
) -> int:
    """Spikes of the bushy cell of each channel.

    Args:
        rates: of one fibre, [C, T] in Hz; the fibres of a channel fire independently.
        dt: seconds of a sample.
        fibres: that reach a cell.
        decay: of its membrane in one sample.
        threshold: fibre spikes at once that make it fire.
        refractory: samples for which it then ignores its fibres.
        keys: uint64 [C], of the random numbers.
        channel, sample: filled with the spikes.

    Returns:
        How many there are; only those that fit the columns were written.
    """
    count = 0
    for c in range(rates.shape[0]):
        v, hold = 0.0, 0
        for i in range(rates.shape[1]):
            mean = rates[c, i] * dt * fibres
            chance = np.exp(-mean)  # a Poisson number by inversion
            left = uniform(keys[c], np.uint64(i)) - chance
            arrived = 0
            while left >= 0 and chance > 0:
                arrived += 1
                chance *= mean / arrived
                left -= chance
            if hold > 0:
                hold -= 1
                continue
            v = v * decay + arrived
            if v > threshold:
                if count < len(channel):
                    channel[count] = c
                    sample[count] = i
                count += 1
                v, hold = 0.0, refractory
    return count
