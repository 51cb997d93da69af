"""Leaky integrate-and-fire with a soma and a dendrite."""

from __future__ import annotations

from typing import Any, NamedTuple

from neuro import ops
from neuro.clock import Clock
from neuro.neurons._base import Neuron, Value, parameter
from neuro.neurons._reset import reset_membrane, reset_option
from neuro.ops import Array
from neuro.units import ms


class TwoCompartment(Neuron):
    """Two coupled passive membranes, of which the soma spikes and is reset.

        tau_soma     dv/dt = (v_leak - v) + g_soma     (w - v)
        tau_dendrite dw/dt = (v_leak - w) + g_dendrite (v - w)
        v <- v + soma,   w <- w + dendrite,   spike when v > v_th

    Integrator: exact for any step, by the exponential of the 2 x 2 system. The dendrite keeps its
    potential through a spike and recharges the soma. Couplings are relative to each compartment's
    leak; with g_dendrite = 0 the soma does not act back.

    Source: Gerstner, Kistler, Naud, Paninski, Neuronal Dynamics (2014), section 3.2 (compartments);
    with g_dendrite = 0 and the current form, the soma of Urbanczik & Senn, Neuron 81 (2014).
    """

    tau_soma: Value = parameter(default=20 * ms, unit="s", meaning="of the soma", above=0)
    tau_dendrite: Value = parameter(default=40 * ms, unit="s", meaning="of the dendrite", above=0)
    g_soma: Value = parameter(
        default=0.5, unit="1", meaning="pull of the dendrite on the soma, in leaks", at_least=0
    )
    g_dendrite: Value = parameter(
        default=0.5, unit="1", meaning="pull of the soma on the dendrite, in leaks", at_least=0
    )
    v_th: Value = parameter(default=1.0, unit="1", meaning="firing threshold of the soma")
    v_leak: Value = parameter(default=0.0, unit="1", meaning="resting potential of both")
    v_reset: Value = parameter(
        default=0.0, unit="1", meaning="soma after a spike when reset='zero'"
    )
    reset: str = reset_option()

    class Inputs(NamedTuple):
        soma: Array
        dendrite: Array

    class State(NamedTuple):
        v: Array  # soma
        w: Array  # dendrite

    class Coefficients(NamedTuple):
        vv: Array  # what is left of v in v after one tick
        vw: Array  # what reaches v from w in one tick
        wv: Array
        ww: Array
        v_th: Array
        v_leak: Array
        v_reset: Array
        reset: str

    @staticmethod
    def derive(p: Any, clock: Clock) -> TwoCompartment.Coefficients:
        # exp(A dt) = exp(m dt) (cosh(D dt) + sinh(D dt) / D (A - m)) with m the mean of the
        # diagonal and m +- D the eigenvalues, written so that nothing overflows.
        dt, vw, wv = clock.dt, p.g_soma / p.tau_soma, p.g_dendrite / p.tau_dendrite
        vv, ww = -(1 + p.g_soma) / p.tau_soma, -(1 + p.g_dendrite) / p.tau_dendrite
        mean, half = (vv + ww) / 2, (vv - ww) / 2
        # The floor (1e-8 of the mean, below rounding) keeps the root differentiable at 0.
        split = ops.sqrt(half * half + vw * wv + (1e-8 * mean) * (1e-8 * mean))
        slow, ratio = ops.exp((mean + split) * dt), ops.tanh(split * dt)
        cosh, sinh = slow / (1 + ratio), slow * ratio / (1 + ratio) / split
        return TwoCompartment.Coefficients(
            cosh + sinh * half, sinh * vw, sinh * wv, cosh - sinh * half,
            p.v_th, p.v_leak, p.v_reset, p.reset,
        )  # fmt: skip

    @staticmethod
    def rest(p: TwoCompartment.Coefficients) -> TwoCompartment.State:
        return TwoCompartment.State(v=p.v_leak, w=p.v_leak)

    @staticmethod
    def flow(
        s: TwoCompartment.State, p: TwoCompartment.Coefficients, h: int
    ) -> TwoCompartment.State:
        for _ in range(h - 1):
            s = TwoCompartment.flow(s, p, 1)
        dv = s.v - p.v_leak
        dw = s.w - p.v_leak
        return TwoCompartment.State(
            v=p.v_leak + (p.vv * dv + p.vw * dw),
            w=p.v_leak + (p.wv * dv + p.ww * dw),
        )

    @staticmethod
    def receive(
        s: TwoCompartment.State, p: TwoCompartment.Coefficients, x: TwoCompartment.Inputs
    ) -> TwoCompartment.State:
        return TwoCompartment.State(v=s.v + x.soma, w=s.w + x.dendrite)

    @staticmethod
    def fire(s: TwoCompartment.State, p: TwoCompartment.Coefficients) -> Array:
        return s.v - p.v_th

    @staticmethod
    def jump(
        s: TwoCompartment.State, p: TwoCompartment.Coefficients, z: Array
    ) -> TwoCompartment.State:
        return s._replace(v=reset_membrane(s.v, p, z))
