"""Izhikevich's simple model."""

from __future__ import annotations

from typing import Any, NamedTuple

from neuro import ops
from neuro.clock import Clock
from neuro.errors import InvalidValue, UnknownName
from neuro.neurons._base import Current, Neuron, Value, parameter
from neuro.ops import Array

# a, b, c, d of the figures in the paper.
PRESETS = {
    "RS": (0.02, 0.2, -65.0, 8.0),  # regular spiking
    "IB": (0.02, 0.2, -55.0, 4.0),  # intrinsically bursting
    "CH": (0.02, 0.2, -50.0, 2.0),  # chattering
    "FS": (0.1, 0.2, -65.0, 2.0),  # fast spiking
    "TC": (0.02, 0.25, -65.0, 0.05),  # thalamo-cortical
    "RZ": (0.1, 0.26, -65.0, 2.0),  # resonator
    "LTS": (0.02, 0.25, -65.0, 2.0),  # low-threshold spiking
}


class Izhikevich(Neuron):
    """Two variables that reproduce the firing patterns of cortical cells.

        dv/dt = 0.04 v^2 + 5 v + 140 - u + I,   du/dt = a (b v - u)      (t in ms, v in mV)
        spike when v > v_th, then v <- c, u <- u + d

    Numbers are the paper's, in mV and ms, since a, b and d have no SI form of their own. The input
    of a tick is I. Integrator: the paper's, forward Euler with two half steps for v and one step
    for u; its patterns belong to a tick of 1 ms, and finer ticks converge to the equations.

    Source: Izhikevich, IEEE Trans. Neural Networks 14 (2003), eqs. 1 to 3 and figure 2.
    """

    a: Value = parameter(default=0.02, unit="1", meaning="rate of the recovery, per ms", above=0)
    b: Value = parameter(default=0.2, unit="1", meaning="coupling of the recovery to v")
    c: Value = parameter(default=-65.0, unit="1", meaning="v after a spike, mV")
    d: Value = parameter(default=8.0, unit="1", meaning="rise of the recovery per spike")
    v_th: Value = parameter(default=30.0, unit="1", meaning="peak of a spike, mV")

    class State(NamedTuple):
        v: Array  # membrane potential, mV
        u: Array  # recovery

    class Coefficients(NamedTuple):
        a: Array
        b: Array
        c: Array
        d: Array
        v_th: Array
        step: float  # ms in a tick
        v_start: Array

    @classmethod
    def preset(cls, name: str, shape: int | tuple[int, ...] = ()) -> Izhikevich:
        """A published cell type: RS, IB, CH, FS, TC, RZ or LTS.

        Raises:
            UnknownName: no such type.
        """
        if name not in PRESETS:
            raise UnknownName("Izhikevich.preset", name, PRESETS)
        a, b, c, d = PRESETS[name]
        return cls(shape, a=a, b=b, c=c, d=d)

    @staticmethod
    def derive(p: Any, clock: Clock) -> Izhikevich.Coefficients:
        step = clock.dt * 1e3
        if step > 1 + 1e-9:
            raise InvalidValue(
                f"Izhikevich: a tick of {step:g} ms is too coarse for the Euler steps of this "
                "model, expected at most 1 ms. Use a finer Clock."
            )
        # The lower zero of 0.04 v^2 + (5 - b) v + 140, where v rests without input; cells whose b
        # is so large that there is none start at the vertex.
        slope = 5 - p.b
        v_start = (-slope - ops.sqrt(ops.maximum(slope * slope - 22.4, 0.0 * slope))) / 0.08
        return Izhikevich.Coefficients(p.a, p.b, p.c, p.d, p.v_th, step, v_start)

    @staticmethod
    def rest(p: Izhikevich.Coefficients) -> Izhikevich.State:
        return Izhikevich.State(v=p.v_start, u=p.b * p.v_start)

    @staticmethod
    def flow(s: Izhikevich.State, p: Izhikevich.Coefficients, h: int) -> Izhikevich.State:
        return s

    @staticmethod
    def receive(s: Izhikevich.State, p: Izhikevich.Coefficients, x: Current) -> Izhikevich.State:
        v, u = s.v, s.u
        for _ in range(2):
            v = v + (0.5 * p.step) * ((0.04 * v + 5.0) * v + 140.0 - u + x.current)
        u = u + (p.step * p.a) * (p.b * v - u)
        return Izhikevich.State(v=v, u=u)

    @staticmethod
    def fire(s: Izhikevich.State, p: Izhikevich.Coefficients) -> Array:
        return (s.v - p.v_th) * 0.02  # 50 mV is about one unit of other models

    @staticmethod
    def jump(s: Izhikevich.State, p: Izhikevich.Coefficients, z: Array) -> Izhikevich.State:
        z = ops.stop(z)
        return s._replace(v=ops.where(z > 0, p.c, s.v), u=s.u + z * p.d)
