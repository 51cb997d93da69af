"""The connectome as a network of leaky integrate-and-fire neurons, touched in front or behind."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro import Clock, Network, Synapse, ms
from neuro.data.connectome import Connectome
from neuro.neurons import CubaLIF
from neuro.sim import Simulation
from neuro.sources import Poisson
from neuro.synapses import Sparse

TOUCH = {"anterior": ("ALM", "AVM"), "posterior": ("PLM",)}
RATE = 200.0  # Hz, of the spikes that each touched cell is given, one of which fires it
SECONDS = 1.0
RESPONDS = 5.0  # Hz, mean over the seeds, from which on a cell counts as responding
RECRUITED = 0.1  # share of the inter and motor neurons that respond when touch has got through
WEIGHTS = tuple(0.01 * 2 ** (k / 4) for k in range(17))  # of a single synapse; 0.01 to 0.16
CLOCK = Clock(1 * ms)

Array = NDArray[np.float64]


def network(worm: Connectome, where: str, weight: float) -> Network:
    """All cells as one population; the touched ones receive a Poisson train each.

    A gap junction carries voltage, which no spike can: here it passes a spikelet in each direction
    when one of its cells fires.
    """
    touched = worm.index(*TOUCH[where])
    cells = CubaLIF(len(worm.names), tau_mem=20 * ms, tau_syn=5 * ms, refractory=5 * ms, r=4.0)
    return Network(
        {"touch": Poisson(len(touched), rate=RATE), "cells": cells},
        (
            Synapse("touch", "cells", Sparse(np.arange(len(touched)), touched, 4.0)),
            Synapse("cells", "cells", worm.sparse("chemical", weight=weight), delay=1 * ms,
                    name="chemical"),
            Synapse("cells", "cells", worm.sparse("gap", weight=weight), delay=1 * ms, name="gap"),
        ),
        outputs=("cells",), clock=CLOCK,
    )  # fmt: skip


def rates(worm: Connectome, where: str, weight: float, seeds: list[int]) -> Array:
    """Rates of all cells in Hz, means over the seeds of the touch, [cells]."""
    built, total = network(worm, where, weight), np.zeros(len(worm.names))
    for seed in seeds:
        record = Simulation(built, seed=seed, threads=1).run(SECONDS)
        total += np.bincount(record.events("cells.spikes")[0].unit, minlength=len(total))
    return total / SECONDS / len(seeds)


class Scan(NamedTuple):
    """What a touch recruits at each weight that was tried.

    share: of the inter and motor neurons that respond, [weights].
    first: responding inter and motor neurons, by rate, at the least weight that has any.
    weight: the least at which `RECRUITED` of them respond; infinite if none of those tried.
    """

    share: list[float]
    first: list[str]
    weight: float


def scan(worm: Connectome, where: str, seeds: list[int]) -> Scan:
    """Raise the weight of a synapse step by step until touch recruits the whole network."""
    others = np.concatenate([worm.of_class("inter"), worm.of_class("motor")])
    share: list[float] = []
    first: list[str] = []
    for weight in WEIGHTS:
        rate = rates(worm, where, weight, seeds)[others]
        share.append(float((rate >= RESPONDS).mean()))
        if share[-1] and not first:
            order = others[np.argsort(-rate, kind="stable")]
            first = [worm.names[i] for i in order[: int((rate >= RESPONDS).sum())]]
    reached = [w for w, s in zip(WEIGHTS, share, strict=True) if s >= RECRUITED]
    return Scan(share, first, min(reached, default=float("inf")))
