"""The neuron family: one neuron a file, each a page of laws."""

from neuro.neurons._base import Current as Current
from neuro.neurons._base import Neuron as Neuron
from neuro.neurons._base import Parameter as Parameter
from neuro.neurons._base import option as option
from neuro.neurons._base import parameter as parameter
from neuro.neurons.alif import ALIF as ALIF
from neuro.neurons.amsu import AMSU as AMSU
from neuro.neurons.astrocyte import Astrocyte as Astrocyte
from neuro.neurons.dendritic_segment import DendriticSegment as DendriticSegment
from neuro.neurons.integrate_and_fire import IF as IF
from neuro.neurons.li import LI as LI
from neuro.neurons.lif import LIF as LIF
from neuro.neurons.liquid_astrocyte import LiquidAstrocyte as LiquidAstrocyte
from neuro.neurons.meta_neuron import MetaNeuron as MetaNeuron
from neuro.neurons.sigma_delta import SigmaDelta as SigmaDelta
from neuro.neurons.two_compartment import TwoCompartment as TwoCompartment
from neuro.neurons.two_point import TwoPoint as TwoPoint

__all__ = [
    "ALIF",
    "AMSU",
    "IF",
    "LI",
    "LIF",
    "Astrocyte",
    "Current",
    "DendriticSegment",
    "LiquidAstrocyte",
    "MetaNeuron",
    "Neuron",
    "Parameter",
    "SigmaDelta",
    "TwoCompartment",
    "TwoPoint",
    "option",
    "parameter",
]
