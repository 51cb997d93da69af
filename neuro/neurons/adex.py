"""Exponential and adaptive exponential integrate-and-fire."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neuro import ops
from neuro.clock import Clock
from neuro.errors import InvalidValue
from neuro.neurons._base import Current, Neuron, Value, parameter
from neuro.ops import Array
from neuro.units import ms


class AdEx(Neuron):
    """Adaptive exponential integrate-and-fire; with a = b = 0 the exponential one (EIF).

        C dv/dt = -g_leak (v - e_leak) + g_leak delta_t exp((v - v_t) / delta_t) - w + I
        tau_w dw/dt = a (v - e_leak) - w
        spike when v > v_peak, then v <- v_reset, w <- w + b

    The input of a tick is the current I in amperes. Integrator: forward Euler in both equations
    from the old state; the exponent is capped at v_peak. `fire` measures the distance in units of
    delta_t, on which surrogate derivatives of width about 1 work.

    Source: Brette and Gerstner, J. Neurophysiol. 94 (2005), eqs. 1 to 4 and table 1; EIF:
    Fourcaud-Trocme et al., J. Neurosci. 23 (2003), eq. 13.

    Raises:
        InvalidValue: the tick is longer than the membrane time constant C / g_leak or tau_w.
    """

    capacitance: Value = parameter(default=281e-12, unit="F", meaning="of the membrane", above=0)
    g_leak: Value = parameter(default=30e-9, unit="S", meaning="leak conductance", above=0)
    e_leak: Value = parameter(default=-70.6e-3, unit="V", meaning="leak reversal potential")
    v_t: Value = parameter(default=-50.4e-3, unit="V", meaning="rheobase threshold")
    delta_t: Value = parameter(default=2e-3, unit="V", meaning="sharpness of the onset", above=0)
    tau_w: Value = parameter(default=144 * ms, unit="s", meaning="adaptation", above=0)
    a: Value = parameter(default=4e-9, unit="S", meaning="subthreshold adaptation")
    b: Value = parameter(default=80.5e-12, unit="A", meaning="adaptation per spike")
    v_peak: Value = parameter(default=-40e-3, unit="V", meaning="cut-off of a spike")
    v_reset: Value = parameter(default=-70.6e-3, unit="V", meaning="potential after a spike")

    class State(NamedTuple):
        v: Array  # membrane potential, V
        w: Array  # adaptation current, A

    class Coefficients(NamedTuple):
        leak: Array  # dt g_leak / C
        drive: Array  # dt / C
        slow: Array  # dt / tau_w
        e_leak: Array
        v_t: Array
        delta_t: Array
        a: Array
        b: Array
        v_peak: Array
        v_reset: Array

    @staticmethod
    def derive(p: Any, clock: Clock) -> AdEx.Coefficients:
        leak, slow = clock.dt * p.g_leak / p.capacitance, clock.dt / p.tau_w
        for name, rate in (("capacitance / g_leak", leak), ("tau_w", slow)):
            largest = float(np.max(np.asarray(ops.stop(rate))))
            if largest > 1:
                raise InvalidValue(
                    f"AdEx: a tick of {clock.dt:g} s is {largest:g} times {name}; Euler steps are "
                    "unstable there. Use a finer Clock."
                )
        return AdEx.Coefficients(
            leak, clock.dt / p.capacitance, slow, p.e_leak, p.v_t, p.delta_t, p.a, p.b,
            p.v_peak, p.v_reset,
        )  # fmt: skip

    @staticmethod
    def rest(p: AdEx.Coefficients) -> AdEx.State:
        # Where leak and onset balance: a few fixed-point steps from the leak potential.
        v = p.e_leak
        for _ in range(30):
            v = p.e_leak + p.delta_t * ops.exp((v - p.v_t) / p.delta_t) * p.leak / (
                p.leak + p.drive * p.a
            )
        return AdEx.State(v=v, w=p.a * (v - p.e_leak))

    @staticmethod
    def flow(s: AdEx.State, p: AdEx.Coefficients, h: int) -> AdEx.State:
        v, w = s
        for _ in range(h):
            onset = p.delta_t * ops.exp((ops.minimum(v, p.v_peak) - p.v_t) / p.delta_t)
            rise = p.leak * (onset - (v - p.e_leak)) - p.drive * w
            v, w = v + rise, w + p.slow * (p.a * (v - p.e_leak) - w)
        return AdEx.State(v=v, w=w)

    @staticmethod
    def receive(s: AdEx.State, p: AdEx.Coefficients, x: Current) -> AdEx.State:
        return s._replace(v=s.v + p.drive * x.current)

    @staticmethod
    def fire(s: AdEx.State, p: AdEx.Coefficients) -> Array:
        return (s.v - p.v_peak) / p.delta_t

    @staticmethod
    def jump(s: AdEx.State, p: AdEx.Coefficients, z: Array) -> AdEx.State:
        z = ops.stop(z)
        return AdEx.State(v=ops.where(z > 0, p.v_reset, s.v), w=s.w + z * p.b)
