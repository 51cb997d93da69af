"""What an event camera saw, as a film: GIF or MP4."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.errors import InvalidValue, require
from neuro.events import Events
from neuro.files import atomic
from neuro.plot import _ink, style
from neuro.plot._movie import FASTEST, write_gif, write_mp4
from neuro.units import ms

_LEVELS = 7  # shades of each ink; with both, 64 colours
_GREYS = 64
_SIDE = 560  # screen pixels that the longer side of a small sensor is enlarged to
_MARGIN, _LINE, _BAR = 12, 24, 3  # screen pixels
_NARROWEST = 300  # what the lines of text need
_DPI = 100


def event_video(
    events: Events,
    path: str | os.PathLike[str],
    *,
    fps: float = 30.0,
    window: float = 10 * ms,
    title: str = "",
    max_frames: int = 10_000,
) -> None:
    """Write a film: OFF events orange, ON events blue, on white, with a time stamp.

    Each event is in exactly one frame. A pixel is the more saturated the more events it had in the
    frame; where both signs occur the inks mix. The scale is the same in all frames: it is full at
    the 95th percentile. Frames are made one after another, so the film may be longer than memory.
    The file appears whole or not at all.

    Args:
        events: shape (2, y, x), polarity 0 = OFF and 1 = ON.
        path: where to write; the ending says the kind, .gif or .mp4. MP4 needs ffmpeg, from the
            system or the package imageio-ffmpeg.
        fps: frames that are played in a second. GIFs play 50 at most.
        window: seconds of recorded time in a frame, at least a tick; `fps * window` is the speed,
            0.3 of real time by default. A window of 1 / fps plays in real time.
        title: above the picture.
        max_frames: refuse longer films.

    Raises:
        InvalidValue: another shape, ending, no duration, or a number out of range.
        MissingExtra: matplotlib is not installed, or there is no ffmpeg for an MP4.
    """
    ending = Path(path).suffix.lower()
    writers = {".gif": write_gif, ".mp4": write_mp4}
    if ending not in writers:
        raise InvalidValue(f"event_video.path: got ending {ending!r}, expected .gif or .mp4")
    if not 0 < fps < float("inf"):
        raise InvalidValue(f"event_video.fps: got {fps!r}, expected above 0, e.g. 30")
    if ending == ".gif" and fps > FASTEST:
        raise InvalidValue(
            f"event_video.fps: got {fps:g}, but GIFs play at most {FASTEST:g} frames a second. "
            "Use fewer, or write an .mp4"
        )
    edges = frame_ticks(_ink.checked_camera("event_video.events", events), window, max_frames)
    require("matplotlib", "plot")
    stage = _Stage(events, edges, title)
    with atomic(path) as temporary:
        writers[ending](temporary, stage.frames(), stage.palette, fps)


def frame_ticks(events: Events, window: float, most: int) -> NDArray[np.int64]:
    """Ticks at which frames begin and end, floor(k * window), computed exactly [frames + 1].

    Raises:
        InvalidValue: no duration, a window shorter than a tick, or more than `most` frames.
    """
    if events.duration < 1:
        raise InvalidValue("event_video.events: the recording lasts 0 ticks, expected at least 1")
    ticks = Clock(window).tick / events.clock.tick
    if ticks < 1:
        raise InvalidValue(
            f"event_video.window: got {window:g} s, expected at least one tick, "
            f"{events.clock.dt:g} s"
        )
    count = -int(-events.duration // ticks)
    if count > most:
        raise InvalidValue(
            f"event_video.window: {count} frames of {window:g} s, expected at most {most}. Use a "
            "longer window, slice the events, or raise max_frames. Time stamps that count from "
            "1970 are read with rebase=True"
        )
    return np.array([int(k * ticks) for k in range(count + 1)], np.int64)


def frame_events(events: Events, edges: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Events of each frame by polarity and pixel, [2, y, x], one frame at a time."""
    rows = np.searchsorted(events.t, edges)
    for first, last in pairwise(rows):
        flat = np.bincount(events.unit[first:last], minlength=events.size)
        yield flat.reshape(events.shape)


