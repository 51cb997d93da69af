"""Sources: populations that emit without being fed."""

from neuro.sources._base import Source as Source
from neuro.sources.currents import OrnsteinUhlenbeck as OrnsteinUhlenbeck
from neuro.sources.currents import Recorded as Recorded
from neuro.sources.currents import StepCurrent as StepCurrent
from neuro.sources.currents import WhiteNoise as WhiteNoise
from neuro.sources.poisson import Poisson as Poisson
from neuro.sources.spike_generator import SpikeGenerator as SpikeGenerator

__all__ = [
    "OrnsteinUhlenbeck",
    "Poisson",
    "Recorded",
    "Source",
    "SpikeGenerator",
    "StepCurrent",
    "WhiteNoise",
]
