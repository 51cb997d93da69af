"""What a run achieved and what it cost: pure NumPy functions over labels and records."""

from neuro.metrics.accuracy import accuracy as accuracy
from neuro.metrics.confusion import confusion_matrix as confusion_matrix
from neuro.metrics.rates import firing_rates as firing_rates
from neuro.metrics.synops import Operations as Operations
from neuro.metrics.synops import SynapticOperations as SynapticOperations
from neuro.metrics.synops import synops as synops

__all__ = [
    "Operations",
    "SynapticOperations",
    "accuracy",
    "confusion_matrix",
    "firing_rates",
    "synops",
]
