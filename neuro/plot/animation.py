"""Spiking activity of a two-dimensional population as an animated GIF."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.files import atomic
from neuro.metrics import spike_counts
from neuro.plot import style
from neuro.units import ms

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

_MOST = 1000  # frames: some 10 MB


def write_animation(
    path: str | os.PathLike[str],
    events: Events,
    *,
    frame: float = 10 * ms,
    tau: float | None = 20 * ms,
    speed: float = 0.1,
    title: str = "",
) -> None:
    """Write a GIF that plays spikes on their grid; each fades exponentially.

    Brightness is the sum of all earlier spikes of a unit, weighted by exp(-age / tau); the scale
    reaches to the 99th percentile of what is not dark. The file appears whole or not at all.

    Args:
        path: where to write, usually ending in .gif.
        events: shape (y, x), or (channel, y, x), whose channels are added up.
        frame: seconds of recorded time that pass from one frame to the next, a whole multiple of
            the events' tick.
        tau: how slowly a spike fades, in seconds; None shows the spikes of each frame only.
        speed: recorded seconds for each second of playing; GIFs play 50 frames a second at most.
        title: above the grid.

    Raises:
        InvalidValue: another shape, more than 1000 frames, or more than 50 frames a second.
        MissingExtra: matplotlib is not installed.
    """
    if len(events.shape) not in (2, 3):
        raise InvalidValue(
            f"write_animation.events: got shape {events.shape}, expected (y, x) or (channel, y, x)"
        )
    rate = speed / frame
    if not 0 < rate <= 50:
        raise InvalidValue(
            f"write_animation.speed: got {speed} with frames of {frame:g} s, {rate:g} frames a "
            "second, expected up to 50. Use longer frames or a lower speed."
        )
    pictures = fading(events, frame, tau)
    if len(pictures) > _MOST:
        raise InvalidValue(
            f"write_animation.frame: got {len(pictures)} frames, expected at most {_MOST}. Use "
            "longer frames, or slice the events."
        )
    figure, image = _stage(pictures, title)
    from matplotlib.animation import FuncAnimation, PillowWriter

    def show(k: int) -> tuple[AxesImage]:
        image.set_data(pictures[k])
        image.axes.set_xlabel(f"{1e3 * frame * (k + 1):.0f} ms")
        return (image,)

    movie = FuncAnimation(figure, show, frames=len(pictures), blit=False)
    with TemporaryDirectory() as folder:
        whole = Path(folder) / "movie.gif"  # the format follows from the name
        movie.save(whole, PillowWriter(fps=max(round(rate), 1)), dpi=100)
        with atomic(path) as temporary:
            temporary.write_bytes(whole.read_bytes())


def fading(events: Events, frame: float, tau: float | None) -> NDArray[np.float64]:
    """What each frame shows [frames, y, x]: spikes in it, and earlier ones as they fade."""
    counts = spike_counts(events, bin_width=frame).astype(np.float64)
    counts = counts.reshape(len(counts), -1, *events.shape[-2:]).sum(axis=1)
    if tau is None:
        return counts
    if not 0 < tau < np.inf:
        raise InvalidValue(f"write_animation.tau: got {tau!r} s, expected above 0 s, or None")
    decay = np.exp(-frame / tau)
    for k in range(1, len(counts)):
        counts[k] += decay * counts[k - 1]
    return counts


def _stage(pictures: NDArray[np.float64], title: str) -> tuple[Figure, AxesImage]:
    """The empty grid, at the size that all frames have."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    height, width = pictures.shape[1:]
    side = 3.2 / max(height, width)
    figure = style.new_figure(max(side * width, 1.4) + 0.5, max(side * height, 0.6) + 0.8)
    FigureCanvasAgg(figure)
    ax = figure.add_subplot()
    seen = pictures[pictures > 0]
    full = float(np.quantile(seen, 0.99)) if seen.size else 1.0
    image = ax.imshow(np.zeros((height, width)), cmap="inferno", vmin=0, vmax=full,
                      interpolation="nearest")  # fmt: skip
    style.finish(ax, title=title, x="0 ms")
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    return figure, image
