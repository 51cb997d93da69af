"""neuro: spiking neural networks. One definition; simulate, train, adapt, export; same spikes.

Importing neuro loads NumPy and nothing heavier. PyTorch is loaded by `neuro.train` and `neuro.nn`,
Matplotlib by `neuro.plot`, NIR by `neuro.export`.
"""

from neuro.build import conv as conv
from neuro.build import dense as dense
from neuro.build import feedforward as feedforward
from neuro.clock import Clock as Clock
from neuro.events import Events as Events
from neuro.events import bin_events as bin_events
from neuro.network import Input as Input
from neuro.network import Network as Network
from neuro.network import Synapse as Synapse
from neuro.neurons import ALIF as ALIF
from neuro.neurons import IF as IF
from neuro.neurons import LI as LI
from neuro.neurons import LIF as LIF
from neuro.neurons import Neuron as Neuron
from neuro.record import Record as Record
from neuro.synapses import Conv2d as Conv2d
from neuro.synapses import Dense as Dense
from neuro.units import Hz as Hz
from neuro.units import kHz as kHz
from neuro.units import ms as ms
from neuro.units import second as second
from neuro.units import us as us

__version__ = "0.1.0"

__all__ = [
    "ALIF",
    "IF",
    "LI",
    "LIF",
    "Clock",
    "Conv2d",
    "Dense",
    "Events",
    "Hz",
    "Input",
    "Network",
    "Neuron",
    "Record",
    "Synapse",
    "bin_events",
    "conv",
    "dense",
    "feedforward",
    "kHz",
    "ms",
    "second",
    "us",
]
