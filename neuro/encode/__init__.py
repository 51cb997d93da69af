"""Encoders: numbers, sound and pictures to events."""

from neuro.encode.camera import EventCamera as EventCamera
from neuro.encode.cochlea import Cochlea as Cochlea
from neuro.encode.delta import decode_delta as decode_delta
from neuro.encode.delta import delta as delta
from neuro.encode.latency import latency as latency
from neuro.encode.level_crossing import decode_levels as decode_levels
from neuro.encode.level_crossing import level_crossing as level_crossing
from neuro.encode.phase import decode_phase as decode_phase
from neuro.encode.phase import phase as phase
from neuro.encode.population import population as population
from neuro.encode.population import tuning as tuning
from neuro.encode.rate import bernoulli as bernoulli
from neuro.encode.rate import poisson as poisson
from neuro.encode.rate import regular as regular
from neuro.encode.saccades import saccades as saccades
from neuro.encode.video import read_gif as read_gif
from neuro.encode.wav import read_wav as read_wav

__all__ = [
    "Cochlea",
    "EventCamera",
    "bernoulli",
    "decode_delta",
    "decode_levels",
    "decode_phase",
    "delta",
    "latency",
    "level_crossing",
    "phase",
    "poisson",
    "population",
    "read_gif",
    "read_wav",
    "regular",
    "saccades",
    "tuning",
]
