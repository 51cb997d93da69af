"""Builders: functions that return a Network."""

from neuro.build.feedforward import conv as conv
from neuro.build.feedforward import dense as dense
from neuro.build.feedforward import feedforward as feedforward
from neuro.build.segments import subsample_segments as subsample_segments

__all__ = ["conv", "dense", "feedforward", "subsample_segments"]
