"""Adaptive exponential integrate-and-fire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from neuro import ops
from neuro.clock import Clock
from neuro.neurons._base import Current, Neuron, Value, parameter
from neuro.neurons._exponential import resting_potential, upstroke
from neuro.neurons._preset import Presets
from neuro.neurons._step import check_step, smallest
from neuro.ops import Array
from neuro.units import ms


def _naud(
    c_mem: float, g_leak: float, v_leak: float, a: float, tau_w: float, b: float, v_reset: float
) -> dict[str, float]:
    """A row of the table, from its units (pF, nS, mV, nS, ms, pA, mV) to SI."""
    return {
        "c_mem": c_mem * 1e-12, "g_leak": g_leak * 1e-9, "v_leak": v_leak * 1e-3, "a": a * 1e-9,
        "tau_w": tau_w * ms, "b": b * 1e-12, "v_reset": v_reset * 1e-3,
        "v_rheo": -50e-3, "delta_t": 2e-3, "v_peak": 0.0,
    }  # fmt: skip


class AdEx(Presets, Neuron):
    """Exponential integrate-and-fire with an adaptation current w, in SI units.

        c_mem dv/dt = g_leak (v_leak - v) + g_leak delta_t exp((v - v_rheo) / delta_t) - w + i
        tau_w dw/dt = a (v - v_leak) - w
        spike when v > v_peak,   then v <- v_reset,  w <- w + b

    The input is a current in ampere that flows from its tick to the next. Integrator: exponential
    Euler, exact in both leaks and of first order in the rest, stable for any step. The exponent
    is capped at 10, which delays a spike by less than a thousandth of c_mem / g_leak. ERROR
    The distance above threshold is (v - v_peak) / scale, for surrogates of a width near 1; training
    wants v_peak a few delta_t above v_rheo, since v is hardly ever in between.

    Presets: AdEx.preset("bursting", 100) has parameters of Naud et al. (2008), table 1;
    `currents` has the step of current, in ampere, with which their figure 4 shows them.

    Source: Brette & Gerstner, Journal of Neurophysiology 94 (2005), eqs. 1 to 4, and its defaults;
    Naud, Marcille, Clopath, Gerstner, Biological Cybernetics 99 (2008).
    """

    c_mem: Value = parameter(default=281e-12, unit="F", meaning="membrane capacitance", above=0)
    g_leak: Value = parameter(default=30e-9, unit="S", meaning="leak conductance", above=0)
    v_leak: Value = parameter(default=-70.6e-3, unit="V", meaning="reversal potential of the leak")
    v_rheo: Value = parameter(default=-50.4e-3, unit="V", meaning="where the upstroke starts")
    delta_t: Value = parameter(default=2e-3, unit="V", meaning="width of the spike onset", above=0)
    tau_w: Value = parameter(
        default=144 * ms, unit="s", meaning="time constant of the adaptation", above=0
    )
    a: Value = parameter(default=4e-9, unit="S", meaning="adaptation to the potential")
    b: Value = parameter(default=80.5e-12, unit="A", meaning="adaptation per spike")
    v_peak: Value = parameter(default=20e-3, unit="V", meaning="where the spike is cut off")
    v_reset: Value = parameter(default=-70.6e-3, unit="V", meaning="potential after a spike")
    scale: Value = parameter(
        default=10e-3, unit="V", meaning="unit of the distance", above=0, learnable=False
    )

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
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
        v: Array  # membrane potential
        w: Array  # adaptation current
        i: Array  # input current until the next tick

    class Coefficients(NamedTuple):
        alpha: Array  # decay of v in one tick
        rho: Array  # decay of w in one tick
        g_leak: Array
        v_leak: Array
        v_rheo: Array
        delta_t: Array
        a: Array
        b: Array
        v_peak: Array
        v_reset: Array
        scale: Array
        v_rest: Array

    @staticmethod
    def derive(p: Any, clock: Clock) -> AdEx.Coefficients:
        tau_mem = p.c_mem / p.g_leak
        tau = min(smallest(tau_mem), smallest(p.tau_w))
        check_step("AdEx", clock, coarse=0.05 * tau, error="ERR")
        v_rest = resting_potential(p.v_leak, p.v_rheo, p.delta_t, 1 + p.a / p.g_leak)
        return AdEx.Coefficients(
            ops.exp(-clock.dt / tau_mem), ops.exp(-clock.dt / p.tau_w), p.g_leak, p.v_leak,
            p.v_rheo, p.delta_t, p.a, p.b, p.v_peak, p.v_reset, p.scale, v_rest,
        )  # fmt: skip

    @staticmethod
    def rest(p: AdEx.Coefficients) -> AdEx.State:
        return AdEx.State(v=p.v_rest, w=p.a * (p.v_rest - p.v_leak), i=0.0)

    @staticmethod
    def flow(s: AdEx.State, p: AdEx.Coefficients, h: int) -> AdEx.State:
        for _ in range(h - 1):
            s = AdEx.flow(s, p, 1)
        v_inf = p.v_leak + upstroke(s.v, p.v_rheo, p.delta_t) + (s.i - s.w) / p.g_leak
        w_inf = p.a * (s.v - p.v_leak)
        v = v_inf + (s.v - v_inf) * p.alpha
        w = w_inf + (s.w - w_inf) * p.rho
        return AdEx.State(v=v, w=w, i=0.0)

    @staticmethod
    def receive(s: AdEx.State, p: AdEx.Coefficients, x: Current) -> AdEx.State:
        return s._replace(i=s.i + x.current)

    @staticmethod
    def fire(s: AdEx.State, p: AdEx.Coefficients) -> Array:
        return (s.v - p.v_peak) / p.scale

    @staticmethod
    def jump(s: AdEx.State, p: AdEx.Coefficients, z: Array) -> AdEx.State:
        return s._replace(v=ops.where(z > 0, p.v_reset, s.v), w=s.w + p.b * ops.stop(z))