class _Stage:
    """What stays the same in all frames: the page, the colours and the scale.

    Frames are numbers in a palette: first the 8 x 8 mixtures of the inks, then greys for text.

    Args:
        events: of a camera.
        edges: of the frames in ticks.
        title: of the film.
    """

    def __init__(self, events: Events, edges: NDArray[np.int64], title: str) -> None:
        self.events, self.edges = events, edges
        self.full = _ink.full_count(frame_events(events, edges))
        self.palette = palette()
        rows, columns = events.shape[1:]
        self.zoom = max(1, round(_SIDE / max(rows, columns)))
        high, wide = self.zoom * rows, self.zoom * columns
        top = _MARGIN + (_LINE if title else 0)
        width = max(wide + 2 * _MARGIN, _NARROWEST)
        height = top + high + _BAR + _LINE + _MARGIN
        left = (width - wide) // 2
        self.picture = np.s_[top : top + high, left : left + wide]
        self.bar = np.s_[top + high : top + high + _BAR, left : left + wide]
        self.stamp = np.s_[top + high + _BAR : height, left : left + max(wide, 200) // 2]
        self._figure(title, width, height, left, max(wide, _NARROWEST - 2 * _MARGIN))

    def _figure(self, title: str, width: int, height: int, left: int, wide: int) -> None:
        """The page without pictures and times, drawn once."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.patches import Rectangle

        figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor="white")
        self.canvas = FigureCanvasAgg(figure)
        start, end = (width - wide) / 2, (width + wide) / 2
        line = (_MARGIN + 0.35 * _LINE) / height

        def put(x: float, y: float, text: str, size: float, **look: Any) -> Any:
            return figure.text(
                x / width, y, style.plain(text), fontsize=size, color=style.INK, **look
            )

        if title:
            put(start, 1 - _MARGIN / height, title, style.TITLE, va="top", fontweight="bold")
        for name, color, x in (("ON", style.ON, end - 92), ("OFF", style.OFF, end - 42)):
            side = 11
            square = Rectangle(
                (x / width, line - side / 2 / height), side / width, side / height, color=color,
                linewidth=0, transform=figure.transFigure,
            )  # fmt: skip
            figure.add_artist(square)
            put(x + side + 5, line, name, style.LABEL, va="center_baseline")
        self.time = put(start, line, "", style.LABEL, va="center_baseline", animated=True)
        self.canvas.draw()
        self.empty = self.canvas.copy_from_bbox(figure.bbox)
        self.page = nearest(np.asarray(self.canvas.buffer_rgba())[..., :3], self.palette)
        down, across = self.picture
        self.page[down.start - 1 : down.stop + 1, across.start - 1 : across.stop + 1] = _grey(0.85)

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """The pages of the film."""
        for k, counts in enumerate(frame_events(self.events, self.edges)):
            page = self.page.copy()
            shades = levels(counts, self.full)
            cells = shades[0] * (_LEVELS + 1) + shades[1]
            page[self.picture] = cells.repeat(self.zoom, axis=0).repeat(self.zoom, axis=1)
            bar = page[self.bar]
            bar[:] = _grey(0.85)
            bar[:, : bar.shape[1] * (k + 1) // (len(self.edges) - 1)] = _grey(0.45)
            page[self.stamp] = self._stamped(k)
            yield page

    def _stamped(self, k: int) -> NDArray[np.uint8]:
        self.canvas.restore_region(self.empty)
        self.time.set_text(span(self.events, self.edges, k))
        self.canvas.figure.draw_artist(self.time)
        light = np.asarray(self.canvas.buffer_rgba())[self.stamp][..., 0]
        return _grey(light / 255.0)


def palette() -> NDArray[np.uint8]:
    """RGB of the mixtures of both inks, then of greys from black to white."""
    shade = np.r_[0, _ink.strength(np.arange(1, _LEVELS + 1), _LEVELS)]
    inks = _ink.mixed(*np.broadcast_arrays(shade[:, None], shade)).reshape(-1, 3)
    greys = np.repeat(np.linspace(0, 1, _GREYS)[:, None], 3, axis=1)
    return np.rint(255 * np.concatenate([inks, greys])).astype(np.uint8)


def levels(counts: NDArray[np.int64], full: int) -> NDArray[np.uint8]:
    """Shade of each count: 0 only without events, 7 from `full` events on."""
    return np.ceil(_LEVELS * np.minimum(counts / full, 1)).astype(np.uint8)


def _grey(light: Any) -> Any:
    """Number in the palette of a grey between 0 and 1."""
    return np.rint((_LEVELS + 1) ** 2 + light * (_GREYS - 1)).astype(np.uint8)


def nearest(picture: NDArray[np.uint8], palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Number in the palette of the colour nearest to that of each pixel."""
    colors, where = np.unique(picture.reshape(-1, 3), axis=0, return_inverse=True)
    away = ((colors[:, None].astype(int) - palette.astype(int)) ** 2).sum(axis=-1)
    return away.argmin(axis=1)[where].reshape(picture.shape[:-1]).astype(np.uint8)


def span(events: Events, edges: NDArray[np.int64], k: int) -> str:
    """From when to when a frame shows events."""
    times = 1e3 * events.clock.seconds(edges)
    exact = np.allclose(times, np.rint(times), rtol=0, atol=1e-6)
    digits = 0 if exact else (1 if np.diff(times).min() > 1 else 3)
    return f"{times[k]:,.{digits}f} \N{EN DASH} {times[k + 1]:,.{digits}f} ms"
