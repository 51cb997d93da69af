"""A new process from its start to the end of 1 s of CUBA: `python -m contest.fresh`."""

from contest.ours import simulation
from contest.spec import cuba

simulation(cuba(4000), threads=1).run(1.0)
