"""GIF films as the intensities that an event camera watches."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.encode._values import above
from neuro.errors import CorruptFile, InvalidValue, require

LIMIT = 1 << 28  # pixels of all frames together, unless the caller allows more


def read_gif(
    path: str | os.PathLike[str], *, dark: float = 0.1, limit: int = LIMIT
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Frames and times of a GIF film, for `EventCamera.watch`.

    Colours become luminance in linear light (IEC 61966-2-1 decoding, ITU-R BT.709 weights). The
    time that the last frame is shown is not part of the film: the camera sees changes between
    frames.

    Args:
        path: the file.
        dark: intensity of black where white is 1, above 0, since the camera takes logarithms.
        limit: pixels of all frames together.

    Returns:
        Intensities float32 [F, H, W] from `dark` to 1, and the time of each frame in seconds [F].

    Raises:
        FileNotFoundError: there is no such file.
        CorruptFile: the file is damaged, is no film, or has more pixels than `limit`.
        InvalidValue: `dark` is not between 0 and 1.
        MissingExtra: pillow is not installed (it comes with `neuro[plot]`).
    """
    if not above("read_gif.dark", dark, 0) < 1:
        raise InvalidValue(f"read_gif.dark: got {dark!r}, expected below 1")
    where = Path(path)
    if not where.is_file():
        raise FileNotFoundError(f"read_gif: no file {where}")
    image: Any = require("PIL.Image", "plot")
    frames, times, now = [], [], 0.0
    try:
        with image.open(where, formats=("GIF",)) as film:
            if film.width * film.height * film.n_frames > limit:
                raise CorruptFile(
                    f"{where}: {film.n_frames} frames of {film.width}x{film.height} are more than "
                    f"{limit} pixels. Remedy: pass a larger limit"
                )
            for number in range(film.n_frames):
                film.seek(number)
                frames.append(_luminance(np.asarray(film.convert("RGB"))))
                times.append(now)
                wait = float(film.info.get("duration", 0)) / 1000
                if number + 1 < film.n_frames and wait <= 0:
                    raise CorruptFile(f"{where}: frame {number} is shown for no time")
                now += wait
    except (OSError, EOFError, SyntaxError, image.DecompressionBombError) as error:
        raise CorruptFile(f"{where}: not a whole GIF file ({error})") from error
    if len(frames) < 2:
        raise CorruptFile(f"{where}: one frame only, expected a film")
    light = np.stack(frames)
    return (dark + (1 - dark) * light).astype(np.float32), np.array(times)


def _luminance(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    value = pixels / 255.0
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return np.minimum(linear @ np.array([0.2126, 0.7152, 0.0722]), 1.0)
