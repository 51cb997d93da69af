"""What an event camera saw, as a filmstrip."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.plot import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PER_ROW = 8


def event_strip(events: Events, frames: int = 8, *, title: str = "") -> Figure:
    """Frames of equal length: OFF events orange, ON events blue, on white.

    A pixel is the more saturated the more events it had; where both signs occur the inks mix.

    Args:
        events: shape (2, y, x), polarity 0 = OFF and 1 = ON.
        frames: into how many parts the recording is divided; each event is in exactly one.
        title: of the figure.

    Raises:
        InvalidValue: another shape, no duration, or fewer than one frame.
        MissingExtra: matplotlib is not installed.
    """
    counts = frame_counts(events, frames)
    rows, columns = -(-frames // _PER_ROW), min(frames, _PER_ROW)
    height, width = events.shape[1:]
    cell = style.WIDTH / max(columns, 4)
    figure = style.new_figure(
        cell * columns, (0.6 if title else 0.35) + rows * (cell * min(height / width, 2.0) + 0.2)
    )
    grid = figure.subplots(rows, columns, squeeze=False)
    pictures = _ink(counts)
    edges = 1e3 * events.clock.seconds(frame_edges(events, frames))
    for k, ax in enumerate(grid.flat):
        if k >= frames:
            ax.set_axis_off()
            continue
        ax.imshow(pictures[k], interpolation="nearest")
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set(color=style.HAIRLINE, linewidth=0.8)
        span = f"{edges[k]:.0f}\N{EN DASH}{edges[k + 1]:.0f} ms"
        ax.set_xlabel(span, fontsize=style.NOTE, color=style.INK, labelpad=3)
    if title:
        figure.suptitle(
            style.plain(title), fontsize=style.TITLE, fontweight="bold", color=style.INK
        )
    _legend(figure)
    return figure


def frame_edges(events: Events, frames: int) -> NDArray[np.int64]:
    """Ticks at which frames begin and end [frames + 1]."""
    return np.arange(frames + 1) * events.duration // frames


def frame_counts(events: Events, frames: int) -> NDArray[np.int64]:
    """Events in each frame, polarity and pixel: int64 [frames, 2, y, x]."""
    if len(events.shape) != 3 or events.shape[0] != 2:
        raise InvalidValue(
            f"event_strip.events: got shape {events.shape}, expected (2, y, x): polarity, y, x"
        )
    if int(frames) != frames or frames < 1:
        raise InvalidValue(f"event_strip.frames: got {frames!r}, expected a whole number >= 1")
    if events.duration < frames:
        raise InvalidValue(
            f"event_strip.frames: got {frames}, but the recording has {events.duration} ticks"
        )
    frame = np.searchsorted(frame_edges(events, frames), events.t, side="right") - 1
    flat = np.bincount(frame * events.size + events.unit, minlength=frames * events.size)
    return flat.reshape(frames, *events.shape)


def _ink(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Two inks printed over each other on white paper: RGB [frames, y, x, 3]."""
    from matplotlib.colors import to_rgb

    seen = counts[counts > 0]
    full = float(np.quantile(seen, 0.95)) if seen.size else 1.0  # one hot pixel must not fade all
    strength = np.where(counts > 0, np.clip(0.45 + 0.55 * counts / full, 0, 1), 0)[..., None]
    off, on = (
        1 - strength[:, k] * (1 - np.array(to_rgb(c))) for k, c in ((0, style.OFF), (1, style.ON))
    )
    return off * on


def _legend(figure: Figure) -> None:
    from matplotlib.patches import Patch

    patches = [Patch(facecolor=style.ON, label="ON: brighter"),
               Patch(facecolor=style.OFF, label="OFF: darker")]  # fmt: skip
    figure.legend(
        handles=patches, loc="outside lower left", ncols=2, frameon=False, fontsize=style.NOTE,
        handlelength=1.0, handleheight=1.0, columnspacing=1.2, borderaxespad=0.2,
    )  # fmt: skip
