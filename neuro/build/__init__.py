"""Builders: functions that return a Network."""

from neuro.build.dale import check_dale as check_dale
from neuro.build.feedforward import conv as conv
from neuro.build.feedforward import dense as dense
from neuro.build.feedforward import feedforward as feedforward
from neuro.build.microcircuit import potjans_diesmann as potjans_diesmann
from neuro.build.segments import subsample_segments as subsample_segments
from neuro.build.tripartite import tripartite as tripartite

__all__ = [
    "check_dale",
    "conv",
    "dense",
    "feedforward",
    "potjans_diesmann",
    "subsample_segments",
    "tripartite",
]
