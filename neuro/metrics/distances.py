"""How far are two spike trains apart? The distances of Victor and Purpura and of van Rossum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuro.errors import InvalidValue, require
from neuro.events import Events

_FEW = 1 << 17  # pairs of spikes up to which compiling is not worth its while


def van_rossum(events: Events, other: Events | None = None, *, tau: float) -> NDArray[np.float64]:
    """Distance between the spike trains of each unit of `events` and each of `other`, [N, M].

    The L2 distance after every spike has become a decaying exponential:

        D^2 = 1 / tau integral of (f - g)^2,  f(t) = sum over spikes s <= t of exp(-(t - s) / tau)

    One spike more makes sqrt(1/2), two spikes far apart in time 1. tau towards 0 counts spikes
    that do not coincide, long tau compares numbers of spikes. Silent trains are trains like others.

    Args:
        events, other: recordings that start at the same time; `other` defaults to `events`. Units
            in flat order. The diagonal of two runs compares them unit by unit.
        tau: seconds.

    Raises:
        InvalidValue: tau is not above 0, or the clocks differ.

    Source: van Rossum, Neural Computation 13 (2001), here integrated exactly. The normalisation is
    his; Elephant's is larger by sqrt(2).
    """
    if not 0 < tau < np.inf:
        raise InvalidValue(f"van_rossum.tau: got {tau!r} s, expected above 0 s")
    other = _other("van_rossum", events, other)
    t = np.concatenate([events.t, other.t])
    unit = np.concatenate([events.unit, other.unit.astype(np.int64) + events.size])
    order = np.argsort(t, kind="stable")
    t, unit = events.clock.seconds(t[order]), unit[order]
    size = events.size + other.size
    earlier = np.zeros((size, size))  # of pairs of spikes: row of the later, column of the earlier
    trace = np.zeros(size)
    for u, decay in zip(unit, np.exp(-np.diff(t, prepend=t[:1]) / tau), strict=True):
        trace *= decay
        earlier[u] += trace
        trace[u] += 1
    # 1 / tau integral of f g is half the sum of exp(-|s - s'| / tau) over all pairs of spikes
    product = earlier + earlier.T
    product[np.diag_indices(size)] += np.bincount(unit, minlength=size)
    own = np.diag(product)
    square = (own[:, None] + own[None, :] - 2 * product) / 2
    distance = np.sqrt(np.maximum(square, 0))  # rounding may leave less than 0
    return distance[: events.size, events.size :]


def victor_purpura(
    events: Events, other: Events | None = None, *, cost: float
) -> NDArray[np.float64]:
    """Least cost of changing one spike train into another, [N, M]: D^spike.

    Adding or deleting a spike costs 1, moving it by dt costs `cost` * dt. With cost 0 it is the
    difference in spike counts; above 2 / dt no spike is worth moving by dt. Silent trains are
    trains like others.

    Args:
        events, other: recordings that start at the same time; `other` defaults to `events`. Units
            in flat order.
        cost: q, per second.

    Raises:
        InvalidValue: the cost is negative or not finite, or the clocks differ.
        MissingExtra: more than 131072 pairs of a spike of one and a spike of the other recording,
            and Numba is not installed.

    Source: Victor & Purpura, J. Neurophysiol. 76 (1996).
    """
    if not 0 <= cost < np.inf:
        raise InvalidValue(f"victor_purpura.cost: got {cost!r} per second, expected >= 0")
    other = _other("victor_purpura", events, other)
    if len(events) * len(other) > _FEW:
        return _compiled_edit_costs(events, other, cost)
    rows, columns = _trains(events), _trains(other)
    return np.array([[_edit_cost(a, b, cost) for b in columns] for a in rows])


def _edit_cost(a: NDArray[np.float64], b: NDArray[np.float64], cost: float) -> float:
    """By dynamic programming: row i holds the cost of the first i spikes of a against any of b."""
    counts = np.arange(len(b) + 1)
    row = counts.astype(np.float64)
    for spike in a:
        best = row + 1  # delete the spike
        best[1:] = np.minimum(best[1:], row[:-1] + cost * np.abs(spike - b))  # or move it
        # or add spikes of b, one each: the least of best[k] + (j - k) over k <= j
        row = np.minimum.accumulate(best - counts) + counts
    return float(row[-1])


def _compiled_edit_costs(events: Events, other: Events, cost: float) -> NDArray[np.float64]:
    require("numba", "sim")
    from neuro.metrics import _edit_kernels as kernels

    result = np.empty((events.size, other.size))
    kernels.edit_costs(*_columns(events), *_columns(other), float(cost), result)
    return result


def _columns(events: Events) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Spike times by unit in seconds, and where each unit's begin; one more for their end."""
    order = np.argsort(events.unit, kind="stable")
    starts = np.searchsorted(events.unit[order], np.arange(events.size + 1))
    return events.seconds[order], starts.astype(np.int64)


def _trains(events: Events) -> list[NDArray[np.float64]]:
    """Spike times of each unit in seconds."""
    times, starts = _columns(events)
    return np.split(times, starts[1:-1])


def _other(where: str, events: Events, other: Events | None) -> Events:
    other = events if other is None else other
    if other.clock != events.clock:
        raise InvalidValue(
            f"{where}: clocks differ: {events.clock!r} and {other.clock!r}. Count both in one: "
            "events.on(clock)"
        )
    return other
