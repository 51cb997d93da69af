"""What every layer did with a few samples, side by side: from events to decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neuro.errors import InvalidValue
from neuro.network import Network
from neuro.plot import style
from neuro.plot._spikes import draw_raster, unit_label
from neuro.plot.sample import Sample

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEIGHT = 1.35  # inches of one layer


def activity(network: Network, columns: Mapping[str, Sample]) -> Figure:
    """Rasters of all layers, one column per sample; a layer without spikes shows its membrane.

    Rows follow the order of the populations, time is shared by a column and units by a row. In the
    row of a readout the true class is a thick line and a wrongly chosen one is dashed.

    Args:
        network: whose records the samples carry.
        columns: title -> Sample with the signal that each population emits.

    Raises:
        InvalidValue: no samples, or a record lacks a signal.
        MissingExtra: matplotlib is not installed.
    """
    if not columns:
        raise InvalidValue("activity.columns: got no samples, expected at least one")
    names = list(network.populations)
    colors = style.layer_colors(names)
    figure = style.new_figure(style.WIDTH, 0.7 + _HEIGHT * len(names))
    grid = figure.subplots(len(names), len(columns), squeeze=False, sharex="col", sharey="row")
    for j, (title, sample) in enumerate(columns.items()):
        for i, name in enumerate(names):
            ax: Axes = grid[i, j]
            emits = network.populations[name].emits
            if emits == "spikes":
                events = sample.spikes(name)
                draw_raster(ax, events, colors[name], height=0.75 * _HEIGHT)
                label = f"{name}\n{unit_label(events)}"
            else:
                _draw_readout(ax, sample, f"{name}.{emits}")
                label = f"{name}\n{'membrane ' if emits == 'v' else ''}{emits}"
            style.finish(
                ax,
                title=title if i == 0 else "",
                x="time (ms)" if i == len(names) - 1 else "",
                y=label if j == 0 else "",
            )
            ax.tick_params(labelleft=j == 0)
    figure.align_ylabels(grid[:, 0])
    return figure


def _draw_readout(ax: Axes, sample: Sample, name: str) -> None:
    """All classes in grey, the true and the chosen one in colour, named at their right end."""
    v: NDArray[np.float64] = sample.signal(name)
    time = 1e3 * sample.record.seconds(name)
    flat = v.reshape(len(v), -1)
    marked = {
        sample.label: (style.RIGHT, "-", f"{sample.label} (true)"),
        sample.predicted: (style.WRONG, "--", f"{sample.predicted} (chosen)"),
    }
    if sample.label == sample.predicted:
        marked = {sample.label: (style.RIGHT, "-", f"{sample.label} (true, chosen)")}
    for k in range(flat.shape[1]):
        if k not in marked:
            ax.plot(time, flat[:, k], color=style.FAINT, linewidth=0.9)
    for k, (color, line, text) in marked.items():
        if k < flat.shape[1]:
            ax.plot(time, flat[:, k], color=color, linestyle=line, linewidth=1.8, label=text)
    ax.plot([], [], color=style.FAINT, linewidth=1.2, label="other classes")
    ax.set_xlim(0, 1e3 * float(sample.record.clock.seconds(len(v))))
    ax.legend(
        loc="lower left", bbox_to_anchor=(0, 0.98), ncols=3, frameon=False,
        fontsize=style.NOTE, handlelength=1.8, borderaxespad=0, columnspacing=1.0,
    )  # fmt: skip
