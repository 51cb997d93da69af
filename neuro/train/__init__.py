"""Training: networks as PyTorch modules, losses, and the loop."""

from neuro import _torch as _torch  # first: explains a missing PyTorch
from neuro.train.augment import RandomAffine as RandomAffine
from neuro.train.evaluate import predict as predict
from neuro.train.evaluate import run_all as run_all
from neuro.train.losses import FirstSpikeLoss as FirstSpikeLoss
from neuro.train.losses import Loss as Loss
from neuro.train.losses import MembraneLoss as MembraneLoss
from neuro.train.losses import RateBand as RateBand
from neuro.train.losses import RateLoss as RateLoss
from neuro.train.module import Module as Module
from neuro.train.module import NetworkState as NetworkState
from neuro.train.module import detach as detach
from neuro.train.samples import Samples as Samples

__all__ = [
    "FirstSpikeLoss",
    "Loss",
    "MembraneLoss",
    "Module",
    "NetworkState",
    "RandomAffine",
    "RateBand",
    "RateLoss",
    "Samples",
    "detach",
    "predict",
    "run_all",
]
