"""Topologies: which unit reaches which, and how strongly."""

from neuro.synapses._base import Topology as Topology
from neuro.synapses.conv2d import Conv2d as Conv2d
from neuro.synapses.dense import Dense as Dense

__all__ = ["Conv2d", "Dense", "Topology"]
