"""Firing rates of trains whose rate is known."""

from __future__ import annotations

import numpy as np
import pytest

from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.metrics import firing_rates
from neuro.units import ms


def test_a_regular_train_has_the_rate_of_its_interval() -> None:
    spikes = np.zeros((1000, 1, 3))
    spikes[::10, 0, 0] = 1  # every 10 ms: 100 Hz
    spikes[::250, 0, 1] = 1  # every 250 ms: 4 Hz
    np.testing.assert_allclose(firing_rates(spikes, Clock(1 * ms)), [100, 4, 0])


def test_the_rate_is_the_mean_over_samples_and_keeps_the_units_shape() -> None:
    spikes = np.zeros((50, 2, 2, 3), dtype=np.float32)
    spikes[:, 0, 1, 2] = 2  # two spikes every 2 ms in one of two samples: 500 Hz
    rates = firing_rates(spikes, Clock(2 * ms))
    assert rates.shape == (2, 3)
    assert rates[1, 2] == pytest.approx(500)
    assert rates.sum() == pytest.approx(500)


@pytest.mark.parametrize(
    ("spikes", "message"),
    [
        (np.zeros((5, 3)), r"expected \[T, B, N...\]"),
        (np.zeros((0, 1, 3)), "at least one step"),
        (np.full((2, 1, 3), np.nan), "finite"),
        (np.full((2, 1, 3), -1), ">= 0"),
    ],
)
def test_refuses_what_is_not_spikes(spikes, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        firing_rates(spikes, Clock(1 * ms))
