"""Spike motifs: frozen spatio-temporal patterns that recur in Poisson activity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.synthetic._checks import generator, length, real, whole
from neuro.units import Hz, ms, second

STEP = Clock(1 * ms)
_FAR = 3.0  # standard deviations beyond which a jitter is drawn again


@dataclass(frozen=True, eq=False)
class SpikeMotifs:
    """Activity with embedded motifs, and where they are.

    Args:
        events: the activity, shape (units,).
        patterns: each motif on its own; its spikes' times count from the motif's start.
        start: int64 [M], tick at which each occurrence starts, increasing.
        motif: int64 [M], which motif it is, an index into `patterns`.
    """

    events: Events
    patterns: tuple[Events, ...]
    start: NDArray[np.int64]
    motif: NDArray[np.int64]


def spike_motifs(
    motifs: int = 3,
    occurrences: int = 20,
    *,
    units: int = 100,
    involved: int | None = None,
    rate: float = 10 * Hz,
    motif_duration: float = 50 * ms,
    duration: float = 10 * second,
    jitter: float = 0.0,
    dropped: float = 0.0,
    clock: Clock = STEP,
    seed: int = 0,
) -> SpikeMotifs:
    """Poisson activity of a population in which frozen stretches of it recur.

    A motif is Poisson activity of `involved` units over `motif_duration`, drawn once. Wherever it
    occurs, it takes the place of what those units would have fired, so that neither the rate of a
    unit nor that of the population tells that it is there (with `dropped` = 0): only the pattern
    does. Occurrences do not overlap; their places are uniform among all ways to place them.

    Args:
        motifs: different motifs.
        occurrences: of each motif.
        units: of the population.
        involved: units of a motif, drawn for each; all by default.
        rate: of every unit.
        motif_duration: seconds, whole ticks.
        duration: seconds of the recording, whole ticks.
        jitter: standard deviation in seconds by which each spike of an occurrence moves; normal,
            drawn again beyond three of it. No occurrence starts or ends closer to an end of the
            recording than that.
        dropped: share of an occurrence's spikes that is left out, 0 to 1.
        clock: of the events.
        seed: of everything.

    Raises:
        InvalidValue: an argument is out of range, or the occurrences do not fit the recording.

    Source: Masquelier, Guyonneau & Thorpe, PLoS ONE 3:e1377 (2008), for frozen Poisson patterns.
    """
    where = "spike_motifs"
    kinds, times = whole(f"{where}.motifs", motifs), whole(f"{where}.occurrences", occurrences)
    size = whole(f"{where}.units", units)
    chosen = size if involved is None else whole(f"{where}.involved", involved)
    if chosen > size:
        raise InvalidValue(f"{where}.involved: got {chosen}, expected at most units={size}")
    real(f"{where}.rate", rate)
    real(f"{where}.jitter", jitter)
    real(f"{where}.dropped", dropped, 0, 1)
    ticks = length(f"{where}.duration", duration, clock)
    span = length(f"{where}.motif_duration", motif_duration, clock)
    margin = int(np.ceil(_FAR * jitter / clock.dt))
    count = kinds * times
    free = ticks - 2 * margin - count * span
    if free < 0:
        raise InvalidValue(
            f"{where}: {count} occurrences of {span} ticks do not fit {ticks} ticks with {margin} "
            "kept free at both ends. Use a longer duration or fewer occurrences."
        )
    chance = rate * clock.dt
    random = generator(where, seed, 0)
    members = [np.sort(random.permutation(size)[:chosen]) for _ in range(kinds)]
    patterns = []
    for who in members:
        t, unit = _poisson(random, span, chosen, chance)
        patterns.append(Events.sorted(t, who[unit], shape=size, clock=clock, duration=span))
    # all ways to place them: where the starts would lie if the motifs had no length
    slots = np.sort(random.permutation(free + count)[:count]) - np.arange(count)
    start = margin + slots + span * np.arange(count)
    motif = random.permutation(np.repeat(np.arange(kinds), times))

    t, unit = _poisson(random, ticks, size, chance)
    replaced = np.zeros(len(t), bool)
    owner = np.searchsorted(start, t, side="right") - 1
    within = (owner >= 0) & (t < start[owner] + span)
    for k, who in enumerate(members):
        part = np.zeros(size, bool)
        part[who] = True
        replaced |= within & (motif[owner] == k) & part[unit]
    all_t, all_unit = [t[~replaced]], [unit[~replaced]]
    for at, k in zip(start, motif, strict=True):
        kept = random.random(len(patterns[k])) >= dropped
        moved = np.rint(_normal(random, int(kept.sum())) * (jitter / clock.dt)).astype(np.int64)
        all_t.append(at + patterns[k].t[kept] + moved)
        all_unit.append(patterns[k].unit[kept].astype(np.int64))
    events = Events.sorted(
        np.concatenate(all_t), np.concatenate(all_unit), shape=size, clock=clock, duration=ticks
    )
    return SpikeMotifs(events, tuple(patterns), start.astype(np.int64), motif.astype(np.int64))


def _poisson(
    random: np.random.Generator, ticks: int, units: int, chance: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Times and units of independent Poisson processes, in no order."""
    count = random.poisson(chance * ticks * units)
    return random.integers(ticks, size=count), random.integers(units, size=count)


def _normal(random: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Normal numbers without those beyond `_FAR`."""
    drawn = random.standard_normal(count)
    while (far := np.abs(drawn) > _FAR).any():
        drawn[far] = random.standard_normal(int(far.sum()))
    return drawn
