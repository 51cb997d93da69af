"""Event data: recordings with labels, a simulated event camera, data sets; and connectomes."""

from neuro.data.camera import EventCamera as EventCamera
from neuro.data.camera import saccades as saccades
from neuro.data.connectome import Connectome as Connectome
from neuro.data.connectome import read_connectome as read_connectome
from neuro.data.dataset import EventDataset as EventDataset
from neuro.data.digits import digits as digits
from neuro.data.nmnist import nmnist as nmnist
from neuro.data.nmnist import read_nmnist as read_nmnist
from neuro.data.nmnist import write_nmnist as write_nmnist
from neuro.data.synthetic_worm import synthetic_connectome as synthetic_connectome

__all__ = [
    "Connectome",
    "EventCamera",
    "EventDataset",
    "digits",
    "nmnist",
    "read_connectome",
    "read_nmnist",
    "saccades",
    "synthetic_connectome",
    "write_nmnist",
]
