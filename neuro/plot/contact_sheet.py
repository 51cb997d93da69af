"""Contact sheet of a data set: a few recordings of each class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuro.data import EventDataset
from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.plot import _ink, style
from neuro.plot._classes import chosen_classes, first_of
from neuro.plot._spikes import draw_raster

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CELL = 0.85  # inches
_FAINTEST = 0.3


def contact_sheet(
    data: EventDataset,
    *,
    per_class: int = 8,
    classes: Sequence[int] | None = None,
    title: str = "",
) -> Figure:
    """A row for each class with its first recordings.

    A camera's recording is one picture: each pixel shows its last event, OFF orange and ON blue,
    the fainter the longer before the recording's end it was. Pixels without events stay white. Any
    other recording is a raster.

    Args:
        data: the recordings.
        per_class: how many of each class; a class with fewer shows all it has.
        classes: numbers of the classes to draw; by default all that have a recording.
        title: of the figure; by default the name of the data set and what it holds.

    Raises:
        InvalidValue: no recordings, an unknown class, or fewer than one recording a class.
        MissingExtra: matplotlib is not installed.
    """
    if per_class < 1:
        raise InvalidValue(f"contact_sheet.per_class: got {per_class}, expected at least 1")
    wanted = chosen_classes("contact_sheet", data, classes)
    chosen = {c: first_of(data, c, per_class) for c in wanted}
    columns = max(len(found) for found in chosen.values())
    camera = len(data.shape) == 3 and data.shape[0] == 2
    tall = min(data.shape[1] / data.shape[2], 2.0) if camera else 0.6
    cell = min(_CELL, (style.WIDTH - 0.9) / columns)
    if not camera:
        cell = (style.WIDTH - 0.9) / max(columns, 6)
    figure = style.new_figure(
        max(0.9 + cell * columns, 3.4), 0.65 + len(wanted) * (cell * tall + 0.08)
    )
    engine: Any = figure.get_layout_engine()
    engine.set(w_pad=0.03, h_pad=0.04, wspace=0.0, hspace=0.0)
    grid = figure.subplots(len(wanted), columns, squeeze=False)
    for row, (c, found) in zip(grid, chosen.items(), strict=True):
        for ax in row:
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set(color=style.HAIRLINE, linewidth=0.8)
        for ax, i in zip(row, found, strict=False):
            _draw(ax, data[int(i)][0], camera, cell * tall)
        for ax in row[max(len(found), 1) :]:
            ax.set_axis_off()
        row[0].set_ylabel(
            style.plain(data.classes[c]), rotation=0, ha="right", va="center", labelpad=6,
            fontsize=style.LABEL, color=style.INK,
        )  # fmt: skip
    figure.suptitle(
        style.plain(title or f"{data.name}: {len(data):,} recordings, {len(data.classes)} classes"),
        fontsize=style.TITLE, fontweight="bold", color=style.INK,
    )  # fmt: skip
    return figure


def last_events(events: Events) -> NDArray[np.float64]:
    """Strength of the ink of each polarity and pixel [2, y, x]: 0.3 at the start, 1 at the end.

    Only the polarity of a pixel's last event is printed; both where they came in the same tick.
    """
    last = np.full(events.size, -1, np.int64)
    last[events.unit] = events.t  # sorted by time, so the last one stays
    last = last.reshape(events.shape)
    shown = (last >= 0) & (last == last.max(axis=0))
    return np.where(shown, _FAINTEST + (1 - _FAINTEST) * (last + 1) / max(events.duration, 1), 0.0)


def _draw(ax: Axes, events: Events, camera: bool, height: float) -> None:
    if camera:
        shades = last_events(events)
        ax.imshow(_ink.mixed(shades[0], shades[1]), interpolation="nearest")
        return
    draw_raster(ax, events, style.ON, height=height)
    ax.set(xticks=[], yticks=[])
