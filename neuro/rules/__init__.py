"""Learning rules as pure NumPy functions over spike trains [T, B, N]: no gradient, no state."""

from neuro.rules import stdp as stdp
from neuro.rules import tempotron as tempotron

__all__ = ["stdp", "tempotron"]
