"""What an event camera saw, as a cloud of points in space and time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.plot import _ink, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def event_cloud(
    events: Events,
    *,
    most: int = 20_000,
    elev: float = 18.0,
    azim: float = -62.0,
    title: str = "",
    seed: int = 0,
) -> Figure:
    """One point for each event: x to the right, y as on the sensor, time into the depth.

    OFF events are orange, ON events blue.

    Args:
        events: shape (2, y, x), polarity 0 = OFF and 1 = ON.
        most: points to draw. Of more events, so many are drawn at random, each equally likely,
            and the title says how many there are.
        elev: height of the view above the plane of x and time, degrees.
        azim: turn of the view around the axis of y, degrees.
        title: of the figure.
        seed: of the random choice.

    Raises:
        InvalidValue: another shape, or fewer than one point.
        MissingExtra: matplotlib is not installed.
    """
    _ink.checked_camera("event_cloud.events", events)
    if most < 1:
        raise InvalidValue(f"event_cloud.most: got {most}, expected at least 1 point")
    figure = style.new_figure(style.WIDTH, 5.0)
    figure.set_layout_engine("none")  # it gives three-dimensional axes no room for their labels
    from mpl_toolkits.mplot3d import Axes3D

    # three-dimensional axes are annotated as if all sizes were whole
    ax: Any = figure.add_axes(Axes3D(figure, (0.0, 0.02, 1.0, 0.94)))
    rows = np.arange(len(events))
    if len(events) > most:
        rows = np.sort(np.random.default_rng([seed]).choice(len(events), most, replace=False))
        title = f"{title}: " if title else ""
        title += f"{most:,} of {len(events):,} events"
    polarity, y, x = (column[rows] for column in events.coordinates)
    time = 1e3 * events.seconds[rows]
    size = float(np.clip(12_000 / max(len(rows), 1), 1.5, 14))
    # one collection, so that points hide each other by depth and not by polarity
    ax.scatter(
        x, time, y, c=np.where(polarity == 1, style.ON, style.OFF), s=size, linewidths=0,
        alpha=0.75, depthshade=False, rasterized=len(rows) > 1000,
    )  # fmt: skip
    height, width = events.shape[1:]
    ax.set_xlim(-0.5, width - 0.5)
    ax.set_ylim(0, 1e3 * float(events.clock.seconds(events.duration)) or 1.0)
    ax.set_zlim(height - 0.5, -0.5)  # row 0 is at the top
    longest = max(height, width)
    ax.set_box_aspect((width / longest, 1.7, height / longest), zoom=1.1)
    ax.view_init(elev=elev, azim=azim)
    _scales(ax)
    figure.text(
        0.02, 0.98, style.plain(title), fontsize=style.TITLE, fontweight="bold",
        color=style.INK, va="top",
    )  # fmt: skip
    _legend(figure)
    return figure


def _scales(ax: Any) -> None:
    """Labels, and panes that stand back."""
    from matplotlib.ticker import MaxNLocator

    for axis, label in ((ax.xaxis, "x (pixel)"), (ax.yaxis, "time (ms)"), (ax.zaxis, "y (pixel)")):
        axis.set_label_text(label, fontsize=style.LABEL, color=style.INK)
        axis.set_tick_params(labelsize=style.TICK, labelcolor=style.INK, color=style.GREY)
        axis.set_major_locator(MaxNLocator(4, integer=axis is not ax.yaxis))
        axis.set_pane_color((1.0, 1.0, 1.0, 0.0))
        axis.line.set_color(style.GREY)
        axis._axinfo["grid"].update(color=style.HAIRLINE, linewidth=0.6)


def _legend(figure: Figure) -> None:
    from matplotlib.lines import Line2D

    marks = [
        Line2D([], [], color=color, marker="o", markersize=4, linestyle="", label=name)
        for name, color in (("ON: brighter", style.ON), ("OFF: darker", style.OFF))
    ]
    figure.legend(
        handles=marks, loc="upper right", ncols=2, frameon=False, fontsize=style.NOTE,
        handletextpad=0.2, columnspacing=1.2,
    )  # fmt: skip
