"""The inner ear: sound to the spikes of an array of channels, from low to high frequency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.clock import Clock
from neuro.encode._values import above, values_in, whole
from neuro.errors import InvalidValue, require
from neuro.events import Events
from neuro.units import ms, us

Array = NDArray[Any]
# A, B, g, y, l, r, x, h of a fibre with high spontaneous rate (Meddis, Hewitt & Shackleton 1990)
MEDDIS = (5.0, 300.0, 2000.0, 5.05, 2500.0, 6580.0, 66.31, 50_000.0)
MICROSECOND = Clock(1 * us)
_BLOCK = 64  # channels at a time: bounds the memory
_REFERENCE = 30.0  # dB SPL of a signal with rms 1, as in Meddis (1986)


@dataclass(frozen=True)
class Cochlea:
    """Sound to spikes in three published steps, one cell a channel.

    1. Basilar membrane: a gammatone filter of order 4 for each channel, all-pole and complex,
       gain 1 at its centre (Hohmann 2002, Acta Acustica 88:433), of one equivalent rectangular
       bandwidth, 24.7 (4.37 f / kHz + 1) Hz, spaced evenly on that scale (Glasberg & Moore 1990).
    2. Inner hair cells: transmitter released through a permeability that rectifies and saturates
       (Meddis 1986, JASA 79:702, eqs. 1 to 6; constants of Meddis, Hewitt & Shackleton 1990),
       by implicit Euler steps of one sample. A fibre fires at 65 Hz in silence.
    3. A bushy cell of the cochlear nucleus, a leaky integrate-and-fire unit on which `fibres`
       independent Poisson fibres of the channel converge; it keeps to onsets and phases and drops
       spontaneous firing.

    The arrangement (700 channels, hair cells, 40 fibres to a bushy cell) is that of Cramer,
    Stradmann, Schemmel & Zenke 2022, IEEE TNNLS 33:2744, section III-A; their hydrodynamic
    membrane is replaced by filters. Data made with it are not SHD, and figures do not compare.

    Args:
        channels: how many.
        fmin: centre of the lowest channel in Hz.
        fmax: centre of the highest in Hz; None for 0.45 of the sound's rate, at most 8 kHz.
        level: dB SPL to which the rms of every sound is set; silence stays silence.
        fibres: hair-cell fibres on each bushy cell.
        tau: membrane time constant of the bushy cell in seconds.
        threshold: fibre spikes at once that make it fire.
        refractory: seconds for which it ignores its fibres after a spike.
        clock: of the events.

    Raises:
        InvalidValue: an argument is out of range.
    """

    channels: int = 700
    fmin: float = 80.0
    fmax: float | None = None
    level: float = 65.0
    fibres: int = 40
    tau: float = 0.5 * ms
    threshold: float = 6.0
    refractory: float = 1 * ms
    clock: Clock = MICROSECOND

    def __post_init__(self) -> None:
        whole("Cochlea.channels", self.channels, 1)
        whole("Cochlea.fibres", self.fibres, 1)
        for name in ("fmin", "tau", "threshold"):
            above(f"Cochlea.{name}", getattr(self, name), 0)
        if self.fmax is not None:
            above("Cochlea.fmax", self.fmax, self.fmin)
        if not np.isfinite(self.level):
            raise InvalidValue(f"Cochlea.level: got {self.level!r}, expected dB SPL")
        if not (np.isfinite(self.refractory) and self.refractory >= 0):
            raise InvalidValue(f"Cochlea.refractory: got {self.refractory!r}, expected >= 0")

    def centres(self, rate: float) -> NDArray[np.float64]:
        """Centre frequencies in Hz for a sound of `rate` samples a second, rising, [channels].

        Raises:
            InvalidValue: the highest is not below half the rate.
        """
        per_second = above("Cochlea.rate", rate, 0)
        top = min(0.45 * per_second, 8000.0) if self.fmax is None else self.fmax
        if top >= per_second / 2 or self.fmin > top:
            raise InvalidValue(
                f"Cochlea: channels from {self.fmin:g} to {top:g} Hz, but a sound of {rate:g} "
                f"samples a second has frequencies below {per_second / 2:g} Hz. Lower fmin or fmax."
            )
        numbers = np.linspace(_erb_number(self.fmin), _erb_number(top), self.channels)
        return (10 ** (numbers / 21.4) - 1) / 0.00437

    def poles(self, rate: float) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
        """Pole and gain of each channel: the transfer function is gain / (1 - pole / z)^4."""
        centres = self.centres(rate)
        width = 24.7 * (0.00437 * centres + 1) / (np.pi * 0.3125)  # Hohmann's eq. 14, order 4
        radius = np.exp(-2 * np.pi * width / rate)
        return radius * np.exp(2j * np.pi * centres / rate), 2 * (1 - radius) ** 4

    def __call__(self, samples: ArrayLike, rate: float, seed: int | Sequence[int] = 0) -> Events:
        """The spikes that a sound evokes.

        Args:
            samples: of the sound in any unit, [T].
            rate: samples per second.
            seed: of the fibres; several whole numbers make a key.

        Returns:
            Events of shape (channels,), low frequencies first, as long as the sound.

        Raises:
            InvalidValue: the sound is not finite or has several channels, or is shorter than a
                tick.
            MissingExtra: numba is not installed (`neuro[events]`).
        """
        require("numba", "events")
        from neuro.encode import _cochlea_kernels as kernels

        sound = values_in("Cochlea.samples", samples, -np.inf, np.inf)
        if sound.ndim != 1:
            raise InvalidValue(
                f"Cochlea.samples: got shape {sound.shape}, expected [T]. Remedy: take the mean "
                "over the channels"
            )
        duration = int(self.clock.ticks(len(sound) / rate, what="Cochlea.samples"))
        if duration < 1:
            raise InvalidValue(f"Cochlea.samples: the sound is shorter than a {self.clock!r} tick")
        loudness = np.sqrt(np.mean(sound**2))
        if loudness > 0:
            sound = sound * (10 ** ((self.level - _REFERENCE) / 20) / loudness)
        poles, gains = self.poles(rate)
        key = [whole("Cochlea.seed", s, 0) for s in np.atleast_1d(np.asarray(seed))]
        keys = np.random.SeedSequence(key).generate_state(self.channels, np.uint64)
        units, when = [], []
        dt = 1.0 / rate
        law = np.array(MEDDIS)
        for low in range(0, self.channels, _BLOCK):
            part = np.s_[low : low + _BLOCK]
            motion = np.empty((len(poles[part]), len(sound)))
            kernels.basilar(sound, poles[part], gains[part], motion)
            kernels.hair_cell(motion, dt, law, motion)
            room = motion.size // 16 + 64
            while True:
                channel, sample = np.empty(room, np.int64), np.empty(room, np.int64)
                count = kernels.bushy(
                    motion, dt, self.fibres, float(np.exp(-dt / self.tau)), float(self.threshold),
                    round(self.refractory * rate), keys[part], channel, sample,
                )  # fmt: skip
                if count <= room:
                    break
                room = count
            units.append(channel[:count] + low)
            when.append(sample[:count])
        tick = self.clock.ticks(np.concatenate(when) / rate)
        return Events.sorted(
            np.minimum(tick, duration - 1), np.concatenate(units),
            shape=(self.channels,), clock=self.clock, duration=duration,
        )  # fmt: skip


def _erb_number(frequency: float) -> float:
    """Glasberg & Moore 1990, eq. 4."""
    return 21.4 * float(np.log10(0.00437 * frequency + 1))
