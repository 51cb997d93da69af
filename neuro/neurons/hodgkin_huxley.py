"""Hodgkin and Huxley's squid axon."""

from __future__ import annotations

from typing import Any, NamedTuple

from neuro import ops
from neuro.clock import Clock
from neuro.neurons._base import Current, Neuron, Value, parameter
from neuro.neurons._phi import phi
from neuro.neurons._step import check_step
from neuro.ops import Array
from neuro.units import ms


class HodgkinHuxley(Neuron):
    """Sodium, potassium and leak currents with voltage-dependent gates, in SI units per area.

        c_mem dv/dt = g_na m^3 h (e_na - v) + g_k n^4 (e_k - v) + g_leak (e_leak - v) + i
        dx/dt = a_x(v) (1 - x) - b_x(v) x     for the gates x = m, h, n
        spike when v rises above v_th

    The input is a current density in A/m^2 (1 uA/cm^2 is 0.01 A/m^2) that flows from its tick to
    the next. Potentials are the modern ones, inside minus outside with rest at -65 mV, at 6.3
    degrees Celsius. As in the paper, e_leak follows from the resting potential (-54.4 mV).
    `above` marks a unit whose v has not come back below v_th, so that each upward crossing is one
    spike; v is not reset. The distance above threshold is (v - v_th) / scale, and -1 while above.

    Integrator: exponential Euler (Rush & Larsen 1978), gates first, then v with the new gates; of
    first order, each equation exact on its own. ERROR

    Source: Hodgkin & Huxley, Journal of Physiology 117 (1952), eqs. 12, 13, 20, 21, 23, 24, 26
    and table 3; Rush & Larsen, IEEE Transactions on Biomedical Engineering 25 (1978).
    """

    c_mem: Value = parameter(default=0.01, unit="F/m2", meaning="membrane capacitance", above=0)
    g_na: Value = parameter(default=1200.0, unit="S/m2", meaning="sodium conductance", at_least=0)
    g_k: Value = parameter(default=360.0, unit="S/m2", meaning="potassium conductance", at_least=0)
    g_leak: Value = parameter(default=3.0, unit="S/m2", meaning="leak conductance", above=0)
    e_na: Value = parameter(default=50e-3, unit="V", meaning="reversal potential of sodium")
    e_k: Value = parameter(default=-77e-3, unit="V", meaning="reversal potential of potassium")
    v_rest: Value = parameter(default=-65e-3, unit="V", meaning="resting potential")
    v_th: Value = parameter(default=0.0, unit="V", meaning="crossed upward by a spike")
    scale: Value = parameter(
        default=10e-3, unit="V", meaning="unit of the distance", above=0, learnable=False
    )

    class State(NamedTuple):
        v: Array  # membrane potential
        m: Array  # sodium activation
        h: Array  # sodium inactivation
        n: Array  # potassium activation
        i: Array  # input until the next tick
        above: Array  # 1 while v is above v_th

    class Coefficients(NamedTuple):
        dt: Array  # in ms, the unit of the gates' rates
        step: Array  # dt / c_mem
        g_na: Array
        g_k: Array
        g_leak: Array
        e_na: Array
        e_k: Array
        e_leak: Array
        v_th: Array
        scale: Array
        v_rest: Array
        m_rest: Array
        h_rest: Array
        n_rest: Array

    @staticmethod
    def rates(v: Array) -> tuple[tuple[Array, Array], ...]:
        """Opening and closing rates per ms of m, h and n at v in volt."""
        u = 1000 * v
        return (
            (1 / phi(-(u + 40) / 10), 4 * ops.exp(-(u + 65) / 18)),
            (0.07 * ops.exp(-(u + 65) / 20), 1 / (1 + ops.exp(-(u + 35) / 10))),
            (0.1 / phi(-(u + 55) / 10), 0.125 * ops.exp(-(u + 65) / 80)),
        )

    @staticmethod
    def derive(p: Any, clock: Clock) -> HodgkinHuxley.Coefficients:
        check_step(
            "HodgkinHuxley", clock, coarse=0.05 * ms, limit=0.5 * ms, error="ERR", why="WHY"
        )
        m, h, n = (up / (up + down) for up, down in HodgkinHuxley.rates(p.v_rest))
        ions = p.g_na * m**3 * h * (p.v_rest - p.e_na) + p.g_k * n**4 * (p.v_rest - p.e_k)
        return HodgkinHuxley.Coefficients(
            clock.dt / ms, clock.dt / p.c_mem, p.g_na, p.g_k, p.g_leak, p.e_na, p.e_k,
            p.v_rest + ions / p.g_leak, p.v_th, p.scale, p.v_rest, m, h, n,
        )  # fmt: skip

    @staticmethod
    def rest(p: HodgkinHuxley.Coefficients) -> HodgkinHuxley.State:
        return HodgkinHuxley.State(
            v=p.v_rest, m=p.m_rest, h=p.h_rest, n=p.n_rest, i=0.0, above=0.0
        )

    @staticmethod
    def gate(x: Array, rates: tuple[Array, Array], dt: Array) -> Array:
        """A gate after dt at fixed rates of opening and closing."""
        up, down = rates
        x_inf = up / (up + down)
        return x_inf + (x - x_inf) * ops.exp(-dt * (up + down))

    @staticmethod
    def flow(s: HodgkinHuxley.State, p: HodgkinHuxley.Coefficients, h: int) -> HodgkinHuxley.State:
        for _ in range(h - 1):
            s = HodgkinHuxley.flow(s, p, 1)
        rates_m, rates_h, rates_n = HodgkinHuxley.rates(s.v)
        m = HodgkinHuxley.gate(s.m, rates_m, p.dt)
        inactivation = HodgkinHuxley.gate(s.h, rates_h, p.dt)
        n = HodgkinHuxley.gate(s.n, rates_n, p.dt)
        na = p.g_na * m * m * m * inactivation
        k = p.g_k * (n * n) * (n * n)
        total = na + k + p.g_leak
        v_inf = (na * p.e_na + k * p.e_k + p.g_leak * p.e_leak + s.i) / total
        v = v_inf + (s.v - v_inf) * ops.exp(-p.step * total)
        return s._replace(v=v, m=m, h=inactivation, n=n, i=0.0)

    @staticmethod
    def receive(
        s: HodgkinHuxley.State, p: HodgkinHuxley.Coefficients, x: Current
    ) -> HodgkinHuxley.State:
        return s._replace(i=s.i + x.current)

    @staticmethod
    def fire(s: HodgkinHuxley.State, p: HodgkinHuxley.Coefficients) -> Array:
        return ops.where(s.above > 0, -1.0, (s.v - p.v_th) / p.scale)

    @staticmethod
    def jump(
        s: HodgkinHuxley.State, p: HodgkinHuxley.Coefficients, z: Array
    ) -> HodgkinHuxley.State:
        return s._replace(above=ops.where(s.v > p.v_th, s.above + ops.stop(z), 0.0))
