"""Neo: spikes and signals as Elephant and other analysis tools of neuroscience take them.

    neuro                             Neo
    --------------------------------  -----------------------------------------------------------
    Record, or populations' Events    Block
    one batch entry                   Segment
    spikes of one unit                SpikeTrain in seconds from 0 to the end of the recording;
                                      silent units have one too. Annotations: population, unit
                                      (flat index), shape, tick (seconds, exact: "1/10000");
                                      array annotations: unit, and value if events are graded
    any other signal                  AnalogSignal [T, columns]; array annotation: column (flat
                                      index into the axes after batch)

The way back is exact: times come as seconds and return to the ticks they had. `read_neo` takes
the spikes of any file that Neo reads.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neuro.clock import Clock
from neuro.errors import CorruptFile, InvalidValue, UnknownName, Unsupported, require
from neuro.events import Events
from neuro.record import Record, Sampling
from neuro.units import us

if TYPE_CHECKING:
    import neo


def to_neo(
    source: Record | Mapping[str, Events | Sequence[Events]],
    *,
    units: Mapping[str, str] | None = None,
    name: str = "",
) -> neo.Block:
    """A Neo Block of everything in a record, or of the spikes of populations.

    It holds a SpikeTrain for each unit, about 0.1 ms of work, so pick populations of a large run.

    Args:
        source: a Record, whose signals called "<population>.spikes" become SpikeTrains and all
            others AnalogSignals; or population -> Events (of one sample, or a list of several).
        units: signal -> physical unit as `quantities` writes it, e.g. {"exc.v": "V"}; signals
            without are dimensionless.
        name: of the Block.

    Raises:
        InvalidValue: spikes that are not whole numbers, or populations with different numbers of
            samples.
        UnknownName: `units` names a signal that is not there.
        MissingExtra: Neo is not installed.
    """
    neo = require("neo", "neo")
    spikes, signals = _parts(source)
    for given in units or {}:
        if given not in signals:
            raise UnknownName("to_neo.units", given, signals)
    samples = {k: len(v) for k, v in spikes.items()} | {k: v.shape[1] for k, v in signals.items()}
    if len(set(samples.values())) > 1:
        raise InvalidValue(f"to_neo.source: populations differ in their samples: {samples}")
    block = neo.Block(name=name)
    if isinstance(source, Record) and source.fingerprint:
        block.annotate(network=source.fingerprint)
    for b in range(max(samples.values(), default=0)):
        segment = neo.Segment(index=b)
        for population, events in spikes.items():
            segment.spiketrains.extend(list(_trains(neo, population, events[b])))
        for signal, array in signals.items():
            assert isinstance(source, Record)
            sampling = source.samplings.get(signal, Sampling())
            unit = (units or {}).get(signal, "dimensionless")
            segment.analogsignals.append(
                _analog(neo, signal, array[:, b], source.clock, sampling, unit)
            )
        block.segments.append(segment)
    block.check_relationships()
    return block


def from_neo(
    source: Any, population: str | None = None, *, clock: Clock | None = None
) -> list[Events]:
    """Spikes of one population as Events, one for each Segment.

    Time starts at the trains' `t_start`. Times are moved to the nearest tick; a spike that falls on
    `t_stop` makes the recording one tick longer.

    Args:
        source: neo.Block, neo.Segment, or SpikeTrains (one sample). Trains that `to_neo` wrote
            know their unit, shape and clock; others are numbered in their order.
        population: which, if there are several (annotation "population").
        clock: tick of the result; by default the one that `to_neo` noted.

    Raises:
        InvalidValue: several populations and none was named; trains that do not start and stop
            together, of which two have the same unit, or that do not note a clock if none is given.
        UnknownName: no train of this population.
        MissingExtra: Neo is not installed.
    """
    neo = require("neo", "neo")
    if isinstance(source, neo.Block):
        samples = [list(segment.spiketrains) for segment in source.segments]
    elif isinstance(source, neo.Segment):
        samples = [list(source.spiketrains)]
    else:
        samples = [list(source)]
    names = {str(t.annotations.get("population", "")) for trains in samples for t in trains}
    if population is None and len(names) > 1:
        raise InvalidValue(f"from_neo.population: got None, expected one of {sorted(names)}")
    if population is not None and population not in names:
        raise UnknownName("from_neo.population", population, names)
    name = population if population is not None else next(iter(names), "")
    return [
        _events([t for t in trains if str(t.annotations.get("population", "")) == name], clock)
        for trains in samples
    ]


def read_neo(
    path: str | os.PathLike[str], *, clock: Clock | None = None, reader: str | None = None
) -> dict[str, Events]:
    """Spikes of a file of any recording system that Neo reads; it opens the file in this process.

    Time starts at the earliest `t_start` of a Segment's trains, and lasts to the latest `t_stop`.

    Args:
        path: the file or folder; Neo goes by its ending if `reader` is not given.
        clock: tick of the result; by default the one that `to_neo` noted, or 1 us. Times move to
            the nearest tick.
        reader: name of Neo's class for the file, e.g. "AsciiSpikeTrainIO", where the ending fits
            several.

    Returns:
        Population -> Events, the units in the order of the file. Trains without an annotation
        "population" are "spikes". If there are several Segments, their number follows, counted
        through all Blocks: "spikes[0]", "spikes[1]".

    Raises:
        FileNotFoundError: there is no such file.
        Unsupported: Neo does not know the format, or the format runs code when it is read (pickle).
        CorruptFile: Neo could not read the file, or it holds no spikes.
        UnknownName: Neo has no such reader.
        MissingExtra: Neo is not installed.
    """
    neo_io = require("neo.io", "neo")
    where = Path(path)
    if not where.exists():
        raise FileNotFoundError(f"read_neo: no file {where}")
    chosen = _reader(neo_io, where, reader)
    name = type(chosen).__name__
    try:
        blocks = chosen.read()
    except Exception as error:  # each of Neo's readers has errors of its own
        raise CorruptFile(f"{where}: Neo's {name} failed: {error}") from error
    samples = [list(s.spiketrains) for b in blocks for s in b.segments if len(s.spiketrains)]
    if not samples:
        raise CorruptFile(f"{where}: Neo's {name} found no spike trains")
    found = {}
    for number, trains in enumerate(samples):
        names = [str(t.annotations.get("population", "spikes")) for t in trains]
        for population in dict.fromkeys(names):
            own = [t for t, n in zip(trains, names, strict=True) if n == population]
            tick = own[0].annotations.get("tick") if clock is None else None
            given = clock or (None if tick else Clock(1 * us))
            key = population if len(samples) == 1 else f"{population}[{number}]"
            found[key] = _events(own, given, together=False)
    return found


def _reader(neo_io: Any, where: Path, name: str | None) -> Any:
    """Neo's reader of a file, by name or by the ending."""
    if name == "PickleIO" or where.suffix.lower() in (".pkl", ".pickle"):
        raise Unsupported(str(where), "read", "a pickle runs whatever code it holds")
    known = {kind.__name__: kind for kind in neo_io.iolist}
    if name is not None and name not in known:
        raise UnknownName("read_neo.reader", name, known)
    try:
        return neo_io.get_io(str(where)) if name is None else known[name](str(where))
    except Exception as error:  # each of Neo's readers has errors of its own
        raise Unsupported(
            str(where), "read", f"Neo has no reader for it ({error})", "neuro.formats.read_events"
        ) from error


