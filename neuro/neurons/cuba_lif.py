"""Leaky integrate-and-fire with a decaying synaptic current."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neuro import ops
from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.neurons._base import Current, Neuron, Value, option, parameter, whole_ticks
from neuro.neurons._phi import carried
from neuro.neurons._reset import reset_membrane, reset_option
from neuro.ops import Array
from neuro.units import ms


class CubaLIF(Neuron):
    """LIF behind a first-order synapse: each input raises a current that decays exponentially.

        tau_syn di/dt = -i,   i <- i + input
        tau_mem dv/dt = v_leak - v + r i,   spike when v > v_th

    Integrator: exact for any step, both equations together. With arrival="next" an input moves
    the current at once and the membrane from the next tick on, as the equations say. With
    arrival="same" its first tick of current reaches the membrane before this tick's threshold test;
    `from_decays` uses it to repeat libraries that update v from the new current. While refractory,
    v is held and the current goes on.

    NIR's CubaLIF has the same equations; its w_in scales the input (w_in / tau_syn is the weight
    here, since NIR's input is a spike of unit area).

    Source: Rotter & Diesmann, Biological Cybernetics 81 (1999), section 3.2 (exact integration of
    exponential currents); Gerstner, Kistler, Naud, Paninski, Neuronal Dynamics (2014), eq. 1.5.
    """

    tau_mem: Value = parameter(default=20 * ms, unit="s", meaning="membrane time constant", above=0)
    tau_syn: Value = parameter(default=5 * ms, unit="s", meaning="synaptic time constant", above=0)
    r: Value = parameter(default=1.0, unit="1", meaning="membrane resistance")
    v_th: Value = parameter(default=1.0, unit="1", meaning="firing threshold")
    v_leak: Value = parameter(default=0.0, unit="1", meaning="resting potential")
    v_reset: Value = parameter(
        default=0.0, unit="1", meaning="potential after a spike when reset='zero'"
    )
    refractory: Value = parameter(
        default=0.0,
        unit="s",
        meaning="absolute refractory period, on the clock's grid",
        at_least=0,
        learnable=False,
    )
    reset: str = reset_option()
    arrival: str = option(
        default="next", choices=("next", "same"), meaning="tick in which input reaches v"
    )

    class State(NamedTuple):
        v: Array  # membrane potential
        i: Array  # synaptic current
        hold: Array  # ticks until v moves again

    class Coefficients(NamedTuple):
        alpha: Array  # decay of v in one tick
        beta: Array  # decay of i in one tick
        kappa: Array  # what a current of 1 adds to v in one tick
        v_th: Array
        v_leak: Array
        v_reset: Array
        pause: Array  # `hold` right after a spike
        refractory: bool
        reset: str
        arrival: str

    @classmethod
    def from_decays(
        cls, synapse: float, membrane: float, *, dt: float, shape: int | tuple[int, ...] = ()
    ) -> CubaLIF:
        """i <- synapse i + input,  v <- membrane v + i  in a step of `dt` seconds.

        The update of snnTorch's Synaptic(alpha=synapse, beta=membrane).
        """
        for name, decay in (("synapse", synapse), ("membrane", membrane)):
            if not 0 < decay < 1:
                raise InvalidValue(
                    f"CubaLIF.from_decays: got {name}={decay}, expected 0 < {name} < 1"
                )
        tau_mem, tau_syn = float(-dt / ops.log(membrane)), float(-dt / ops.log(synapse))
        r = float(1 / carried(dt, tau_mem, tau_syn))
        return cls(shape, tau_mem=tau_mem, tau_syn=tau_syn, r=r, arrival="same")

    @staticmethod
    def derive(p: Any, clock: Clock) -> CubaLIF.Coefficients:
        ticks = whole_ticks(p.refractory, clock, "CubaLIF.refractory")
        refractory = bool(np.any(ticks > 0))
        # One more than the ticks held, since `flow` counts down before `receive` looks.
        pause = ops.where(ticks > 0, ticks + 1, 0.0) if refractory else 0.0
        return CubaLIF.Coefficients(
            ops.exp(-clock.dt / p.tau_mem), ops.exp(-clock.dt / p.tau_syn),
            p.r * carried(clock.dt, p.tau_mem, p.tau_syn),
            p.v_th, p.v_leak, p.v_reset, pause, refractory, p.reset, p.arrival,
        )  # fmt: skip

    @staticmethod
    def rest(p: CubaLIF.Coefficients) -> CubaLIF.State:
        return CubaLIF.State(v=p.v_leak, i=0.0, hold=0.0)

    @staticmethod
    def flow(s: CubaLIF.State, p: CubaLIF.Coefficients, h: int) -> CubaLIF.State:
        for _ in range(h - 1):
            s = CubaLIF.flow(s, p, 1)
        i = p.beta * s.i
        if p.arrival == "next":
            v = p.v_leak + (s.v - p.v_leak) * p.alpha + p.kappa * s.i
        else:
            v = p.v_leak + (s.v - p.v_leak) * p.alpha + p.kappa * i
        if p.refractory:
            v = ops.where(s.hold > 1, s.v, v)
            return CubaLIF.State(v=v, i=i, hold=ops.maximum(s.hold - 1, 0.0))
        return CubaLIF.State(v=v, i=i, hold=s.hold)

    @staticmethod
    def receive(s: CubaLIF.State, p: CubaLIF.Coefficients, x: Current) -> CubaLIF.State:
        i = s.i + x.current
        if p.arrival == "next":
            return s._replace(i=i)
        v = s.v + p.kappa * x.current
        if p.refractory:
            v = ops.where(s.hold > 0, s.v, v)
        return s._replace(v=v, i=i)

    @staticmethod
    def fire(s: CubaLIF.State, p: CubaLIF.Coefficients) -> Array:
        return s.v - p.v_th

    @staticmethod
    def jump(s: CubaLIF.State, p: CubaLIF.Coefficients, z: Array) -> CubaLIF.State:
        v = reset_membrane(s.v, p, z)
        if p.refractory:
            return s._replace(v=v, hold=ops.where(z > 0, p.pause, s.hold))
        return s._replace(v=v)
