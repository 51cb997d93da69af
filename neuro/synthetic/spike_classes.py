"""Poisson spike trains labelled by their rates."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.data.dataset import EventDataset
from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.synthetic._checks import generator, length, real, whole
from neuro.units import Hz, ms

STEP = Clock(1 * ms)


class PoissonClasses(NamedTuple):
    """Recordings of Poisson units, and the rates that made them."""

    data: EventDataset
    rates: NDArray[np.float64]  # Hz [classes, units], the only difference between the classes


def poisson_classes(
    samples: int = 20,
    *,
    classes: int = 4,
    units: int = 50,
    rates: tuple[float, float] = (5 * Hz, 50 * Hz),
    duration: float = 200 * ms,
    clock: Clock = STEP,
    seed: int = 0,
) -> PoissonClasses:
    """Independent Poisson spike trains; a class is a vector of rates, one of each unit.

    The times carry nothing: the counts are sufficient, so the best any classifier can do is the
    likelihood of Poisson counts under the returned rates.

    Args:
        samples: recordings of each class.
        classes: number of classes.
        units: of a recording.
        rates: lowest and highest; each unit's rate in each class is uniform between them.
        duration: seconds, whole ticks.
        clock: of the events. A unit may fire more than once in a tick.
        seed: of rates and spikes. The first classes and samples do not depend on how many follow.

    Returns:
        (data, rates): `samples * classes` recordings of shape (units,) ordered by label, and the
        rates in Hz, [classes, units].

    Raises:
        InvalidValue: an argument is out of range.
    """
    where = "poisson_classes"
    count, kinds = whole(f"{where}.samples", samples), whole(f"{where}.classes", classes)
    size, ticks = whole(f"{where}.units", units), length(f"{where}.duration", duration, clock)
    low, high = (real(f"{where}.rates", rate) for rate in rates)
    if high < low:
        raise InvalidValue(f"{where}.rates: got {rates!r}, expected (lowest, highest)")
    table = np.stack([generator(where, seed, 0, k).uniform(low, high, size) for k in range(kinds)])
    recordings = []
    for k in range(kinds):
        mean = table[k] * (ticks * clock.dt)
        for i in range(count):
            random = generator(where, seed, 1, k, i)
            unit = np.repeat(np.arange(size), random.poisson(mean))
            t = random.integers(ticks, size=len(unit))
            recordings.append(Events.sorted(t, unit, shape=size, clock=clock, duration=ticks))
    data = EventDataset.from_events(
        recordings, np.repeat(np.arange(kinds), count),
        classes=[f"rates {k}" for k in range(kinds)], name="poisson classes",
        source="made by neuro.synthetic", attributes={"seed": int(seed), "samples": count},
    )  # fmt: skip
    return PoissonClasses(data, table)
