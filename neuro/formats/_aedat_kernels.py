"""Compiled loops that turn the bytes of AEDAT 2.0 and 3.1 files into columns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]

ENDED, FULL, CUT_HEADER, BAD_HEADER, CUT_PACKET, BAD_PACKET = range(6)
_HALF = 1 << 31


@njit(nogil=True, cache=True)
def _big(raw: Array, at: int) -> Any:
    high = (np.int64(raw[at]) << 24) | (np.int64(raw[at + 1]) << 16)
    return high | (np.int64(raw[at + 2]) << 8) | np.int64(raw[at + 3])


@njit(nogil=True, cache=True)
def _little(raw: Array, at: int) -> Any:
    low = np.int64(raw[at]) | (np.int64(raw[at + 1]) << 8)
    return low | (np.int64(raw[at + 2]) << 16) | (np.int64(raw[at + 3]) << 24)


@njit(nogil=True, cache=True)
def camera_words(
    raw: Array, layout: Array, state: Array, t: Array, p: Array, y: Array, x: Array
) -> int:
    """Camera events of AEDAT 2.0.

    Args:
        raw: uint8 [8 n], big-endian address and time stamp.
        layout: int64 [9]: mask of words that are no camera events, then shift and mask of x, shift
            and mask of y, shift of the polarity, the polarity bit that means ON, and the largest
            raw x and y, from which columns are counted backwards and rows upwards.
        state: int64 [2], last time stamp and how often the stamps have wrapped; updated.
        t, p, y, x: outputs, [n].

    Returns:
        Number of events.
    """
    skip, x_shift, x_mask, y_shift, y_mask = layout[0], layout[1], layout[2], layout[3], layout[4]
    p_shift, on, x_last, y_last = layout[5], layout[6], layout[7], layout[8]
    last, epoch, count = state[0], state[1], 0
    for i in range(0, len(raw) - 7, 8):
        word = _big(raw, i)
        if word & skip:
            continue
        stamp = _big(raw, i + 4)
        late = 0
        if last - stamp > _HALF:
            epoch += 1
            last = stamp
        elif epoch > 0 and stamp - last > _HALF:
            late = 1  # an older event after the stamps have wrapped
        else:
            last = stamp
        t[count] = stamp + ((epoch - late) << 32)
        p[count] = ((word >> p_shift) & 1) == on
        y[count] = y_last - ((word >> y_shift) & y_mask)
        x[count] = x_last - ((word >> x_shift) & x_mask)
        count += 1
    state[0], state[1] = last, epoch
    return count


@njit(nogil=True, cache=True)
def unit_words(raw: Array, state: Array, t: Array, unit: Array) -> int:
    """Events of AEDAT 2.0 whose address is the number of a unit; arguments as `camera_words`."""
    last, epoch, count = state[0], state[1], 0
    for i in range(0, len(raw) - 7, 8):
        stamp = _big(raw, i + 4)
        late = 0
        if last - stamp > _HALF:
            epoch += 1
            last = stamp
        elif epoch > 0 and stamp - last > _HALF:
            late = 1
        else:
            last = stamp
        t[count] = stamp + ((epoch - late) << 32)
        unit[count] = _big(raw, i)
        count += 1
    state[0], state[1] = last, epoch
    return count


@njit(nogil=True, cache=True)
def words(address: Array, t: Array, raw: Array) -> None:
    """Big-endian pairs of address and time stamp of AEDAT 2.0 into `raw`, uint8 [8 n]."""
    for i in range(len(t)):
        for k in range(4):
            raw[8 * i + k] = (address[i] >> (24 - 8 * k)) & 255
            raw[8 * i + 4 + k] = (t[i] >> (24 - 8 * k)) & 255


@njit(nogil=True, cache=True)
def polarity_packets(
    raw: Array, state: Array, source: int, t: Array, p: Array, y: Array, x: Array
) -> int:
    """Polarity events of AEDAT 3.1, until the outputs are full (they hold at least one).

    Args:
        raw: uint8, the whole file.
        state: int64 [4]: byte to go on at, events still to come in the packet there, its overflow
            count, and (output) how many events were found; updated.
        source: number of the camera whose events are wanted, -1 for all.
        t, p, y, x: outputs.

    Returns:
        Why it stopped: ENDED, FULL, or what is wrong at the byte to go on at.
    """
    at, left, overflow, count = state[0], state[1], state[2], 0
    size, code = len(raw), -1
    while code < 0:
        while left > 0 and code < 0:
            if size - at < 8:
                code = CUT_PACKET
            else:
                data, stamp = _little(raw, at), _little(raw, at + 4)
                at += 8
                left -= 1
                if data & 1:
                    if stamp >= _HALF:
                        stamp -= 2 * _HALF
                    t[count] = (overflow << 31) + stamp
                    p[count] = (data >> 1) & 1
                    y[count] = (data >> 2) & 0x7FFF
                    x[count] = (data >> 17) & 0x7FFF
                    count += 1
                    if count == len(t):
                        code = FULL
        if code >= 0:
            break
        if at == size:
            code = ENDED
        elif size - at < 28:
            code = CUT_HEADER
        else:
            kind, origin = _little(raw, at) & 0xFFFF, _little(raw, at) >> 16
            width, number = _little(raw, at + 4), _little(raw, at + 20)
            capacity, valid = _little(raw, at + 16), _little(raw, at + 24)
            # by division: the product of two numbers of 32 bits may go beyond 64
            whole = width > 0 and number <= (size - at - 28) // width
            if width == 0 or valid > number or number > capacity or kind > 127:
                code = BAD_HEADER
            elif kind == 1 and (width != 8 or _little(raw, at + 8) != 4):
                code = BAD_PACKET if whole else BAD_HEADER
            elif kind == 1 and (source < 0 or origin == source):
                overflow, left = _little(raw, at + 12), number
                at += 28
            elif not whole:
                code = CUT_PACKET
            else:
                at += 28 + width * number
    state[0], state[1], state[2], state[3] = at, left, overflow, count
    return code


@njit(nogil=True, cache=True)
def split_events(pairs: Array, t: Array, p: Array, y: Array, x: Array) -> None:
    """Events of AEDAT 4 (int64 [2 n]: time; x, y and polarity in 16 bits each) into columns."""
    for i in range(len(t)):
        word = pairs[2 * i + 1]
        t[i] = pairs[2 * i]
        x[i] = np.int16(word & 0xFFFF)
        y[i] = np.int16((word >> 16) & 0xFFFF)
        p[i] = ((word >> 32) & 0xFF) != 0


@njit(nogil=True, cache=True)
def polarity_rows(t: Array, p: Array, y: Array, x: Array, raw: Array) -> None:
    """Polarity events of AEDAT 3.1 (data and time stamp, little endian) into uint8 [n, 8]."""
    for i in range(len(t)):
        data = 1 | (p[i] << 1) | (y[i] << 2) | (x[i] << 17)
        for k in range(4):
            raw[i, k] = (data >> (8 * k)) & 255
            raw[i, 4 + k] = (t[i] >> (8 * k)) & 255
