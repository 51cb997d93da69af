"""Moving pictures written frame by frame, as GIF or, through ffmpeg, as MP4."""

from __future__ import annotations

import importlib
import shutil
import struct
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
from numpy.typing import NDArray

from neuro.errors import InvalidValue, MissingExtra, NeuroError

Picture = NDArray[np.uint8]  # [height, width], numbers in a palette [colours, 3]
FASTEST = 50.0  # frames a second that players of GIFs keep up with


def write_gif(path: Path, frames: Iterable[Picture], palette: Picture, fps: float) -> None:
    """One picture after another; only one is in memory.

    A GIF counts time in hundredths of a second. Frames that last no whole number of them are
    shown a hundredth longer or shorter, so that the film as a whole keeps its speed.

    Raises:
        InvalidValue: more than 50 frames a second.
    """
    from PIL import Image
    from PIL.GifImagePlugin import getdata

    if fps > FASTEST:
        raise InvalidValue(
            f"event_video.fps: got {fps:g}, but GIFs play at most {FASTEST:g} frames a second. "
            "Use fewer, or write an .mp4"
        )
    colors = np.zeros((256, 3), np.uint8)
    colors[: len(palette)] = palette
    with open(path, "wb") as file:
        for frame, delay in zip(frames, _delays(fps), strict=False):
            if file.tell() == 0:
                height, width = frame.shape
                file.write(b"GIF89a" + struct.pack("<HHBBB", width, height, 0xF7, 0, 0))
                file.write(colors.tobytes())
                file.write(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00")  # play for ever
            image = Image.fromarray(frame).convert("L")
            file.writelines(getdata(image, duration=10 * delay))
        file.write(b"\x3b")


def _delays(fps: float) -> Iterator[int]:
    """Hundredths of a second that frames stay, right on average."""
    k = 0
    while True:
        yield round(100 * (k + 1) / fps) - round(100 * k / fps)
        k += 1


def write_mp4(path: Path, frames: Iterable[Picture], palette: Picture, fps: float) -> None:
    """H.264 in MP4, as every browser plays it; the frames go through a pipe, one at a time.

    Raises:
        MissingExtra: there is no ffmpeg.
        NeuroError: ffmpeg failed; the message is its own.
    """
    program = encoder()
    process: subprocess.Popen[bytes] | None = None
    with TemporaryFile() as complaints:
        for frame in frames:
            if process is None:
                height, width = frame.shape
                command = [
                    program, "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24",
                    "-s", f"{width}x{height}", "-r", f"{fps:.12g}", "-i", "-",
                    "-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2:color=white",  # H.264 wants even sides
                    "-c:v", "libx264", "-crf", "16", "-pix_fmt", "yuv420p",
                    "-movflags", "+faststart", "-f", "mp4", str(path),
                ]  # fmt: skip
                process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=complaints)
            assert process.stdin is not None
            try:
                process.stdin.write(palette[frame].tobytes())
            except BrokenPipeError:
                break  # ffmpeg has ended, and has said why
        if process is None:
            raise InvalidValue("event_video: no frames, expected at least one")
        assert process.stdin is not None
        with suppress(BrokenPipeError):
            process.stdin.close()
        if process.wait():
            complaints.seek(0)
            said = complaints.read().decode(errors="replace").strip()[-500:]
            raise NeuroError(f"{program} did not write the film: {said}. Write a .gif instead")


def encoder() -> str:
    """Path of ffmpeg: the one that matplotlib is set to, or that of the package imageio-ffmpeg.

    Raises:
        MissingExtra: there is none.
    """
    from matplotlib import rcParams

    if found := shutil.which(rcParams["animation.ffmpeg_path"]):
        return found
    try:
        return importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe()
    except (ImportError, RuntimeError) as error:
        raise MissingExtra(
            "event_video: an .mp4 needs ffmpeg, and there is none on the PATH. Install it, or the "
            "package that brings it (pip install imageio-ffmpeg), or write a .gif"
        ) from error
