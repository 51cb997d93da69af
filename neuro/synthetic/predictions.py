"""Cues that foretell which outcome comes, when and how likely, with switches on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.synthetic._checks import above, generator, length, real, whole
from neuro.units import Hz, ms, second

STEP = Clock(1 * ms)
CUE = 0  # channel; outcome k is channel k + 1


@dataclass(frozen=True)
class Phase:
    """Trials in which cue and outcomes stand in one relation.

    Args:
        trials: how many.
        latency: seconds from the start of the cue to the start of the outcome.
        probability: of each outcome; what is missing to 1 is the chance that none comes.

    Raises:
        InvalidValue: no trials, a negative latency, or probabilities that are none.
    """

    trials: int
    latency: float
    probability: tuple[float, ...]

    def __post_init__(self) -> None:
        whole("Phase.trials", self.trials)
        real("Phase.latency", self.latency)
        if not self.probability or not all(0 <= p <= 1 for p in self.probability):
            raise InvalidValue(
                f"Phase.probability: got {self.probability!r}, expected one number from 0 to 1 for "
                "each outcome"
            )
        if sum(self.probability) > 1 + 1e-9:
            raise InvalidValue(f"Phase.probability: {self.probability!r} sum to more than 1")


# first the latency switches, then the probability
SWITCHES = (
    Phase(80, 300 * ms, (0.8, 0.2)),
    Phase(60, 600 * ms, (0.8, 0.2)),
    Phase(60, 600 * ms, (0.2, 0.8)),
)


@dataclass(frozen=True, eq=False)
class CueOutcomes:
    """A run of trials, each a cue and perhaps an outcome, and the truth about it.

    Args:
        events: shape (1 + outcomes, units): the cue, then each outcome.
        cue: int64 [n], tick at which the cue of each trial starts.
        outcome: int64 [n], which outcome came, -1 for none.
        latency: int64 [n], ticks from the cue to the outcome, if one came.
        phase: int64 [n], index of the trial's phase.
        probability: float64 [n, outcomes], what was to be expected.
    """

    events: Events
    cue: NDArray[np.int64]
    outcome: NDArray[np.int64]
    latency: NDArray[np.int64]
    phase: NDArray[np.int64]
    probability: NDArray[np.float64]

    def target(self, step: Clock, *, width: float = 60 * ms) -> NDArray[np.float64]:
        """What a readout of the outcomes should say, [T, outcomes].

        A Gaussian of height 1 and standard deviation `width` about the start of each outcome that
        came, at the start of every step; trials do not run into one another.

        Args:
            step: the grid, a whole multiple of the events' tick.
            width: seconds.

        Raises:
            InvalidValue: the step is no multiple, or the width is not above 0.
        """
        ratio, clock = self.events.clock.per(step), self.events.clock
        above("CueOutcomes.target.width", width)
        time = np.arange(-(-self.events.duration // ratio)) * ratio
        result = np.zeros((len(time), self.probability.shape[1]))
        edges = np.append(np.searchsorted(time, self.cue), len(time))
        for i in np.flatnonzero(self.outcome >= 0):
            rows = np.s_[edges[i] : edges[i + 1]]
            away = clock.seconds(time[rows] - self.cue[i] - self.latency[i])
            result[rows, self.outcome[i]] = np.exp(-((away / width) ** 2) / 2)
        return result


def cue_outcomes(
    phases: Sequence[Phase] = SWITCHES,
    *,
    units: int = 10,
    rate: float = 100 * Hz,
    background: float = 0.0,
    show: float = 50 * ms,
    trial: float = 1 * second,
    clock: Clock = STEP,
    seed: int = 0,
) -> CueOutcomes:
    """One recording of all phases: in each trial a cue, then with luck one of the outcomes.

    A prediction has an object (which outcome), a time (its latency) and a probability; a phase
    sets the last two apart from each other, and they switch without notice from phase to phase.
    A channel's units are Poisson, at `rate` while it is shown and at `background` otherwise.

    Args:
        phases: one after another; all with the same number of outcomes. By default the latency
            switches from 300 to 600 ms, then two outcomes swap their probabilities 0.8 and 0.2.
        units: of each channel.
        rate: of a channel's units while it is shown.
        background: of all other units.
        show: seconds that cue and outcome last, whole ticks.
        trial: seconds from cue to cue, whole ticks.
        clock: of the events.
        seed: of outcomes and spikes.

    Raises:
        InvalidValue: an argument is out of range, an outcome would not end within its trial, or
            phases differ in their number of outcomes.

    Source: the paradigm of Yamada & Chao, arXiv 2510.14382 (2025); its numbers are a choice.
    """
    where = "cue_outcomes"
    if not phases:
        raise InvalidValue(f"{where}.phases: got none, expected at least one")
    outcomes = len(phases[0].probability)
    if any(len(phase.probability) != outcomes for phase in phases):
        raise InvalidValue(f"{where}.phases: expected the same number of outcomes in all")
    group = whole(f"{where}.units", units)
    real(f"{where}.rate", rate)
    real(f"{where}.background", background)
    span = length(f"{where}.show", show, clock)
    every = length(f"{where}.trial", trial, clock)
    delays = [length(f"{where}.phases.latency", phase.latency, clock, 0) for phase in phases]
    if max(delays) + span > every:
        raise InvalidValue(
            f"{where}: an outcome {clock.dt * max(delays):g} s after the cue that lasts {show:g} s "
            f"does not end within a trial of {trial:g} s"
        )
    phase = np.repeat(np.arange(len(phases)), [p.trials for p in phases])
    n = len(phase)
    table = np.array([p.probability for p in phases], np.float64)
    random = generator(where, seed, 0)
    chance = random.random(n)
    outcome = (chance[:, None] >= np.cumsum(table, axis=1)[phase]).sum(axis=1)
    outcome = np.where(outcome == outcomes, -1, outcome)
    cue, latency = np.arange(n) * every, np.array(delays, np.int64)[phase]

    came = outcome >= 0
    start = np.concatenate([cue, (cue + latency)[came]])
    channel = np.concatenate([np.full(n, CUE), outcome[came] + 1])
    spikes = generator(where, seed, 1)
    count = spikes.poisson(rate * clock.dt * span * group, len(start))
    t = np.repeat(start, count) + spikes.integers(span, size=count.sum())
    unit = np.repeat(channel * group, count) + spikes.integers(group, size=count.sum())
    noise = spikes.poisson(background * clock.dt * n * every * (outcomes + 1) * group)
    noise_t = spikes.integers(n * every, size=noise)
    noise_unit = spikes.integers((outcomes + 1) * group, size=noise)
    # a shown unit fires at `rate`, not at the sum
    on = np.zeros((outcomes + 1, n * every + 1), np.int8)
    np.add.at(on, (channel, start), 1)
    np.add.at(on, (channel, start + span), -1)
    quiet = np.cumsum(on, axis=1)[noise_unit // group, noise_t] == 0
    events = Events.sorted(
        np.concatenate([t, noise_t[quiet]]), np.concatenate([unit, noise_unit[quiet]]),
        shape=(outcomes + 1, group), clock=clock, duration=n * every,
    )  # fmt: skip
    return CueOutcomes(events, cue, outcome, latency, phase, table[phase])
