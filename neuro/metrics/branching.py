"""Does activity die out, last or grow? The branching ratio."""

from __future__ import annotations

import numpy as np

from neuro.errors import InvalidValue, require
from neuro.events import Events
from neuro.metrics.rates import population_rate
from neuro.units import ms

_CHANCE = 3.0  # standard errors of a slope between independent bins


def branching_ratio(events: Events, *, bin_width: float = 4 * ms, lags: int = 20) -> float:
    """Mean number of spikes that one spike causes in the next bin: below 1 if activity dies out.

    The activity A of all units regresses on its own past with slopes r_k = b m^k. The branching
    ratio m is fitted to them by least squares over lags k = 1 ... `lags`. The factor b takes up
    what is lost when only some of the units are seen, which leaves m as it is. With one lag it is
    the plain slope r_1, right only if all units are seen.

    The input from outside must be stationary; what it shares over time counts as branching. The
    answer is at most 1, since a stationary process cannot grow: 1 speaks of a drift.

    Args:
        events: spikes of a population, at least a hundred times as long as the activity lasts.
        bin_width: one generation, in seconds.
        lags: how many bins to look ahead, about as many as the activity lasts.

    Raises:
        InvalidValue: the rate does not vary, there are fewer than 10 bins for each lag, or r_1 is
            within 3 / sqrt(K) of K bins, what chance alone gives (not asked with one lag).
        MissingExtra: SciPy is not installed.

    Source: Wilting & Priesemann, Nature Communications 9:2325 (2018).
    """
    if lags < 1:
        raise InvalidValue(f"branching_ratio.lags: got {lags}, expected at least 1")
    activity = population_rate(events, bin_width=bin_width).rate
    if len(activity) < 10 * lags:
        raise InvalidValue(
            f"branching_ratio: got {len(activity)} bins, expected at least {10 * lags} for "
            f"{lags} lags. Record for longer or use fewer lags."
        )
    if not activity.var():
        raise InvalidValue("branching_ratio.events: the rate never changes, so nothing branches")
    steps = np.arange(1, lags + 1)
    slopes = np.array([np.polyfit(activity[:-k], activity[k:], 1)[0] for k in steps])
    if lags == 1:
        return float(slopes[0])
    chance = _CHANCE / np.sqrt(len(activity))
    if slopes[0] < chance:
        raise InvalidValue(
            f"branching_ratio.events: the slope from one bin to the next is {slopes[0]:.2g}, no "
            f"more than chance ({chance:.2g} in {len(activity)} bins), so that the ratio cannot be "
            "told. Record for longer, or use lags=1 if all units were recorded."
        )

    def misfit(m: float) -> float:
        shape = m**steps
        b = max(float(slopes @ shape / (shape @ shape)), 0.0)  # the best factor for this m
        return float(((slopes - b * shape) ** 2).sum())

    # where the best m lies, before its exact place: the misfit may have more than one valley
    grid = np.linspace(0, 1, 201)[1:]
    best, step = grid[np.argmin([misfit(m) for m in grid])], grid[0]
    minimize = require("scipy.optimize", "sim").minimize_scalar
    bounds = (best - step, min(best + step, 1))
    found = minimize(misfit, bounds=bounds, method="bounded", options={"xatol": 1e-9})
    return float(found.x)
