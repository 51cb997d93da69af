"""Record: names, arrays and events of a run."""

import numpy as np
import pytest
import torch

from neuro import Clock, Record, ms
from neuro.errors import InvalidValue, UnknownName

RECORD = Record(
    {
        "hid.spikes": torch.tensor([[[1.0, 0], [0, 0]], [[0, 2.0], [0, 1.0]]], requires_grad=True),
        "out.v": np.array([[[0.5]], [[-1.0]]]),
    },
    Clock(5 * ms),
)


def test_spikes_become_one_events_per_sample() -> None:
    first, second = RECORD.events("hid.spikes")
    assert first.t.tolist() == [0, 1, 1] and first.unit.tolist() == [0, 1, 1]
    assert second.t.tolist() == [1] and second.clock == Clock(5 * ms) and second.duration == 2


def test_arrays_carry_no_gradient() -> None:
    assert isinstance(RECORD.array("hid.spikes"), np.ndarray)
    assert RECORD["hid.spikes"].requires_grad


def test_graded_signals_are_no_events() -> None:
    with pytest.raises(InvalidValue, match=r"'out.v' is a graded signal"):
        RECORD.events("out.v")


def test_an_unknown_signal_suggests_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"Did you mean 'hid.spikes'"):
        RECORD["hid.spike"]


def test_it_is_a_mapping_with_a_time_axis() -> None:
    assert list(RECORD) == ["hid.spikes", "out.v"] and len(RECORD) == 2
    assert RECORD.seconds("out.v").tolist() == [0.0, 0.005]
    assert "out.v: (2, 1, 1)" in repr(RECORD)
