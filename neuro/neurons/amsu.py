"""The membrane of the astrocyte-modulated spiking unit (AM-SU)."""

from __future__ import annotations

from typing import Any, NamedTuple

from neuro import ops
from neuro.clock import Clock
from neuro.neurons._base import Neuron, Value, parameter
from neuro.ops import Array
from neuro.units import ms


class AMSU(Neuron):
    """Leaky membrane whose firing an astrocyte modulates without charging it.

        tau_mem dv/dt = -v,   v <- v + current,   o = astrocyte
        spike when v + o > v_th, then v <- 0

    `o` is what the astrocyte answers in this tick (`neuro.nn.AstrocyteMemory`). It moves the
    distance to threshold and is forgotten: it is not integrated and not reset. With nothing at the
    port `astrocyte` this is a LIF with reset to zero. No gradient flows through the reset.

    Source: Shen et al., arXiv 2312.07625 v2 (2023), figure of the unit. The text publishes no
    equations of the membrane: leak, reset and threshold are the discrete
    u_t = lambda u_{t-1} (1 - s_{t-1}) + I_t, s_t = [u_t + o_t > theta], a reconstruction.
    """

    tau_mem: Value = parameter(default=20 * ms, unit="s", meaning="membrane time constant", above=0)
    v_th: Value = parameter(default=1.0, unit="1", meaning="firing threshold")

    class Inputs(NamedTuple):
        current: Array  # charges the membrane
        astrocyte: Array  # o, shifts the distance to threshold in this tick only

    class State(NamedTuple):
        v: Array  # membrane potential
        o: Array  # astrocytic modulation of this tick

    class Coefficients(NamedTuple):
        alpha: Array  # lambda, decay of v in one tick
        v_th: Array

    @staticmethod
    def derive(p: Any, clock: Clock) -> AMSU.Coefficients:
        return AMSU.Coefficients(ops.exp(-clock.dt / p.tau_mem), p.v_th)

    @staticmethod
    def rest(p: AMSU.Coefficients) -> AMSU.State:
        return AMSU.State(v=0.0, o=0.0)

    @staticmethod
    def flow(s: AMSU.State, p: AMSU.Coefficients, h: int) -> AMSU.State:
        return AMSU.State(v=s.v * ops.power(p.alpha, h), o=0 * s.o)

    @staticmethod
    def receive(s: AMSU.State, p: AMSU.Coefficients, x: AMSU.Inputs) -> AMSU.State:
        return AMSU.State(v=s.v + x.current, o=s.o + x.astrocyte)

    @staticmethod
    def fire(s: AMSU.State, p: AMSU.Coefficients) -> Array:
        return s.v + s.o - p.v_th

    @staticmethod
    def jump(s: AMSU.State, p: AMSU.Coefficients, z: Array) -> AMSU.State:
        return s._replace(v=ops.where(ops.stop(z) > 0, 0.0, s.v))
