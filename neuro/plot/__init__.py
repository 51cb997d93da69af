"""Figures of events, activity, learning and cost, and the report that holds them all.

Every figure function returns a `matplotlib.figure.Figure`; nothing is shown or kept in global
state. Save one with `figure.savefig("raster.pdf")`; a notebook shows it by itself.
"""

from neuro.plot.activity import activity as activity
from neuro.plot.confusion import confusion as confusion
from neuro.plot.equations import equations as equations
from neuro.plot.event_strip import event_strip as event_strip
from neuro.plot.fi_curve import fi_curve as fi_curve
from neuro.plot.fi_curve import measure_fi_curve as measure_fi_curve
from neuro.plot.gallery import write_gallery as write_gallery
from neuro.plot.histograms import rates as rates
from neuro.plot.histograms import weights as weights
from neuro.plot.learning_curves import learning_curves as learning_curves
from neuro.plot.portrait import portrait as portrait
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
    "equations",
    "event_strip",
    "fi_curve",
    "learning_curves",
    "measure_fi_curve",
    "portrait",
    "raster",
    "rates",
    "synops",
    "traces",
    "weights",
    "write_gallery",
    "write_report",
]
