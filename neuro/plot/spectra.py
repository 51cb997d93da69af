"""Power spectra of population rates, one panel each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from neuro.errors import InvalidValue
from neuro.events import Events
from neuro.metrics import firing_rates, power_spectrum
from neuro.plot import style
from neuro.plot._panels import PER_ROW, panels
from neuro.plot._populations import checked_populations, series
from neuro.units import ms

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def spectra(
    populations: Mapping[str, Events],
    *,
    bin_width: float = 1 * ms,
    segment: float | None = None,
    max_frequency: float = 200.0,
) -> Figure:
    """Power of each population's rate by frequency, on a logarithmic scale that all share.

    The dashed line is that of as many independent Poisson processes with the same rates; the
    highest peak is named where it rises above three times that line.

    Args:
        populations: name -> Events of one recording.
        bin_width, segment: seconds, as in `neuro.metrics.power_spectrum`.
        max_frequency: Hz to show.

    Raises:
        InvalidValue: no populations, a silent one, or as `power_spectrum`.
        MissingExtra: matplotlib or SciPy is not installed.
    """
    shown = checked_populations("spectra", populations)
    if not max_frequency > 0:
        raise InvalidValue(f"spectra.max_frequency: got {max_frequency} Hz, expected above 0 Hz")
    figure, axes = panels("spectra", len(shown), share=True)
    looks = series(shown)
    for i, (name, events) in enumerate(shown.items()):
        ax, look = axes[i], looks[name]
        if not len(events):
            raise InvalidValue(f"spectra[{name!r}]: the population is silent, it has no spectrum")
        frequency, power = power_spectrum(events, bin_width=bin_width, segment=segment)
        # the mean was taken off, so there is nothing at 0 Hz
        kept = (frequency > 0) & (frequency <= max_frequency)
        frequency, power = frequency[kept], power[kept]
        floor = 2 * float(firing_rates(events).mean()) / events.size
        ax.semilogy(frequency, power, color=look.color, linewidth=1.2)
        ax.axhline(floor, color=style.GREY, linewidth=1.0, linestyle=(0, (4, 3)))
        peak = int(np.argmax(power)) if power.size else 0
        if power.size and power[peak] > 3 * floor:
            style.note(ax, f"peak {frequency[peak]:.3g} Hz")
        lowest, outer = i + PER_ROW >= len(shown), i % PER_ROW == 0
        style.finish(ax, title=name, x="frequency (Hz)" if lowest else "",
                     y="power (Hz²/Hz)" if outer else "")  # fmt: skip
        ax.minorticks_off()
    axes[0].set_xlim(0, max_frequency)
    low, high = axes[0].get_ylim()
    axes[0].set_ylim(low, high * (high / low) ** 0.12)  # room for the remark
    return figure
