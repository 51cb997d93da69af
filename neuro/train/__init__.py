"""Training: networks as PyTorch modules, losses, and the loop."""

from neuro.train.module import Module as Module
from neuro.train.module import NetworkState as NetworkState
from neuro.train.module import detach as detach

__all__ = ["Module", "NetworkState", "detach"]
