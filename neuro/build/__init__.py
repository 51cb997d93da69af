"""Builders: functions that return a Network."""

from neuro.build.feedforward import conv as conv
from neuro.build.feedforward import dense as dense
from neuro.build.feedforward import feedforward as feedforward

__all__ = ["conv", "dense", "feedforward"]
