"""The neuron family: one neuron a file, each a page of laws."""

from neuro.neurons._base import Current as Current
from neuro.neurons._base import Neuron as Neuron
from neuro.neurons._base import Parameter as Parameter
from neuro.neurons._base import option as option
from neuro.neurons._base import parameter as parameter
from neuro.neurons.alif import ALIF as ALIF
from neuro.neurons.integrate_and_fire import IF as IF
from neuro.neurons.li import LI as LI
from neuro.neurons.lif import LIF as LIF

__all__ = ["ALIF", "IF", "LI", "LIF", "Current", "Neuron", "Parameter", "option", "parameter"]
