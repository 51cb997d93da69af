"""Classes that only the times of spikes tell apart: each is a template of one spike per unit."""

from __future__ import annotations

import numpy as np

from neuro.clock import Clock
from neuro.data.dataset import EventDataset
from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.synthetic._checks import generator, length, real, whole
from neuro.units import ms

STEP = Clock(10 * ms)


def spike_templates(
    samples: int = 600,
    *,
    classes: int = 12,
    units: int = 12,
    span: float = 240 * ms,
    duration: float = 400 * ms,
    jitter: float = 5 * ms,
    dropped: float = 0.1,
    background: float = 0.01,
    clock: Clock = STEP,
    templates: int = 42,
    seed: int = 0,
) -> EventDataset:
    """Recordings of one template each, at a random time, jittered, with gaps and stray spikes.

    Every unit fires once in every template, at a time uniform in `span`; so neither a unit's rate
    nor the population's says which template it is, only the delays between units do.

    Args:
        samples: recordings, of random classes.
        classes, units: number of templates, and of units in each.
        span: seconds that a template lasts.
        duration: seconds of a recording; the template starts anywhere it fits in.
        jitter: standard deviation of every spike's time, in seconds.
        dropped: share of the spikes that are missing.
        background: chance of a stray spike, for each unit and tick.
        clock: of the events.
        templates: seed of the templates.
        seed: of the recordings.

    Returns:
        Recordings of shape (units,); at most one spike for each unit and tick.

    Raises:
        InvalidValue: an argument is out of range, or the template is longer than the recording.
    """
    where = "spike_templates"
    count, kinds = whole(f"{where}.samples", samples), whole(f"{where}.classes", classes)
    size = whole(f"{where}.units", units)
    long = length(f"{where}.span", span, clock)
    ticks = length(f"{where}.duration", duration, clock)
    if long > ticks:
        raise InvalidValue(
            f"{where}.span: got {span:g} s, expected at most the duration, {duration:g} s"
        )
    spread = real(f"{where}.jitter", jitter) / clock.dt
    missing = real(f"{where}.dropped", dropped, 0, 1)
    stray = real(f"{where}.background", background, 0, 1)
    times = generator(where, templates, 0).integers(0, long, (kinds, size))
    random = generator(where, seed, 1)
    labels = random.integers(0, kinds, count)
    recordings: list[Events] = []
    for label in labels:
        fired = random.random((ticks, size)) < stray
        t = times[label] + random.integers(0, ticks - long + 1)
        t = np.rint(t + random.normal(0, spread, size)).astype(np.int64)
        kept = (random.random(size) >= missing) & (t >= 0) & (t < ticks)
        fired[t[kept], np.flatnonzero(kept)] = True
        tick, unit = np.nonzero(fired)
        recordings.append(Events.sorted(tick, unit, shape=size, clock=clock, duration=ticks))
    return EventDataset.from_events(
        recordings, labels, classes=[f"template {c}" for c in range(kinds)], name=where,
        source="made by neuro.synthetic",
        attributes={"seed": int(seed), "templates": int(templates)},
    )  # fmt: skip
