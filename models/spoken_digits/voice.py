"""A formant synthesiser: ten made-up words of two vowels each, spoken by made-up people."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from neuro.data import EventDataset
from neuro.encode import Cochlea

RATE = 8000
# first and second formant in Hz of five vowels (Peterson & Barney 1952, table II, men)
VOWELS = {"i": (270, 2290), "e": (530, 1840), "a": (730, 1090), "o": (570, 840), "u": (300, 870)}
WORDS = ("ia", "ai", "eu", "ue", "ao", "oa", "ie", "ei", "ou", "uo")


def speak(word: str, rng: np.random.Generator) -> NDArray[np.float64]:
    """One utterance at 8 kHz: a pulse train through two resonances that glide, in noise."""
    samples = int(RATE * rng.uniform(0.25, 0.5))
    pitch = rng.uniform(90, 220) * np.linspace(1.05, 0.9, samples)
    tract = rng.uniform(0.9, 1.15)  # length of the speaker's vocal tract
    pulses = np.diff(np.floor(np.cumsum(pitch) / RATE), prepend=0.0)
    sound = np.asarray(lfilter([1.0], [1.0, -0.9], pulses))
    glide = 1 / (1 + np.exp(-(np.linspace(-6, 6, samples) + rng.uniform(-2, 2))))
    for k in range(2):
        first, second = (VOWELS[v][k] * tract * rng.normal(1, 0.05) for v in word)
        sound = _resonance(sound, first + glide * (second - first), 60.0 + 40.0 * k)
    sound *= np.sin(np.linspace(0, np.pi, samples)) ** 0.5
    noise = rng.normal(size=samples) * np.sqrt(np.mean(sound**2)) * 0.1
    return sound + noise


def _resonance(
    sound: NDArray[np.float64], centre: NDArray[np.float64], width: float
) -> NDArray[np.float64]:
    """A two-pole resonance whose centre frequency changes (Klatt 1980, section I-B)."""
    radius = np.exp(-np.pi * width / RATE)
    out = np.zeros(len(sound))
    before = last = 0.0
    for i, angle in enumerate(2 * np.pi * centre / RATE):
        b, c = 2 * radius * np.cos(angle), -radius * radius
        before, last = last, (1 - b - c) * sound[i] + b * last + c * before
        out[i] = last
    return out


def words(
    per_word: tuple[int, int], cochlea: Cochlea, seed: int
) -> tuple[EventDataset, EventDataset]:
    """The utterances as spikes: so many of each word to train on and to test on."""
    parts = []
    for part, (name, count) in enumerate(zip(("train", "test"), per_word, strict=True)):
        labels = np.tile(np.arange(len(WORDS)), count)

        def hear(i: int, part: int = part, labels: NDArray[np.int64] = labels):
            rng = np.random.default_rng([seed, part, i])
            return cochlea(speak(WORDS[labels[i]], rng), RATE, (seed, part, i))

        parts.append(
            EventDataset.from_events(
                [hear(i) for i in range(len(labels))],
                labels,
                classes=WORDS,
                name=f"synthetic words {name}",
                source="made by models/spoken_digits/voice.py",
                attributes={"seed": seed},
            )
        )
    return parts[0], parts[1]
