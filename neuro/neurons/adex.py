"""Adaptive exponential integrate-and-fire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from neuro import ops
from neuro.clock import Clock
from neuro.neurons._base import Current, Neuron, Value, parameter
from neuro.neurons._exponential import ExponentialMembrane, check_membrane, resting_potential, rise
from neuro.neurons._step import smallest
from neuro.ops import Array
from neuro.units import ms


def _naud(
    c: float, g_leak: float, e_leak: float, a: float, tau_w: float, b: float, v_reset: float
) -> dict[str, float]:
    """A row of the table in its own units (pF, nS, mV, nS, ms, pA, mV), in SI."""
    return {
        "capacitance": c * 1e-12, "g_leak": g_leak * 1e-9, "e_leak": e_leak * 1e-3,
        "a": a * 1e-9, "tau_w": tau_w * ms, "b": b * 1e-12, "v_reset": v_reset * 1e-3,
        "v_t": -50e-3, "delta_t": 2e-3, "v_peak": -30e-3,
    }  # fmt: skip


class AdEx(ExponentialMembrane, Neuron):
    """EIF with an adaptation current w that follows v and grows with each spike.

        C dv/dt = -g_leak (v - e_leak) + g_leak delta_t exp((v - v_t) / delta_t) - w + I
        tau_w dw/dt = a (v - e_leak) - w
        spike when v > v_peak, then v <- v_reset, w <- w + b

    Everything else is as in `EIF`, which is the case a = b = 0. Integrator: forward Euler in both
    equations from the old state.

    Presets: AdEx.preset("bursting", 100); `presets` lists them, and `currents` has the step of
    current, in amperes, with which the paper shows each (its cut-off is 0 mV; ten delta_t above
    v_t, as here, are crossed within microseconds).

    Source: Brette and Gerstner, J. Neurophysiol. 94 (2005), eqs. 1 to 4 and table 1; presets:
    Naud, Marcille, Clopath, Gerstner, Biological Cybernetics 99 (2008), table 1 and figure 4.

    Raises:
        InvalidValue: the tick is longer than C / g_leak or tau_w, or so long that Euler steps of
            the pair v, w grow.
    """

    tau_w: Value = parameter(default=144 * ms, unit="s", meaning="adaptation", above=0)
    a: Value = parameter(default=4e-9, unit="S", meaning="subthreshold adaptation")
    b: Value = parameter(default=80.5e-12, unit="A", meaning="adaptation per spike")

    presets: ClassVar[Mapping[str, Mapping[str, float]]] = {
        "tonic": _naud(200, 10, -70, 2, 30, 0, -58),
        "adapting": _naud(200, 12, -70, 2, 300, 60, -58),
        "initial burst": _naud(130, 18, -58, 4, 150, 120, -50),
        "bursting": _naud(200, 10, -58, 2, 120, 100, -46),
        "accelerating": _naud(200, 12, -70, -10, 300, 0, -58),
        "irregular": _naud(100, 12, -60, -11, 130, 30, -48),
    }
    currents: ClassVar[Mapping[str, float]] = {
        "tonic": 500e-12, "adapting": 500e-12, "initial burst": 400e-12, "bursting": 210e-12,
        "accelerating": 300e-12, "irregular": 160e-12,
    }  # fmt: skip

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
        tau = p.capacitance / p.g_leak
        # Steps of the linear pair shrink it if the determinant of its map is below 1.
        pair = smallest((tau + p.tau_w) / (1 + ops.maximum(p.a / p.g_leak, 0.0 * tau)))
        check_membrane("AdEx", clock, min(smallest(tau), smallest(p.tau_w)), limit=pair)
        return AdEx.Coefficients(
            clock.dt / tau, clock.dt / p.capacitance, clock.dt / p.tau_w, p.e_leak, p.v_t,
            p.delta_t, p.a, p.b, p.v_peak, p.v_reset,
        )  # fmt: skip

    @staticmethod
    def rest(p: AdEx.Coefficients) -> AdEx.State:
        v = resting_potential(p, 1 + p.a * p.drive / p.leak)
        return AdEx.State(v=v, w=p.a * (v - p.e_leak))

    @staticmethod
    def flow(s: AdEx.State, p: AdEx.Coefficients, h: int) -> AdEx.State:
        v, w = s
        for _ in range(h):
            change = rise(v, p) - p.drive * w
            v, w = v + change, w + p.slow * (p.a * (v - p.e_leak) - w)
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
