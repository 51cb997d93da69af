"""Event data: recordings with labels, data sets by name, and connectomes."""

from neuro.data.asl_dvs import asl_dvs as asl_dvs
from neuro.data.braille import braille as braille
from neuro.data.cache import cached as cached
from neuro.data.cifar10_dvs import cifar10_dvs as cifar10_dvs
from neuro.data.connectome import Connectome as Connectome
from neuro.data.connectome import read_connectome as read_connectome
from neuro.data.dataset import EventDataset as EventDataset
from neuro.data.digits import digits as digits
from neuro.data.dvs_gesture import dvs_gesture as dvs_gesture
from neuro.data.folder import EventFolder as EventFolder
from neuro.data.gsc import gsc as gsc
from neuro.data.idx import read_idx as read_idx
from neuro.data.load import load as load
from neuro.data.mnist_events import mnist_events as mnist_events
from neuro.data.ncaltech101 import ncaltech101 as ncaltech101
from neuro.data.ncars import ncars as ncars
from neuro.data.nmnist import nmnist as nmnist
from neuro.data.nmnist import read_nmnist as read_nmnist
from neuro.data.nmnist import write_nmnist as write_nmnist
from neuro.data.ntidigits import ntidigits as ntidigits
from neuro.data.poker_dvs import poker_dvs as poker_dvs
from neuro.data.prophesee_samples import prophesee_samples as prophesee_samples
from neuro.data.shd import shd as shd
from neuro.data.spoken_digits import spoken_digits as spoken_digits
from neuro.data.ssc import ssc as ssc
from neuro.data.st_mnist import st_mnist as st_mnist
from neuro.data.synthetic_worm import synthetic_connectome as synthetic_connectome

__all__ = [
    "Connectome",
    "EventDataset",
    "EventFolder",
    "asl_dvs",
    "braille",
    "cached",
    "cifar10_dvs",
    "digits",
    "dvs_gesture",
    "gsc",
    "load",
    "mnist_events",
    "ncaltech101",
    "ncars",
    "nmnist",
    "ntidigits",
    "poker_dvs",
    "prophesee_samples",
    "read_connectome",
    "read_idx",
    "read_nmnist",
    "shd",
    "spoken_digits",
    "ssc",
    "st_mnist",
    "synthetic_connectome",
    "write_nmnist",
]
