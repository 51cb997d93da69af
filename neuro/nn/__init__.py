"""Layers for any `torch.nn` model: state in and out, nothing hidden."""

from neuro import _torch as _torch  # first: explains a missing PyTorch
from neuro.nn.am_su import AMSULayer as AMSULayer
from neuro.nn.astrocyte_memory import AstrocyteMemory as AstrocyteMemory
from neuro.nn.connection import Conv2d as Conv2d
from neuro.nn.connection import Linear as Linear
from neuro.nn.delay import AxonalDelay as AxonalDelay
from neuro.nn.delay import DelayLinear as DelayLinear
from neuro.nn.delay import Delays as Delays
from neuro.nn.delay_kernel import DelayKernel as DelayKernel
from neuro.nn.elm import ELM as ELM
from neuro.nn.motif import MotifDetector as MotifDetector
from neuro.nn.motion import MotionDetector as MotionDetector
from neuro.nn.population import Population as Population
from neuro.nn.sequential import Sequential as Sequential

__all__ = [
    "ELM",
    "AMSULayer",
    "AstrocyteMemory",
    "AxonalDelay",
    "Conv2d",
    "DelayKernel",
    "DelayLinear",
    "Delays",
    "Linear",
    "MotifDetector",
    "MotionDetector",
    "Population",
    "Sequential",
]
