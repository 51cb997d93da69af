"""Which events the formats of event cameras can hold."""

from __future__ import annotations

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.units import us

TICK = Clock(1 * us)


def refuse_unfit(name: str, events: Events, rows: int, columns: int, stop: int) -> None:
    """Refuse events that a camera format has no room for.

    Args:
        name: of the format.
        events: what is to be written.
        rows: that the format can address.
        columns: that the format can address.
        stop: ticks from which on the format cannot tell time.

    Raises:
        InvalidValue: the shape is no camera's or too large, the tick is not 1 us, the events are
            graded, or come too late.
    """
    shape = events.shape
    if len(shape) != 3 or shape[0] != 2:
        raise InvalidValue(
            f"{name}: Events.shape is {shape}, expected (2, rows, columns): polarity, y, x"
        )
    if shape[1] > rows or shape[2] > columns:
        raise InvalidValue(
            f"{name}: Events.shape is {shape}, the format holds at most {rows} rows and {columns} "
            "columns. Remedy: crop the recording, or choose another format"
        )
    if events.clock != TICK:
        raise InvalidValue(
            f"{name}: Events.clock is {events.clock!r}, the format counts microseconds. "
            "Remedy: build the events on Clock(1 * us)"
        )
    if events.value is not None:
        raise InvalidValue(
            f"{name}: Events.value is given, the format holds no graded events. "
            "Remedy: choose another format"
        )
    if len(events) and events.t[-1] >= stop:
        raise InvalidValue(
            f"{name}: Events.t goes up to {events.t[-1]}, the format holds ticks < {stop}. "
            "Remedy: count time from the first event with events.slice(first, events.duration)"
        )
