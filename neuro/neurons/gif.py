"""Generalised integrate-and-fire with currents and a threshold that adapt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from neuro import ops
from neuro.clock import Clock
from neuro.neurons._base import Current, Neuron, Value, parameter
from neuro.neurons._phi import carried, phi
from neuro.neurons._preset import Presets
from neuro.neurons._step import check_step, smallest
from neuro.ops import Array
from neuro.units import Hz, ms

_BURST = {"a": 5.0, "a_fast": 10.0, "a_slow": -0.6}


class GIF(Presets, Neuron):
    """Two currents that a spike starts, fast and slow, and a threshold that follows v.

        dv/dt = (v_leak - v) / tau_mem + i_fast + i_slow + i
        di_fast/dt = -i_fast / tau_fast,   di_slow/dt = -i_slow / tau_slow
        dtheta/dt = a (v - v_leak) - b (theta - theta_inf),   spike when v > theta
        at a spike: v <- v_reset,   theta <- max(theta, theta_reset),
        i_fast <- r_fast i_fast + a_fast,   i_slow <- r_slow i_slow + a_slow

    All currents are per capacitance, in V/s; the input flows from its tick to the next.
    Integrator: exact in v and the currents, and of second order in theta, which sees v as a straight
    line within a tick. ERROR The distance above threshold is
    (v - theta) / scale, for surrogates of a width near 1.

    Presets: GIF.preset("tonic bursting", 10), from table 1 of the paper; `currents` has the input
    in V/s with which its figure 1 shows them, where that is a step.

    Source: Mihalas & Niebur, Neural Computation 21 (2009), eqs. 2.1 and 2.2, whose k_1, k_2, R, A, G
    / C are here 1 / tau_fast, 1 / tau_slow, r, a, 1 / tau_mem.
    """

    tau_mem: Value = parameter(default=20 * ms, unit="s", meaning="membrane time constant", above=0)
    tau_fast: Value = parameter(default=5 * ms, unit="s", meaning="decay of i_fast", above=0)
    tau_slow: Value = parameter(default=50 * ms, unit="s", meaning="decay of i_slow", above=0)
    a: Value = parameter(default=0.0, unit="Hz", meaning="pull of v on the threshold")
    b: Value = parameter(default=10 * Hz, unit="Hz", meaning="decay of the threshold", above=0)
    a_fast: Value = parameter(default=0.0, unit="V/s", meaning="rise of i_fast per spike")
    a_slow: Value = parameter(default=0.0, unit="V/s", meaning="rise of i_slow per spike")
    r_fast: Value = parameter(default=0.0, unit="1", meaning="share of i_fast kept at a spike")
    r_slow: Value = parameter(default=1.0, unit="1", meaning="share of i_slow kept at a spike")
    v_leak: Value = parameter(default=-70e-3, unit="V", meaning="resting potential")
    v_reset: Value = parameter(default=-70e-3, unit="V", meaning="potential after a spike")
    theta_inf: Value = parameter(default=-50e-3, unit="V", meaning="threshold at rest")
    theta_reset: Value = parameter(default=-60e-3, unit="V", meaning="least threshold after a spike")
    scale: Value = parameter(
        default=10e-3, unit="V", meaning="unit of the distance", above=0, learnable=False
    )

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "tonic spiking": {"a": 0.0},
        "spike frequency adaptation": {"a": 5.0},
        "phasic spiking": {"a": 5.0},
        "rebound spike": {"a": 5.0},
        "hyperpolarization-induced spiking": {"a": 30.0},
        "hyperpolarization-induced bursting": {"a": 30.0, "a_fast": 10.0, "a_slow": -0.6},
        "tonic bursting": _BURST,
        "phasic bursting": _BURST,
        "rebound burst": _BURST,
        "mixed mode": {"a": 5.0, "a_fast": 5.0, "a_slow": -0.3},
        "afterpotentials": {"a": 5.0, "a_fast": 5.0, "a_slow": -0.3},
        "basal bistability": {"a": 0.0, "a_fast": 8.0, "a_slow": -0.1},
        "preferred frequency": {"a": 5.0, "a_fast": -3.0, "a_slow": 0.5},
        "spike latency": {"a": -80.0},
    }
    currents: ClassVar[Mapping[str, float]] = {
        "tonic spiking": 1.5, "spike frequency adaptation": 2.0, "phasic spiking": 1.5,
        "hyperpolarization-induced spiking": -1.0, "hyperpolarization-induced bursting": -1.0,
        "tonic bursting": 2.0, "phasic bursting": 1.5, "mixed mode": 2.0,
    }  # fmt: skip

    class State(NamedTuple):
        v: Array  # membrane potential
        theta: Array  # threshold
        i_fast: Array  # currents that spikes start
        i_slow: Array
        i: Array  # input until the next tick

    class Coefficients(NamedTuple):
        alpha: Array  # decay of v in one tick
        rho: Array  # decay of theta
        keep_fast: Array  # decay of the currents
        keep_slow: Array
        to_v_fast: Array  # seconds; what a current of 1 V/s adds to v in one tick
        to_v_slow: Array
        to_v: Array
        to_theta: Array  # what v - v_leak adds to theta in one tick
        a_fast: Array
        a_slow: Array
        r_fast: Array
        r_slow: Array
        v_leak: Array
        v_reset: Array
        theta_inf: Array
        theta_reset: Array
        scale: Array

    @staticmethod
    def derive(p: Any, clock: Clock) -> GIF.Coefficients:
        dt = clock.dt
        check_step("GIF", clock, coarse=0.2 * smallest(p.tau_mem), error="ERR")
        return GIF.Coefficients(
            ops.exp(-dt / p.tau_mem), ops.exp(-dt * p.b),
            ops.exp(-dt / p.tau_fast), ops.exp(-dt / p.tau_slow),
            p.tau_mem * carried(dt, p.tau_mem, p.tau_fast),
            p.tau_mem * carried(dt, p.tau_mem, p.tau_slow),
            dt * phi(-dt / p.tau_mem), p.a * dt * phi(-dt * p.b),
            p.a_fast, p.a_slow, p.r_fast, p.r_slow, p.v_leak, p.v_reset,
            p.theta_inf, p.theta_reset, p.scale,
        )  # fmt: skip

    @staticmethod
    def rest(p: GIF.Coefficients) -> GIF.State:
        return GIF.State(v=p.v_leak, theta=p.theta_inf, i_fast=0.0, i_slow=0.0, i=0.0)

    @staticmethod
    def flow(s: GIF.State, p: GIF.Coefficients, h: int) -> GIF.State:
        for _ in range(h - 1):
            s = GIF.flow(s, p, 1)
        gained = p.to_v_fast * s.i_fast + p.to_v_slow * s.i_slow + p.to_v * s.i
        v = p.v_leak + (s.v - p.v_leak) * p.alpha + gained
        pull = p.to_theta * ((s.v + v) / 2 - p.v_leak)
        theta = p.theta_inf + (s.theta - p.theta_inf) * p.rho + pull
        return GIF.State(
            v=v, theta=theta, i_fast=p.keep_fast * s.i_fast, i_slow=p.keep_slow * s.i_slow, i=0.0
        )

    @staticmethod
    def receive(s: GIF.State, p: GIF.Coefficients, x: Current) -> GIF.State:
        return s._replace(i=s.i + x.current)

    @staticmethod
    def fire(s: GIF.State, p: GIF.Coefficients) -> Array:
        return (s.v - s.theta) / p.scale

    @staticmethod
    def jump(s: GIF.State, p: GIF.Coefficients, z: Array) -> GIF.State:
        return s._replace(
            v=ops.where(z > 0, p.v_reset, s.v),
            theta=ops.where(z > 0, ops.maximum(s.theta, p.theta_reset), s.theta),
            i_fast=ops.where(z > 0, p.r_fast * s.i_fast + p.a_fast, s.i_fast),
            i_slow=ops.where(z > 0, p.r_slow * s.i_slow + p.a_slow, s.i_slow),
        )
