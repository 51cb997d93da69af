"""Delays on a clock's grid: a network on another clock, and what the rounding did to its delays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.clock import Clock
from neuro.distributions import Distribution
from neuro.errors import InvalidValue
from neuro.network import Network, Synapse
from neuro.neurons import Neuron
from neuro.sources import SpikeGenerator

_CHUNK = 1 << 20  # connections of drawn delays that are looked at together
_NONE = 1 << 61  # ticks; the shortest delay where there is no connection is above it
_SAME = 1e-6  # of a tick: what a Clock takes for on the grid


@dataclass(frozen=True)
class SynapseOnGrid:
    """What rounding did to the delays of one synapse.

    Args:
        name: of the synapse.
        clock: whose ticks they were rounded to.
        count: number of delays: 1, or one for each unit or each connection.
        moved: how many of them were not whole ticks before.
        mean_move, largest_move: seconds by which they moved, over all of them.
        at_zero, at_longest: how many have no delay now, and how many the longest.
        longest: ticks; the longest that may be, or else the longest that there is.
        distinct_before, distinct_after: number of different delays.
    """

    name: str
    clock: Clock
    count: int
    moved: int
    mean_move: float
    largest_move: float
    at_zero: int
    at_longest: int
    longest: int
    distinct_before: int
    distinct_after: int

    def __str__(self) -> str:
        ms = 1e3
        return (
            f"{self.name}: {self.moved} of {self.count} delays moved, by {self.mean_move * ms:.3g} "
            f"ms on average and {self.largest_move * ms:.3g} ms at most; {self.at_zero} at 0, "
            f"{self.at_longest} at the longest, {self.longest} ticks; {self.distinct_before} "
            f"different delays became {self.distinct_after}"
        )


@dataclass(frozen=True)
class GridReport:
    """What rounding did to the delays of a network, synapse by synapse; `str` is readable."""

    synapses: tuple[SynapseOnGrid, ...]

    @classmethod
    def of(
        cls,
        rows: Iterable[tuple[str, ArrayLike, ArrayLike, Clock]],
        *,
        longest: Mapping[str, int] | None = None,
    ) -> GridReport:
        """The report of delays that were rounded elsewhere.

        Args:
            rows: name of the synapse, exact delays in seconds, the ticks that they became (of the
                same shape), and the clock of these ticks.
            longest: synapse -> ticks that a delay may have at most; by default the longest there
                is.

        Raises:
            InvalidValue: seconds and ticks have different shapes.
        """
        found = []
        for name, seconds, ticks, clock in rows:
            if np.shape(seconds) != np.shape(ticks):
                raise InvalidValue(
                    f"GridReport.of: Synapse[{name!r}] has delays of shape {np.shape(seconds)} in "
                    f"seconds, but {np.shape(ticks)} in ticks; expected one tick for each delay"
                )
            before, after = np.ravel(seconds).astype(np.float64), np.ravel(ticks).astype(np.int64)
            given = _Delays(before, after, np.ones(len(after), np.int64))
            found.append(_entry(name, clock, given, (longest or {}).get(name)))
        return cls(tuple(found))

    def __getitem__(self, synapse: str) -> SynapseOnGrid:
        """What happened to one synapse."""
        return {s.name: s for s in self.synapses}[synapse]

    def __str__(self) -> str:
        return "\n".join(map(str, self.synapses)) or "no synapse has a delay"


def on_grid(network: Network, clock: Clock) -> tuple[Network, GridReport]:
    """The network on another clock, coarser or finer, with all delays rounded to its ticks.

    Every delay becomes the nearest whole number of ticks (halves the even one), and a drawn one is
    drawn as before and then rounded. Nothing is clipped. All other values are seconds and stay as
    they are; times that a source switches at are rounded by the source. A source with chance draws
    other numbers on another clock.

    Args:
        network: it is not changed.
        clock: the new clock.

    Returns:
        The network, and what happened to the delays of each synapse that has any.

    Raises:
        InvalidValue: all delays of a synapse would become one though they differ, a loop would have
            no delay any more, or a neuron, source or rule has a time that is off the new grid. The
            message says which, and names a tick that works.
    """
    if not isinstance(clock, Clock):
        raise InvalidValue(f"on_grid: got {clock!r}, expected e.g. Clock(2 * ms)")
    _check_loops(network, clock)
    moved = tuple(_moved(network, s, clock) for s in network.synapses)
    for name, population in network.populations.items():
        _check_times(f"Network[{name!r}]", population, clock)
    for s in network.synapses:
        _check_times(f"Synapse[{s.name!r}].rule", s.rule, clock)
    again = network.replace(synapses=moved, clock=clock)
    entries = []
    for s, new in zip(network.synapses, again.synapses, strict=True):
        delays = _delays(network, s, again, new)
        if delays.before.any():
            entries.append(_entry(s.name, clock, delays, None))
    _check_collapse(network, again, entries)
    return again, GridReport(tuple(entries))


class _Delays(NamedTuple):
    """Delays before in seconds, after in ticks, and how many there are of each."""

    before: NDArray[np.float64]
    after: NDArray[np.int64]
    counts: NDArray[np.int64]


def _entry(name: str, clock: Clock, delays: _Delays, longest: int | None) -> SynapseOnGrid:
    before, after, counts = delays
    move = np.abs(clock.seconds(after) - before)
    total = int(counts.sum())
    most = int(after.max(initial=0)) if longest is None else longest
    return SynapseOnGrid(
        name, clock, total, int(counts[move > _SAME * clock.dt].sum()),
        float((move * counts).sum() / max(total, 1)), float(move.max(initial=0.0)),
        int(counts[after == 0].sum()), int(counts[after == most].sum()), most,
        len(np.unique(before)), len(np.unique(after)),
    )  # fmt: skip


def _moved(network: Network, synapse: Synapse, clock: Clock) -> Synapse:
    """The synapse with its delays on the new clock's grid; a delay that is there stays the same."""
    delay = synapse.delay
    if isinstance(delay, Distribution):
        return synapse
    rounded = clock.seconds(_rescaled(network.clock.ticks(delay), network.clock, clock))
    off = np.abs(rounded - delay) > _SAME * clock.dt
    values = np.where(off, rounded, delay)
    return _with_delay(synapse, float(values) if values.ndim == 0 else values)


