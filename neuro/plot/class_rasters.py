"""One raster for each class of a data set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from neuro.data import EventDataset
from neuro.errors import InvalidValue
from neuro.plot import style
from neuro.plot._classes import chosen_classes, first_of
from neuro.plot._spikes import draw_raster, milliseconds, unit_label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PER_ROW = 4
_HEIGHT = 1.35  # inches of a panel


def class_rasters(
    data: EventDataset,
    *,
    classes: Sequence[int] | None = None,
    number: int = 0,
    title: str = "",
    color: str = style.OKABE_ITO["blue"],
) -> Figure:
    """A recording of each class, time in ms against unit, on shared scales.

    Args:
        data: the recordings.
        classes: numbers of the classes to draw; by default all that have a recording.
        number: which recording of each class, counted from 0.
        title: of the figure; by default the name of the data set.
        color: of the marks.

    Raises:
        InvalidValue: no recordings, an unknown class, or a class with too few recordings.
        MissingExtra: matplotlib is not installed.
    """
    wanted = chosen_classes("class_rasters", data, classes)
    recordings = {}
    for c in wanted:
        found = first_of(data, c, number + 1)
        if not 0 <= number < len(found):
            raise InvalidValue(
                f"class_rasters.number: got {number}, but class {data.classes[c]!r} has "
                f"{len(found)} recordings, expected 0 to {len(found) - 1}"
            )
        recordings[c] = data[int(found[number])][0]
    columns = min(len(wanted), _PER_ROW)
    rows = -(-len(wanted) // columns)
    figure = style.new_figure(
        max(style.WIDTH * columns / _PER_ROW, 3.4), 0.6 + rows * (_HEIGHT + 0.3)
    )
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for ax in grid.flat[len(wanted) :]:
        ax.set_axis_off()
    longest = max(milliseconds(events) for events in recordings.values())
    for k, (c, events) in enumerate(recordings.items()):
        ax = grid.flat[k]
        draw_raster(ax, events, color, height=_HEIGHT)
        ax.set_title(
            style.plain(data.classes[c]), fontsize=style.LABEL, color=style.INK, loc="left", pad=3
        )
        style.finish(ax)
        last = k + columns >= len(wanted)  # the lowest of its column carries the scale
        ax.tick_params(labelbottom=last)
    for ax in grid.flat:  # shared scales are turned as often as panels were drawn
        ax.set_xlim(0, longest or 1.0)
    first = next(iter(recordings.values()))
    grid.flat[0].set_ylim(first.size - 0.5, -0.5)
    figure.supxlabel("time (ms)", fontsize=style.LABEL, color=style.INK)
    figure.supylabel(unit_label(first), fontsize=style.LABEL, color=style.INK)
    figure.suptitle(
        style.plain(title or data.name), fontsize=style.TITLE, fontweight="bold", color=style.INK
    )
    return figure
