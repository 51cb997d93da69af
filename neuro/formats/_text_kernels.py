"""Compiled loops that turn lines of text into columns, and columns into lines."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]

ENDED, FULL, FIELDS, NUMBER, RANGE, POLARITY, WHOLE = range(7)
TIME, X, Y, P, UNIT, OTHER = range(6)
_NINE = 10**9
_MOST = 9_000_000_000  # room for nine more digits in an int64


@njit(nogil=True, cache=True)
def number(raw: Array, at: int, stop: int, out: Array) -> int:
    """A decimal number that begins at `at`.

    Args:
        raw: uint8, text.
        at, stop: its first byte, and the end of the line.
        out: int64 [6], output: sign, whole part, fraction in 10^-9, the next nine digits of it,
            whether more digits that are not 0 follow, and whether all is well: 1, or 0 for no
            number, or 2 for a number that does not fit.

    Returns:
        The byte after it.
    """
    sign, whole, high, low, more, fits = 1, 0, 0, 0, 0, 1
    if at < stop and (raw[at] == 45 or raw[at] == 43):
        sign = -1 if raw[at] == 45 else 1
        at += 1
    first = at
    while at < stop and 48 <= raw[at] <= 57:
        digit = np.int64(raw[at]) - 48
        if whole > (9223372036854775807 - digit) // 10:
            fits = 2
        else:
            whole = 10 * whole + digit
        at += 1
    digits = at - first
    point = at
    if at < stop and raw[at] == 46:
        at += 1
        scale = 100_000_000
        while at < stop and 48 <= raw[at] <= 57:
            place = at - point
            digit = np.int64(raw[at]) - 48
            if place <= 9:
                high += digit * scale
                scale = 100_000_000 if place == 9 else scale // 10
            elif place <= 18:
                low += digit * scale
                scale = scale // 10
            elif digit != 0:
                more = 1
            at += 1
            digits += 1
    end = at
    if digits > 0 and at < stop and (raw[at] == 101 or raw[at] == 69):
        at += 1
        negative = at < stop and raw[at] == 45
        if at < stop and (raw[at] == 45 or raw[at] == 43):
            at += 1
        power, mark = 0, at
        while at < stop and 48 <= raw[at] <= 57:
            power = min(10 * power + np.int64(raw[at]) - 48, 10_000)
            at += 1
        if at == mark:
            digits = 0
        if negative:
            power = -power
        # the digits once more, with the point moved
        whole, high, low, more, fits = 0, 0, 0, 0, 1
        place = first - point - power  # of the first digit; 0 is the last before the point
        for i in range(first, end):
            if i == point:
                continue
            place += 1
            digit = np.int64(raw[i]) - 48
            if place <= 0:
                if whole > (9223372036854775807 - digit) // 10:
                    fits = 2
                else:
                    whole = 10 * whole + digit
            elif place <= 9:
                high = high * 10 + digit
            elif place <= 18:
                low = low * 10 + digit
            elif digit != 0:
                more = 1
        # places before and after the digits that are written
        while place < 0 and whole != 0 and fits == 1:
            if whole > 9223372036854775807 // 10:
                fits = 2
            else:
                whole *= 10
            place += 1
        place = max(place, 0)
        while place < 18:
            place += 1
            if place <= 9:
                high *= 10
            else:
                low *= 10
    out[0], out[1], out[2], out[3], out[4] = sign, whole, high, low, more
    out[5] = fits if digits > 0 else 0
    return at


@njit(nogil=True, cache=True)
def ticks(value: Array, numerator: int, denominator: int) -> int:
    """The nearest tick of a number of seconds as `number` gives it; halves go to the even tick.

    Returns -1 - the nearest tick for numbers below 0, and the smallest int64 if it does not fit.
    """
    whole, high, low, more = value[1], value[2], value[3], value[4]
    if whole >= 4611686018427387904 // numerator - 1:
        return -9223372036854775808
    # high + low is below 1 s: its ticks, and what is left of one in 10^-18
    part = high * numerator
    rest = (part % _NINE) * _NINE + low * numerator
    total = whole * numerator + part // _NINE + rest // (_NINE * _NINE)
    rest = rest % (_NINE * _NINE)
    result, left = total // denominator, total % denominator
    # twice what is left of a tick, (left + rest), against the denominator
    missing = denominator - 2 * left
    half = _NINE * _NINE // 2
    if missing < 0 or (missing == 0 and (rest > 0 or more > 0)):
        up = True
    elif missing == 0:
        up = result % 2 == 1
    elif missing == 1:
        up = rest > half or (rest == half and (more > 0 or result % 2 == 1))
    else:
        up = False
    result += 1 if up else 0
    return result if value[0] > 0 else -1 - result


@njit(nogil=True, cache=True)
def _word(raw: Array, at: int, stop: int) -> int:
    """Polarity that is written as a word: 1 for on and true, 0 for off and false, else -1."""
    length = stop - at
    first = raw[at] | 32
    second = raw[at + 1] | 32 if length > 1 else 0
    if length == 2 and first == 111 and second == 110:
        return 1
    if length == 3 and first == 111 and second == 102 and raw[at + 2] | 32 == 102:
        return 0
    if length == 4 and first == 116 and second == 114 and raw[at + 2] | 32 == 117:
        return 1 if raw[at + 3] | 32 == 101 else -1
    if length == 5 and first == 102 and second == 97 and raw[at + 2] | 32 == 108:
        return 0 if raw[at + 3] | 32 == 115 and raw[at + 4] | 32 == 101 else -1
    return -1


@njit(nogil=True, cache=True)
def _plain(
    raw: Array, at: int, roles: Array, delimiter: int, ratio: Array, count: int,
    t: Array, a: Array, b: Array, c: Array,
) -> int:  # fmt: skip
    """A line of nothing but digits, one delimiter between fields, as nearly all lines are.

    The text ends with the end of a line, so no number runs over its end.

    Returns the byte after it, or -1 if it must be read with more care.
    """
    i, last = at, len(roles) - 1
    for field in range(last + 1):
        role, first, value = roles[field], i, 0
        while 48 <= raw[i] <= 57:
            value = 10 * value + np.int64(raw[i]) - 48
            i += 1
        if i == first or i - first > 17:
            return -1
        if role == TIME and ratio[0] != 0:
            if ratio[1] != 1 or ratio[0] > 1_000_000_000 or i - first > 9:
                return -1
            part, digits = 0, 0
            if raw[i] == 46:
                i += 1
                first = i
                while 48 <= raw[i] <= 57 and i - first < 9:
                    part = 10 * part + np.int64(raw[i]) - 48
                    i += 1
                digits = i - first
            while digits < 9:
                part *= 10
                digits += 1
            part *= ratio[0]
            value = value * ratio[0] + part // _NINE
            left = 2 * (part % _NINE)
            if left > _NINE or (left == _NINE and value % 2 == 1):
                value += 1
        if field < last:
            if raw[i] != delimiter:
                return -1
        elif raw[i] == 13:
            i += 1
            if raw[i] != 10:
                return -1
        i += 1
        if role == TIME:
            t[count] = value
        elif role == P:
            if value > 1:
                return -1
            a[count] = value
        elif value > 2147483647:
            return -1
        elif role == Y:
            b[count] = value
        elif role != OTHER:
            c[count] = value
    return i if raw[i - 1] == 10 else -1


@njit(nogil=True, cache=True)
def lines(
    raw: Array, roles: Array, delimiter: int, ratio: Array, state: Array,
    t: Array, a: Array, b: Array, c: Array, row: Array,
) -> int:  # fmt: skip
    """Events of whole lines, until the outputs are full or a line is no event.

    Args:
        raw: uint8, text of whole lines; the last byte is the end of a line.
        roles: int64 [fields], what each field means: TIME, X, Y, P, UNIT, OTHER.
        delimiter: byte between fields; 32 stands for any spaces and tabs.
        ratio: int64 [2], ticks in a second as a fraction; [0, 0] if time is written in ticks.
        state: int64 [4]: byte to go on at, lines read so far, (output) how many events were
            found and the end of a line that is none; updated.
        t: int64, output: times.
        a, b, c: int32, outputs: polarity, y and x; or the unit in `c`.
        row: int32, output: first byte of each event's line.

    Returns:
        ENDED, FULL, or what is wrong with the line at the byte to go on at: the number of its
        FIELDS, a field that is no NUMBER, a number out of RANGE or not WHOLE, or a POLARITY.
    """
    at, line, count, size = state[0], state[1], 0, len(raw)
    value = np.zeros(6, np.int64)
    code = ENDED
    while at < size:
        if count < len(t):
            after = _plain(raw, at, roles, delimiter, ratio, count, t, a, b, c)
            if after > 0:
                row[count] = at
                count += 1
                line += 1
                at = after
                continue
        stop = at
        while stop < size and raw[stop] != 10:
            stop += 1
        end = stop
        while end > at and raw[end - 1] <= 32:
            end -= 1
        i = at
        while i < end and (raw[i] == 32 or raw[i] == 9):
            i += 1
        if i < end and raw[i] != 35 and raw[i] != 37:  # neither empty nor a comment
            if count == len(t):
                code = FULL
                break
            field = 0
            while field < len(roles) and code == ENDED:
                role = roles[field]
                if i >= end:
                    code = FIELDS
                elif role == OTHER:
                    while i < end and raw[i] != delimiter and not (delimiter == 32 and raw[i] == 9):
                        i += 1
                elif role == P and raw[i] > 64:
                    mark = i
                    while i < end and raw[i] > 64:
                        i += 1
                    a[count] = _word(raw, mark, i)
                    if a[count] < 0:
                        code = POLARITY
                else:
                    i = number(raw, i, end, value)
                    if value[5] != 1:
                        code = NUMBER if value[5] == 0 else RANGE
                    elif role == TIME and ratio[0] != 0:
                        time = ticks(value, ratio[0], ratio[1])
                        if time == -9223372036854775808:
                            code = RANGE
                        elif time < 0:
                            t[count] = time + 1  # -1 - nearest
                        else:
                            t[count] = time
                    elif value[2] != 0 or value[3] != 0 or value[4] != 0:
                        code = WHOLE
                    elif role == TIME:
                        t[count] = value[0] * value[1]
                    elif role == P:
                        if value[1] > 1:
                            code = POLARITY
                        a[count] = 1 if value[1] == 1 and value[0] > 0 else 0
                    elif value[1] > 2147483647:
                        code = RANGE
                    elif role == Y:
                        b[count] = value[0] * value[1]
                    else:
                        c[count] = value[0] * value[1]
                field += 1
                if code == ENDED:
                    gap = i
                    while i < end and (raw[i] == 32 or (raw[i] == 9 and delimiter != 9)):
                        i += 1
                    if field < len(roles):
                        if delimiter != 32:
                            if i < end and raw[i] == delimiter:
                                i += 1
                                while i < end and (raw[i] == 32 or raw[i] == 9):
                                    i += 1
                            else:
                                code = FIELDS if i >= end else NUMBER
                        elif i == gap:
                            code = FIELDS if i >= end else NUMBER
                    elif i < end:
                        code = NUMBER if delimiter != raw[i] and i == gap else FIELDS
            if code != ENDED:
                state[3] = min(stop + 1, size)
                break
            row[count] = at
            count += 1
        at = min(stop + 1, size)
        line += 1
    state[0], state[1], state[2] = at, line, count
    return code


@njit(nogil=True, cache=True)
def _digits(value: int, least: int, raw: Array, at: int) -> int:
    """Write a number >= 0 with at least so many digits; return the byte after it."""
    length, rest = 1, value // 10
    while rest > 0:
        length += 1
        rest //= 10
    length = max(length, least)
    for k in range(length - 1, -1, -1):
        raw[at + k] = 48 + value % 10
        value //= 10
    return at + length


@njit(nogil=True, cache=True)
def write_lines(
    t: Array, columns: Array, delimiter: int, whole: int, nanoseconds: int, raw: Array
) -> int:
    """Lines of events.

    Args:
        t: int64 [n], times in ticks.
        columns: int64 [n, k], what follows the time on each line.
        delimiter: byte between fields.
        whole: ticks in a second, if times are written as seconds with nine digits, else 0.
        nanoseconds: in a tick, if so.
        raw: uint8, output, large enough.

    Returns:
        Bytes written.
    """
    at = 0
    for i in range(len(t)):
        if whole > 0:
            at = _digits(t[i] // whole, 1, raw, at)
            raw[at] = 46
            at = _digits((t[i] % whole) * nanoseconds, 9, raw, at + 1)
        else:
            at = _digits(t[i], 1, raw, at)
        for k in range(columns.shape[1]):
            raw[at] = delimiter
            at = _digits(columns[i, k], 1, raw, at + 1)
        raw[at] = 10
        at += 1
    return at
