"""One pass over decoded events: are they in order and on the sensor, and which units are they."""

from __future__ import annotations

from numba import njit

NEAR = 16  # places that an event is moved back at once; more are left to `order_ties`


@njit(nogil=True, cache=True)
def take_camera(t, polarity, y, x, shape, last, times, units, count):
    """Write events behind the first `count` of `times` and `units`, in order of time and unit.

    Units count in C order in `shape`, of length 3. Returns how many events are right, n if time
    never runs backwards from `last` and every event lies on the sensor (it stops at the first that
    is not); and whether they are in order, which many events in one tick may leave to others.
    """
    planes, rows, columns = shape
    in_order = True
    before, top = (times[count - 1], int(units[count - 1])) if count > 0 else (-1, -1)
    for i in range(len(t)):
        a, b, c = int(polarity[i]), int(y[i]), int(x[i])
        inside = 0 <= a < planes and 0 <= b < rows and 0 <= c < columns
        now = t[i]
        if now < last or not inside:
            return i, False
        last = now
        unit = (a * rows + b) * columns + c
        k = count + i
        times[k] = now
        if now == before and top > unit:
            lowest = max(0, k - NEAR)
            while k > lowest and times[k - 1] == now and units[k - 1] > unit:
                units[k] = units[k - 1]
                k -= 1
            if k == lowest and k > 0 and times[k - 1] == now and units[k - 1] > unit:
                in_order = False
        else:
            top = unit
        before = now
        units[k] = unit
    return len(t), in_order


@njit(nogil=True, cache=True)
def take_line(t, given, size, last, times, units, count):
    """As `take_camera`, for a sensor of one axis.

    The moving back stands here again: as a function of its own it halved the speed of both.
    """
    in_order = True
    before, top = (times[count - 1], int(units[count - 1])) if count > 0 else (-1, -1)
    for i in range(len(t)):
        unit, now = int(given[i]), t[i]
        if now < last or unit < 0 or unit >= size:
            return i, False
        last = now
        k = count + i
        times[k] = now
        if now == before and top > unit:
            lowest = max(0, k - NEAR)
            while k > lowest and times[k - 1] == now and units[k - 1] > unit:
                units[k] = units[k - 1]
                k -= 1
            if k == lowest and k > 0 and times[k - 1] == now and units[k - 1] > unit:
                in_order = False
        else:
            top = unit
        before = now
        units[k] = unit
    return len(t), in_order


@njit(nogil=True, cache=True)
def order_ties(t, unit):
    """Sort `unit` among events of one tick, in place; t is in order already."""
    n, i = len(t), 0
    while i < n:
        j, in_order = i + 1, True
        while j < n and t[j] == t[i]:
            in_order = in_order and unit[j] >= unit[j - 1]
            j += 1
        if not in_order:
            unit[i:j].sort()
        i = j
