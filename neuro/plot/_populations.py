"""What figures of several populations share: reading them, their colours and their rates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.metrics import population_rate
from neuro.plot import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def checked_populations(
    where: str, populations: Mapping[str, Events], window: tuple[float, float] | None = None
) -> dict[str, Events]:
    """The populations, cut to the window in seconds.

    Raises:
        InvalidValue: none, something else than Events, recordings of different length, or a window
            outside of them.
    """
    if not populations:
        raise InvalidValue(f"{where}: got no populations, expected name -> Events")
    for name, events in populations.items():
        if not isinstance(events, Events):
            raise InvalidValue(
                f"{where}[{name!r}]: got a {type(events).__name__}, expected Events, e.g. "
                'record.events("exc.spikes")[0]'
            )
    lengths = {name: float(e.clock.seconds(e.duration)) for name, e in populations.items()}
    if max(lengths.values()) > min(lengths.values()) + 1e-9 or not max(lengths.values()):
        raise InvalidValue(f"{where}: populations were recorded for {lengths} s, expected the same")
    if window is None:
        return dict(populations)
    start, stop = window
    if not 0 <= start < stop <= max(lengths.values()) + 1e-9:
        raise InvalidValue(
            f"{where}.window: got {window} s, expected 0 <= start < stop <= "
            f"{max(lengths.values()):g} s"
        )
    cut = {}
    for name, events in populations.items():
        ticks = events.clock.ticks([start, stop])
        cut[name] = events.slice(int(ticks[0]), min(int(ticks[1]), events.duration))
    return cut


def series(populations: Mapping[str, Events]) -> dict[str, style.Series]:
    """One look for each population, the same in every figure; they repeat after six."""
    return {name: style.SERIES[i % len(style.SERIES)] for i, name in enumerate(populations)}


def draw_rate(
    ax: Axes, events: Events, look: style.Series, *, bin_width: float, sigma: float | None,
    start: float, label: str = "",
) -> None:  # fmt: skip
    """Population rate against time in ms, in steps if it is not smoothed."""
    time, rate = population_rate(events, bin_width=bin_width, sigma=sigma)
    if sigma is None:
        edges = 1e3 * (start + bin_width * np.arange(len(rate) + 1))
        ax.stairs(rate, edges, baseline=None, color=look.color, linewidth=0.9, label=label,
                  linestyle=look.line)  # fmt: skip
    else:
        at = 1e3 * (start + time)
        ax.plot(at, rate, color=look.color, linewidth=1.2, linestyle=look.line, label=label)


def fit_rates(ax: Axes, *, room: float = 0.08) -> None:
    """Rates from 0 to the highest that was drawn, and some room above."""
    ax.relim()
    ax.autoscale_view(scalex=False)
    ax.set_ylim(0, (1 + room) * ax.dataLim.y1 if ax.dataLim.y1 > 0 else 1.0)


def moved_apart(places: ArrayLike, gap: float, end: float) -> NDArray[np.float64]:
    """Places of names, ascending from 0 to `end`, moved until all are `gap` apart."""
    free = np.array(places, dtype=np.float64)
    for i in range(1, len(free)):
        free[i] = max(free[i], free[i - 1] + gap)
    free[-1] = min(free[-1], end - gap / 2)
    for i in range(len(free) - 1, 0, -1):
        free[i - 1] = min(free[i - 1], free[i] - gap)
    return free
