"""The self-test must notice what it looks for."""

from __future__ import annotations

import dataclasses

import pytest

import neuro.transforms
from neuro import Clock, Events, us
from neuro import events_check as check
from neuro.errors import InvalidValue
from neuro.formats.arrays import NPZ

EVENTS = Events.sorted([3, 3, 5], [1, 1, 0], shape=(4,), clock=Clock(1 * us))


def test_lost_doubled_and_moved_events_are_counted():
    def rows(t, unit):
        return Events.sorted(t, unit, shape=(4,), clock=Clock(1 * us), duration=9)

    assert check._difference(EVENTS, EVENTS) == 0
    assert check._difference(EVENTS, rows([3, 5], [1, 0])) == 1
    assert check._difference(EVENTS, rows([3, 3, 3, 5], [1, 1, 1, 0])) == 1
    assert check._difference(EVENTS, rows([3, 3, 6], [1, 1, 0])) == 2
    other = Events.sorted([3, 3, 5], [1, 1, 0], shape=(5,), clock=Clock(1 * us))
    assert check._difference(EVENTS, other) == 3


def test_a_format_that_drops_an_event_is_found(monkeypatch):
    class Leaky:
        name, title, suffixes, writable = "npz", "leaky", (".npz",), True

        def write(self, path, events):
            NPZ.write(path, events.slice(0, int(events.t[-1])) if len(events) else events)

    monkeypatch.setattr(check, "formats", lambda: (Leaky(),))
    monkeypatch.setattr("neuro.formats.writing.by_name", lambda name: Leaky())
    (result,) = check.check_formats(recordings=2)
    assert result.written > 0 and result.lost > 0


def test_a_format_that_takes_nothing_is_no_success(monkeypatch):
    class Picky:
        name, title, suffixes, writable = "npz", "picky", (".npz",), True

        def write(self, path, events):
            raise InvalidValue("not this one")

    monkeypatch.setattr(check, "formats", lambda: (Picky(),))
    monkeypatch.setattr("neuro.formats.writing.by_name", lambda name: Picky())
    with pytest.raises(InvalidValue, match="nothing checked"):
        check.check_formats(recordings=2)


def test_a_transform_that_writes_into_its_input_is_found():
    class Vandal:
        def __call__(self, events):
            events.t.flags.writeable = True  # the columns own their memory
            events.t[0] += 1
            return events

    assert check.check_transforms([Vandal()]) == {"Vandal": False}


def test_there_is_an_example_of_every_transform():
    kinds = {
        name
        for name in neuro.transforms.__all__
        if dataclasses.is_dataclass(kind := getattr(neuro.transforms, name))
        and isinstance(kind, type)
        and issubclass(kind, neuro.transforms.Transform)
        and not getattr(kind, "__abstractmethods__", None)
    } - {"Transform", "RandomTransform"}
    assert kinds == {type(t).__name__ for t in check.examples()}
    assert check.check_transforms() == dict.fromkeys(kinds, True)
