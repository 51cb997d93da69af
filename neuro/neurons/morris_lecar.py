"""Morris-Lecar: the smallest model with ion channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from neuro import ops
from neuro.clock import Clock
from neuro.neurons._base import Current, Neuron, Value, parameter
from neuro.neurons._phi import phi
from neuro.neurons._step import check_step, smallest
from neuro.ops import Array

_SADDLE = {"g_ca": 4.0, "v_3": 12.0, "v_4": 17.4}  # shared by both saddle-node presets


class MorrisLecar(Neuron):
    """The barnacle muscle fibre: calcium that follows v at once, slow potassium w and a leak.

        C dv/dt = g_ca m (e_ca - v) + g_k w (e_k - v) + g_leak (e_leak - v) + I
        dw/dt = rate cosh((v - v_3) / (2 v_4)) (w_inf - w)
        m = (1 + tanh((v - v_1) / v_2)) / 2,   w_inf = (1 + tanh((v - v_3) / v_4)) / 2

    Per cm^2 of membrane, in the paper's units: mV, ms, uF, mS, uA; the input of a tick is the
    current density I. Integrator: exponential Euler, w first, then v with the new w; the step of v
    is written as net current times phi, so no large terms cancel in float32. A spike is an upward
    crossing of v_th.

    Presets: MorrisLecar.preset("snic", 10) starts firing at any low rate (type I), "hopf" (the
    default) at about 8 Hz (type II), "homoclinic" is bistable.

    Source: Morris & Lecar, Biophysical Journal 35 (1981), eqs. 9; parameters of Rinzel &
    Ermentrout, in Koch & Segev, Methods in Neuronal Modeling (1998), table 7.1.

    Raises:
        InvalidValue: the tick is longer than a tenth of C / g_leak (1 ms by default), above which
            fast firing stops; above half of that a warning, `CoarseStep`, states the error.
    """

    capacitance: Value = parameter(default=20.0, unit="uF", meaning="membrane, per cm^2", above=0)
    g_ca: Value = parameter(default=4.4, unit="mS", meaning="calcium, per cm^2", at_least=0)
    g_k: Value = parameter(default=8.0, unit="mS", meaning="potassium, per cm^2", at_least=0)
    g_leak: Value = parameter(default=2.0, unit="mS", meaning="leak, per cm^2", above=0)
    e_ca: Value = parameter(default=120.0, unit="mV", meaning="calcium reversal potential")
    e_k: Value = parameter(default=-84.0, unit="mV", meaning="potassium reversal potential")
    e_leak: Value = parameter(default=-60.0, unit="mV", meaning="leak reversal potential")
    v_1: Value = parameter(default=-1.2, unit="mV", meaning="half activation of calcium")
    v_2: Value = parameter(default=18.0, unit="mV", meaning="width of that activation", above=0)
    v_3: Value = parameter(default=2.0, unit="mV", meaning="half activation of potassium")
    v_4: Value = parameter(default=30.0, unit="mV", meaning="width of that activation", above=0)
    rate: Value = parameter(default=0.04, unit="kHz", meaning="of potassium", above=0)
    v_th: Value = parameter(default=0.0, unit="mV", meaning="level whose crossing is a spike")

    presets: ClassVar[Mapping[str, Mapping[str, float]]] = {
        "hopf": {},
        "snic": {**_SADDLE, "rate": 0.067},
        "homoclinic": {**_SADDLE, "rate": 0.23},
    }

    class State(NamedTuple):
        v: Array  # membrane potential, mV
        w: Array  # potassium activation
        above: Array  # 1 while v is above v_th

    class Coefficients(NamedTuple):
        opening: Array  # rate times the tick
        step: Array  # ms per uF
        g_ca: Array
        g_k: Array
        g_leak: Array
        e_ca: Array
        e_k: Array
        e_leak: Array
        v_1: Array
        calcium: Array  # 2 / v_2
        v_3: Array
        potassium: Array  # 2 / v_4
        v_th: Array
        v_start: Array

    @staticmethod
    def derive(p: Any, clock: Clock) -> MorrisLecar.Coefficients:
        step = clock.dt * 1e3
        tau = smallest(p.capacitance / p.g_leak) * 1e-3
        check_step(
            "MorrisLecar", clock, coarse=0.05 * tau, limit=0.1 * tau,
            error=f"the interval between spikes to be about {0.78 * clock.dt / tau:.1%} too long",
            why="fast firing is lost there",
        )  # fmt: skip
        v = 1.0 * p.e_leak
        for _ in range(200):
            ca = p.g_ca * ops.sigmoid(2 * (v - p.v_1) / p.v_2)
            k = p.g_k * ops.sigmoid(2 * (v - p.v_3) / p.v_4)
            goal = (ca * p.e_ca + k * p.e_k + p.g_leak * p.e_leak) / (ca + k + p.g_leak)
            v = v + 0.2 * (goal - v)
        return MorrisLecar.Coefficients(
            step * p.rate, step / p.capacitance, p.g_ca, p.g_k, p.g_leak, p.e_ca, p.e_k, p.e_leak,
            p.v_1, 2 / p.v_2, p.v_3, 2 / p.v_4, p.v_th, v,
        )  # fmt: skip

    @staticmethod
    def rest(p: MorrisLecar.Coefficients) -> MorrisLecar.State:
        w = ops.sigmoid((p.v_start - p.v_3) * p.potassium)
        return MorrisLecar.State(v=p.v_start, w=w, above=0.0)

    @staticmethod
    def flow(s: MorrisLecar.State, p: MorrisLecar.Coefficients, h: int) -> MorrisLecar.State:
        return s

    @staticmethod
    def receive(s: MorrisLecar.State, p: MorrisLecar.Coefficients, x: Current) -> MorrisLecar.State:
        u = (s.v - p.v_3) * p.potassium
        half = ops.exp(0.25 * u)
        speed = p.opening * (0.5 * (half + 1.0 / half))  # cosh
        w = s.w + (ops.sigmoid(u) - s.w) * (speed * phi(-speed))
        ca = p.g_ca * ops.sigmoid((s.v - p.v_1) * p.calcium)
        k = p.g_k * w
        net = ca * (p.e_ca - s.v) + k * (p.e_k - s.v) + p.g_leak * (p.e_leak - s.v) + x.current
        v = s.v + p.step * net * phi(-(p.step * (ca + k + p.g_leak)))
        return MorrisLecar.State(v=v, w=w, above=s.above)

    @staticmethod
    def fire(s: MorrisLecar.State, p: MorrisLecar.Coefficients) -> Array:
        distance = (s.v - p.v_th) * 0.02  # 50 mV is about one unit of other models
        return ops.where(s.above > 0, -1.0 - abs(distance), distance)

    @staticmethod
    def jump(s: MorrisLecar.State, p: MorrisLecar.Coefficients, z: Array) -> MorrisLecar.State:
        return s._replace(above=ops.where(s.v > p.v_th, 1.0, 0.0 * ops.stop(s.v)))
