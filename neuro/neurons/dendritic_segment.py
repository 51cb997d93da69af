"""Active dendritic segments: coincident input starts an NMDA plateau."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neuro import ops
from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.neurons._base import Current, Neuron, Value, parameter, whole_ticks
from neuro.ops import Array
from neuro.units import ms


class DendriticSegment(Neuron):
    """A segment that counts coincident spikes and answers enough of them with a plateau.

        tau dd/dt = -d,   d <- d + input
        plateau when at least theta synapses are active at once: d > theta - 1/2
        then d <- 0 and the segment sends 1 for `duration`, deaf to its input until it ends

    With synapses of weight 1 d counts synapses, hence the border halfway between two counts. A
    population of shape (cells, segments) reaches the somas of its cells by a `Dense` synapse whose
    weight is np.kron(np.eye(cells), np.full(segments, strength)); the weights from the input are
    made by `neuro.build.subsample_segments`. The plateau is graded output (0 or 1 at every tick),
    so that its length needs no synaptic filter.

    Source: Ahmad & Hawkins, How do neurons operate on sparse distributed representations?,
    arXiv 1601.00720 (segment with threshold theta); the trace and the plateau are the spiking form
    of it, after Major, Larkum & Schiller, Annual Review of Neuroscience 36 (2013).
    """

    tau: Value = parameter(default=5 * ms, unit="s", meaning="window of coincidence", above=0)
    theta: Value = parameter(
        default=12.0, unit="1", meaning="coincident synapses that start a plateau"
    )
    duration: Value = parameter(
        default=50 * ms,
        unit="s",
        meaning="length of a plateau, on the clock's grid",
        above=0,
        learnable=False,
    )
    emits = "plateau"

    class State(NamedTuple):
        d: Array  # coincidence trace
        hold: Array  # ticks that the plateau lasts, this one included
        plateau: Array  # 1 during a plateau, else 0

    class Coefficients(NamedTuple):
        rho: Array  # decay of the trace in one tick
        theta: Array
        duration: Array  # ticks

    def lazy(self) -> bool:
        return bool(np.all(np.greater_equal(self.theta, 0.5)))

    @staticmethod
    def derive(p: Any, clock: Clock) -> DendriticSegment.Coefficients:
        ticks = whole_ticks(p.duration, clock, "DendriticSegment.duration")
        if np.any(np.asarray(ticks) < 1):
            raise InvalidValue(
                f"DendriticSegment.duration: shorter than one tick of {clock.dt:g} s, expected at "
                "least one. Use a finer Clock."
            )
        return DendriticSegment.Coefficients(ops.exp(-clock.dt / p.tau), p.theta, ticks)

    @staticmethod
    def rest(p: DendriticSegment.Coefficients) -> DendriticSegment.State:
        return DendriticSegment.State(d=0.0, hold=0.0, plateau=0.0)

    @staticmethod
    def flow(
        s: DendriticSegment.State, p: DendriticSegment.Coefficients, h: int
    ) -> DendriticSegment.State:
        return DendriticSegment.State(
            d=s.d * ops.power(p.rho, h),
            hold=ops.maximum(s.hold - h, 0.0),
            plateau=ops.where(s.hold > h, s.plateau, 0.0),
        )

    @staticmethod
    def receive(
        s: DendriticSegment.State, p: DendriticSegment.Coefficients, x: Current
    ) -> DendriticSegment.State:
        return s._replace(d=ops.where(s.hold > 0, s.d, s.d + x.current))

    @staticmethod
    def fire(s: DendriticSegment.State, p: DendriticSegment.Coefficients) -> Array:
        return s.d - (p.theta - 0.5)

    @staticmethod
    def jump(
        s: DendriticSegment.State, p: DendriticSegment.Coefficients, z: Array
    ) -> DendriticSegment.State:
        # A segment can only start a plateau when it is in none, so the sum is 0 or 1. Unlike a
        # reset, it carries the gradient: the plateau is what the soma sees of the decision.
        return DendriticSegment.State(
            d=ops.where(z > 0, 0.0, s.d),
            hold=ops.where(z > 0, p.duration, s.hold),
            plateau=s.plateau + z,
        )
