"""Hodgkin-Huxley: a stiff model with ion channels."""

from __future__ import annotations

from typing import Any, NamedTuple

from neuro import ops
from neuro.clock import Clock
from neuro.neurons._base import Current, Neuron, Value, parameter
from neuro.neurons._step import check_step
from neuro.ops import Array
from neuro.units import ms


class HodgkinHuxley(Neuron):
    """The squid axon, with the resting potential at -65 mV.

        C dv/dt = g_na m^3 h (e_na - v) + g_k n^4 (e_k - v) + g_leak (e_leak - v) + I
        dx/dt = alpha_x(v) (1 - x) - beta_x(v) x   for the gates x = m, h, n

    Per cm^2 of membrane, in the paper's units: mV, ms, uF, mS, uA; the input of a tick is the
    current density I. Integrator: exponential Euler (Rush-Larsen) for the gates and, with the new
    gates, for v. A spike is an upward crossing of v_th.

    Source: Hodgkin and Huxley, J. Physiol. 117 (1952), eqs. 3, 12, 13, 20, 21, 23, 24 and table 3,
    potentials in the modern sign.

    Raises:
        InvalidValue: the tick is longer than 0.5 ms, above which spikes are lost; above 0.1 ms a
            warning, `CoarseStep`, states the error.
    """

    capacitance: Value = parameter(default=1.0, unit="uF", meaning="membrane, per cm^2", above=0)
    g_na: Value = parameter(default=120.0, unit="mS", meaning="sodium, per cm^2", at_least=0)
    g_k: Value = parameter(default=36.0, unit="mS", meaning="potassium, per cm^2", at_least=0)
    g_leak: Value = parameter(default=0.3, unit="mS", meaning="leak, per cm^2", above=0)
    e_na: Value = parameter(default=50.0, unit="mV", meaning="sodium reversal potential")
    e_k: Value = parameter(default=-77.0, unit="mV", meaning="potassium reversal potential")
    e_leak: Value = parameter(default=-54.387, unit="mV", meaning="leak reversal potential")
    v_th: Value = parameter(default=0.0, unit="mV", meaning="level whose crossing is a spike")

    class State(NamedTuple):
        v: Array  # membrane potential, mV
        m: Array  # sodium activation
        h: Array  # sodium inactivation
        n: Array  # potassium activation
        above: Array  # 1 while v is above v_th

    class Coefficients(NamedTuple):
        step: float  # ms in a tick
        capacitance: Array
        g_na: Array
        g_k: Array
        g_leak: Array
        e_na: Array
        e_k: Array
        e_leak: Array
        v_th: Array
        v_start: Array

    @staticmethod
    def derive(p: Any, clock: Clock) -> HodgkinHuxley.Coefficients:
        step = clock.dt * 1e3
        # The method is of first order, but over a period its errors nearly cancel to the second:
        # 0.5 % at 0.1 ms, 2 % at 0.2 ms, 4 % at 0.3 ms, for 7 to 40 uA.
        check_step(
            "HodgkinHuxley", clock, coarse=0.1 * ms, limit=0.5 * ms,
            error=f"the interval between spikes to be about {0.5 * step**2:.1%} too long",
            why="spikes last about 1 ms and are lost there",
        )  # fmt: skip
        v = -65.0 + 0.0 * p.e_leak
        for _ in range(200):  # Newton's method would need the slope of the gates; this needs none
            m, h, n = (a / (a + b) for a, b in _rates(v))
            na, k = p.g_na * m**3 * h, p.g_k * (n * n) * (n * n)
            goal = (na * p.e_na + k * p.e_k + p.g_leak * p.e_leak) / (na + k + p.g_leak)
            v = v + 0.2 * (goal - v)
        return HodgkinHuxley.Coefficients(
            step, p.capacitance, p.g_na, p.g_k, p.g_leak, p.e_na, p.e_k, p.e_leak, p.v_th, v
        )

    @staticmethod
    def rest(p: HodgkinHuxley.Coefficients) -> HodgkinHuxley.State:
        m, h, n = (a / (a + b) for a, b in _rates(p.v_start))
        return HodgkinHuxley.State(v=p.v_start, m=m, h=h, n=n, above=0.0)

    @staticmethod
    def flow(s: HodgkinHuxley.State, p: HodgkinHuxley.Coefficients, h: int) -> HodgkinHuxley.State:
        return s

    @staticmethod
    def receive(
        s: HodgkinHuxley.State, p: HodgkinHuxley.Coefficients, x: Current
    ) -> HodgkinHuxley.State:
        m, h, n = (
            _relaxed(gate, a, b, p.step)
            for gate, (a, b) in zip((s.m, s.h, s.n), _rates(s.v), strict=True)
        )
        na, k = p.g_na * (m * m * m * h), p.g_k * ((n * n) * (n * n))
        total = na + k + p.g_leak
        goal = (na * p.e_na + k * p.e_k + p.g_leak * p.e_leak + x.current) / total
        v = goal + (s.v - goal) * ops.exp(-(total / p.capacitance * p.step))
        return HodgkinHuxley.State(v=v, m=m, h=h, n=n, above=s.above)

    @staticmethod
    def fire(s: HodgkinHuxley.State, p: HodgkinHuxley.Coefficients) -> Array:
        distance = (s.v - p.v_th) * 0.02  # 50 mV is about one unit of other models
        return ops.where(s.above > 0, -1.0 - abs(distance), distance)

    @staticmethod
    def jump(
        s: HodgkinHuxley.State, p: HodgkinHuxley.Coefficients, z: Array
    ) -> HodgkinHuxley.State:
        return s._replace(above=ops.where(s.v > p.v_th, 1.0, 0.0 * ops.stop(s.v)))


def _rates(v: Array) -> tuple[tuple[Array, Array], ...]:
    """Opening and closing rates of m, h and n at v, per ms."""
    return (
        (_ramp(v + 40.0, 0.1, 10.0), 4.0 * ops.exp((v + 65.0) * (-1.0 / 18.0))),
        (0.07 * ops.exp((v + 65.0) * -0.05), ops.sigmoid((v + 35.0) * 0.1)),
        (_ramp(v + 55.0, 0.01, 10.0), 0.125 * ops.exp((v + 65.0) * -0.0125)),
    )


def _ramp(x: Array, slope: float, width: float) -> Array:
    """slope x / (1 - exp(-x / width)), by its series where both go to zero."""
    small = abs(x) < 1e-3
    safe = ops.where(small, 1.0, x)
    exact = safe / (1.0 - ops.exp(safe * (-1.0 / width)))
    return slope * ops.where(small, width + 0.5 * x, exact)


def _relaxed(gate: Array, a: Array, b: Array, step: float) -> Array:
    goal = a / (a + b)
    return goal + (gate - goal) * ops.exp((a + b) * -step)
