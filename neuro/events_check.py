"""Does every format give back what it was given, and every transform leave its input alone?"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from neuro import transforms
from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.formats import formats, read_events, write_events
from neuro.formats._base import Format
from neuro.units import Hz, ms, us

MICROSECOND = Clock(1 * us)


@dataclasses.dataclass(frozen=True)
class FormatResult:
    """One format's round trip.

    Args:
        name: of the format.
        written: events that were written, over all recordings.
        lost: of them, those that did not come back as they were; events that came back without
            having been written count as well.
    """

    name: str
    written: int
    lost: int


def check_formats(
    *, recordings: int = 20, seed: int = 0, report: Callable[[str], None] | None = None
) -> list[FormatResult]:
    """Write random recordings in every format that neuro writes, and read them back.

    Args:
        recordings: for each format, of 0 to some thousand events, with equal times and pixels.
        seed: of the events.
        report: called with the name of each format before it is tried.

    Raises:
        InvalidValue: a format takes none of the recordings, so nothing was checked.
    """
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for number, fmt in enumerate(f for f in formats() if f.writable):
            if report is not None:
                report(fmt.name)
            results.append(_round_trips(fmt, Path(folder), recordings, [seed, number]))
    return results


def _round_trips(fmt: Format, folder: Path, recordings: int, seed: list[int]) -> FormatResult:
    written = lost = taken = 0
    path = folder / f"check{fmt.suffixes[0]}"
    for k in range(recordings):
        for events in _candidates([*seed, k]):
            try:
                write_events(path, events, format=fmt.name)
            except InvalidValue:
                continue  # this kind of recording has no place in the format
            back = read_events(path, format=fmt.name, sensor=events.shape, duration=events.duration)
            taken += 1
            written += len(events)
            lost += _difference(events, back)
            break
    if not taken:
        raise InvalidValue(
            f"{fmt.name}: takes neither camera nor audio recordings, nothing checked"
        )
    return FormatResult(fmt.name, written, lost)


def _candidates(seed: list[int]) -> Iterator[Events]:
    """Random recordings of a camera, then of a one-dimensional sensor."""
    rng = np.random.default_rng(seed)
    for shape in ((2, 34, 30), (64,)):
        count = int(rng.choice([0, 1, 2, 50, 3000])) if seed[-1] else 0
        span = int(rng.choice([10, 100_000, 8_000_000]))
        events = Events.sorted(
            rng.integers(0, span, count), rng.integers(0, int(np.prod(shape)), count),
            shape=shape, clock=MICROSECOND, duration=span,
        )  # fmt: skip
        yield events
        if not count:  # formats that cannot tell no events from a cut file
            yield Events.sorted([span - 1], [3], shape=shape, clock=MICROSECOND, duration=span)


def _difference(events: Events, back: Events) -> int:
    """Events of either that the other has not, each counted."""
    if back.clock != events.clock or back.shape != events.shape:
        return max(len(events), 1)
    rows = np.concatenate(
        [np.stack([e.t, e.unit.astype(np.int64)], axis=1) for e in (events, back)]
    )
    sign = np.repeat([1, -1], [len(events), len(back)])
    _, cell = np.unique(rows, axis=0, return_inverse=True)
    return int(np.abs(np.bincount(cell.ravel(), weights=sign, minlength=1)).sum())


def examples() -> list[transforms.Transform]:
    """One transform of every kind, set so that it acts on the recordings of `check_transforms`."""
    t = transforms
    return [
        t.Centre(border="wrap"), t.CentreCrop((8, 10)), t.Coarsen(Clock(7 * us)),
        t.Compose([t.Flip("unit"), t.TimeJitter(50 * us)]), t.Crop(y=(2, 9)), t.Crop(units=(5, 20)),
        t.Denoise(5 * ms), t.Downsample(2), t.DropArea(0.3), t.DropEvents(0.4), t.DropTime(0.2),
        t.DropUnits(0.3), t.Flip("x"), t.Flip("unit"), t.FlipPolarity(), t.HotPixels(2.0),
        t.MergePolarities(), t.Pad(x=(1, 2)), t.RandomCrop((6, 6)), t.Refractory(5 * ms),
        t.Shift(x=2, border="wrap"), t.SpatialJitter(2.0), t.TimeJitter(100 * us), t.TimeReverse(),
        t.TimeScale(0.5), t.TimeShift(20 * us), t.UniformNoise(100 * Hz),
    ]  # fmt: skip


def check_transforms(
    chosen: list[transforms.Transform] | None = None, *, seed: int = 0
) -> dict[str, bool]:
    """Whether each transform left its input as it was, by name.

    Args:
        chosen: the transforms, by default one of every kind.
        seed: of the events.

    Raises:
        InvalidValue: a transform took none of the recordings, so it was not checked.
    """
    rng = np.random.default_rng(seed)
    clean: dict[str, bool] = {}
    for shape in ((2, 16, 20), (40,)):
        t, unit = rng.integers(0, 90_000, 2000), rng.integers(0, int(np.prod(shape)), 2000)
        for transform in examples() if chosen is None else chosen:
            events = Events.sorted(t, unit, shape=shape, clock=MICROSECOND, duration=100_000)
            before = (events.t.copy(), events.unit.copy(), events.shape, events.duration)
            try:
                transform(events)
            except InvalidValue:
                continue  # made for the other kind of sensor
            same = (
                np.array_equal(before[0], events.t)
                and np.array_equal(before[1], events.unit)
                and before[2:] == (events.shape, events.duration)
            )
            name = type(transform).__name__
            clean[name] = clean.get(name, True) and same
    lacking = {type(t).__name__ for t in (examples() if chosen is None else chosen)} - set(clean)
    if lacking:
        raise InvalidValue(f"check_transforms: {sorted(lacking)} took none of the recordings")
    return clean
