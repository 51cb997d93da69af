"""Event data: recordings with labels, a simulated event camera, and the data sets."""

from neuro.data.camera import EventCamera as EventCamera
from neuro.data.camera import saccades as saccades
from neuro.data.dataset import EventDataset as EventDataset
from neuro.data.digits import digits as digits
from neuro.data.nmnist import nmnist as nmnist
from neuro.data.nmnist import read_nmnist as read_nmnist
from neuro.data.nmnist import write_nmnist as write_nmnist

__all__ = [
    "EventCamera",
    "EventDataset",
    "digits",
    "nmnist",
    "read_nmnist",
    "saccades",
    "write_nmnist",
]
