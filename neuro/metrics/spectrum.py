"""Rhythms: the power spectrum of a population's rate."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.errors import InvalidValue, require
from neuro.events import Events
from neuro.metrics.rates import population_rate
from neuro.units import ms


class PowerSpectrum(NamedTuple):
    """One-sided power spectral density of a rate."""

    frequency: NDArray[np.float64]  # Hz [F], from 0 to half of 1 / bin_width
    power: NDArray[np.float64]  # Hz^2 / Hz [F]


def power_spectrum(
    events: Events, *, bin_width: float = 1 * ms, segment: float | None = None
) -> PowerSpectrum:
    """Power spectral density of the rate of a population, after Welch.

    The rate (spikes per second and unit) is cut into segments that overlap by half, their means
    are taken off, they are windowed (Hann), and their periodograms averaged. N independent Poisson
    processes of rate r have a flat spectrum of 2 r / N. A silent population has power 0.

    Args:
        events: spikes of a population.
        bin_width: seconds, a whole multiple of the events' tick.
        segment: length of a segment in seconds, whose inverse is the resolution in Hz; by default
            1 s, or the whole recording if that is shorter.

    Raises:
        InvalidValue: the width is no whole number of ticks, or a segment is shorter than two bins
            or longer than the recording.
        MissingExtra: SciPy is not installed.

    Source: Welch, IEEE Trans. Audio Electroacoust. 15 (1967).
    """
    rate = population_rate(events, bin_width=bin_width).rate
    wanted = min(1.0, len(rate) * bin_width) if segment is None else segment
    length = round(wanted / bin_width)
    if not 2 <= length <= len(rate):
        raise InvalidValue(
            f"power_spectrum.segment: got {wanted:g} s, expected from two bins "
            f"({2 * bin_width:g} s) to the whole recording ({len(rate) * bin_width:g} s)"
        )
    signal = require("scipy.signal", "sim")
    frequency, power = signal.welch(rate, fs=1 / bin_width, nperseg=length, detrend="constant")
    return PowerSpectrum(frequency, power)
