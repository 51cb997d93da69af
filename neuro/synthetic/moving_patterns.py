"""Moving bars, drifting gratings and motion clouds as an event camera sees them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.data.dataset import Attribute, EventDataset
from neuro.encode import EventCamera
from neuro.errors import InvalidValue
from neuro.synthetic._checks import above, generator, real, whole
from neuro.synthetic.motion_cloud import motion_cloud
from neuro.units import ms

Video = NDArray[np.float64]
CAMERA = EventCamera(threshold=0.2)
_SOURCE = "made by neuro.synthetic"


def moving_bars(
    samples: int = 10,
    *,
    directions: int = 8,
    size: tuple[int, int] = (24, 24),
    speed: float = 100.0,
    width: float = 3.0,
    contrast: float = 1.0,
    duration: float = 300 * ms,
    frame: float = 2 * ms,
    camera: EventCamera = CAMERA,
    seed: int = 0,
) -> EventDataset:
    """Bright bars that cross the sensor, labelled by their direction of motion.

    Label k moves at the angle 2 pi k / directions: 0 to the right, a quarter turn down the
    picture. The bar stands across its motion, is longer than the sensor and comes round again
    after it has left. Its place at the start is random. Its edges are one pixel soft.

    Args:
        samples: recordings of each direction.
        directions: number of classes, at least 2.
        size: (rows, columns) of the sensor.
        speed: pixels per second.
        width: of the bar in pixels.
        contrast: of the bar against the ground, in log intensity (negative for a dark bar).
        duration: seconds of a recording.
        frame: seconds from one frame of the video to the next.
        camera: that looks at it.
        seed: of the places, and of the sensor's mismatch and noise.

    Returns:
        `samples * directions` recordings of shape (2, rows, columns), ordered by label.

    Raises:
        InvalidValue: an argument is out of range.
    """
    where = "moving_bars"
    count, classes = whole(f"{where}.samples", samples), whole(f"{where}.directions", directions, 2)
    above(f"{where}.speed", speed)
    above(f"{where}.width", width)
    times = _times(where, duration, frame)
    y, x = _pixels(where, size)
    reach = math.hypot(*size) + width + 2  # the way from out of sight to out of sight
    places = generator(where, seed, 0).uniform(size=(classes, count))

    def videos() -> Iterable[Video]:
        for k in range(classes):
            angle = 2 * math.pi * k / classes
            along = x * math.cos(angle) + y * math.sin(angle)
            for place in places[k]:
                middle = (place * reach + speed * times) % reach - reach / 2
                distance = np.abs(along - middle[:, None, None])
                yield contrast * np.clip((width + 1) / 2 - distance, 0, 1)

    names = [f"{360 * k / classes:g} deg" for k in range(classes)]
    facts = {"directions": classes, "speed": speed, "width": width, "contrast": contrast}
    return _seen("moving bars", videos(), names, count, times, camera, seed, facts)


def drifting_gratings(
    samples: int = 10,
    *,
    orientations: int = 4,
    speeds: Sequence[float] = (30.0, 90.0),
    size: tuple[int, int] = (24, 24),
    wavelength: float = 8.0,
    contrast: float = 0.5,
    duration: float = 300 * ms,
    frame: float = 2 * ms,
    camera: EventCamera = CAMERA,
    seed: int = 0,
) -> EventDataset:
    """Sine gratings of several orientations and speeds; a class is one pair of both.

    Label o * len(speeds) + s has the orientation pi o / orientations (of the wave vector against
    x: 0 for upright stripes that move to the right) and the speed speeds[s]. The log intensity is
    contrast * sin(2 pi (x' - speed t) / wavelength + phase) with a random phase.

    Args:
        samples: recordings of each class.
        orientations: number of orientations, at least 1.
        speeds: pixels per second; negative ones move the other way.
        size: (rows, columns) of the sensor.
        wavelength: pixels from one crest to the next, at least 2.
        contrast: amplitude in log intensity.
        duration: seconds of a recording.
        frame: seconds from one frame to the next; refused if a stripe moves by half a wavelength.
        camera: that looks at it.
        seed: of the phases, and of the sensor's mismatch and noise.

    Returns:
        `samples * orientations * len(speeds)` recordings of shape (2, rows, columns), ordered by
        label.

    Raises:
        InvalidValue: an argument is out of range, or the frames are too far apart for a speed.
    """
    where = "drifting_gratings"
    count, angles = whole(f"{where}.samples", samples), whole(f"{where}.orientations", orientations)
    if not len(speeds):
        raise InvalidValue(f"{where}.speeds: got none, expected at least one")
    real(f"{where}.wavelength", wavelength, 2)
    times = _times(where, duration, frame)
    y, x = _pixels(where, size)
    for speed in speeds:
        if not abs(speed) * frame < wavelength / 2:
            raise InvalidValue(
                f"{where}.speeds: {speed!r} pixels per second move a grating of {wavelength:g} "
                f"pixels by half a wavelength or more in {frame:g} s. Use a shorter frame."
            )
    phases = generator(where, seed, 0).uniform(0, 2 * math.pi, (angles, len(speeds), count))

    def videos() -> Iterable[Video]:
        for o, s in np.ndindex(angles, len(speeds)):
            angle = math.pi * o / angles
            along = x * math.cos(angle) + y * math.sin(angle)
            for phase in phases[o, s]:
                moved = along - speeds[s] * times[:, None, None]
                yield contrast * np.sin(2 * math.pi * moved / wavelength + phase)

    names = [f"{180 * o / angles:g} deg, {s:g} px/s" for o in range(angles) for s in speeds]
    facts = {"orientations": angles, "wavelength": wavelength, "contrast": contrast}
    return _seen("drifting gratings", videos(), names, count, times, camera, seed, facts)


def motion_clouds(
    samples: int = 10,
    *,
    directions: int = 4,
    size: tuple[int, int] = (32, 32),
    speed: float = 100.0,
    frequency: float = 0.125,
    speed_bandwidth: float = 20.0,
    frequency_bandwidth: float = 0.1,
    orientation_bandwidth: float = math.inf,
    contrast: float = 0.5,
    duration: float = 256 * ms,
    frame: float = 2 * ms,
    camera: EventCamera = CAMERA,
    seed: int = 0,
) -> EventDataset:
    """Motion clouds labelled by their mean direction: motion without an edge to follow.

    Label k moves at the angle 2 pi k / directions: 0 to the right, a quarter turn down the
    picture. The log intensity is `contrast` times the cloud, whose standard deviation is 1. With
    all orientations alike the direction is told by motion only.

    Args:
        samples: recordings of each direction, each a texture of its own.
        directions: number of classes, at least 2.
        size: (rows, columns) of the sensor.
        speed: mean speed in pixels per second.
        frequency: of the texture, cycles per pixel.
        speed_bandwidth: spread of the speed in pixels per second.
        frequency_bandwidth: spread of the frequency, cycles per pixel.
        orientation_bandwidth: spread of the wave vector about the direction of motion, radians;
            math.inf for all orientations alike.
        contrast: standard deviation of the log intensity.
        duration: seconds of a recording.
        frame: seconds from one frame to the next.
        camera: that looks at it.
        seed: of the textures, and of the sensor's mismatch and noise.

    Returns:
        `samples * directions` recordings of shape (2, rows, columns), ordered by label.

    Raises:
        InvalidValue: an argument is out of range.

    Source: Leon, Vanzetta, Masson & Perrinet, J. Neurophysiol. 107 (2012); see `motion_cloud`.
    """
    where = "motion_clouds"
    count, classes = whole(f"{where}.samples", samples), whole(f"{where}.directions", directions, 2)
    _pixels(where, size)
    times = _times(where, duration, frame)
    root = whole(f"{where}.seed", seed, 0)

    def videos() -> Iterable[Video]:
        for k in range(classes):
            angle = 2 * math.pi * k / classes
            velocity = speed * frame * math.cos(angle), speed * frame * math.sin(angle)
            for i in range(count):
                drawn = np.random.SeedSequence([root, k * count + i]).generate_state(1)[0]
                yield contrast * motion_cloud(
                    len(times), *size, velocity=velocity, frequency=frequency, orientation=angle,
                    speed_bandwidth=speed_bandwidth * frame,
                    frequency_bandwidth=frequency_bandwidth,
                    orientation_bandwidth=orientation_bandwidth, seed=int(drawn),
                )  # fmt: skip

    names = [f"{360 * k / classes:g} deg" for k in range(classes)]
    facts = {"directions": classes, "speed": speed, "frequency": frequency, "contrast": contrast}
    return _seen("motion clouds", videos(), names, count, times, camera, seed, facts)


def _seen(
    name: str,
    videos: Iterable[Video],
    classes: Sequence[str],
    samples: int,
    times: NDArray[np.float64],
    camera: EventCamera,
    seed: int,
    facts: dict[str, Any],
) -> EventDataset:
    """The recordings of videos given as log intensities, `samples` of each class in turn."""
    recordings = [
        camera.watch_batch(np.exp(video)[None], times, seed=seed, first=i)[0]
        for i, video in enumerate(videos)
    ]
    attributes: dict[str, Attribute] = {"seed": int(seed), "samples": samples}
    attributes |= {key: float(value) for key, value in facts.items()}
    labels = np.repeat(np.arange(len(classes)), samples)
    return EventDataset.from_events(
        recordings, labels, classes=classes, name=name, source=_SOURCE, attributes=attributes
    )


def _times(where: str, duration: float, frame: float) -> NDArray[np.float64]:
    above(f"{where}.duration", duration)
    above(f"{where}.frame", frame)
    frames = round(duration / frame)
    if frames < 1 or not math.isclose(frames * frame, duration, rel_tol=1e-6):
        raise InvalidValue(
            f"{where}.duration: got {duration!r} s, expected a whole number of frames of {frame:g} "
            "s, at least one"
        )
    return np.arange(frames + 1, dtype=np.float64) * frame


def _pixels(where: str, size: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows and columns counted from the middle of the sensor, [H, 1] and [1, W]."""
    rows, columns = (whole(f"{where}.size", n) for n in size)
    y = np.arange(rows, dtype=np.float64) - (rows - 1) / 2
    x = np.arange(columns, dtype=np.float64) - (columns - 1) / 2
    return y[:, None], x[None, :]
