"""Astrocyte: calcium waves after Li and Rinzel, driven by IP3."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neuro.clock import Clock
from neuro.neurons._base import Current, Neuron, Value, parameter
from neuro.neurons._step import check_step, decay_error, smallest
from neuro.ops import Array

_COARSE = 0.87  # times the fastest rate: a step with an error of 1 %
_STABLE = 2.785  # times the fastest rate: the longest step of the Runge-Kutta method of order 4


def _constant(default: float, unit: str, meaning: str) -> Any:
    return parameter(default=default, unit=unit, meaning=meaning, above=0, learnable=False)


class Astrocyte(Neuron):
    """Calcium c, gate h of the IP3 receptor and IP3 i of a slow, graded cell that emits c.

        dc/dt = v1 (m n h)^3 (c0 - (1 + c1) c) + v2 (c0 - (1 + c1) c) - v3 c^2 / (k3^2 + c^2)
        dh/dt = a2 (d2 (i + d1) / (i + d3) (1 - h) - c h)
        di/dt = (i_rest - i) / tau_ip3,   i <- i + input
        m = i / (i + d1),   n = c / (c + d5)

    Concentrations are in micromolar; an input of 1 adds 1 micromolar of IP3. With the default
    parameters calcium oscillates between about 0.35 and 0.64 micromolar of IP3 and is steady
    outside. Integrator: the classical Runge-Kutta method of order 4, one step a tick. The cell
    starts at its steady state, found by bisection.

    Source: Li & Rinzel, Journal of Theoretical Biology 166 (1994), the reduction of De Young &
    Keizer (1992), which gives c0 to a2; IP3 after Nadkarni & Jung, Physical Review Letters 91
    (2003).

    Raises:
        InvalidValue: the tick is so long that the method is unstable at the fastest rate, that of
            the pump (0.46 s with the default parameters); from 1 % error in the decay at that rate
            on (0.15 s), a warning, `CoarseStep`, states it.
    """

    tau_ip3: Value = parameter(default=7.14, unit="s", meaning="decay time of IP3", above=0)
    i_rest: Value = _constant(0.16, "uM", "IP3 at rest")
    c0: Value = _constant(2.0, "uM", "free calcium per cytosolic volume")
    c1: Value = _constant(0.185, "1", "volume of the store over the cytosol")
    v1: Value = _constant(6.0, "Hz", "largest flux through the receptor")
    v2: Value = _constant(0.11, "Hz", "leak from the store")
    v3: Value = _constant(0.9, "uM/s", "largest uptake by the pump")
    k3: Value = _constant(0.1, "uM", "half activation of the pump")
    d1: Value = _constant(0.13, "uM", "dissociation of IP3")
    d2: Value = _constant(1.049, "uM", "dissociation of calcium, inhibition")
    d3: Value = _constant(0.9434, "uM", "dissociation of IP3, inhibited")
    d5: Value = _constant(0.08234, "uM", "dissociation of calcium, activation")
    a2: Value = _constant(0.2, "Hz/uM", "binding of inhibiting calcium")
    emits = "c"

    class State(NamedTuple):
        c: Array  # calcium in the cytosol
        h: Array  # share of receptors not inhibited
        i: Array  # IP3

    class Coefficients(NamedTuple):
        c0: Array
        volume: Array  # 1 + c1
        v1: Array  # rates are per tick from here on
        v2: Array
        v3: Array
        k3: Array
        d1: Array
        d2: Array
        d3: Array
        d5: Array
        a2: Array
        rate: Array  # of the decay of IP3
        i_rest: Array
        c_rest: Array
        h_rest: Array

    @staticmethod
    def derive(p: Any, clock: Clock) -> Astrocyte.Coefficients:
        dt = clock.dt
        # The steepest slope of the pump is at c = k3 / sqrt(3), and the leak adds to it.
        tau = 1 / -smallest(-(0.6495 * p.v3 / p.k3 + p.v2 * (1 + p.c1)))
        x = dt / tau
        kept = 1 - x + x**2 / 2 - x**3 / 6 + x**4 / 24
        check_step(
            "Astrocyte", clock, coarse=_COARSE * tau, limit=_STABLE * tau,
            error=f"decays over the shortest time constant ({tau:.2g} s) to be off by "
            f"{decay_error(kept, x):.1%}",
            why="Runge-Kutta steps are unstable there",
        )  # fmt: skip
        c_rest, h_rest = _steady(p)
        return Astrocyte.Coefficients(
            p.c0, 1 + p.c1, p.v1 * dt, p.v2 * dt, p.v3 * dt, p.k3, p.d1, p.d2, p.d3, p.d5,
            p.a2 * dt, dt / p.tau_ip3, p.i_rest, c_rest, h_rest,
        )  # fmt: skip

    @staticmethod
    def rest(p: Astrocyte.Coefficients) -> Astrocyte.State:
        return Astrocyte.State(c=p.c_rest, h=p.h_rest, i=p.i_rest)

    @staticmethod
    def flow(s: Astrocyte.State, p: Astrocyte.Coefficients, h: int) -> Astrocyte.State:
        for _ in range(h - 1):
            s = Astrocyte.flow(s, p, 1)
        dc1, dh1, di1 = Astrocyte.slope(s.c, s.h, s.i, p)
        dc2, dh2, di2 = Astrocyte.slope(s.c + dc1 / 2, s.h + dh1 / 2, s.i + di1 / 2, p)
        dc3, dh3, di3 = Astrocyte.slope(s.c + dc2 / 2, s.h + dh2 / 2, s.i + di2 / 2, p)
        dc4, dh4, di4 = Astrocyte.slope(s.c + dc3, s.h + dh3, s.i + di3, p)
        return Astrocyte.State(
            c=s.c + (dc1 + 2 * dc2 + 2 * dc3 + dc4) / 6,
            h=s.h + (dh1 + 2 * dh2 + 2 * dh3 + dh4) / 6,
            i=s.i + (di1 + 2 * di2 + 2 * di3 + di4) / 6,
        )

    @staticmethod
    def slope(c: Array, h: Array, i: Array, p: Any) -> tuple[Array, Array, Array]:
        """Change of c, h and i in one tick; the equations of the class, with p as derived."""
        share = i / (i + p.d1) * (c / (c + p.d5)) * h
        gradient = p.c0 - p.volume * c
        pump = p.v3 * (c * c) / (p.k3 * p.k3 + c * c)
        q2 = p.d2 * (i + p.d1) / (i + p.d3)
        dc = (p.v1 * (share * share * share) + p.v2) * gradient - pump
        return dc, p.a2 * (q2 * (1 - h) - c * h), p.rate * (p.i_rest - i)

    @staticmethod
    def receive(s: Astrocyte.State, p: Astrocyte.Coefficients, x: Current) -> Astrocyte.State:
        return s._replace(i=s.i + x.current)


def _steady(p: Any) -> tuple[Value, Value]:
    """Calcium and gate at rest. The net flux is positive at c = 0 and negative at equal levels."""
    low, high = np.zeros(()), np.asarray(p.c0 / (1 + p.c1))
    q2 = p.d2 * (p.i_rest + p.d1) / (p.i_rest + p.d3)
    for _ in range(80):
        c = (low + high) / 2
        h = q2 / (q2 + c)
        share = p.i_rest / (p.i_rest + p.d1) * c / (c + p.d5) * h
        inflow = (p.v1 * share**3 + p.v2) * (p.c0 - (1 + p.c1) * c)
        rising = inflow > p.v3 * c**2 / (p.k3**2 + c**2)
        low, high = np.where(rising, c, low), np.where(rising, high, c)
    c = (low + high) / 2
    h = q2 / (q2 + c)
    return (float(c), float(h)) if c.ndim == 0 else (c, h)
