"""Streams whose classes, tasks or concepts change over time in a known way."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from neuro.data.dataset import EventDataset
from neuro.errors import InvalidValue, UnknownName
from neuro.events import Events
from neuro.synthetic._checks import above, generator, real, whole


@dataclass(frozen=True, eq=False)
class ConceptShifts:
    """A stream of recordings in which the concept changes at known places.

    Args:
        data: the stream, one recording after another, as the learner sees them.
        concept: int64 [n], number of the concept that holds, from 0.
        original: int64 [n], index of each recording in the data set it was drawn from.
        permutation: int64 [concepts, classes or units]; row c says what the concept makes of
            each original class or unit. Row 0 leaves everything as it is.
    """

    data: EventDataset
    concept: NDArray[np.int64]
    original: NDArray[np.int64]
    permutation: NDArray[np.int64]


def concept_shifts(
    dataset: EventDataset,
    shifts: Sequence[int],
    *,
    steps: int | None = None,
    kind: Literal["labels", "inputs"] = "labels",
    swapped: int | None = None,
    seed: int = 0,
) -> ConceptShifts:
    """A stream drawn from a data set in which labels or inputs are permuted anew at each shift.

    Args:
        dataset: recordings to draw from, with replacement.
        shifts: places in the stream from which a new concept holds, increasing, each above 0.
        steps: n, length of the stream; by default that of the data set.
        kind: "labels" renames the classes (the input stays, its meaning changes); "inputs"
            exchanges the sensor's units (the classes stay, their looks change).
        swapped: classes or units that change their place at a shift, relative to the concept
            before; 2 exchanges one pair. All are permuted by default. The concept always differs
            from the one before.
        seed: of the order and of the permutations.

    Raises:
        InvalidValue: an empty data set, shifts out of order or past the stream, or fewer than two
            things to permute.
        UnknownName: an unknown kind.

    Source: Man, Damasio & Neven, arXiv 2205.08645 (2022), for labels that are swapped.
    """
    where = "concept_shifts"
    if kind not in ("labels", "inputs"):
        raise UnknownName(f"{where}.kind", kind, ("labels", "inputs"))
    if not len(dataset):
        raise InvalidValue(f"{where}.dataset: it is empty, expected at least one recording")
    n = len(dataset) if steps is None else whole(f"{where}.steps", steps)
    places = np.array([whole(f"{where}.shifts", place) for place in shifts], np.int64)
    if (np.diff(places) <= 0).any() or (places >= n).any():
        raise InvalidValue(
            f"{where}.shifts: got {list(shifts)}, expected places that increase and lie below {n}"
        )
    size = len(dataset.classes) if kind == "labels" else int(np.prod(dataset.shape))
    moved = size if swapped is None else whole(f"{where}.swapped", swapped, 2)
    if len(places) and not 2 <= moved <= size:
        raise InvalidValue(
            f"{where}.swapped: {moved} of {size} {kind} cannot change places, expected 2 to {size}"
        )
    random = generator(where, seed, 0)
    rows = [np.arange(size)]
    for _ in places:
        who = random.permutation(size)[:moved]
        turn = _other_order(random, moved)
        step = np.arange(size)
        step[who] = who[turn]
        rows.append(step[rows[-1]])
    permutation = np.stack(rows)
    original = generator(where, seed, 1).integers(len(dataset), size=n)
    concept = np.searchsorted(places, np.arange(n), side="right")
    labels = dataset.labels[original]
    if kind == "labels":
        recordings = [dataset[int(i)][0] for i in original]
        labels = permutation[concept, labels]
    else:
        recordings = []
        for i, c in zip(original, concept, strict=True):
            seen, _ = dataset[int(i)]
            recordings.append(
                Events.sorted(
                    seen.t, permutation[c][seen.unit], shape=seen.shape, clock=seen.clock,
                    duration=seen.duration,
                )
            )  # fmt: skip
    data = EventDataset.from_events(
        recordings, labels, classes=dataset.classes, name=f"{dataset.name}, shifting {kind}",
        source=dataset.source, attributes=dataset.attributes | {"shift_seed": int(seed)},
    )  # fmt: skip
    return ConceptShifts(data, concept, original, permutation)


def zipf_classes(
    steps: int, classes: int, *, exponent: float = 1.0, seed: int = 0
) -> NDArray[np.int64]:
    """A stream of classes, int64 [steps], drawn with P(k) proportional to 1 / (k + 1)^exponent.

    Args:
        steps: length of the stream.
        classes: how many; class 0 is the commonest.
        exponent: >= 0; 0 makes all alike, 1 is Zipf's law.
        seed: of the stream.

    Raises:
        InvalidValue: an argument is out of range.
    """
    where = "zipf_classes"
    count, kinds = whole(f"{where}.steps", steps, 0), whole(f"{where}.classes", classes)
    weight = np.arange(1, kinds + 1) ** -real(f"{where}.exponent", exponent)
    share = np.cumsum(weight)
    return np.searchsorted(share[:-1] / share[-1], generator(where, seed).random(count), "right")


@dataclass(frozen=True, eq=False)
class RecurringTasks:
    """Tasks in the order in which they come due.

    Args:
        task: int64 [n], which task.
        time: int64 [n], when it was due, not decreasing; several may be due at once.
    """

    task: NDArray[np.int64]
    time: NDArray[np.int64]


def recurring_tasks(
    steps: int, tasks: int, *, exponent: float = 1.5, longest: int = 1000, seed: int = 0
) -> RecurringTasks:
    """A stream of tasks each of which comes back after gaps that follow a power law.

    A task's gaps in time are independent with P(gap) proportional to gap^-exponent, gap = 1 ...
    `longest`: mostly it comes back at once, now and then after very long. Task k first comes due
    at a time uniform in the first mean gap. The stream has the first `steps` appearances of all
    tasks together.

    Args:
        steps: n, length of the stream.
        tasks: how many there are.
        exponent: of the gaps, > 0.
        longest: gap.
        seed: of the gaps; a task's own times do not depend on how many other tasks there are.

    Raises:
        InvalidValue: an argument is out of range.

    Source: power laws of recurrence in natural environments: Anderson & Schooler, Psychological
    Science 2 (1991); as a learning environment: arXiv 2401.10393.
    """
    where = "recurring_tasks"
    count, kinds = whole(f"{where}.steps", steps, 0), whole(f"{where}.tasks", tasks)
    gaps = np.arange(1, whole(f"{where}.longest", longest) + 1)
    weight = gaps ** -above(f"{where}.exponent", exponent)
    share = np.cumsum(weight) / weight.sum()
    mean = int(np.ceil(gaps @ weight / weight.sum()))
    streams = [generator(where, seed, k) for k in range(kinds)]
    due = [(int(random.integers(mean)), k) for k, random in enumerate(streams)]
    heapq.heapify(due)
    task, time = np.empty(count, np.int64), np.empty(count, np.int64)
    for i in range(count):
        now, k = due[0]
        task[i], time[i] = k, now
        gap = 1 + int(np.searchsorted(share[:-1], streams[k].random(), side="right"))
        heapq.heapreplace(due, (now + gap, k))
    return RecurringTasks(task, time)


def _other_order(random: np.random.Generator, count: int) -> NDArray[np.int64]:
    """A permutation of count >= 2 things that is not the identity."""
    while True:
        order = random.permutation(count)
        if (order != np.arange(count)).any():
            return order
