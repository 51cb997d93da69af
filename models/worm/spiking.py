"""NCAP of spiking populations: every graded unit becomes 20 leaky integrate-and-fire neurons."""

import numpy as np
from numpy.typing import NDArray

from neuro import LIF, Clock, Input, Network, Synapse, ms
from neuro.sim import Simulation
from neuro.synapses import Sparse

CELLS = 20  # neurons of a unit
FULL_RATE = 100.0  # Hz, what a unit's 1 stands for
CLOCK = Clock(1 * ms)
PER_TICK = FULL_RATE * CLOCK.dt  # input a tick that lets a cell without leak fire at FULL_RATE

Array = NDArray[np.float64]


def network(ipsi: float, contra: float, joints: int = 5) -> Network:
    """Drive [joints, 2] -> B motor neurons [joints, 2, 20] -> muscles [joints, 2, 20].

    A muscle cell hears all 20 cells of its own side (`ipsi`) and of the other (`contra`). Cells
    rest half way to threshold, so that over a cycle the leak takes away as much as it gives and a
    cell's rate is nearly proportional to its input; inhibited cells are silent, as g(x) = 0 is.
    """
    shape = (joints, 2, CELLS)
    cell = LIF(
        shape, tau_mem=50 * ms, v_leak=0.5, reset="subtract",
        v_th=np.broadcast_to(np.linspace(0.8, 1.2, CELLS), shape),
    )  # fmt: skip
    number = np.arange(joints * 2 * CELLS).reshape(shape)
    unit = np.broadcast_to(np.arange(joints * 2).reshape(joints, 2, 1), shape)
    pre = np.repeat(number, CELLS, axis=2).ravel()  # each cell 20 times
    same = np.tile(number, (1, 1, CELLS)).ravel()  # its unit's cells
    other = np.tile(number[:, ::-1], (1, 1, CELLS)).ravel()  # those of the other side
    return Network(
        {"drive": Input((joints, 2)), "motor": cell, "muscle": cell},
        (
            Synapse("drive", "motor", Sparse(unit.ravel(), number.ravel(), PER_TICK)),
            Synapse("motor", "muscle", Sparse(pre, same, ipsi / CELLS), name="ipsi"),
            Synapse("motor", "muscle", Sparse(pre, other, contra / CELLS), name="contra"),
        ),
        outputs=("muscle",), clock=CLOCK,
    )  # fmt: skip


class Swim:
    """A controller that runs the network for one control step at a time, its state kept between.

    Args:
        ipsi, contra: weights to the muscles.
        seed: of the membrane potentials at the start.
        dt: seconds of a control step.
    """

    def __init__(self, ipsi: float, contra: float, *, seed: int, dt: float) -> None:
        self.dt, self.spikes, self.steps = dt, 0, 0
        self.ticks = int(CLOCK.ticks(dt, exact=True, what="dt"))
        self.simulation = Simulation(network(ipsi, contra), threads=1)
        random = np.random.default_rng(seed)
        for name in ("motor", "muscle"):
            population = self.simulation.network.neurons()[name]
            self.simulation.set(f"{name}.v", random.uniform(0, 0.8, population.units))

    def torque(self, drive: Array) -> Array:
        """Torques [joints] of a control step whose drive is [joints, 2], clipped to 0 .. 1."""
        fed = np.broadcast_to(np.clip(drive, 0, 1), (self.ticks, *drive.shape))
        record = self.simulation.run(self.dt, inputs={"drive": fed})
        (spikes,) = record.events("muscle.spikes")
        count = np.bincount(spikes.unit // CELLS, minlength=drive.size).reshape(drive.shape)
        self.spikes += len(spikes)
        self.steps += 1
        m = np.clip(count / (CELLS * FULL_RATE * self.dt), 0, 1)
        return m[:, 0] - m[:, 1]
