"""Topologies: which unit reaches which, and how strongly."""

from neuro.synapses._base import Topology as Topology
from neuro.synapses.conv2d import Conv2d as Conv2d
from neuro.synapses.dense import Dense as Dense
from neuro.synapses.distance import DistanceDependent as DistanceDependent
from neuro.synapses.one_to_one import OneToOne as OneToOne
from neuro.synapses.part import Part as Part
from neuro.synapses.rows import Rows as Rows
from neuro.synapses.rule import AllToAll as AllToAll
from neuro.synapses.rule import FixedInDegree as FixedInDegree
from neuro.synapses.rule import FixedOutDegree as FixedOutDegree
from neuro.synapses.rule import FixedProbability as FixedProbability
from neuro.synapses.rule import FixedTotal as FixedTotal
from neuro.synapses.small_world import SmallWorld as SmallWorld
from neuro.synapses.sparse import Sparse as Sparse

__all__ = [
    "AllToAll",
    "Conv2d",
    "Dense",
    "DistanceDependent",
    "FixedInDegree",
    "FixedOutDegree",
    "FixedProbability",
    "FixedTotal",
    "OneToOne",
    "Part",
    "Rows",
    "SmallWorld",
    "Sparse",
    "Topology",
]
