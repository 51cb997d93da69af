"""Builders: functions that return a Network."""

from neuro.build.balanced import balanced_start as balanced_start
from neuro.build.balanced import brunel as brunel
from neuro.build.balanced import vogels_abbott as vogels_abbott
from neuro.build.dale import check_dale as check_dale
from neuro.build.feedforward import conv as conv
from neuro.build.feedforward import dense as dense
from neuro.build.feedforward import feedforward as feedforward
from neuro.build.microcircuit import potjans_diesmann as potjans_diesmann
from neuro.build.motifs import motif_network as motif_network
from neuro.build.motifs import motion_network as motion_network
from neuro.build.segments import subsample_segments as subsample_segments
from neuro.build.tripartite import tripartite as tripartite

__all__ = [
    "balanced_start",
    "brunel",
    "check_dale",
    "conv",
    "dense",
    "feedforward",
    "motif_network",
    "motion_network",
    "potjans_diesmann",
    "subsample_segments",
    "tripartite",
    "vogels_abbott",
]
