"""What a run achieved and what it cost: pure NumPy functions over labels and records."""

from neuro.metrics.accuracy import accuracy as accuracy
from neuro.metrics.complexity import lempel_ziv as lempel_ziv
from neuro.metrics.complexity import lempel_ziv_complexity as lempel_ziv_complexity
from neuro.metrics.confusion import confusion_matrix as confusion_matrix
from neuro.metrics.rates import firing_rates as firing_rates
from neuro.metrics.sdr import false_match as false_match
from neuro.metrics.sdr import false_negative as false_negative
from neuro.metrics.sdr import optimal_theta as optimal_theta
from neuro.metrics.synops import Operations as Operations
from neuro.metrics.synops import SynapticOperations as SynapticOperations
from neuro.metrics.synops import synops as synops

__all__ = [
    "Operations",
    "SynapticOperations",
    "accuracy",
    "confusion_matrix",
    "false_match",
    "false_negative",
    "firing_rates",
    "lempel_ziv",
    "lempel_ziv_complexity",
    "optimal_theta",
    "synops",
]
