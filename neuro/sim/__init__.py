"""Simulation: the compiled, event-driven engine, and other engines behind the same call.

Importing it loads Numba, but not PyTorch.
"""

from neuro.sim.probe import Probe as Probe
from neuro.sim.run import run as run
from neuro.sim.simulation import Simulation as Simulation
from neuro.sim.snapshot import Snapshot as Snapshot
from neuro.sim.stream import read as read_record

__all__ = ["Probe", "Simulation", "Snapshot", "read_record", "run"]
