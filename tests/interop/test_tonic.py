"""Tonic's arrays come in and go out with every event, and what is no event array is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuro.clock import Clock
from neuro.errors import InvalidValue, Unsupported
from neuro.events import Events
from neuro.interop.tonic import (
    events_from_tonic,
    folder_from_tonic,
    from_tonic,
    sensor_size,
    to_tonic,
)
from neuro.units import ms, us

US = Clock(1 * us)


class Fake:
    """What Tonic's data sets look like from outside."""

    def __init__(self, samples: list[Any], size: Any, classes: Any = None) -> None:
        self.samples, self.sensor_size = samples, size
        if classes is not None:
            self.classes = classes

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Any:
        return self.samples[index]


def camera(order: str = "xytp", kinds: str = "iiii", n: int = 50, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    array = np.zeros(
        n, dtype=[(f, f"{k}8" if k != "?" else "?") for f, k in zip(order, kinds, strict=True)]
    )
    array["x"], array["y"] = rng.integers(0, 7, n), rng.integers(0, 5, n)
    array["t"], array["p"] = np.sort(rng.integers(0, 40, n)), rng.integers(0, 2, n)
    return array


def rows(events: Events) -> list[tuple[int, ...]]:
    """Events as (t, polarity, y, x), sorted: a bag."""
    p, y, x = events.coordinates
    return sorted(zip(events.t.tolist(), p.tolist(), y.tolist(), x.tolist(), strict=True))


@pytest.mark.parametrize(("order", "kinds"), [("xytp", "iiii"), ("txyp", "uuu?"), ("ptxy", "fifi")])
def test_every_event_arrives_whatever_the_order_of_fields(order: str, kinds: str) -> None:
    array = camera(order, kinds)
    before = array.copy()
    events = events_from_tonic(array, (7, 5, 2))
    assert events.shape == (2, 5, 7) and events.clock == US
    wanted = sorted((int(e["t"]), int(e["p"]), int(e["y"]), int(e["x"])) for e in array)
    assert rows(events) == wanted
    assert array.tobytes() == before.tobytes()


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 69)), max_size=30))
def test_there_and_back(pairs: list[tuple[int, int]]) -> None:
    t, unit = [p[0] for p in pairs], [p[1] for p in pairs]
    events = Events.sorted(t, unit, shape=(2, 5, 7), clock=US)
    array = to_tonic(events)
    assert array.dtype.names == ("x", "y", "t", "p")
    assert events_from_tonic(array, sensor_size(events)) == events


def test_sound_has_no_rows() -> None:
    events = Events.sorted([5, 5, 9], [3, 699, 0], shape=700, clock=US)
    array = to_tonic(events)
    assert array.dtype.names == ("t", "x", "p") and array["p"].tolist() == [1, 1, 1]
    assert sensor_size(events) == (700, 1, 1)
    assert events_from_tonic(array, (700, 1, 1)) == events


def test_a_sensor_of_one_polarity_keeps_rows_and_columns() -> None:
    array = camera()
    array["p"] = 1
    events = events_from_tonic(array, (7, 5, 1))
    assert events.shape == (5, 7)
    array["p"][0] = 0
    with pytest.raises(InvalidValue, match="one polarity"):
        events_from_tonic(array, (7, 5, 1))


def test_coarser_ticks_become_microseconds() -> None:
    events = Events.sorted([1, 2], [0, 1], shape=(2, 1, 1), clock=Clock(2 * ms))
    assert to_tonic(events)["t"].tolist() == [2000, 4000]
    with pytest.raises(InvalidValue, match="no whole number of microseconds"):
        to_tonic(Events.sorted([1], [0], shape=(2, 1, 1), clock=Clock(0.5 * us)))