def _rescaled(ticks: NDArray[np.int64], old: Clock, new: Clock) -> NDArray[np.int64]:
    """Ticks of one clock in those of another, by whole numbers: a half goes to the even one."""
    ratio = old.tick / new.tick
    distinct, where = np.unique(ticks, return_inverse=True)
    rounded = np.array([round(int(t) * ratio) for t in distinct], np.int64)
    return rounded[where].reshape(ticks.shape)


def _on_old_grid(network: Network, synapse: Synapse) -> NDArray[np.float64]:
    """The delays as given, without the noise of floating-point numbers."""
    assert not isinstance(synapse.delay, Distribution)
    return network.clock.seconds(network.clock.ticks(synapse.delay))


def _with_delay(s: Synapse, delay: float | NDArray[np.float64]) -> Synapse:
    return Synapse(s.pre, s.post, s.topology, delay, s.port, s.name, s.rule, s.modulator)


def _delays(network: Network, synapse: Synapse, again: Network, new: Synapse) -> _Delays:
    """Delays of a synapse on both clocks."""
    if not isinstance(synapse.delay, Distribution):
        before = np.ravel(_on_old_grid(network, synapse))
        after = np.ravel(again.clock.ticks(new.delay))  # type: ignore[arg-type]  # as given
        return _Delays(before, after, np.ones(len(after), np.int64))
    pairs: dict[tuple[int, int], int] = {}
    units = network.populations[synapse.pre].size
    step = max(1, _CHUNK * units // max(network.synapse_count(synapse), 1))
    for low in range(0, units, step):
        high = min(low + step, units)
        both = [n.rows(s, low, high).delay for n, s in ((network, synapse), (again, new))]
        if not both[0].size:
            continue
        found, counts = np.unique(np.stack(both), axis=1, return_counts=True)
        for a, b, n in zip(*found.tolist(), counts.tolist(), strict=True):
            pairs[a, b] = pairs.get((a, b), 0) + n
    old, ticks = np.array([*pairs], np.int64).reshape(-1, 2).T
    return _Delays(network.clock.seconds(old), ticks, np.array([*pairs.values()], np.int64))


# -- what cannot be --------------------------------------------------------------------------------


def _check_collapse(network: Network, again: Network, entries: list[SynapseOnGrid]) -> None:
    flat = [e.name for e in entries if e.distinct_before > 1 and e.distinct_after == 1]
    if not flat:
        return
    spans = {}
    for s, new in zip(network.synapses, again.synapses, strict=True):
        if s.name in flat:
            before = _delays(network, s, again, new).before
            spans[s.name] = before.min(), before.max()
    tick = min(high - low for low, high in spans.values())
    told = ", ".join(f"{n!r} ({a:g} to {b:g} s)" for n, (a, b) in spans.items())
    raise InvalidValue(
        f"on_grid: with a tick of {again.clock.dt:g} s all delays of {told} would be the same. "
        f"Remedy: a tick below {tick:g} s, the range of the delays, keeps the shortest and "
        "the longest apart"
    )


def _check_loops(network: Network, clock: Clock) -> None:
    """Refuse a clock on which a loop would have no delay."""
    ticks = {s.name: network.shortest_delay(s) for s in network.synapses}
    ticks = {n: t for n, t in ticks.items() if t < _NONE}  # others have no connection
    shortest = {n: float(network.clock.seconds(t)) for n, t in ticks.items()}
    away = {s.name for s in network.synapses
            if isinstance(s.delay, Distribution) and s.delay.bounds[0] > 0}  # fmt: skip
    # what is drawn away from 0 gets at least one tick, see Network.rows
    free = {n for n, t in ticks.items()
            if n not in away and not _rescaled(np.array(t), network.clock, clock)}  # fmt: skip
    loop = _loop(network, free)
    if not loop:
        return
    steps = set(pairwise(loop))
    own = [shortest[s.name] for s in network.synapses
           if s.name in free and (s.pre, s.post) in steps]  # fmt: skip
    # the first delay that closes a loop; what is half a tick becomes 0
    ordered = sorted({shortest[n] for n in free})
    last = next(d for d in ordered if _loop(network, {n for n in free if shortest[n] <= d}))
    raise InvalidValue(
        f"on_grid: with a tick of {clock.dt:g} s the loop {' -> '.join(loop)} would have no delay: "
        f"its shortest delays, {', '.join(f'{d:g}' for d in own)} s, are half a tick or less. "
        f"Remedy: a tick below {2 * last:g} s, or longer delays"
    )


def _loop(network: Network, instant: set[str]) -> list[str]:
    """A loop of populations along these synapses; [] if there is none."""
    graph: dict[str, list[str]] = {}
    for s in network.synapses:
        if s.name in instant:
            graph.setdefault(s.post, []).append(s.pre)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def _check_times(where: str, owner: Any, clock: Clock) -> None:
    """Refuse what has times of its own that are off the grid, such as a refractory period."""
    try:
        if isinstance(owner, Neuron):
            type(owner).derive(owner, clock)
        elif isinstance(owner, SpikeGenerator):
            clock.ticks(owner.t, exact=True, what="SpikeGenerator.t")
        elif hasattr(owner, "pause"):
            owner.derive(clock)
            owner.pause(clock)
    except InvalidValue as error:
        raise InvalidValue(f"on_grid: {where}: {error}") from None
