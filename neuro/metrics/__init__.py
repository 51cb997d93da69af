"""What a run did, achieved and cost: pure functions over Events, labels and records."""

from neuro.metrics.accuracy import accuracy as accuracy
from neuro.metrics.branching import branching_ratio as branching_ratio
from neuro.metrics.complexity import lempel_ziv as lempel_ziv
from neuro.metrics.complexity import lempel_ziv_complexity as lempel_ziv_complexity
from neuro.metrics.confusion import confusion_matrix as confusion_matrix
from neuro.metrics.correlations import Correlations as Correlations
from neuro.metrics.correlations import count_correlations as count_correlations
from neuro.metrics.correlogram import Correlogram as Correlogram
from neuro.metrics.correlogram import cross_correlogram as cross_correlogram
from neuro.metrics.counts import fano_factor as fano_factor
from neuro.metrics.counts import spike_counts as spike_counts
from neuro.metrics.distances import van_rossum as van_rossum
from neuro.metrics.distances import victor_purpura as victor_purpura
from neuro.metrics.entropy_rate import block_entropy as block_entropy
from neuro.metrics.entropy_rate import block_entropy_rate as block_entropy_rate
from neuro.metrics.entropy_rate import match_entropy_rate as match_entropy_rate
from neuro.metrics.intervals import Intervals as Intervals
from neuro.metrics.intervals import cv as cv
from neuro.metrics.intervals import cv2 as cv2
from neuro.metrics.intervals import interspike_intervals as interspike_intervals
from neuro.metrics.intervals import lv as lv
from neuro.metrics.kernel_rank import generalisation_rank as generalisation_rank
from neuro.metrics.kernel_rank import kernel_rank as kernel_rank
from neuro.metrics.mattis import hierarchical_amplitudes as hierarchical_amplitudes
from neuro.metrics.mattis import mattis as mattis
from neuro.metrics.memory_capacity import MemoryCapacity as MemoryCapacity
from neuro.metrics.memory_capacity import memory_capacity as memory_capacity
from neuro.metrics.rates import PopulationRate as PopulationRate
from neuro.metrics.rates import firing_rates as firing_rates
from neuro.metrics.rates import population_rate as population_rate
from neuro.metrics.sdr import false_match as false_match
from neuro.metrics.sdr import false_negative as false_negative
from neuro.metrics.sdr import optimal_theta as optimal_theta
from neuro.metrics.spectrum import PowerSpectrum as PowerSpectrum
from neuro.metrics.spectrum import power_spectrum as power_spectrum
from neuro.metrics.synchrony import synchrony_chi as synchrony_chi
from neuro.metrics.synchrony import synchrony_index as synchrony_index
from neuro.metrics.synops import Operations as Operations
from neuro.metrics.synops import SynapticOperations as SynapticOperations
from neuro.metrics.synops import synops as synops

__all__ = [
    "Correlations",
    "Correlogram",
    "Intervals",
    "MemoryCapacity",
    "Operations",
    "PopulationRate",
    "PowerSpectrum",
    "SynapticOperations",
    "accuracy",
    "block_entropy",
    "block_entropy_rate",
    "branching_ratio",
    "confusion_matrix",
    "count_correlations",
    "cross_correlogram",
    "cv",
    "cv2",
    "false_match",
    "false_negative",
    "fano_factor",
    "firing_rates",
    "generalisation_rank",
    "hierarchical_amplitudes",
    "interspike_intervals",
    "kernel_rank",
    "lempel_ziv",
    "lempel_ziv_complexity",
    "lv",
    "match_entropy_rate",
    "mattis",
    "memory_capacity",
    "optimal_theta",
    "population_rate",
    "power_spectrum",
    "spike_counts",
    "synchrony_chi",
    "synchrony_index",
    "synops",
    "van_rossum",
    "victor_purpura",
]
