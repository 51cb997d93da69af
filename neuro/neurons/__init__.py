"""The neuron family: one neuron a file, each a page of laws."""

from neuro.neurons._base import Current as Current
from neuro.neurons._base import Neuron as Neuron
from neuro.neurons._base import Parameter as Parameter
from neuro.neurons._base import option as option
from neuro.neurons._base import parameter as parameter
from neuro.neurons.adex import AdEx as AdEx
from neuro.neurons.alif import ALIF as ALIF
from neuro.neurons.alpha_lif import AlphaLIF as AlphaLIF
from neuro.neurons.amsu import AMSU as AMSU
from neuro.neurons.astrocyte import Astrocyte as Astrocyte
from neuro.neurons.coba_lif import CobaLIF as CobaLIF
from neuro.neurons.cuba_lif import CubaLIF as CubaLIF
from neuro.neurons.dendritic_segment import DendriticSegment as DendriticSegment
from neuro.neurons.eif import EIF as EIF
from neuro.neurons.gif import GIF as GIF
from neuro.neurons.hodgkin_huxley import HodgkinHuxley as HodgkinHuxley
from neuro.neurons.integrate_and_fire import IF as IF
from neuro.neurons.izhikevich import Izhikevich as Izhikevich
from neuro.neurons.li import LI as LI
from neuro.neurons.lif import LIF as LIF
from neuro.neurons.liquid_astrocyte import LiquidAstrocyte as LiquidAstrocyte
from neuro.neurons.mat import MAT as MAT
from neuro.neurons.meta_neuron import MetaNeuron as MetaNeuron
from neuro.neurons.morris_lecar import MorrisLecar as MorrisLecar
from neuro.neurons.qif import QIF as QIF
from neuro.neurons.resonate_and_fire import ResonateAndFire as ResonateAndFire
from neuro.neurons.sigma_delta import SigmaDelta as SigmaDelta
from neuro.neurons.two_compartment import TwoCompartment as TwoCompartment
from neuro.neurons.two_current_lif import TwoCurrentLIF as TwoCurrentLIF
from neuro.neurons.two_point import TwoPoint as TwoPoint

__all__ = [
    "ALIF",
    "AMSU",
    "EIF",
    "GIF",
    "IF",
    "LI",
    "LIF",
    "MAT",
    "QIF",
    "AdEx",
    "AlphaLIF",
    "Astrocyte",
    "CobaLIF",
    "CubaLIF",
    "Current",
    "DendriticSegment",
    "HodgkinHuxley",
    "Izhikevich",
    "LiquidAstrocyte",
    "MetaNeuron",
    "MorrisLecar",
    "Neuron",
    "Parameter",
    "ResonateAndFire",
    "SigmaDelta",
    "TwoCompartment",
    "TwoCurrentLIF",
    "TwoPoint",
    "option",
    "parameter",
]
