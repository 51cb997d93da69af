"""Convolutions of spikes: each spike stamps its kernel onto the output. Numba kernels.

One image at a time is worked on with its channels last, [y, x * channel], and the taps of the
kernel lie in the order in which they fall onto the output: what one spike adds to one output row is
then a single run of numbers. `down[y]` and `across[x]` say where it goes: first tap, first output
coordinate, and how many.
"""

from __future__ import annotations

from numba import njit
from numpy import empty

from neuro.lower.gather import turn


@njit(nogil=True, cache=True)
def stamp(out, first, taps, down, across, starts, places, values, low, high):
    """out [R, channel, y, x] for images low..high, from taps [channel_in, y, x * channel]."""
    _, channels, height, width = out.shape
    size = height * width
    image = empty((height, width * channels), out.dtype)
    for r in range(low, high):
        for y in range(height):
            for x in range(width):
                image[y, x * channels : (x + 1) * channels] = first
        for n in range(starts[r], starts[r + 1]):
            row, x = places[n] // across.shape[0], places[n] % across.shape[0]
            kernel, (i, top, many) = taps[row // down.shape[0]], down[row % down.shape[0]]
            j, left, run = across[x, 0] * channels, across[x, 1] * channels, across[x, 2] * channels
            for s in range(many):
                o, w = image[top + s, left : left + run], kernel[i + s, j : j + run]
                if values.shape[0]:
                    v = values[n]
                    for k in range(run):
                        o[k] += w[k] * v
                else:
                    for k in range(run):
                        o[k] += w[k]
        turn(image.reshape(size, channels), out[r].reshape(channels, size), 0, size)


@njit(nogil=True, cache=True)
def stamp_back(parts, g, down, across, starts, places, values, low, high):
    """Gradient of the taps [part, channel_in, y, x * channel] for parts low..high of the images."""
    _, channels, height, width = g.shape
    size = height * width
    image = empty((height, width * channels), g.dtype)
    for part in range(low, high):
        sums = parts[part]
        sums[:] = 0
        for r in range(len(g) * part // len(parts), len(g) * (part + 1) // len(parts)):
            if starts[r] == starts[r + 1]:
                continue
            turn(g[r].reshape(channels, size), image.reshape(size, channels), 0, channels)
            for n in range(starts[r], starts[r + 1]):
                row, x = places[n] // across.shape[0], places[n] % across.shape[0]
                kernel, (i, top, many) = sums[row // down.shape[0]], down[row % down.shape[0]]
                j, left, run = (
                    across[x, 0] * channels,
                    across[x, 1] * channels,
                    across[x, 2] * channels,
                )
                for s in range(many):
                    o, d = kernel[i + s, j : j + run], image[top + s, left : left + run]
                    if values.shape[0]:
                        v = values[n]
                        for k in range(run):
                            o[k] += d[k] * v
                    else:
                        for k in range(run):
                            o[k] += d[k]


@njit(nogil=True, cache=True)
def fold(x, taps, grid, stride, padding, low, high):
    """Add up what each output place gives to the inputs its kernel covers, for images low..high.

    taps: [R, place, y, x * channel] of `grid` places down and across; x: [R, channel, y, x].
    """
    _, channels, height, width = x.shape
    size = height * width
    down, across = taps.shape[2], taps.shape[3] // channels
    image = empty((height, width * channels), x.dtype)
    for r in range(low, high):
        image[:] = 0
        for i in range(grid[0]):
            for a in range(max(0, padding[0] - i * stride[0]), down):
                y = i * stride[0] + a - padding[0]
                if y >= height:
                    break
                for j in range(grid[1]):
                    left = j * stride[1] - padding[1]
                    first, last = max(0, -left), min(across, width - left)
                    if first >= last:  # all in the padding
                        continue
                    o = image[y, (left + first) * channels : (left + last) * channels]
                    t = taps[r, i * grid[1] + j, a, first * channels : last * channels]
                    for k in range(o.shape[0]):
                        o[k] += t[k]
        turn(image.reshape(size, channels), x[r].reshape(channels, size), 0, size)
