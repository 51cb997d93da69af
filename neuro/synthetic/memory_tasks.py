"""Tasks that need a memory: delayed match to sample, and store and recall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuro.clock import Clock
from neuro.data.dataset import EventDataset
from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.synthetic._checks import generator, length, real, whole
from neuro.units import Hz, ms

STEP = Clock(1 * ms)
STORE, RECALL = 1, 2  # codes in StoreRecall.command
Spikes = tuple[NDArray[np.int64], NDArray[np.int64]]  # times and units


@dataclass(frozen=True, eq=False)
class DelayedMatch:
    """Trials of delayed match to sample.

    Args:
        data: n recordings of shape (stimuli, units); label 1 if sample and test match, else 0.
        sample: int64 [n], stimulus shown first.
        test: int64 [n], stimulus shown after the delay.
        delay: int64 [n], ticks from the end of the sample to the start of the test.
        test_start: int64 [n], tick at which the test starts.
    """

    data: EventDataset
    sample: NDArray[np.int64]
    test: NDArray[np.int64]
    delay: NDArray[np.int64]
    test_start: NDArray[np.int64]


def delayed_match_to_sample(
    trials: int = 100,
    *,
    stimuli: int = 4,
    units: int = 10,
    rate: float = 100 * Hz,
    background: float = 2 * Hz,
    show: float = 50 * ms,
    delay: tuple[float, float] = (200 * ms, 200 * ms),
    clock: Clock = STEP,
    seed: int = 0,
) -> DelayedMatch:
    """A sample stimulus, a delay, a test stimulus: are they the same?

    Each stimulus has a group of Poisson units that fire at `rate` while it is shown and at
    `background` otherwise. Half of the trials match (one fewer if their number is odd), and
    in those that do not the test is uniform among the other stimuli. All trials last as long as the
    longest, so the length tells nothing.

    Args:
        trials: n, in random order.
        stimuli: how many there are, at least 2.
        units: of each stimulus.
        rate: while it is shown.
        background: otherwise.
        show: seconds of each showing, whole ticks.
        delay: shortest and longest, in seconds; uniform over the ticks between.
        clock: of the events.
        seed: of everything.

    Raises:
        InvalidValue: an argument is out of range.
    """
    where = "delayed_match_to_sample"
    n, kinds = whole(f"{where}.trials", trials), whole(f"{where}.stimuli", stimuli, 2)
    group, span = whole(f"{where}.units", units), length(f"{where}.show", show, clock)
    real(f"{where}.rate", rate)
    real(f"{where}.background", background)
    low, high = (length(f"{where}.delay", time, clock, 0) for time in delay)
    if high < low:
        raise InvalidValue(f"{where}.delay: got {delay!r}, expected (shortest, longest)")
    random = generator(where, seed, 0)
    match = random.permutation(np.arange(n) < n // 2)
    sample = random.integers(kinds, size=n)
    test = np.where(match, sample, (sample + random.integers(1, kinds, size=n)) % kinds)
    gap = random.integers(low, high + 1, size=n)
    ticks = 2 * span + high
    recordings = []
    for i in range(n):
        stream = generator(where, seed, 1, i)
        parts = [_poisson(stream, 0, ticks, 0, kinds * group, background * clock.dt)]
        for start, stimulus in ((0, sample[i]), (span + gap[i], test[i])):
            shown = int(start), span, int(stimulus) * group, group
            parts = [_without(part, *shown) for part in parts]
            parts.append(_poisson(stream, *shown, rate * clock.dt))
        recordings.append(_joined(parts, (kinds, group), ticks, clock))
    data = EventDataset.from_events(
        recordings, match.astype(np.int64), classes=("different", "match"),
        name="delayed match to sample", source="made by neuro.synthetic",
        attributes={"seed": int(seed), "stimuli": kinds},
    )  # fmt: skip
    return DelayedMatch(data, sample, test, gap, span + gap)


@dataclass(frozen=True, eq=False)
class StoreRecall:
    """Streams of bits with commands to store one and to recall it later.

    Args:
        recordings: n event streams of shape (4, units): bit 0, bit 1, store, recall.
        bit: int64 [n, steps], the bit that is shown in each step.
        command: int64 [n, steps], 0, 1 to store this step's bit, or 2 to recall.
        target: int64 [n, steps], the bit to answer in a step of recall, -1 in the others.
        step_ticks: ticks of one step.
    """

    recordings: tuple[Events, ...]
    bit: NDArray[np.int64]
    command: NDArray[np.int64]
    target: NDArray[np.int64]
    step_ticks: int


def store_recall(
    samples: int = 20,
    *,
    steps: int = 30,
    units: int = 25,
    rate: float = 50 * Hz,
    store: float = 0.2,
    recall: float = 0.2,
    step: float = 100 * ms,
    clock: Clock = STEP,
    seed: int = 0,
) -> StoreRecall:
    """Remember the bit that came with the last store command, and give it back on recall.

    In every step the group of one of the two bits fires (a fair coin), in a step with a command
    the command's group as well; groups are Poisson units. There is no bit during recall, or the
    answer could be copied from it; `bit` is then -1.
    Before the first store command there is no recall, and two stores may follow one another: the
    last one counts.

    Args:
        samples: n streams.
        steps: of each stream.
        units: of each of the four groups.
        rate: of an active group's units; the others are silent.
        store: probability of a store command in a step.
        recall: probability of a recall command in a step, once something has been stored;
            store + recall <= 1.
        step: seconds, whole ticks.
        clock: of the events.
        seed: of everything.

    Raises:
        InvalidValue: an argument is out of range.

    Source: Salaj et al., eLife 10:e65459 (2021), the store-recall task, with one bit.
    """
    where = "store_recall"
    n, count = whole(f"{where}.samples", samples), whole(f"{where}.steps", steps)
    group, span = whole(f"{where}.units", units), length(f"{where}.step", step, clock)
    real(f"{where}.rate", rate)
    real(f"{where}.store", store, 0, 1)
    real(f"{where}.recall", recall, 0, 1)
    if store + recall > 1:
        raise InvalidValue(f"{where}: store + recall is {store + recall:g}, expected at most 1")
    random = generator(where, seed, 0)
    bit = random.integers(2, size=(n, count))
    chance = random.random((n, count))
    stored = np.logical_or.accumulate(chance < store, axis=1)
    command = np.where(chance < store, STORE, 0)
    command[(chance >= store) & (chance < store + recall) & stored] = RECALL
    column = np.broadcast_to(np.arange(count), bit.shape)
    last = np.maximum.accumulate(np.where(command == STORE, column, -1), axis=1)
    held = np.take_along_axis(bit, np.maximum(last, 0), axis=1)
    target = np.where(command == RECALL, held, -1)
    bit = np.where(command == RECALL, -1, bit)
    recordings = []
    for i in range(n):
        stream, parts = generator(where, seed, 1, i), []
        for k in range(count):
            active = [int(bit[i, k])] if bit[i, k] >= 0 else []
            active += [1 + int(command[i, k])] if command[i, k] else []
            parts += [
                _poisson(stream, k * span, span, a * group, group, rate * clock.dt) for a in active
            ]
        recordings.append(_joined(parts, (4, group), count * span, clock))
    return StoreRecall(tuple(recordings), bit, command, target, span)


def _poisson(
    random: np.random.Generator, start: int, ticks: int, first: int, units: int, chance: float
) -> Spikes:
    count = random.poisson(chance * ticks * units)
    return start + random.integers(ticks, size=count), first + random.integers(units, size=count)


def _without(spikes: Spikes, start: int, ticks: int, first: int, units: int) -> Spikes:
    t, unit = spikes
    gone = (t >= start) & (t < start + ticks) & (unit >= first) & (unit < first + units)
    return t[~gone], unit[~gone]


def _joined(parts: list[Spikes], shape: tuple[int, ...], ticks: int, clock: Clock) -> Events:
    t, unit = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Events.sorted(t, unit, shape=shape, clock=clock, duration=ticks)
