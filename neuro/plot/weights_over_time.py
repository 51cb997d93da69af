"""How weights change while a network learns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from neuro.errors import InvalidValue
from neuro.plot import style
from neuro.plot._panels import bin_edges, draw_histogram

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FAN = ((5, 95, 0.18), (25, 75, 0.3))  # percentiles and opacity


def weights_over_time(
    weights: ArrayLike,
    seconds: ArrayLike,
    *,
    traces: Sequence[int] = (),
    unit: str = "",
    title: str = "",
) -> Figure:
    """Left the distribution of weights over time as a fan, right its histograms at both ends.

    The fan is the median, the middle half and the middle 90 % of all synapses.

    Args:
        weights: [T, ...], every synapse at every time, e.g. `record.array("exc->inh.weight")`.
        seconds: time of each row [T], e.g. `record.seconds("exc->inh.weight")`.
        traces: flat indices of synapses to draw as single lines.
        unit: of the weights, e.g. "nA".
        title: of the figure.

    Raises:
        InvalidValue: fewer than two times, times that do not grow, weights that are not finite, or
            a synapse that does not exist.
        MissingExtra: matplotlib is not installed.
    """
    values = np.asarray(weights, dtype=np.float64)
    time = np.asarray(seconds, dtype=np.float64)
    if values.ndim < 2 or not values.size or not np.isfinite(values).all():
        raise InvalidValue(
            f"weights_over_time.weights: got shape {values.shape}, expected finite values [T, ...]"
        )
    if time.shape != values.shape[:1] or len(time) < 2 or (np.diff(time) <= 0).any():
        raise InvalidValue(
            f"weights_over_time.seconds: got shape {time.shape}, expected at least two growing "
            f"times, one for each of {len(values)} rows"
        )
    flat = values.reshape(len(values), -1)
    bad = [i for i in traces if not 0 <= i < flat.shape[1]]
    if bad:
        raise InvalidValue(
            f"weights_over_time.traces: got {bad[0]}, expected flat indices below {flat.shape[1]}"
        )
    figure = style.new_figure(style.WIDTH, 2.7)
    left, right = figure.subplots(1, 2, width_ratios=(1.7, 1))
    color = style.OKABE_ITO["blue"]
    for low, high, opacity in _FAN:
        bounds = np.percentile(flat, (low, high), axis=1)
        left.fill_between(time, *bounds, color=color, alpha=opacity, linewidth=0,
                          label=f"middle {high - low} %")  # fmt: skip
    left.plot(time, np.median(flat, axis=1), color=color, linewidth=1.6, label="median")
    for i in traces:
        left.plot(time, flat[:, i], color=style.GREY, linewidth=0.8)
    left.set_xlim(time[0], time[-1])
    left.legend(loc="lower left", bbox_to_anchor=(0, 0.98), ncols=3, frameon=False, borderpad=0,
                fontsize=style.NOTE, handlelength=1.4, columnspacing=1.2)  # fmt: skip
    name = f"weight ({unit})" if unit else "weight"
    style.finish(left, x="time (s)", y=name)
    low, high = float(flat[[0, -1]].min()), float(flat[[0, -1]].max())
    edges = bin_edges(low, high if high > low else low + 1, flat.shape[1])
    draw_histogram(right, flat[-1], edges, color)
    first = np.histogram(flat[0], edges)[0]
    right.stairs(first, edges, color=style.INK, linewidth=1.1, linestyle=(0, (4, 2)),
                 label=f"{time[0]:.3g} s")  # fmt: skip
    right.patches[0].set_label(f"{time[-1]:.3g} s")
    right.set_ylim(0, 1.1 * max(right.get_ylim()[1] / 1.35, first.max()))
    right.legend(loc="lower right", bbox_to_anchor=(1, 0.98), ncols=2, frameon=False, borderpad=0,
                 fontsize=style.NOTE, handlelength=1.4, columnspacing=1.2)  # fmt: skip
    style.finish(right, x=name, y="synapses")
    if title:
        figure.suptitle(style.plain(title), fontsize=style.TITLE, color=style.INK,
                        fontweight="bold", ha="left", x=0.01)  # fmt: skip
    return figure
