"""Izhikevich's simple model of spiking neurons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from neuro import ops
from neuro.clock import Clock
from neuro.neurons._base import Current, Neuron, Value, option, parameter
from neuro.neurons._preset import Presets
from neuro.neurons._step import check_step
from neuro.ops import Array
from neuro.units import ms


def _abcd(a: float, b: float, c: float, d: float, **more: float) -> dict[str, float]:
    return {"a": a, "b": b, "c": c, "d": d, **more}


_CLASS_1 = {"linear": 4.1, "constant": 108.0}


class Izhikevich(Presets, Neuron):
    """Quadratic membrane v with a recovery variable u; many firing patterns from four numbers.

        dv/dt = 0.04 v^2 + linear v + constant - u + i        (per ms; linear 5, constant 140)
        du/dt = a (b v - u)                                   (per ms)
        spike when v > v_peak,   then v <- c,  u <- u + d

    Units are those of the paper, v in mV and time in ms, because its coefficients are fitted
    numbers (0.04 is 0.04 / mV / ms) that nobody would know in SI. The clock is in seconds as
    everywhere. The input i is in mV/ms and flows from its tick to the next.

    Integrator: integrator="halved" is the published program, two half steps of Euler for v, then
    a full step for u with the new v; at Clock(1 * ms) it repeats the paper. "euler" takes one step
    for v, and at Clock(0.25 * ms) repeats the program of the 2004 paper. ERROR The
    distance above threshold is (v - v_peak) / scale, for surrogates of a width near 1.

    Presets: Izhikevich.preset("RS", 100). Upper-case names are the seven of the 2003 paper (figure
    2), the others 19 of the 20 of the 2004 paper (figure 1; accommodation has another
    equation for u). `currents` has the input with which a preset is shown, where that is a step.

    Source: Izhikevich, IEEE Transactions on Neural Networks 14 (2003), eqs. 1 to 3; 15 (2004),
    figure 1 and its program.
    """

    a: Value = parameter(default=0.02, unit="1/ms", meaning="rate of the recovery")
    b: Value = parameter(default=0.2, unit="1/ms", meaning="sensitivity of the recovery to v")
    c: Value = parameter(default=-65.0, unit="mV", meaning="v after a spike")
    d: Value = parameter(default=8.0, unit="mV/ms", meaning="rise of u per spike")
    linear: Value = parameter(default=5.0, unit="1/ms", meaning="coefficient of v")
    constant: Value = parameter(default=140.0, unit="mV/ms", meaning="constant drive")
    v_peak: Value = parameter(default=30.0, unit="mV", meaning="where the spike is cut off")
    scale: Value = parameter(
        default=10.0, unit="mV", meaning="unit of the distance", above=0, learnable=False
    )
    integrator: str = option(
        default="halved", choices=("halved", "euler"), meaning="two half steps for v, or one step"
    )

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "RS": _abcd(0.02, 0.2, -65, 8),  # regular spiking
        "IB": _abcd(0.02, 0.2, -55, 4),  # intrinsically bursting
        "CH": _abcd(0.02, 0.2, -50, 2),  # chattering
        "FS": _abcd(0.1, 0.2, -65, 2),  # fast spiking
        "TC": _abcd(0.02, 0.25, -65, 0.05),  # thalamo-cortical
        "RZ": _abcd(0.1, 0.26, -65, 2),  # resonator
        "LTS": _abcd(0.02, 0.25, -65, 2),  # low-threshold spiking
        "tonic spiking": _abcd(0.02, 0.2, -65, 6),
        "phasic spiking": _abcd(0.02, 0.25, -65, 6),
        "tonic bursting": _abcd(0.02, 0.2, -50, 2),
        "phasic bursting": _abcd(0.02, 0.25, -55, 0.05),
        "mixed mode": _abcd(0.02, 0.2, -55, 4),
        "spike frequency adaptation": _abcd(0.01, 0.2, -65, 8),
        "class 1": _abcd(0.02, -0.1, -55, 6, **_CLASS_1),
        "class 2": _abcd(0.2, 0.26, -65, 0),
        "spike latency": _abcd(0.02, 0.2, -65, 6),
        "subthreshold oscillations": _abcd(0.05, 0.26, -60, 0),
        "resonator": _abcd(0.1, 0.26, -60, -1),
        "integrator": _abcd(0.02, -0.1, -55, 6, **_CLASS_1),
        "rebound spike": _abcd(0.03, 0.25, -60, 4),
        "rebound burst": _abcd(0.03, 0.25, -52, 0),
        "threshold variability": _abcd(0.03, 0.25, -60, 4),
        "bistability": _abcd(0.1, 0.26, -60, 0),
        "depolarizing after-potential": _abcd(1, 0.2, -60, -21),
        "inhibition-induced spiking": _abcd(-0.02, -1, -60, 8),
        "inhibition-induced bursting": _abcd(-0.026, -1, -45, -2),
    }
    currents: ClassVar[Mapping[str, float]] = {
        "RS": 10, "IB": 10, "CH": 10, "FS": 10, "LTS": 10, "tonic spiking": 14,
        "phasic spiking": 0.5, "tonic bursting": 15, "phasic bursting": 0.6, "mixed mode": 10,
        "spike frequency adaptation": 30,
    }  # fmt: skip

    class State(NamedTuple):
        v: Array  # membrane potential, mV
        u: Array  # recovery, mV/ms
        i: Array  # input until the next tick

    class Coefficients(NamedTuple):
        step: Array  # of v, in ms
        rate: Array  # a times the tick in ms
        b: Array
        c: Array
        d: Array
        linear: Array
        constant: Array
        v_peak: Array
        scale: Array
        v_rest: Array
        integrator: str

    @staticmethod
    def derive(p: Any, clock: Clock) -> Izhikevich.Coefficients:
        halves = 2 if p.integrator == "halved" else 1
        check_step(
            "Izhikevich", clock, coarse=0.5 * halves * ms, limit=halves * ms, error="ERR",
            why="steps of v above 1 ms are unstable below -87 mV",
        )  # fmt: skip
        dt = clock.dt / ms
        slope = p.linear - p.b  # of v's nullcline less u's, at v = 0
        inside = slope * slope - 0.16 * p.constant
        root = ops.sqrt(ops.where(inside > 0, inside, 1.0))
        # Without a resting point, -65 mV, where the published programs start.
        v_rest = ops.where(inside > 0, (-slope - root) / 0.08, -65.0)
        return Izhikevich.Coefficients(
            dt / halves, p.a * dt, p.b, p.c, p.d, p.linear, p.constant, p.v_peak, p.scale,
            v_rest, p.integrator,
        )  # fmt: skip

    @staticmethod
    def rest(p: Izhikevich.Coefficients) -> Izhikevich.State:
        return Izhikevich.State(v=p.v_rest, u=p.b * p.v_rest, i=0.0)

    @staticmethod
    def flow(s: Izhikevich.State, p: Izhikevich.Coefficients, h: int) -> Izhikevich.State:
        for _ in range(h - 1):
            s = Izhikevich.flow(s, p, 1)
        drive = p.constant - s.u + s.i
        v = s.v + p.step * ((0.04 * s.v + p.linear) * s.v + drive)
        if p.integrator == "halved":
            v = v + p.step * ((0.04 * v + p.linear) * v + drive)
        return Izhikevich.State(v=v, u=s.u + p.rate * (p.b * v - s.u), i=0.0)

    @staticmethod
    def receive(s: Izhikevich.State, p: Izhikevich.Coefficients, x: Current) -> Izhikevich.State:
        return s._replace(i=s.i + x.current)

    @staticmethod
    def fire(s: Izhikevich.State, p: Izhikevich.Coefficients) -> Array:
        return (s.v - p.v_peak) / p.scale

    @staticmethod
    def jump(s: Izhikevich.State, p: Izhikevich.Coefficients, z: Array) -> Izhikevich.State:
        return s._replace(v=ops.where(z > 0, p.c, s.v), u=s.u + p.d * ops.stop(z))
