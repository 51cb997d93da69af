"""Figures of events, activity, learning and cost, and the report that holds them all.

Every figure function returns a `matplotlib.figure.Figure`; nothing is shown or kept in global
state. Save one with `figure.savefig("raster.pdf")`; a notebook shows it by itself.
"""

from neuro.plot.activity import activity as activity
from neuro.plot.animation import write_animation as write_animation
from neuro.plot.class_rasters import class_rasters as class_rasters
from neuro.plot.confusion import confusion as confusion
from neuro.plot.connectivity import connectivity as connectivity
from neuro.plot.contact_sheet import contact_sheet as contact_sheet
from neuro.plot.correlations import correlations as correlations
from neuro.plot.delay_kernels import delay_kernels as delay_kernels
from neuro.plot.delay_matrix import delay_matrix as delay_matrix
from neuro.plot.delays import delay_drift as delay_drift
from neuro.plot.delays import delay_histogram as delay_histogram
from neuro.plot.equations import equations as equations
from neuro.plot.event_cloud import event_cloud as event_cloud
from neuro.plot.event_strip import event_strip as event_strip
from neuro.plot.event_video import event_video as event_video
from neuro.plot.fi_curve import fi_curve as fi_curve
from neuro.plot.fi_curve import measure_fi_curve as measure_fi_curve
from neuro.plot.gallery import write_gallery as write_gallery
from neuro.plot.histograms import rates as rates
from neuro.plot.histograms import weights as weights
from neuro.plot.intervals import intervals as intervals
from neuro.plot.learning_curves import learning_curves as learning_curves
from neuro.plot.network_summary import network_summary as network_summary
from neuro.plot.population_raster import population_raster as population_raster
from neuro.plot.population_rates import population_rates as population_rates
from neuro.plot.portrait import portrait as portrait
from neuro.plot.raster import raster as raster
from neuro.plot.report import Report as Report
from neuro.plot.report import write_report as write_report
from neuro.plot.sample import Sample as Sample
from neuro.plot.spectra import spectra as spectra
from neuro.plot.synops import synops as synops
from neuro.plot.traces import traces as traces
from neuro.plot.weights_over_time import weights_over_time as weights_over_time

__all__ = [
    "Report",
    "Sample",
    "activity",
    "class_rasters",
    "confusion",
    "connectivity",
    "contact_sheet",
    "correlations",
    "delay_drift",
    "delay_histogram",
    "delay_kernels",
    "delay_matrix",
    "equations",
    "event_cloud",
    "event_strip",
    "event_video",
    "fi_curve",
    "intervals",
    "learning_curves",
    "measure_fi_curve",
    "network_summary",
    "population_raster",
    "population_rates",
    "portrait",
    "raster",
    "rates",
    "spectra",
    "synops",
    "traces",
    "weights",
    "weights_over_time",
    "write_animation",
    "write_gallery",
    "write_report",
]