def test_a_data_set_is_read_with_its_classes() -> None:
    data = Fake([(camera(seed=i), i % 3) for i in range(6)], (7, 5, 2), ["a", "b", b"c", "d"])
    read = from_tonic(data, limit=5, source="somewhere")
    assert (len(read), read.classes, read.labels.tolist()) == (
        5,
        ("a", "b", "c", "d"),
        [0, 1, 2, 0, 1],
    )
    assert (read.name, read.source) == ("Fake", "somewhere")
    assert read.counts.tolist() == [50] * 5
    lazy = folder_from_tonic(data, [i % 3 for i in range(6)], classes=("a", "b", "c"))
    assert lazy[4] == (read[4][0], 1) and lazy.load().select(range(5))[4][0] == read[4][0]


def test_targets_may_be_words() -> None:
    data = Fake([(camera(), "he"), (camera(), "cl"), (camera(), np.str_("he"))], (7, 5, 2))
    assert from_tonic(data).classes == ("cl", "he")
    read = from_tonic(data, classes=("cl", "he", "di"))
    assert read.classes == ("cl", "he", "di") and read.labels.tolist() == [1, 0, 1]
    with pytest.raises(InvalidValue, match=r"'he' is none of the classes"):
        from_tonic(data, classes=("x",))
    assert from_tonic(Fake([(camera(), np.int64(2))], (7, 5, 2))).classes == ("0", "1", "2")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("x", 7), r"\.x: event 3 has 7, expected 0 to 6"),
        (("y", -1), r"\.y: event 3 has -1"),
        (("p", 2), r"\.p: event 3 has 2"),
        (("t", -5), "Events.t"),
    ],
)
def test_values_outside_the_sensor_are_named(change: tuple[str, int], message: str) -> None:
    array = camera()
    array[change[0]][3] = change[1]
    with pytest.raises(InvalidValue, match=message):
        from_tonic(Fake([(array, 0)], (7, 5, 2)))


def test_times_that_are_no_whole_numbers_are_refused() -> None:
    array = camera(kinds="iifi")
    array["t"][2] = 0.5
    with pytest.raises(InvalidValue, match="has fractions"):
        events_from_tonic(array, (7, 5, 2))
    array["t"][2] = np.nan
    with pytest.raises(InvalidValue, match="has fractions"):
        events_from_tonic(array, (7, 5, 2))


def test_what_is_no_data_set_of_events_is_refused() -> None:
    frames = np.zeros((10, 2, 5, 7))
    with pytest.raises(Unsupported, match="frames"):
        from_tonic(Fake([(frames, 0)], (7, 5, 2)))
    with pytest.raises(InvalidValue, match="lack y"):
        events_from_tonic(camera()[["x", "t", "p"]], (7, 5, 2))
    with pytest.raises(InvalidValue, match="pass sensor_size="):
        from_tonic(Fake([(camera(), 0)], None))
    assert len(from_tonic(Fake([(camera(), 0)], None), sensor_size=(9, 9, 2))) == 1
    with pytest.raises(Unsupported, match="one class"):
        from_tonic(Fake([(camera(), {"boxes": []})], (7, 5, 2)))
    with pytest.raises(Unsupported, match="not a pair"):
        from_tonic(Fake([camera()], (7, 5, 2)))
    with pytest.raises(InvalidValue, match="empty"):
        from_tonic(Fake([], (7, 5, 2)))
    with pytest.raises(InvalidValue, match="expected 0 to 1"):
        from_tonic(Fake([(camera(), 5)], (7, 5, 2)), classes=("a", "b"))
    with pytest.raises(InvalidValue, match="graded"):
        to_tonic(Events.sorted([1], [0], shape=3, clock=US, value=[0.5]))
    with pytest.raises(InvalidValue, match="expected"):
        to_tonic(Events.sorted([1], [0], shape=(3, 3), clock=US))


def test_neuro_does_not_import_tonic() -> None:
    source = (Path(__file__).parents[2] / "neuro" / "interop" / "tonic.py").read_text()
    assert "import tonic" not in source and "from tonic" not in source
