"""Figures of events, activity, learning and cost, and the report that holds them all.

Every figure function returns a `matplotlib.figure.Figure`; nothing is shown or kept in global
state. Save one with `figure.savefig("raster.pdf")`; a notebook shows it by itself.
"""

from neuro.plot.activity import activity as activity
from neuro.plot.confusion import confusion as confusion
from neuro.plot.event_strip import event_strip as event_strip
from neuro.plot.histograms import rates as rates
from neuro.plot.histograms import weights as weights
from neuro.plot.learning_curves import learning_curves as learning_curves
from neuro.plot.raster import raster as raster
from neuro.plot.report import Report as Report
from neuro.plot.report import write_report as write_report
from neuro.plot.sample import Sample as Sample
from neuro.plot.synops import synops as synops
from neuro.plot.traces import traces as traces

__all__ = [
    "Report",
    "Sample",
    "activity",
    "confusion",
    "event_strip",
    "learning_curves",
    "raster",
    "rates",
    "synops",
    "traces",
    "weights",
    "write_report",
]