def _parts(
    source: Record | Mapping[str, Events | Sequence[Events]],
) -> tuple[dict[str, list[Events]], dict[str, Any]]:
    """Spikes by population, and the other signals [T, B, *axes] by their name."""
    if not isinstance(source, Record):
        return {k: [v] if isinstance(v, Events) else list(v) for k, v in source.items()}, {}
    spiking = [n for n in source if n.endswith(".spikes") or isinstance(source[n], list)]
    spikes = {n.removesuffix(".spikes"): source.events(n) for n in spiking}
    return spikes, {n: source.array(n) for n in source if n not in spiking}


def _trains(neo: Any, population: str, events: Events) -> Iterable[Any]:
    order = np.argsort(events.unit, kind="stable")
    ends = np.searchsorted(events.unit[order], np.arange(1, events.size))
    stop = float(events.clock.seconds(events.duration))
    for unit, rows in enumerate(np.split(order, ends)):
        notes = {"unit": np.full(len(rows), unit)}
        if events.value is not None:
            notes["value"] = events.value[rows]
        yield neo.SpikeTrain(
            events.clock.seconds(events.t[rows]), units="s", t_start=0.0, t_stop=stop,
            array_annotations=notes, name=f"{population}[{unit}]", population=population,
            unit=unit, shape=list(events.shape), tick=str(events.clock.tick),
        )  # fmt: skip


def _analog(
    neo: Any, name: str, array: Any, clock: Clock, sampling: Sampling, unit: str
) -> Any:  # fmt: skip
    flat = np.asarray(array, dtype=np.float64).reshape(len(array), -1)
    owner, _, variable = name.rpartition(".")
    seconds = require("quantities", "neo").s
    return neo.AnalogSignal(
        flat, units=unit, t_start=float(clock.seconds(sampling.first)) * seconds,
        sampling_period=float(clock.seconds(sampling.every)) * seconds, name=name,
        array_annotations={"column": np.arange(flat.shape[1])},
        population=owner, variable=variable, shape=list(array.shape[1:]),
    )  # fmt: skip


def _events(trains: list[Any], clock: Clock | None, together: bool = True) -> Events:
    """One sample, whose trains must start and stop `together` or are laid on one time."""
    if not trains:
        raise InvalidValue("from_neo.source: a Segment has no SpikeTrain of the population")
    spans = {(float(t.t_start.rescale("s")), float(t.t_stop.rescale("s"))) for t in trains}
    if not together:
        spans = {(min(a for a, _ in spans), max(b for _, b in spans))}
    ticks = {t.annotations.get("tick") for t in trains}
    shapes = {tuple(t.annotations.get("shape") or (len(trains),)) for t in trains}
    for what, found in (("start and stop", spans), ("tick", ticks), ("shape", shapes)):
        if len(found) > 1:
            listed = ", ".join(sorted(map(str, found))[:3])
            raise InvalidValue(f"from_neo.source: trains differ in {what}: {listed}")
    (start, stop), shape, tick = spans.pop(), shapes.pop(), ticks.pop()
    units = [int(t.annotations.get("unit", i)) for i, t in enumerate(trains)]
    if len(set(units)) < len(units):
        twice = next(u for u in units if units.count(u) > 1)
        raise InvalidValue(f"from_neo.source: two trains have unit {twice}, expected one each")
    if clock is None and tick is None:
        raise InvalidValue("from_neo: the trains do not note their tick; pass clock=")
    clock = Clock(Fraction(str(tick))) if clock is None else clock
    seconds = [np.asarray(t.rescale("s").magnitude, np.float64) - start for t in trains]
    t = clock.ticks(np.concatenate(seconds), what="from_neo.source")
    duration = max(int(clock.ticks(stop - start)), int(t.max(initial=-1)) + 1)
    graded = [t.array_annotations.get("value") for t in trains]
    return Events.sorted(
        t, np.repeat(units, [len(s) for s in seconds]), shape=shape, clock=clock,
        duration=duration,
        value=np.concatenate(graded) if all(v is not None for v in graded) else None,
    )  # fmt: skip
